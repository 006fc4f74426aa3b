"""Records of referrals keep the same promises over every kind of Redis."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis_referrals import ACTIVE, SENT, RedisReferrals
from bot.adapters.redis_store import RedisStore
from bot.adapters.sealing import InstallationKey, read_or_make_key
from bot.dialogue.ports import Commit
from bot.dialogue.referral_ports import SentNote
from bot.domain.consent import PackageId, ReceiverId, ReferralId
from bot.domain.conversation import new_conversation
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.domain.text import Language
from bot.errors import CorruptStateError, GoneError

CANARY = b"zq-canary-8842"
ONE, TWO = ReferralId("r-1"), ReferralId("r-2")


@pytest.fixture
def key(tmp_path: Path) -> InstallationKey:
    return read_or_make_key(tmp_path / "key")


@pytest.fixture
async def store(client: Any, key: InstallationKey) -> RedisStore:
    for name in (ACTIVE, SENT):
        await client.delete(name)
    return RedisStore(client, key)


@pytest.fixture
def referrals(client: Any, store: RedisStore, key: InstallationKey) -> RedisReferrals:
    return RedisReferrals(client, key)


async def begun(store: RedisStore) -> ConversationId:
    id = ConversationId(secrets.token_urlsafe(16))
    commit = Commit(
        id=id,
        key=InputKey("start"),
        version=0,
        conversation=new_conversation(release=1, language=Language("ro"), nonce="n", facts={}),
        messages=(),
        length=0,
        rank=3,
        keep_for=Milliseconds(60_000),
        handed_over=True,
    )
    assert await store.commit(commit) is not None
    return id


async def test_what_was_saved_is_read_back(store: RedisStore, referrals: RedisReferrals) -> None:
    id = await begun(store)
    assert await referrals.load_all(id) == {}
    assert await referrals.save(id, ONE, 0, b"first")
    assert await referrals.save(id, TWO, 0, b"other")
    assert await referrals.save(id, ONE, 1, b"second")
    found = await referrals.load_all(id)
    assert {name: (one.version, one.record) for name, one in found.items()} == {
        ONE: (2, b"second"),
        TWO: (1, b"other"),
    }


async def test_of_two_who_write_one_is_told_so(
    store: RedisStore, referrals: RedisReferrals
) -> None:
    id = await begun(store)
    assert await referrals.save(id, ONE, 0, b"mine")
    assert not await referrals.save(id, ONE, 0, b"theirs")
    assert not await referrals.save(id, ONE, 7, b"theirs")
    assert (await referrals.load_all(id))[ONE].record == b"mine"


async def test_a_turn_of_the_conversation_keeps_it(
    store: RedisStore, referrals: RedisReferrals
) -> None:
    id = await begun(store)
    await referrals.save(id, ONE, 0, b"mine")
    loaded = await store.load(id, InputKey("next"))
    commit = Commit(
        id=id,
        key=InputKey("next"),
        version=loaded.version,
        conversation=loaded.conversation,
        messages=(),
        length=0,
        handle=loaded.handle,
        rank=3,
        keep_for=Milliseconds(90_000),
        handed_over=True,
    )
    assert await store.commit(commit) is not None
    assert (await referrals.load_all(id))[ONE].record == b"mine"


async def test_it_is_sealed(store: RedisStore, referrals: RedisReferrals, client: Any) -> None:
    id = await begun(store)
    await referrals.save(id, ONE, 0, CANARY)
    raw = await client.hget(f"fp:{{{id}}}:c", f"referral:{ONE}")
    assert CANARY not in raw
    await client.hset(f"fp:{{{id}}}:c", f"referral:{TWO}", raw)
    with pytest.raises(CorruptStateError):
        await referrals.load_all(id)


async def test_it_goes_with_its_conversation(
    store: RedisStore, referrals: RedisReferrals, client: Any
) -> None:
    id = await begun(store)
    await referrals.save(id, ONE, 0, CANARY)
    assert 0 < await client.pttl(f"fp:{{{id}}}:c") <= 60_000
    await store.erase(id)
    with pytest.raises(GoneError):
        await referrals.load_all(id)
    with pytest.raises(GoneError):
        await referrals.save(id, ONE, 1, b"again")
    assert await client.exists(f"fp:{{{id}}}:c") == 0


async def test_the_list_names_everything_that_was_begun(
    store: RedisStore, referrals: RedisReferrals, client: Any
) -> None:
    id = await begun(store)
    await referrals.save(id, ONE, 0, b"mine")
    assert await referrals.active() == ((id, ONE),)
    await referrals.forget(id, ONE)
    assert await referrals.active() == ((id, ONE),), "it may just be being made"
    await client.zadd(ACTIVE, {f"{id}/{ONE}": 1})
    await referrals.forget(id, ONE)
    assert await referrals.active() == ()


async def test_the_list_can_be_made_anew(
    store: RedisStore, referrals: RedisReferrals, client: Any
) -> None:
    id = await begun(store)
    await referrals.save(id, ONE, 0, b"mine")
    await client.delete(ACTIVE)
    await referrals.relist(id)
    assert await referrals.active() == ((id, ONE),)


async def test_an_entry_stands_before_its_record(
    store: RedisStore, referrals: RedisReferrals
) -> None:
    """A process that dies between the two leaves an entry without a record, never the reverse."""
    id = await begun(store)
    await store.erase(id)
    with pytest.raises(GoneError):
        await referrals.save(id, ONE, 0, b"mine")
    assert await referrals.active() == ()


async def test_what_was_sent_is_remembered_for_its_time(
    store: RedisStore, referrals: RedisReferrals, client: Any
) -> None:
    now = await store.now()
    note = SentNote(
        package=PackageId("p-1"),
        receiver=ReceiverId("demo"),
        sent_at=now,
        digest="ab",
        state="sent",
    )
    await referrals.note_sent(note, Milliseconds(now + 60_000))
    await referrals.note_sent(note, Milliseconds(now + 30_000))
    assert await referrals.sent() == (note,)
    assert 0 < await client.pttl(f"{SENT}:p-1") <= 30_000
    await client.delete(f"{SENT}:p-1")
    assert await referrals.sent() == ()
    assert await client.zcard(SENT) == 0
