"""The store keeps the same promises over every kind of Redis."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import redis_store
from bot.adapters.redis_bundles import NEEDED, RELEASES, UNNEEDED_IS_KEPT, RedisBundles
from bot.adapters.redis_codes import RedisCodes
from bot.adapters.redis_connection import connect
from bot.adapters.redis_staffing import RedisStaffing
from bot.adapters.redis_store import LEASES, QUEUE, RedisStore
from bot.adapters.sealing import InstallationKey, read_or_make_key
from bot.dialogue.ports import AuditRecord, Commit, DeliveryId, Done, Standing
from bot.domain.control import Move, Owner, moved
from bot.domain.conversation import Conversation, new_conversation
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.messages import Author, Message, Said, Told
from bot.domain.text import Language, text
from bot.errors import CorruptStateError, GoneError, StoreUnavailableError
from tests.support.cluster import cluster

CANARY = "zq-canary-8841"


@pytest.fixture
def key(tmp_path: Path) -> InstallationKey:
    return read_or_make_key(tmp_path / "key")


@pytest.fixture
async def store(client: Any, key: InstallationKey) -> RedisStore:
    for index in (QUEUE, LEASES):
        await client.delete(index)
    return RedisStore(client, key)


def fresh_id() -> ConversationId:
    return ConversationId(secrets.token_urlsafe(16))


def fresh_key() -> InputKey:
    return InputKey(secrets.token_urlsafe(16))


def said(words: str, by: Author = Author.PERSON) -> Message:
    return Message(by, Said(words))


def beginning(id: ConversationId, *messages: Message) -> Commit:
    return Commit(
        id=id,
        key=fresh_key(),
        version=0,
        conversation=new_conversation(
            release=1, language=Language("ro"), nonce="n", facts={"age": ("child",)}
        ),
        messages=messages,
        length=0,
        rank=1,
        keep_for=Milliseconds(60_000),
        handed_over=True,
    )


async def next_commit(
    store: RedisStore, id: ConversationId, *messages: Message, **changes: Any
) -> Commit:
    """What follows on what the store holds; `changes` are fields of the commit."""
    loaded = await store.look(id)
    commit = Commit(
        id=id,
        key=fresh_key(),
        version=loaded.version,
        conversation=loaded.conversation,
        messages=messages,
        length=loaded.length,
        handle=loaded.handle,
        rank=1,
        keep_for=Milliseconds(60_000),
        handed_over=True,
    )
    return replace(commit, **changes)


def owned(conversation: Conversation, move: Move, **fields: Any) -> Conversation:
    return replace(conversation, control=moved(conversation.control, move, nonce="m", **fields))


async def test_what_is_committed_is_read_back(store: RedisStore) -> None:
    id = fresh_id()
    commit = beginning(id, said("one"), Message(Author.BOT, Told(text("a.b.say.0"))))
    assert await store.commit(commit) == Done(1, 2)
    view = await store.read(id, 0)
    assert view.conversation == commit.conversation
    assert [entry.message for entry in view.entries] == list(commit.messages)
    assert [entry.seq for entry in view.entries] == [1, 2]
    assert [entry.seq for entry in (await store.read(id, 1)).entries] == [2]


async def test_the_same_key_twice_is_one_turn(store: RedisStore) -> None:
    id = fresh_id()
    first = beginning(id, said("one"))
    assert await store.commit(first) == await store.commit(first) == Done(1, 1)
    assert (await store.load(id, first.key)).done == Done(1, 1)
    again = await next_commit(store, id, said("two"))
    assert await store.commit(again) == await store.commit(again) == Done(2, 2)
    assert (await store.read(id, 0)).length == 2


async def test_a_commit_says_whether_it_wrote_anything(store: RedisStore) -> None:
    once = beginning(fresh_id(), said("one"))
    first, second = [await store.commit(once) for _ in range(2)]
    assert first is not None
    assert second is not None
    assert (first.repeated, second.repeated) == (False, True)


async def test_what_no_replica_confirms_is_not_acknowledged(
    client: Any, key: InstallationKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "TIMEOUT_SECONDS", 1.0)
    careful, once = RedisStore(client, key, replicas=1), beginning(fresh_id(), said("one"))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="too few"):
            await careful.commit(once)
    with pytest.raises(StoreUnavailableError, match="too few"):
        await careful.load(once.id, once.key)


async def test_in_a_cluster_the_replicas_of_the_right_node_confirm(
    key: InstallationKey, tmp_path: Path
) -> None:
    async with cluster(tmp_path, replicated=True) as url:
        client: Any = await connect(url)
        store = RedisStore(client, key, replicas=1)
        for _ in range(12):  # on all nodes
            once = beginning(fresh_id(), said("one"))
            assert await store.commit(once) == Done(1, 1)
            assert (await store.load(once.id, once.key)).done == Done(1, 1)
            await store.erase(once.id)
            with pytest.raises(GoneError):
                await store.load(once.id, once.key)
        await client.aclose()


async def test_of_two_commits_on_one_version_one_wins(store: RedisStore) -> None:
    id = fresh_id()
    await store.commit(beginning(id))
    rivals = [await next_commit(store, id, said(str(n))) for n in range(8)]
    done = await asyncio.gather(*map(store.commit, rivals))  # noqa: TID251 - a race on purpose
    assert [d for d in done if d is not None] == [Done(1, 1)]
    assert (await store.read(id, 0)).length == 1


async def test_erased_is_gone_for_every_call(store: RedisStore, client: Any) -> None:
    id = fresh_id()
    start = beginning(id, said("one"))
    await store.commit(start)
    late = await next_commit(store, id, said("late"))
    await store.erase(id)
    for call in (
        store.look(id),
        store.read(id, 0),
        store.commit(late),
        store.commit(start),
        store.commit(beginning(id)),
        store.set_aside(id, InputKey("k"), b"x"),
    ):
        with pytest.raises(GoneError):
            await call
    left = [name async for name in client.scan_iter(match=f"fp:{{{id}}}:*")]
    assert left == [f"fp:{{{id}}}:erased".encode()]


async def test_nothing_of_a_person_stands_in_the_clear(store: RedisStore, client: Any) -> None:
    id = fresh_id()
    start = beginning(id, said(CANARY), said(CANARY, Author.OPERATOR))
    facts = replace(start.conversation, facts={CANARY: (CANARY,)}, language=Language(CANARY))
    await store.commit(replace(start, conversation=facts))
    await store.set_aside(id, InputKey("k"), CANARY.encode())
    seen = b""
    async for name in client.scan_iter(match=f"fp:{{{id}}}:*"):
        seen += name + (await client.dump(name) or b"")
    assert seen
    assert CANARY.encode() not in seen
    assert CANARY in str((await store.read(id, 0)).entries[0].message.content.words)  # type: ignore[union-attr]


async def test_an_entry_moved_to_another_place_does_not_open(
    store: RedisStore, client: Any
) -> None:
    id, other = fresh_id(), fresh_id()
    for name in (id, other):
        await store.commit(beginning(name, said("one"), said("two")))
    log = f"fp:{{{id}}}:log"
    first, second = await client.lrange(log, 0, -1)
    for forged in (second, b"o" + first[1:], (await client.lindex(f"fp:{{{other}}}:log", 0))):
        await client.lset(log, 0, forged)
        with pytest.raises(CorruptStateError):
            await store.read(id, 0)


async def test_of_a_log_without_end_the_newest_is_kept(
    store: RedisStore, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "MOST_KEPT", 20)
    id, first = fresh_id(), fresh_key()
    await store.commit(replace(beginning(id), key=first))
    for number in range(1, 100):
        await store.commit(await next_commit(store, id, said(str(number))))
        assert await client.llen(f"fp:{{{id}}}:log") <= 20
        assert await client.hlen(f"fp:{{{id}}}:in") <= 21
    view = await store.read(id, 0)
    assert (view.length, (await store.look(id)).length) == (99, 99)
    assert [entry.message for entry in view.entries] == [said(str(e.seq)) for e in view.entries]
    assert view.entries[-1].seq == 99
    assert len(view.entries) >= 18
    assert [entry.seq for entry in (await store.read(id, 97)).entries] == [98, 99]
    assert (await store.read(id, 99)).entries == ()
    assert (await store.load(id, first)).done is None, "as old as what it led to"


async def test_another_installation_cannot_read(
    store: RedisStore, client: Any, tmp_path: Path
) -> None:
    id = fresh_id()
    await store.commit(beginning(id, said("one")))
    with pytest.raises(CorruptStateError):
        await RedisStore(client, read_or_make_key(tmp_path / "other")).read(id, 0)


async def test_the_queue_is_in_the_order_of_rank_then_time(store: RedisStore) -> None:
    order: list[tuple[int, int, ConversationId]] = []
    for rank in (3, 0, 1, 3, 0):
        id = fresh_id()
        await store.commit(beginning(id))
        loaded = await store.look(id)
        waiting = owned(loaded.conversation, Move.ASK)
        await store.commit(await next_commit(store, id, conversation=waiting, rank=rank))
        await store.project(id)
        order.append((rank, len(order), id))
    assert [w.id for w in await store.queue()] == [id for _, _, id in sorted(order)]
    await store.erase(order[1][2])
    assert order[1][2] not in [w.id for w in await store.queue()]


async def test_a_claim_leaves_unsaid_what_nobody_was_given(store: RedisStore) -> None:
    id = fresh_id()
    await store.commit(beginning(id, said("given", Author.BOT)))
    unsaid = said("not given", Author.BOT)
    mine = said("mine")
    await store.commit(await next_commit(store, id, unsaid, mine, handed_over=False))
    loaded = await store.look(id)
    waiting = owned(loaded.conversation, Move.ASK)
    await store.commit(await next_commit(store, id, conversation=waiting, handed_over=False))
    claimed = owned(waiting, Move.CLAIM, operator=OperatorId("op"), lease_until=Milliseconds(1))
    await store.commit(
        await next_commit(store, id, conversation=claimed, handed_over=False, takes_over=True)
    )
    seen = [entry.message for entry in (await store.read(id, 0)).entries]
    assert seen == [said("given", Author.BOT), mine]


async def test_a_delivery_is_open_until_it_is_closed_or_its_lease_ends(
    store: RedisStore,
) -> None:
    id = fresh_id()
    await store.commit(beginning(id, said("one", Author.BOT)))
    assert (await store.read(id, 1, lease=Milliseconds(5_000))).delivery is None
    view = await store.read(id, 0, lease=Milliseconds(5_000))
    assert view.delivery is not None
    assert await store.open_deliveries(id) == 1
    await store.close_delivery(id, view, 1)
    assert await store.open_deliveries(id) == 0
    delivery = DeliveryId("of a turn")
    await store.commit(await next_commit(store, id, said("two"), delivery=delivery))
    assert await store.open_deliveries(id) == 1
    await store.close_delivery(id, replace(view, delivery=delivery), 2)
    assert await store.open_deliveries(id) == 0
    await store.read(id, 0, lease=Milliseconds(1))
    async with asyncio.timeout(5):
        while await store.open_deliveries(id):  # noqa: ASYNC110 - the lease ends in the store
            await asyncio.sleep(0.005)


async def claim(store: RedisStore, id: ConversationId) -> None:
    """Somebody who waits, if they do not yet, is taken over."""
    conversation = (await store.look(id)).conversation
    waiting = owned(conversation, Move.ASK)
    await store.commit(await next_commit(store, id, conversation=waiting, handed_over=False))
    claimed = owned(waiting, Move.CLAIM, operator=OperatorId("op"), lease_until=Milliseconds(1))
    await store.commit(
        await next_commit(store, id, conversation=claimed, handed_over=False, takes_over=True)
    )


async def with_three(store: RedisStore) -> ConversationId:
    """A conversation in which the program said three things that nobody was given."""
    id = fresh_id()
    three = [said(words, Author.BOT) for words in ("one", "two", "three")]
    await store.commit(replace(beginning(id, *three), handed_over=False))
    return id


async def numbers(store: RedisStore, id: ConversationId) -> list[int]:
    return [entry.seq for entry in (await store.read(id, 0)).entries]


async def test_only_what_was_written_counts_as_given(store: RedisStore) -> None:
    read, written, refused = [await with_three(store) for _ in range(3)]
    for id, last in ((written, 2), (refused, 0)):
        view = await store.read(id, 0, Milliseconds(5_000))
        await store.close_delivery(id, view, last)
    await store.read(read, 0)
    await store.read(read, 0, Milliseconds(5_000))
    for id in (read, written, refused):
        await claim(store, id)
    assert await numbers(store, read) == []
    assert await numbers(store, written) == [1, 2]
    assert await numbers(store, refused) == []


async def test_what_is_being_written_while_somebody_claims_has_been_said(
    store: RedisStore,
) -> None:
    id = await with_three(store)
    await store.close_delivery(id, await store.read(id, 0, Milliseconds(5_000)), 1)
    before = await store.read(id, 1, Milliseconds(5_000))
    await claim(store, id)
    assert await numbers(store, id) == [1], "nobody else is given it"
    after = await store.read(id, 0, Milliseconds(5_000))
    await store.close_delivery(id, after, 3)
    assert await numbers(store, id) == [1], "who read later was not given it"
    await store.close_delivery(id, before, 2)
    assert await numbers(store, id) == [1, 2]


async def test_what_was_written_too_late_does_not_count(store: RedisStore) -> None:
    id = await with_three(store)
    view = await store.read(id, 0, Milliseconds(1))
    async with asyncio.timeout(5):
        while await store.open_deliveries(id):  # noqa: ASYNC110 - the lease ends in the store
            await asyncio.sleep(0.005)
    await store.close_delivery(id, view, 3)
    await claim(store, id)
    assert await numbers(store, id) == []


async def test_what_an_earlier_claim_left_unsaid_stays_unsaid(store: RedisStore) -> None:
    id = await with_three(store)
    await claim(store, id)
    back = owned((await store.look(id)).conversation, Move.GIVE_BACK)
    more = [said("mine"), said("four", Author.BOT)]
    await store.commit(await next_commit(store, id, *more, conversation=back, handed_over=False))
    view = await store.read(id, 0, Milliseconds(5_000))
    await claim(store, id)
    await store.close_delivery(id, view, 5)
    assert await numbers(store, id) == [4, 5]


async def test_a_delivery_that_ends_after_erasing_leaves_nothing_behind(
    store: RedisStore, client: Any
) -> None:
    id = await with_three(store)
    view = await store.read(id, 0, Milliseconds(5_000))
    await store.erase(id)
    await store.close_delivery(id, view, 3)
    left = [name async for name in client.scan_iter(match=f"fp:{{{id}}}:*")]
    assert left == [f"fp:{{{id}}}:erased".encode()]


async def test_leases_that_ended_are_listed(store: RedisStore) -> None:
    id = fresh_id()
    await store.commit(beginning(id))
    loaded = await store.look(id)
    now = await store.now()
    claimed = owned(
        owned(loaded.conversation, Move.ASK),
        Move.CLAIM,
        operator=OperatorId("op"),
        lease_until=Milliseconds(now - 5),
    )
    await store.commit(await next_commit(store, id, conversation=claimed))
    await store.project(id)
    assert (id, Milliseconds(now - 5)) in await store.leases_ended()
    assert id in [one async for one in store.all_ids()]


async def test_a_walk_sees_everybody_and_brings_indexes_in_line(
    store: RedisStore, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "SEEN_AT_ONCE", 3)
    waits, talks = [fresh_id() for _ in range(4)], [fresh_id() for _ in range(4)]
    for id in (*waits, *talks):
        await store.commit(beginning(id))
    for id in waits:
        asked = owned((await store.look(id)).conversation, Move.ASK)
        await store.commit(await next_commit(store, id, conversation=asked))
    gone = fresh_id()
    await client.zadd(QUEUE, {talks[0]: 5, gone: 6, waits[0]: 7})
    await client.zadd(LEASES, {waits[1]: 5})
    steps = [step async for step in store.mend()]
    assert max(map(len, steps)) == 3
    seen = {one.id: one for step in steps for one in step}
    for ids, owner in ((waits, Owner.WAITING), (talks, Owner.BOT)):
        for id in ids:
            assert seen[id] == Standing(id, owner, 1)
    assert seen[gone] == Standing(gone, None, None)
    listed = {one.id: one.rank for one in await store.queue()}
    assert {id for id in (*waits, *talks, gone) if id in listed} == set(waits)
    assert {listed[id] for id in waits} == {1}
    assert await client.zscore(LEASES, waits[1]) is None


async def test_how_long_people_waited_is_a_guess_for_others(
    store: RedisStore, client: Any
) -> None:
    await client.delete("fp:waits")
    staffing = RedisStaffing(client)
    for taken in range(5):
        assert await staffing.minutes(1) is None, f"only {taken} were taken"
        id = fresh_id()
        await store.commit(beginning(id))
        asked = owned((await store.look(id)).conversation, Move.ASK)
        await store.commit(await next_commit(store, id, conversation=asked))
        since = await store.now() - 8 * 60_000
        await client.hset(f"fp:{{{id}}}:c", "since", since)
        for _ in range(2):
            await staffing.taken(id)
    assert [await staffing.minutes(place) for place in (1, 2, 7, 8)] == [10, 20, 60, None]
    await staffing.taken(fresh_id())  # erased at that very moment
    assert await client.llen("fp:waits") == 5


async def test_everything_of_a_conversation_ends_at_its_time(
    store: RedisStore, client: Any
) -> None:
    id = fresh_id()
    audit = AuditRecord(who="op", what="claim")
    await store.commit(replace(beginning(id, said("one")), audit=audit))
    await store.set_aside(id, InputKey("k"), b"x")
    async for name in client.scan_iter(match=f"fp:{{{id}}}:*"):
        assert 0 < await client.pttl(name) <= 60_000, name
    later = await next_commit(store, id, keep_for=Milliseconds(90_000))
    await store.commit(later)
    assert 60_000 < await client.pttl(f"fp:{{{id}}}:key") <= 90_000


async def test_it_can_be_tried_whether_anything_is_kept(store: RedisStore, client: Any) -> None:
    for _ in range(20):
        await store.try_to_write()
    tried = [name async for name in client.scan_iter(match="fp:tried:*")]
    assert tried
    assert all([0 < await client.pttl(name) <= 10_000 for name in tried])


async def test_one_process_holds_a_lease(store: RedisStore) -> None:
    name = secrets.token_hex(4)
    assert await store.hold_lease(name, "a", Milliseconds(5_000))
    assert await store.hold_lease(name, "a", Milliseconds(5_000))
    assert not await store.hold_lease(name, "b", Milliseconds(5_000))
    await store.let_go(name, "b")
    assert not await store.hold_lease(name, "b", Milliseconds(5_000))
    await store.let_go(name, "a")
    assert await store.hold_lease(name, "b", Milliseconds(5_000))


async def test_releases_are_immutable(client: Any) -> None:
    await client.delete("fp:release")
    bundles = RedisBundles(client)
    assert await bundles.newest() == 0
    assert await bundles.publish(1, {"a": "1"})
    assert not await bundles.publish(1, {"a": "2"})
    assert await bundles.fetch(1) == {"a": "1"}
    assert await bundles.fetch(2) is None
    assert await bundles.newest() == 1


async def test_a_release_that_nobody_needed_for_a_week_is_removed(client: Any) -> None:
    await client.delete(RELEASES)
    bundles = RedisBundles(client)
    for number in range(1, 12):
        assert await bundles.publish(number, {"a": str(number)})
    assert await bundles.remove_unneeded() == (), "nobody knows yet when they were needed"
    assert await bundles.remove_unneeded() == ()
    await a_week_goes_by(client)
    await bundles.need((2, 99))
    assert await bundles.remove_unneeded() == (1, 3, 4, 5, 6, 7, 8, 9)
    left = [n for n in range(100) if await bundles.fetch(n) is not None]
    assert left == [2, 10, 11], "one that is needed, the one before the newest, and the newest"
    assert (await bundles.newest(), await bundles.fetch(2)) == (11, {"a": "2"})
    assert len(await client.hgetall(RELEASES)) <= 2 * len(left) + 1
    assert not await bundles.publish(11, {"a": "again"})


async def a_week_goes_by(client: Any) -> None:
    """For the times at which releases were needed."""
    for name, at in (await client.hgetall(RELEASES)).items():
        if name.startswith(NEEDED.encode()):
            await client.hset(RELEASES, name, int(at) - UNNEEDED_IS_KEPT - 1)


async def test_codes_open_what_they_were_given_for(client: Any) -> None:
    codes, id, stored = RedisCodes(client), fresh_id(), secrets.token_bytes(32)
    assert await codes.get(stored) is None
    await codes.put(stored, id)
    assert await codes.get(stored) == id
    await codes.remove(stored)
    assert await codes.get(stored) is None


async def test_somebody_is_on_shift_until_their_time_ends(client: Any, store: RedisStore) -> None:
    await client.delete("fp:shift")
    now = await store.now()
    assert not await RedisStaffing(client).staffed()
    staffing = RedisStaffing(client)
    await staffing.on_shift(OperatorId("op"), Milliseconds(now + 60_000))
    assert await RedisStaffing(client).staffed()
    await staffing.on_shift(OperatorId("op"), Milliseconds(now - 60_000))
    assert not await RedisStaffing(client).staffed()
    await staffing.off_shift(OperatorId("op"))
