"""Each row of the table of design section 9, reached through the interface that people use."""

from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.domain.ids import ConversationId, InputKey, OperatorId
from handoff.permissions import Member, Role
from tests.support.person import Answered, Person
from tests.support.service import RunningService

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
OPERATOR = Member(id=OperatorId("op-1"), roles=frozenset({Role.OPERATOR}))

A_MOMENT = 5_000
"""What a slow machine may need between a turn and the look at its time."""


@dataclass
class Clock:
    """Looks at the time that conversations have left, and lets it pass."""

    redis: Redis

    async def left(self, person: Person) -> int:
        """Milliseconds until the conversation ends; the same for all its keys."""
        times = [await self.redis.pttl(name) for name in await self._names(person)]
        assert times
        assert max(times) - min(times) < A_MOMENT, "a part would stay longer than the rest"
        return min(times)

    async def passes(self, person: Person, milliseconds: int) -> None:
        """As if nothing had happened for that long."""
        for name in await self._names(person):
            await self.redis.pexpire(name, await self.redis.pttl(name) - milliseconds)

    async def _names(self, person: Person) -> list[Any]:
        names: list[Any] = await self.redis.keys(f"fp:{{{id_of(person)}}}:*")
        return names


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


def about(expected: int) -> Any:
    return pytest.approx(expected - A_MOMENT / 2, abs=A_MOMENT / 2)


@pytest.fixture
def clock(redis: Redis) -> Clock:
    return Clock(redis)


@pytest.fixture
async def person(service: RunningService) -> Person:
    found = service.person()
    await found.opens()
    return found


async def waits(person: Person) -> None:
    await person.wants("human")
    await person.presses("fresh")
    assert person.view["owner"] == "waiting"


async def takes_over(service: RunningService, person: Person) -> None:
    await waits(person)
    await service.desk.claim(id_of(person), OPERATOR)


async def gets_a_code(person: Person) -> str:
    await person.wants("leave")
    await person.presses("code")
    return str(person.view["code"])


async def test_with_the_program_30_minutes(person: Person, clock: Clock) -> None:
    assert await clock.left(person) == about(30 * MINUTE)


async def test_each_answer_begins_the_time_anew(person: Person, clock: Clock) -> None:
    await clock.passes(person, 25 * MINUTE)
    assert await clock.left(person) == about(5 * MINUTE)
    await person.presses("yes")
    assert await clock.left(person) == about(30 * MINUTE)


async def test_reading_does_not(person: Person, clock: Clock) -> None:
    await clock.passes(person, 25 * MINUTE)
    await person.looks()
    assert await clock.left(person) == about(5 * MINUTE)


async def test_waiting_72_hours(person: Person, clock: Clock) -> None:
    await waits(person)
    assert await clock.left(person) == about(72 * HOUR)


async def test_waiting_is_never_shortened_by_idleness_or_by_going_on_with_questions(
    person: Person, clock: Clock
) -> None:
    await waits(person)
    await clock.passes(person, 40 * HOUR)
    await person.looks()
    assert await clock.left(person) == about(32 * HOUR), "idleness takes nothing away but time"
    await person.types("is somebody there")
    assert await clock.left(person) == about(72 * HOUR)


async def test_with_an_operator_as_long_as_they_stay(
    service: RunningService, person: Person, clock: Clock
) -> None:
    await takes_over(service, person)
    for _ in range(3):
        await clock.passes(person, 71 * HOUR)
        await service.desk.renew(id_of(person), OPERATOR)
    assert await clock.left(person) == about(72 * HOUR)


async def test_closed_by_an_operator_24_hours(
    service: RunningService, person: Person, clock: Clock
) -> None:
    await takes_over(service, person)
    await service.desk.close(id_of(person), OPERATOR)
    assert await clock.left(person) == about(24 * HOUR)


async def test_given_back_it_is_with_the_program_again(
    service: RunningService, person: Person, clock: Clock
) -> None:
    await takes_over(service, person)
    await service.desk.give_back(id_of(person), OPERATOR)
    assert await clock.left(person) == about(30 * MINUTE)


async def test_with_a_return_code_30_days(person: Person, clock: Clock) -> None:
    await gets_a_code(person)
    assert await clock.left(person) == about(30 * DAY)


@pytest.mark.parametrize("closed", [False, True])
async def test_a_code_is_never_cut_short_by_what_follows(
    service: RunningService, person: Person, clock: Clock, closed: bool
) -> None:
    await person.presses("yes")
    code = await gets_a_code(person)
    back = service.person()
    opened = await back._post("/api/return", {"id": "r" * 20, "code": code})
    back.token = opened["token"]
    back._take(opened)
    await takes_over(service, back)
    if closed:
        await service.desk.close(id_of(back), OPERATOR)
    assert await clock.left(back) == about(30 * DAY)


async def test_the_person_extends_the_time_by_coming_back(
    service: RunningService, person: Person, clock: Clock
) -> None:
    code = await gets_a_code(person)
    await clock.passes(person, 29 * DAY)
    assert await clock.left(person) == about(DAY)
    await service.person()._post("/api/return", {"id": "r" * 20, "code": code})
    assert await clock.left(person) == about(30 * DAY)


async def test_when_the_time_is_over_everything_is_gone(
    service: RunningService, person: Person, clock: Clock, redis: Redis
) -> None:
    code = await gets_a_code(person)
    await clock.passes(person, 30 * DAY + A_MOMENT)
    with pytest.raises(Answered) as gone:
        await person.looks()
    assert gone.value.error == "gone"
    with pytest.raises(Answered) as nothing:
        await service.person()._post("/api/return", {"id": "r" * 20, "code": code})
    assert nothing.value.error == "code"
    assert await redis.keys(f"fp:{{{id_of(person)}}}:*") == []


async def test_a_conversation_that_ended_leaves_the_queue(
    service: RunningService, person: Person, clock: Clock
) -> None:
    other = service.person()
    await other.opens()
    for somebody in (person, other):
        await waits(somebody)
    await clock.passes(person, 73 * HOUR)
    await service.service.sweeper.mend()
    assert [waiting.id for waiting in await service.desk.queue()] == [id_of(other)]


async def test_no_key_of_a_conversation_is_without_an_end(
    service: RunningService, person: Person, redis: Redis
) -> None:
    await person.types("hello")
    await service.service.store.set_aside(id_of(person), InputKey("k"), b"x")
    await takes_over(service, person)
    names = [name async for name in redis.scan_iter(match="fp:{*}:*")]
    assert len(names) >= 5
    assert all([await redis.pttl(name) > 0 for name in names])
