"""When a human answers, the program is silent: 10,000 races over a real Redis.

In each race a person acts, their messages are delivered, and operators claim the conversation, all
at once and in an order that only Redis decides. Afterwards everything that a reader was given is
compared with the moment of the claim.
"""

import asyncio
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from redis.asyncio import Redis, RedisCluster

from bot.adapters.redis_bundles import RedisBundles
from bot.adapters.redis_connection import connect
from bot.adapters.redis_store import RedisStore
from bot.adapters.sealing import read_or_make_key
from bot.content.release import read_files
from bot.content.shelf import Shelf
from bot.dialogue.ports import DELIVERY_LEASE, Commit, Done, View
from bot.dialogue.reading import Listener
from bot.dialogue.retention import Retention
from bot.dialogue.takeover import announce_takeover
from bot.dialogue.turns import Turns
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, new_conversation
from bot.domain.facts import Mode
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.messages import Author, ChoiceId, Message, Told
from bot.domain.text import Language, text
from bot.engine.advance import advance
from bot.engine.draft import Draft
from bot.engine.received import (
    Action,
    Claimed,
    Input,
    Pressed,
    Received,
    Requested,
    Started,
    Typed,
)
from bot.settings import ROOT
from nlu.ears import local_ears
from tests.unit.content.small_content import TODAY

RACES = 10_000
AT_ONCE = 100
SEED = 20261122
FAR = Milliseconds(4 * 10**12)
TAKEOVER = "interface.takeover"
PROCESSES = 2
KEPT, LEFT_UNSAID, ACTED_AFTER = "kept", "left unsaid", "acted after"


class Nobody:
    """Nobody is on shift."""

    async def staffed(self) -> bool:
        return False


class Unlisted(RedisStore):
    """Keeps no queue: it is made from the records, and nobody looks at it here."""

    async def project(self, id: ConversationId) -> None:
        return


class Talkative(Unlisted):
    """Forgets to leave unsaid what the program had said and nobody was given."""

    async def commit(self, commit: Commit) -> Done | None:
        return await super().commit(replace(commit, takes_over=False))


class Hasty(Unlisted):
    """Counts as given what was read, whether or not it is ever written."""

    async def read(
        self, id: ConversationId, after: int, lease: Milliseconds | None = None
    ) -> View:
        view = await super().read(id, after, lease)
        await self.close_delivery(id, view, view.length)
        return view


class Careless(Unlisted):
    """Knows of no leases, so nobody waits for what is being written."""

    async def read(
        self, id: ConversationId, after: int, lease: Milliseconds | None = None
    ) -> View:
        return await super().read(id, after)


@dataclass
class Delivery:
    """What was written to a reader, and when it was said that it had been."""

    view: View
    closed_at: int = 0

    @property
    def before_claim(self) -> bool:
        return self.view.conversation.control.owner is not Owner.OPERATOR

    @property
    def of_program(self) -> set[int]:
        return {e.seq for e in self.view.entries if e.message.by is Author.BOT}


@dataclass
class Race:
    """One conversation, what happened in it, and in which order we saw it."""

    id: ConversationId
    chance: random.Random
    clock: Iterator[int]
    deliveries: list[Delivery] = field(default_factory=list)
    answers: list[Delivery] = field(default_factory=list)
    """Of those, the ones that answered an input; a page is given all that it does not show yet."""

    given_with_commit: list[Done] = field(default_factory=list)
    asked_for: list[Done] = field(default_factory=list)
    typed: list[Done] = field(default_factory=list)
    claims: list[Done] = field(default_factory=list)
    claimed_after: int = 0
    announced_at: int = 0


@dataclass(frozen=True)
class Track:
    """Where races are run."""

    store: RedisStore
    turns: Turns
    waiting: Conversation

    async def run(self, number: int) -> Race:
        chance = random.Random(SEED + number)  # noqa: S311 - the same in each run
        race = Race(ConversationId(secrets.token_urlsafe(16)), chance, iter(range(10**9)))
        await self._begin(race)
        runs = [
            *(self._act(race) for _ in range(chance.choice((1, 1, 2)))),
            self._deliver(race),
            *(
                self._claim(race, OperatorId(f"op-{n}"))
                for n in range(chance.choice((1, 1, 1, 2)))
            ),
        ]
        chance.shuffle(runs)
        async with asyncio.TaskGroup() as actors:
            for run in runs:
                actors.create_task(run)
        race.deliveries.append(Delivery(await self.store.read(race.id, 0)))
        return race

    async def _begin(self, race: Race) -> None:
        """Somebody waits; some of what the program said was not given to them yet."""
        said = [Message(Author.BOT, Told(text("waiting.in_line.say.0")))] * race.chance.randint(
            0, 3
        )
        given = race.chance.random() < 0.3
        commit = Commit(
            id=race.id,
            key=InputKey("begin"),
            version=0,
            conversation=self.waiting,
            messages=tuple(said),
            length=0,
            rank=3,
            keep_for=Milliseconds(120_000),
            handed_over=given,
        )
        done = await self.store.commit(commit)
        assert done is not None
        if given:
            race.given_with_commit.append(done)

    async def _act(self, race: Race) -> None:
        """The person does something, now or a moment later."""
        await _moments(race.chance, 12)
        what = self._input(race.chance)
        with_answer = race.chance.random() < 0.5
        key = InputKey(secrets.token_hex(8))
        taken = await self.turns.receive(race.id, key, what, channel_takes=with_answer)
        if with_answer:
            # The page is given everything here: more than the turn added, so it is read.
            view = await self.store.read(race.id, 0, DELIVERY_LEASE)
            if taken.view:
                await self.store.close_delivery(race.id, taken.view, 0)
            race.answers.append(await self._write(race, view, len(view.entries)))
        (race.typed if isinstance(what, Typed) else race.asked_for).append(taken.done)

    def _input(self, chance: random.Random) -> Input:
        prompt = self.waiting.prompt
        assert prompt is not None
        return chance.choice(
            (
                Pressed(number=prompt.number, choices=(ChoiceId("code"),)),
                Pressed(number=prompt.number, choices=(ChoiceId("go_on"),)),
                Pressed(number=prompt.number - 1, choices=(ChoiceId("go_on"),)),
                Requested(Action.HOTLINE),
                Requested(Action.HOME),
                Typed(words="hello?", heard=None),
                Typed(words="help me", heard=Action.DANGER),
            )
        )

    async def _deliver(self, race: Race) -> None:
        """A channel reads under a lease, writes for a while, and says that it is done."""
        after = 0
        for _ in range(race.chance.choice((1, 2))):
            await _moments(race.chance, 8)
            view = await self.store.read(race.id, after, DELIVERY_LEASE)
            count = race.chance.choice((len(view.entries), race.chance.randint(0, 3)))
            delivery = await self._write(race, view, count)
            after = delivery.view.entries[-1].seq if delivery.view.entries else after

    async def _write(self, race: Race, view: View, count: int) -> Delivery:
        """Write as many entries; that takes a while."""
        delivery = Delivery(replace(view, entries=view.entries[:count]))
        race.deliveries.append(delivery)
        await _moments(race.chance, race.chance.choice((6, 6, 100)))
        delivery.closed_at = next(race.clock)
        written = delivery.view.entries[-1].seq if delivery.view.entries else 0
        await self.store.close_delivery(race.id, view, written)
        return delivery

    async def _claim(self, race: Race, operator: OperatorId) -> None:
        await _moments(race.chance, 14)
        what = Claimed(operator=operator, lease_until=FAR)
        key, before = InputKey(secrets.token_hex(8)), next(race.clock)
        taken = await self.turns.receive(race.id, key, what, channel_takes=False)
        if taken.refused:
            return
        race.claimed_after = before
        race.claims.append(taken.done)
        control = (await self.store.look(race.id)).conversation.control
        await announce_takeover(self.turns, race.id, control.fence)
        race.announced_at = next(race.clock)


async def _moments(chance: random.Random, most: int) -> None:
    for _ in range(chance.randint(0, most)):
        await asyncio.sleep(0)


def broken(race: Race) -> str | None:
    """Which promise a race broke."""
    if len(race.claims) != 1:
        return f"{len(race.claims)} operators own it"
    began = race.claims[0].first  # what stands before it was there when the claim was committed
    given = {seq for done in race.given_with_commit for seq in range(done.first, done.last + 1)}
    given |= {seq for d in race.deliveries if d.before_claim for seq in d.of_program}
    shown = {seq for d in race.deliveries for seq in d.of_program}
    if any(seq >= began for seq in shown):
        return "the program wrote after the claim"
    if not shown <= given:
        return "a message of the program was handed over after the claim"
    open_then = (d.closed_at for d in race.deliveries if d.before_claim and d.of_program)
    if any(closed_at > race.announced_at for closed_at in open_then):
        return "a delivery was open when the person was told"
    if any(_has_gap(race, answer) for answer in race.answers):
        return "a page was given a log with a gap"
    return _wrong_notices(race, began)


def _has_gap(race: Race, answer: Delivery) -> bool:
    """A page shows what is newer than what it shows. Only what fills a gap could come too late.

    Without gaps, a message of the program that stands above the notice is on the page before it.
    What was still being written to somebody else then may be missing.
    """
    writing = {
        seq
        for d in race.deliveries
        if d.before_claim and d.closed_at > race.claimed_after
        for seq in d.of_program
    }
    given = {entry.seq for entry in answer.view.entries}
    whole = race.deliveries[-1].view.entries
    said = {entry.seq for entry in whole if entry.seq <= answer.view.length}
    return not (said - given <= writing and given <= said)


def _wrong_notices(race: Race, began: int) -> str | None:
    log = {
        entry.seq: entry.message
        for entry in race.deliveries[-1].view.entries
        if entry.seq >= began
    }
    takeovers = [
        seq for seq, m in log.items() if m == Message(Author.NOTICE, Told(text(TAKEOVER)))
    ]
    if len(takeovers) != 1:
        return f"the person was told {len(takeovers)} times"
    asked = {seq for done in race.asked_for for seq in range(done.first, done.last + 1)}
    notices = {seq for seq, message in log.items() if message.by is Author.NOTICE}
    if not notices - asked <= set(takeovers):
        return "a notice that nobody asked for"
    if any(done.last > done.first for done in race.typed if done.first >= began):
        return "the program answered typed words"
    return None


async def shelf(client: Redis | RedisCluster) -> Shelf:
    found = Shelf(RedisBundles(client), mode=Mode.DEMONSTRATION, today=lambda: TODAY, values={})
    await found.publish(read_files(ROOT))
    return found


def somebody_who_waits(releases: Shelf) -> Conversation:
    """They have asked for a human, and are asked what they want to do meanwhile."""
    graph = releases.current().graph
    conversation = new_conversation(release=1, language=Language("en"), nonce="-", facts={})
    for what in (Started(), Requested(Action.HUMAN)):
        received = Received(what=what, nonce="-")
        conversation = advance(graph, conversation, received).conversation
    assert conversation.prompt is not None
    fresh = Pressed(number=conversation.prompt.number, choices=(ChoiceId("fresh"),))
    conversation = advance(graph, conversation, Received(what=fresh, nonce="-")).conversation
    assert conversation.control.owner is Owner.WAITING
    return conversation


async def run_races(kind: type[Unlisted], socket: Path, key: Path, numbers: range) -> Counter[str]:
    """Run races, many at once; what came of them, and how close they were."""
    client = await connect(f"unix://{socket}")
    try:
        releases = await shelf(client)
        store = kind(client, read_or_make_key(key))
        turns = Turns(store, releases, Nobody(), Retention(), Listener(local_ears()))
        track = Track(store, turns, somebody_who_waits(releases))
        found: Counter[str] = Counter()
        for first in range(numbers.start, numbers.stop, AT_ONCE):
            async with asyncio.TaskGroup() as group:
                batch = [
                    group.create_task(track.run(number))
                    for number in range(first, min(first + AT_ONCE, numbers.stop))
                ]
            for race in batch:
                found.update(outcome(race.result()))
        return found
    finally:
        await client.aclose()


def outcome(race: Race) -> Iterator[str]:
    yield broken(race) or KEPT
    log = race.deliveries[-1].view
    if log.length > len(log.entries):
        yield LEFT_UNSAID
    if any(done.first >= race.claims[0].first for done in race.asked_for):
        yield ACTED_AFTER


def in_a_process(socket: Path, key: Path, first: int, end: int) -> Counter[str]:
    return asyncio.run(run_races(Unlisted, socket, key, range(first, end)))


@pytest.mark.timeout(600)
async def test_ten_thousand_races_and_no_word_of_the_program_after_a_claim(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    read_or_make_key(key)
    await shelf(redis)
    share = RACES // PROCESSES
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        running = [
            loop.run_in_executor(
                processes, in_a_process, redis_socket, key, n * share, (n + 1) * share
            )
            for n in range(PROCESSES)
        ]
        found = sum([await one for one in running], Counter[str]())
    assert {what for what in found if what not in {KEPT, LEFT_UNSAID, ACTED_AFTER}} == set()
    assert found[KEPT] == RACES
    # The races are close ones: they go both ways, each of them often.
    for way in (LEFT_UNSAID, ACTED_AFTER):
        assert min(found[way], RACES - found[way]) > RACES // 10


async def test_a_store_that_forgets_what_was_left_unsaid_is_found_out(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    found = await run_races(Talkative, redis_socket, tmp_path / "key", range(200))
    assert found["a message of the program was handed over after the claim"] > 10


async def test_a_store_that_counts_what_was_read_as_given_is_found_out(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    found = await run_races(Hasty, redis_socket, tmp_path / "key", range(200))
    assert found["a message of the program was handed over after the claim"] > 10


async def test_a_store_without_leases_is_found_out(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    found = await run_races(Careless, redis_socket, tmp_path / "key", range(200))
    assert found["a delivery was open when the person was told"] > 10


async def test_an_engine_that_does_not_mind_who_answers_is_found_out(
    redis: Redis, redis_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard is taken away, to see that the races would notice."""
    monkeypatch.setattr(Draft, "silent", property(lambda _: False))
    found = await run_races(Unlisted, redis_socket, tmp_path / "key", range(200))
    assert found["the program wrote after the claim"] > 10
