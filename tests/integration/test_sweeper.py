"""What happens without anybody sending anything, also where one conversation is broken."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import redis_store
from bot.adapters.redis_store import LEASES, QUEUE, RedisStore
from bot.dialogue import sweeper as sweeping
from bot.dialogue.ports import Loaded
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.engine.received import Claimed
from bot.errors import CorruptStateError, FirstpointError, StoreUnavailableError
from handoff.permissions import Member, Role
from tests.support.person import Person
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
FAR = Milliseconds(4 * 10**12)


@pytest.fixture
async def service(
    redis: Any, redis_socket: Path, tmp_path: Path
) -> AsyncGenerator[RunningService]:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as found:
        yield found


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


async def waiting(service: RunningService) -> Person:
    person = service.person()
    await person.opens(country="MD")
    await person.wants("human")
    await person.presses("fresh")
    return person


async def damage(redis: Any, *people: Person) -> None:
    """Their states cannot be opened any more."""
    for person in people:
        await redis.hset(f"fp:{{{id_of(person)}}}:c", "state", b"damaged")


async def claimed_and_left(service: RunningService, person: Person, redis: Any) -> None:
    """Their operator went silent, and their time is over."""
    desk = service.desk
    short = type(desk)(
        desk.turns, desk.index, desk.seats, desk.presence, desk.audit, lease=Milliseconds(1)
    )
    await short.claim(id_of(person), ANNA)
    await desk.seats.leave(ANNA.id, id_of(person))

    async def has_ended() -> bool:
        return id_of(person) in {id for id, _ in await desk.index.leases_ended()}

    await eventually(has_ended, "the lease has ended")


# --- One that is broken


async def test_one_that_is_broken_keeps_no_claim_of_others_from_ending(
    service: RunningService, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken, well = [await waiting(service) for _ in range(2)]
    for person in (broken, well):
        await claimed_and_left(service, person, redis)
    await damage(redis, broken)
    await redis.zadd(LEASES, {id_of(broken): 0})  # looked at first
    await service.service.sweeper.end_leases()
    await well.looks()
    assert well.view["owner"] == "waiting"
    said = [record for record in caplog.records if record.msg == "conversation_not_swept"]
    assert [record.__dict__["error_type"] for record in said] == ["CorruptStateError"]
    assert id_of(broken) not in caplog.text


async def test_one_that_is_broken_keeps_others_from_no_news(
    service: RunningService, redis: Any
) -> None:
    broken, well = [await waiting(service) for _ in range(2)]
    await damage(redis, broken)
    sweeper = service.service.sweeper
    sweeper.long_wait = Milliseconds(0)
    for _ in range(2):
        await sweeper.tell_long_waits()
    await well.looks()
    assert well.heard() == ["interface.waiting_long"]


async def test_one_that_is_broken_keeps_others_from_no_mending(
    service: RunningService, redis: Any
) -> None:
    broken, well = [await waiting(service) for _ in range(2)]
    await damage(redis, broken)
    await redis.hset(f"fp:{{{id_of(broken)}}}:c", "owner", "operator")
    await redis.delete(QUEUE)
    await service.service.sweeper.mend()
    assert [one.id for one in await service.desk.queue()] == [id_of(well)]


async def test_the_next_person_is_taken_although_the_first_is_broken(
    service: RunningService, redis: Any
) -> None:
    broken, well = [await waiting(service) for _ in range(2)]
    await damage(redis, broken)
    assert [one.id for one in await service.desk.people(ANNA)] == [id_of(well)]
    assert await service.desk.claim_next(ANNA) == id_of(well)
    assert [id for id, _, _ in await service.desk.seats.held(ANNA.id)] == [id_of(well)]


async def test_when_nobody_can_be_taken_it_is_said_why(
    service: RunningService, redis: Any
) -> None:
    await damage(redis, await waiting(service))
    with pytest.raises(CorruptStateError):
        await service.desk.claim_next(ANNA)
    assert await service.desk.seats.held(ANNA.id) == ()


class Unwilling(RedisStore):
    """Shows a conversation to whoever looks, and lets nobody act."""

    error: FirstpointError

    async def load(self, id: ConversationId, key: InputKey) -> Loaded:
        raise self.error


@pytest.mark.parametrize("error", [CorruptStateError("-"), StoreUnavailableError("-")])
async def test_a_claim_that_fails_gives_the_seat_back(
    service: RunningService, error: FirstpointError
) -> None:
    person, desk = await waiting(service), service.desk
    store = Unwilling(service.service.store._client, service.service.store._key)
    store.error = error
    unwilling = replace(desk, turns=replace(desk.turns, store=store))
    for claim in (unwilling.claim(id_of(person), ANNA), unwilling.claim_next(ANNA)):
        with pytest.raises(type(error)):
            await claim
        assert await desk.seats.held(ANNA.id) == ()
    assert await desk.claim_next(ANNA) == id_of(person)


async def test_a_claim_that_broke_afterwards_leaves_the_desk_usable(
    service: RunningService, redis: Any
) -> None:
    broken = await waiting(service)
    await service.desk.claim(id_of(broken), ANNA)
    await damage(redis, broken)
    assert await service.desk.here(ANNA) == ()
    await service.desk.claim(id_of(await waiting(service)), ANNA)
    await service.desk.leave(ANNA)


async def test_a_store_that_is_gone_is_not_tried_for_everybody(
    service: RunningService, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that goes on for minutes would not notice that the service is to stop."""
    monkeypatch.setattr(sweeping, "MOST_TROUBLE_IN_A_ROW", 2)
    people = [await waiting(service) for _ in range(4)]
    for person in people:
        await redis.delete(f"fp:{{{id_of(person)}}}:in")
        await redis.set(f"fp:{{{id_of(person)}}}:in", "no hash")
    sweeper = service.service.sweeper
    sweeper.long_wait = Milliseconds(0)
    with pytest.raises(StoreUnavailableError):
        await sweeper.tell_long_waits()


# --- Mending


async def test_a_takeover_that_was_left_half_done_is_finished(service: RunningService) -> None:
    person = await waiting(service)
    what = Claimed(operator=ANNA.id, lease_until=FAR)
    turns = service.service.turns
    await turns.receive(id_of(person), InputKey("claim"), what, channel_takes=False)
    await person.looks()
    assert person.view["owner"] == "operator"
    assert person.heard() == [], "the process died before it told them"
    for _ in range(2):
        await service.service.sweeper.mend()
    await person.looks()
    assert person.heard() == ["interface.takeover"]


async def test_every_index_is_brought_in_line(service: RunningService, redis: Any) -> None:
    waits, owned, left, talks = [await waiting(service) for _ in range(4)]
    await service.desk.claim(id_of(owned), ANNA)
    await left.types("/erase")
    await talks.wants("human")
    while talks.view["owner"] == "waiting":
        await talks.presses(next(c for c in talks.choices if c in {"leave_line", "leave", "stop"}))
    indexes = [await redis.zrange(name, 0, -1, withscores=True) for name in (QUEUE, LEASES)]
    await redis.delete(QUEUE, LEASES)
    await redis.zadd(QUEUE, {id_of(left): 1, id_of(talks): 2, id_of(owned): 3})
    await redis.zadd(LEASES, {id_of(left): 1, id_of(waits): 1})
    await service.service.sweeper.mend()
    assert indexes == [
        await redis.zrange(name, 0, -1, withscores=True) for name in (QUEUE, LEASES)
    ]
    assert list(map(len, indexes)) == [1, 1]


async def test_a_step_of_the_walk_is_small_and_the_walk_sees_everybody(
    service: RunningService, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "SEEN_AT_ONCE", 3)
    people = [await waiting(service) for _ in range(10)]
    await redis.delete(QUEUE)
    seen = [len(await service.desk.queue())]
    sweeper = service.service.sweeper
    while not await sweeper.mend_some():
        seen.append(len(await service.desk.queue()))
    steps = [after - before for before, after in pairwise(seen)]
    assert max(steps) <= 3
    assert len(await service.desk.queue()) == len(people)


async def test_a_round_notes_when_it_was_finished(service: RunningService, redis: Any) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.service.sweeper.serve(stop))
        await eventually(lambda: redis.exists("fp:swept"), "a round was finished")
        stop.set()
    now = await service.service.store.now()
    assert abs(now - int(await redis.get("fp:swept"))) < 60_000


async def test_a_round_that_fails_is_not_noted(
    service: RunningService, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await redis.set(LEASES, "no sorted set")
    stop = asyncio.Event()

    async def it_failed() -> bool:
        return any(record.msg == "sweep_failed" for record in caplog.records)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.service.sweeper.serve(stop))
        await eventually(it_failed, "a round failed")
        stop.set()
    assert not await redis.exists("fp:swept")
