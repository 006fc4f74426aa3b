"""What staff need of the store keeps the same promises over every kind of Redis."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis_audit import HEAD, RedisTrail
from bot.adapters.redis_seats import RedisSeats
from bot.adapters.redis_staff import RedisVault
from bot.adapters.redis_staffing import RedisStaffing
from bot.adapters.redis_store import QUEUE, RedisStore
from bot.adapters.sealing import read_or_make_key
from bot.domain.control import Move
from bot.domain.ids import ConversationId, Milliseconds, OperatorId
from bot.domain.messages import Author, Message, Said
from bot.errors import CorruptStateError
from tests.contract.test_store import beginning, fresh_id, next_commit, owned

FAR = Milliseconds(60_000)


@pytest.fixture
async def vault(client: Any, tmp_path: Path) -> RedisVault:
    await client.delete("fp:{staff}:accounts")
    return RedisVault(client, read_or_make_key(tmp_path / "key"))


def fresh_name() -> str:
    return secrets.token_hex(8)


async def test_an_account_changes_only_in_the_place_of_what_was_read(vault: RedisVault) -> None:
    name = fresh_name()
    assert await vault.get(name) is None
    assert await vault.swap(name, b"", b"one", only_first=False)
    assert not await vault.swap(name, b"", b"two", only_first=False)
    kept = await vault.get(name)
    assert kept is not None
    assert kept[0] == b"one"
    assert b"one" not in kept[1]
    tries = await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(vault.swap(name, kept[1], str(n).encode(), only_first=False) for n in range(5))
    )
    assert sum(tries) == 1
    assert name in await vault.all()
    assert not await vault.swap(fresh_name(), b"", b"first", only_first=True)


async def test_an_account_in_another_place_does_not_open(vault: RedisVault, client: Any) -> None:
    name, other = fresh_name(), fresh_name()
    await vault.swap(name, b"", b"one", only_first=False)
    kept = await vault.get(name)
    assert kept is not None
    await client.hset("fp:{staff}:accounts", other, kept[1])
    with pytest.raises(CorruptStateError):
        await vault.get(other)
    await client.hdel("fp:{staff}:accounts", other)


async def test_of_several_who_take_a_link_one_does(vault: RedisVault) -> None:
    name = fresh_name()
    await vault.put("link", name, b"value", FAR)
    assert await vault.look("link", name) == b"value"
    taken = await asyncio.gather(*(vault.take("link", name) for _ in range(5)))  # noqa: TID251
    assert sum(taken) == 1
    assert await vault.look("link", name) is None


async def test_tries_are_counted_and_forgotten(vault: RedisVault) -> None:
    name = fresh_name()
    assert [await vault.count(name, FAR) for _ in range(3)] == [1, 2, 3]
    await vault.forget(name)
    assert await vault.count(name, FAR) == 1


async def test_seats_are_counted_in_one_place(client: Any, vault: RedisVault) -> None:
    seats, operator = RedisSeats(client), OperatorId(f"op-{fresh_name()}")
    until = Milliseconds(await vault.now() + 60_000)

    async def take(id: str, *, heavy: bool = False, until: Milliseconds = until) -> int:
        return await seats.take(
            operator, ConversationId(id), until, heavy=heavy, most=2, most_heavy=1
        )

    taken = await asyncio.gather(*(take(f"c{n}") for n in range(6)))  # noqa: TID251 - a race
    assert sorted(taken) == [0, 0, 0, 0, 1, 1]
    held = [id for id, _, _ in await seats.held(operator)]
    assert await take(held[0], heavy=True) == 2
    assert [(id, heavy) for id, heavy, _ in await seats.held(operator) if heavy] == [
        (held[0], True)
    ]
    await seats.leave(operator, held[1])
    assert await take("another") == 0
    await seats.leave(operator, held[0])
    assert await take("ended", until=Milliseconds(1)) == 1
    assert await seats.held(operator) == ()
    assert await take("another", heavy=True) == 1


async def test_who_is_there_and_who_is_free(client: Any, vault: RedisVault) -> None:
    for shift in ("fp:shift", "fp:shift:free"):
        await client.delete(shift)
    now = await vault.now()
    ana, eva = OperatorId("op-ana"), OperatorId("op-eva")
    assert not await RedisStaffing(client).staffed()
    await RedisStaffing(client).on_shift(ana, Milliseconds(now + 60_000), free=False)
    assert await RedisStaffing(client).staffed()
    assert not await RedisStaffing(client).free()
    await RedisStaffing(client).on_shift(eva, Milliseconds(now + 60_000), free=True)
    assert await RedisStaffing(client).free()
    await RedisStaffing(client).off_shift(eva)
    assert not await RedisStaffing(client).free()
    await RedisStaffing(client).on_shift(ana, Milliseconds(now - 5_000), free=True)
    assert not await RedisStaffing(client).staffed()


async def test_a_record_has_one_place(client: Any) -> None:
    trail, stream = RedisTrail(client), f"op-{fresh_name()}"
    assert await trail.newest(stream) == (0, b"")
    tries = await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(trail.append(stream, 1, str(n).encode()) for n in range(5))
    )
    assert sum(tries) == 1
    assert not await trail.append(stream, 3, b"too far")
    assert await trail.append(stream, 2, b"second")
    assert await trail.newest(stream) == (2, b"second")
    assert stream in await trail.streams()
    assert (await trail.record(stream, 2), await trail.record(stream, 3)) == (b"second", b"")
    await client.delete(HEAD)
    assert [await trail.swap_head(before, b"head") for before in (b"no", None, None)] == [
        False,
        True,
        False,
    ]
    assert await trail.head() == b"head"


async def test_the_place_in_the_queue(client: Any, tmp_path: Path) -> None:
    await client.delete(QUEUE)
    store = RedisStore(client, read_or_make_key(tmp_path / "store-key"))
    ids = [fresh_id() for _ in range(3)]
    for id, rank in zip(ids, (3, 3, 1), strict=True):
        await store.commit(beginning(id))
        loaded = await store.load(id, beginning(id).key)
        waiting = owned(loaded.conversation, Move.ASK)
        await store.commit(await next_commit(store, id, conversation=waiting, rank=rank))
        await store.project(id)
    assert [await store.place(id, rank) for id, rank in zip(ids, (3, 3, 1), strict=True)] == [
        2,
        3,
        1,
    ]
    assert [await store.place(fresh_id(), rank) for rank in (0, 1, 3)] == [1, 2, 4]
    assert await store.place(ids[1], 0) == 1  # about to become the most urgent one


async def test_what_staff_read_was_not_handed_to_the_person(client: Any, tmp_path: Path) -> None:
    store, id = RedisStore(client, read_or_make_key(tmp_path / "store-key")), fresh_id()
    await store.commit(beginning(id))
    told = Message(Author.BOT, Said("not given yet"))
    await store.commit(await next_commit(store, id, told, handed_over=False))
    assert len((await store.read(id, 0)).entries) == 1
    await store.commit(await next_commit(store, id, takes_over=True, handed_over=False))
    assert (await store.read(id, 0)).entries == ()
