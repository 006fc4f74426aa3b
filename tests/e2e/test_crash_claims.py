"""A claim outlives the process that made it, and falls back when nobody keeps it alive."""

from pathlib import Path

from aiohttp import ClientSession

from tests.support.person import Person
from tests.support.process import ServiceProcess
from tests.support.staffer import Staffer
from tests.support.waiting import eventually

CLAIM_SECONDS = 25
"""Longer than a slow machine takes to start the service again, and shorter than usual."""


async def test_a_claim_survives_a_kill_and_falls_back_when_the_operator_is_silent(
    tmp_path: Path,
) -> None:
    service = ServiceProcess(tmp_path, {"FIRSTPOINT_CLAIM_SECONDS": str(CLAIM_SECONDS)})
    await service.start()
    console = f"http://127.0.0.1:{service.console_port}"
    anna = Staffer.new(console)
    try:
        await eventually(lambda: _first_link(service), "the link is printed", 60)
        await anna.sets_up(str(await _first_link(service)), name="anna")
        body = {"csrf": anna.csrf, "do": "roles", "name": "anna"}
        roles = [*body.items(), ("role", "admin"), ("role", "operator")]
        async with anna.session.post(f"{console}/accounts", data=roles) as answer:
            assert answer.status == 200
        async with ClientSession() as session:
            person = Person(session, service.url)
            await person.opens()
            await person.wants("human")
            await person.presses("fresh")
            await anna.opens("/queue")
            await anna.sends("/claim")
            await anna.says("before the kill")

            service.kill_database()
            await service.kill()
            await service.start()

            # Everything is there still: the sign-in, the claim, the words.
            await anna.opens(anna.path)
            assert anna.status == 200
            assert anna.log[-1] == ("operator", "before the kill")
            await anna.says("after the kill")
            assert anna.status == 200
            await person.looks()
            assert person.view["owner"] == "operator"
            assert person.heard() == [
                "interface.takeover",
                "before the kill",
                "after the kill",
            ]

            async def fallen_back() -> bool:
                await person.looks()
                return bool(person.view["owner"] == "waiting")

            await eventually(fallen_back, "the claim has ended", 4 * CLAIM_SECONDS)
            told = {line.get("key") for message in person.messages for line in message["lines"]}
            assert "interface.operator_silent" in told
            await anna.says("too late")
            assert anna.status == 409
            assert "too late" in anna.page
    finally:
        await anna.session.close()
        await service.stop()


async def _first_link(service: ServiceProcess) -> str | None:
    """The link for the first administrator, once it stands in the terminal."""
    _, found, rest = service.log.read_text().partition("/set-up/")
    return f"/set-up/{rest.split()[0]}" if found and rest.split() else None
