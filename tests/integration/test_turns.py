"""The promises of design section 3 that one process can show."""

import asyncio
import secrets
from dataclasses import dataclass, replace

import pytest

from bot.domain.ids import ConversationId, InputKey, OperatorId
from bot.domain.text import Country, Language
from bot.engine.received import Action, Input, Requested, Typed
from handoff.permissions import Member, Role
from tests.support.person import Answered
from tests.support.service import RunningService

OPERATOR = Member(id=OperatorId("op-1"), roles=frozenset({Role.OPERATOR}))


@dataclass
class AllLoaded:
    """Nobody is on shift, which is said once every turn of a race has loaded the conversation."""

    barrier: asyncio.Barrier

    async def staffed(self) -> bool:
        await self.barrier.wait()
        return False


async def test_a_person_opens_the_chat_and_is_asked_whether_it_is_safe(
    service: RunningService,
) -> None:
    person = service.person()
    await person.opens()
    assert person.asked == "welcome.safe"
    assert person.view["offers"] == [
        "human",
        "hotline",
        "leave",
        "erase",
        "language",
        "back",
        "why",
    ]


async def test_the_same_input_twice_is_one_turn(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    press = {"press": {"number": person.question["number"], "choices": ["yes"]}}
    first = await person.sends(press, key="k" * 20)
    again = await person.sends(press, key="k" * 20)
    assert again["last"] == first["last"]
    assert again["question"] == first["question"]
    assert [m["seq"] for m in person.messages] == sorted({m["seq"] for m in person.messages})


@pytest.mark.parametrize(
    "what",
    [Typed(words="hello"), Typed(words="a person, please"), Requested(Action.BACK)],
    ids=["words", "an exit", "a button"],
)
async def test_a_turn_gives_what_reading_gives(service: RunningService, what: Input) -> None:
    """Its answer is made without asking the store again."""
    turns, id = service.service.turns, ConversationId(secrets.token_urlsafe(16))
    await turns.start(id, InputKey("start"), Language("ro"), Country("MD"))
    taken = await turns.receive(id, InputKey("once"), what)
    assert taken.view is not None
    assert taken.view.entries
    assert taken.view == await turns.store.read(id, taken.done.first - 1)


async def test_a_repeated_input_is_read_from_the_store(service: RunningService) -> None:
    """Another turn wrote what it led to, perhaps from another state."""
    id = ConversationId(secrets.token_urlsafe(16))
    await service.service.turns.start(id, InputKey("start"), Language("en"))
    turns = replace(service.service.turns, staffing=AllLoaded(asyncio.Barrier(2)))
    racing = [turns.receive(id, InputKey("once"), Typed(words="hello")) for _ in range(2)]
    one, other = await asyncio.gather(*racing)  # noqa: TID251 - a race on purpose
    assert one.done == other.done
    assert (one.view is None) is not (other.view is None)


async def test_an_answer_brings_what_the_page_has_not_seen_yet(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    other_tab = replace(person, messages=[*person.messages])
    await other_tab.types("zebra")
    await person.types("lion")
    words = [m["lines"][0]["text"] for m in person.new if m["by"] == "person"]
    assert words == ["zebra", "lion"]


async def test_starting_twice_is_starting_once(service: RunningService) -> None:
    person = service.person()
    await asyncio.gather(*(person.opens() for _ in range(5)))  # noqa: TID251 - a race on purpose
    await person.looks()
    assert person.last == len({m["seq"] for m in person.messages})
    assert [m["seq"] for m in person.messages if m.get("asked") == 1] == [2]


async def test_two_tabs_press_at_once_and_one_press_counts(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    number = person.question["number"]
    await asyncio.gather(  # noqa: TID251 - a race on purpose
        person.presses("yes", number=number), person.presses("skip", number=number)
    )
    await person.looks()
    chosen = [m for m in person.messages if m["by"] == "person"]
    stale = [m for m in person.messages if "interface.stale_press" in str(m)]
    assert (len(chosen), len(stale)) == (1, 1)


async def test_many_turns_at_once_lose_nothing(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await asyncio.gather(*(person.types(f"message {n}") for n in range(20)))  # noqa: TID251
    await person.looks()
    words = {m["lines"][0]["text"] for m in person.messages if m["by"] == "person"}
    assert words == {f"message {n}" for n in range(20)}
    assert {m["seq"] for m in person.messages} == set(range(1, person.last + 1))


async def test_a_stale_press_is_answered_kindly_and_changes_nothing(
    service: RunningService,
) -> None:
    person = service.person()
    await person.opens()
    await person.presses("yes")
    before = person.asked
    await person.presses("yes", number=1)
    assert person.heard() == ["interface.stale_press"]
    assert person.asked == before


async def test_an_erased_conversation_is_gone_and_cannot_be_begun_again(
    service: RunningService,
) -> None:
    person = service.person()
    await person.opens()
    await person.wants("erase")
    erase = next(c for c in person.choices if c not in {"keep", "skip"})
    await person.presses(erase)
    with pytest.raises(Answered) as refused:
        await person._post("/api/read", {"after": 0})
    assert refused.value.error == "gone"
    with pytest.raises(Answered) as again:
        await person.opens()
    assert again.value.error == "gone"


async def test_an_operator_takes_over_writes_and_gives_back(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    before = person.asked
    await person.wants("human")
    await person.presses("fresh")
    [waiting] = await service.desk.queue()
    await service.desk.claim(waiting.id, OPERATOR)
    await person.looks()
    assert person.view["owner"] == "operator"
    assert person.heard()[-1] == "interface.takeover"
    assert person.view["question"] is None
    await service.desk.write(waiting.id, OPERATOR, InputKey("w" * 16), "Hello, I am here.")
    await person.types("thank you")
    assert [m["by"] for m in person.new] == ["operator", "person"]
    await service.desk.give_back(waiting.id, OPERATOR)
    await person.looks()
    assert person.heard()[0] == "interface.back_to_program"
    assert await service.desk.queue() == ()
    while person.asked != before:
        await person.wants("back")
