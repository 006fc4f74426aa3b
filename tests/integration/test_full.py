"""A conversation that is full takes no more words, and every way out of it still works."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import redis_store
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.messages import Author, Said
from handoff.permissions import Member, Role
from tests.support.person import Answered, Person
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
WORDS, KEPT = 30, 80
"""Instead of thousands: from then on no words are taken, and so many entries are kept."""


@pytest.fixture(autouse=True)
def soon_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.dialogue.turns.MOST_ENTRIES", WORDS)
    monkeypatch.setattr(redis_store, "MOST_KEPT", KEPT)


@pytest.fixture
async def service(
    redis: Any, redis_socket: Path, tmp_path: Path
) -> AsyncGenerator[RunningService]:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as found:
        yield found


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


async def full(service: RunningService, entries: int = 2 * WORDS) -> Person:
    """Somebody who asked for numbers until even buttons are too much."""
    person = service.person()
    await person.opens(country="MD")
    while person.last < entries:
        await person.wants("hotline")
    return person


async def refused(person: Person, what: dict[str, object]) -> str | None:
    with pytest.raises(Answered) as answer:
        await person.sends(what)
    assert answer.value.status == 409
    return answer.value.error


async def test_words_and_ordinary_buttons_are_refused(service: RunningService) -> None:
    person = await full(service, WORDS)
    assert await refused(person, {"words": "one more"}) == "full"
    await person.wants("home")
    while person.last < 2 * WORDS:
        await person.wants("home")
    press = {"number": person.question["number"], "choices": [person.choices[0]]}
    assert await refused(person, {"press": press}) == "full"


@pytest.mark.parametrize("entries", [WORDS, 2 * WORDS, 3 * KEPT])
async def test_every_way_out_works_to_its_end(service: RunningService, entries: int) -> None:
    person = await full(service, entries)
    await person.wants("language")
    await person.presses("ro")
    assert person.view["language"] == "ro"
    await person.wants("danger")
    assert person.asked == "danger.offer"
    await person.presses("number")
    assert "block emergency" in person.heard()
    await person.types("help me he has a knife")
    assert person.asked == "danger.offer"
    await person.wants("human")
    await person.presses("fresh")
    assert person.view["owner"] == "waiting"
    await person.wants("leave")
    await person.presses("code")
    assert person.view["left"]


@pytest.mark.parametrize("how", ["button", "flow", "command"])
async def test_a_full_conversation_can_be_erased(service: RunningService, how: str) -> None:
    person = await full(service, 3 * KEPT)
    if how == "command":
        await person.types("/erase")
    elif how == "button":
        await person.wants("erase_now")
    else:
        await person.wants("erase")
        await person.presses("erase_now")
    assert person.view is None
    with pytest.raises(Answered) as gone:
        await person._post("/api/read", {"after": 0})
    assert gone.value.error == "gone"


async def test_it_is_claimed_answered_swept_and_given_back(service: RunningService) -> None:
    desk, sweeper = service.desk, service.service.sweeper
    person = await full(service, 3 * KEPT)
    id = id_of(person)
    await person.wants("human")
    await person.presses("fresh")
    sweeper.long_wait = Milliseconds(0)
    await sweeper.tell_long_waits()
    await person.looks()
    assert person.heard() == ["interface.waiting_long"]

    short = type(desk)(
        desk.turns, desk.index, desk.seats, desk.presence, desk.audit, lease=Milliseconds(1)
    )
    assert await short.claim_next(ANNA) == id
    await eventually(desk.index.leases_ended, "the lease has ended")
    await sweeper.end_leases()
    await person.looks()
    assert person.view["owner"] == "waiting"

    await desk.claim(id, ANNA)
    await desk.renew(id, ANNA)
    await desk.write(id, ANNA, InputKey("w" * 16), "I am here.")
    await person.looks()
    assert person.heard()[-1] == "I am here."
    assert await refused(person, {"words": "thank you"}) == "full"
    view = await desk.open(id, ANNA)
    assert view.entries[-1].message.content == Said("I am here.")
    await desk.close(id, ANNA, reason="finished")
    await person.looks()
    assert person.view["owner"] == "closed"


async def test_it_takes_no_more_room_whatever_is_asked_for(
    service: RunningService, redis: Any
) -> None:
    person = await full(service)
    id, sizes = id_of(person), []
    for _ in range(KEPT):
        await person.wants("hotline")
        sizes.append((await redis.llen(f"fp:{{{id}}}:log"), await redis.hlen(f"fp:{{{id}}}:in")))
    assert max(entries for entries, _ in sizes) <= KEPT
    assert max(inputs for _, inputs in sizes) <= KEPT
    await person.looks()
    assert person.heard() == []
    numbers = [message["seq"] for message in person.messages]
    assert numbers == list(range(1, person.last + 1)), "nothing is lost or repeated on the page"


async def test_what_is_kept_is_the_newest_and_can_be_read(service: RunningService) -> None:
    person = await full(service, 5 * KEPT)
    store, id = service.service.store, id_of(person)
    view = await store.read(id, 0)
    assert view.length == person.last
    numbers = [entry.seq for entry in view.entries]
    assert numbers == list(range(view.length - len(numbers) + 1, view.length + 1))
    assert KEPT // 2 < len(numbers) <= KEPT
    assert view.entries[-1].message.by is Author.BOT
    half = numbers[len(numbers) // 2]
    assert [e.seq for e in (await store.read(id, half)).entries] == list(
        range(half + 1, view.length + 1)
    )
    key = "k" * 20
    first = await person.sends({"action": "hotline"}, key=key)
    assert (await person.sends({"action": "hotline"}, key=key))["last"] == first["last"]
