"""Folders that make trouble: the chat goes on, and what waits for them arrives, once."""

import asyncio
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bot.adapters.sealing import read_or_make_key
from bot.referral_command import DEMO, make_demo_receiver
from handoff.referral.envelope import Signer, unseal
from handoff.referral.schema import read_document
from tests.integration.test_referral import waits_for_a_human
from tests.integration.test_referral_pages import FORM
from tests.support.person import Person
from tests.support.process import ROOT, ServiceProcess
from tests.support.staffer import Staffer
from tests.support.waiting import eventually

HANGS = "cannot be written into the folder for receivers"
UNREADABLE = "zz.yaml: it cannot be read"


@dataclass
class Town:
    """A service as a process, a person who agreed to a referral, and the operator."""

    service: ServiceProcess
    person: Person
    operator: Staffer
    folder: Path

    @property
    def drop(self) -> Path:
        return self.folder / "drop"

    @property
    def receivers(self) -> Path:
        return self.folder / "receivers"

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in (self.drop / DEMO).iterdir())

    def kind_of(self, name: str) -> str:
        key = b64decode((self.receivers / f"{DEMO}.key").read_bytes())
        mark = read_or_make_key(self.folder / "installation.key").mark
        sender = Signer.from_seed(mark("referral")).public_key
        envelope = (self.drop / DEMO / name).read_bytes()
        private = X25519PrivateKey.from_private_bytes(key)
        return read_document(unseal(envelope, private, sender)).message_type

    def drop_goes_away(self) -> None:
        """As when a disk is not mounted, or belongs to another account."""
        self.drop.rename(self.folder / "elsewhere")
        self.drop.write_text("no folder")

    def drop_comes_back(self) -> None:
        self.drop.unlink()
        (self.folder / "elsewhere").rename(self.drop)

    async def doctor_says(self) -> str:
        """What `firstpoint doctor` finds wrong."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "bot", "doctor"],
            cwd=ROOT,
            env=self.service.environment,
            capture_output=True,
            check=False,
        )
        lines = done.stdout.decode().splitlines()
        return "\n".join(line for line in lines if line.startswith("BAD"))

    async def finds(self, sentence: str, *, still: bool = True) -> None:
        """Waits until the doctor says it, or does not say it any more."""

        async def said() -> bool:
            return (sentence in await self.doctor_says()) is still

        await eventually(said, f"the doctor's {sentence!r} is {still}", 60)

    async def told(self, key: str) -> int:
        """How often the person was told something."""
        await self.person.looks()
        lines = [line for message in self.person.messages for line in message["lines"]]
        return sum(line.get("key") == key for line in lines)

    async def chat_answers(self) -> None:
        assert self.service.process is not None
        assert self.service.process.returncode is None, self.service.log.read_text()
        other = Person(self.person.session, self.person.url)
        await other.opens()
        assert other.asked


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    (tmp_path / "drop").mkdir()
    service = ServiceProcess(
        tmp_path,
        {
            "FIRSTPOINT_RECEIVERS": str(tmp_path / "receivers"),
            "FIRSTPOINT_DROP": str(tmp_path / "drop"),
        },
    )
    await service.start()
    operator = Staffer.new(f"http://127.0.0.1:{service.console_port}")
    try:
        await operator.sets_up(await service.first_link(), name="olga")
        body = {"csrf": operator.csrf, "do": "roles", "name": "olga"}
        roles = [*body.items(), ("role", "admin"), ("role", "operator")]
        async with operator.session.post(f"{operator.url}/accounts", data=roles) as answer:
            assert answer.status == 200
        async with ClientSession() as session:
            person = Person(session, service.url)
            await waits_for_a_human(person)
            await operator.opens("/queue")
            await operator.sends("/claim")
            await operator.opens(f"{operator.path}/referrals")
            fresh = operator.hidden("referral")
            await operator.sends(operator.path, referral=fresh, receiver=DEMO)
            await operator.sends(operator.path, do="ask_referral", **FORM)
            await person.looks()
            await person.presses("agree")
            yield Town(service, person, operator, tmp_path)
    finally:
        await operator.session.close()
        await service.stop()


async def test_what_is_sent_while_the_folders_make_trouble_arrives_when_they_are_back(
    town: Town,
) -> None:
    town.drop_goes_away()
    (town.receivers / "zz.yaml").mkdir()
    (town.receivers / "gone.yaml").symlink_to("nowhere")
    await town.operator.sends(town.operator.path, do="send", **FORM)
    assert town.operator.status == 200
    assert "cannot be used now" in town.operator.text
    await town.finds(HANGS)
    await town.finds(UNREADABLE)
    await town.chat_answers()

    await town.service.kill()
    await town.service.start()
    await town.finds(HANGS)
    await town.chat_answers()
    assert await town.told("referral.sent") == 0

    town.drop_comes_back()

    async def sent() -> bool:
        return await town.told("referral.sent") > 0

    await eventually(sent, "the person has the receipt", 60)
    await town.finds(HANGS, still=False)
    assert [town.kind_of(name) for name in town.files] == ["notify"]
    assert await town.told("referral.sent") == 1
    await town.operator.opens(town.operator.path)
    assert "cannot be used now" not in town.operator.text


async def test_what_is_taken_back_while_the_drop_is_away_is_retracted_when_it_is_back(
    town: Town,
) -> None:
    await town.operator.sends(town.operator.path, do="send", **FORM)
    [package] = town.files
    town.drop_goes_away()
    await town.person.wants("agreed")
    await town.person.presses(DEMO)
    await town.finds(HANGS)
    await town.chat_answers()
    assert await town.told("referral.taken_back_sent") == 1
    assert await town.told("referral.retracted") == 0
    town.drop_comes_back()
    assert town.files == [package]

    async def retracted() -> bool:
        return await town.told("referral.retracted") > 0

    await eventually(retracted, "the receiver is told", 60)
    assert [town.kind_of(name) for name in town.files] == ["retract"]
    await town.finds(HANGS, still=False)


async def test_while_the_drop_is_away_nobody_says_it_was_fetched(town: Town) -> None:
    await town.operator.sends(town.operator.path, do="send", **FORM)
    assert "Sent, not confirmed" in town.operator.text
    town.drop.rename(town.folder / "elsewhere")
    await town.finds(HANGS)
    await town.operator.opens(town.operator.path)
    assert "Sent, not confirmed" in town.operator.text
    (town.folder / "elsewhere").rename(town.drop)
    await town.finds(HANGS, still=False)
    (town.drop / DEMO / town.files[0]).unlink()

    async def delivered() -> bool:
        await town.operator.opens(town.operator.path)
        return "Fetched" in town.operator.text

    await eventually(delivered, "it was fetched", 60)
