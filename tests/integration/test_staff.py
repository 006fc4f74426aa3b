"""Accounts and the records of what staff do, over the real database."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from bot.adapters.redis_audit import HEAD, RedisTrail
from bot.adapters.redis_staff import RedisVault
from bot.adapters.sealing import InstallationKey, read_or_make_key
from bot.domain.ids import Milliseconds
from bot.domain.text import Language
from handoff.audit import Audit, is_signed
from handoff.permissions import Role
from handoff.staff import (
    IDLE,
    LONGEST,
    MOST_TRIES,
    SignedIn,
    Staff,
    StaffError,
    Wrong,
)
from tests.support.staffer import PASSWORD, Authenticator

EN = Language("en")
ACCOUNTS = "fp:{staff}:accounts"


class LaterVault(RedisVault):
    """The same, at another time."""

    later = 0

    async def now(self) -> Milliseconds:
        return Milliseconds(await super().now() + self.later)


@pytest.fixture
def key(tmp_path: Path) -> InstallationKey:
    return read_or_make_key(tmp_path / "key")


@pytest.fixture
def vault(redis: Redis, key: InstallationKey) -> LaterVault:
    return LaterVault(redis, key)


@pytest.fixture
def audit(redis: Redis, key: InstallationKey) -> Audit:
    return Audit(RedisTrail(redis), key.mark)


@pytest.fixture
def staff(vault: LaterVault, audit: Audit, key: InstallationKey) -> Staff:
    return Staff(vault, audit, key.mark)


class Colleague:
    """Somebody with a phone."""

    def __init__(self, staff: Staff, name: str) -> None:
        self.staff = staff
        self.name = name
        self.phone = Authenticator()

    async def sets_up(self, token: str, *, name: str = "", password: str = PASSWORD) -> SignedIn:
        invitation = await self.staff.invitation(token)
        assert invitation is not None
        self.phone.secret = invitation.secret
        self.name = invitation.name or name
        return await self.staff.set_up(token, name, (password, password), self.phone.code())

    async def signs_in(
        self, password: str = PASSWORD, code: str | None = None, device: str = ""
    ) -> SignedIn:
        return await self.staff.sign_in(self.name, password, code or self.phone.code(), device)


async def colleague(staff: Staff, name: str, *roles: Role) -> tuple[Colleague, SignedIn]:
    _, token = await staff.invite("terminal", name, roles or (Role.OPERATOR,), EN)
    who = Colleague(staff, name)
    return who, await who.sets_up(token)


async def refused(act: Any, wrong: Wrong) -> None:
    with pytest.raises(StaffError) as error:
        await act
    assert error.value.wrong is wrong


# --- Setting up


async def test_the_first_administrator_comes_by_a_link_and_only_one_does(staff: Staff) -> None:
    links = [await staff.first_link() for _ in range(2)]
    assert all(links)
    first = Colleague(staff, "")
    await first.sets_up(links[0] or "", name="Ana.Pop")
    [account] = await staff.accounts()
    assert account.name == "ana.pop"
    assert account.roles == {Role.ADMIN}
    assert await staff.first_link() is None
    await refused(Colleague(staff, "").sets_up(links[1] or "", name="eve"), Wrong.LINK)
    assert len(await staff.accounts()) == 1


async def test_two_first_administrators_at_once_are_one(staff: Staff) -> None:
    links = [await staff.first_link() or "" for _ in range(4)]
    tries = await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(Colleague(staff, "").sets_up(link, name=f"admin{n}") for n, link in enumerate(links)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, SignedIn) for one in tries) == 1
    assert len(await staff.accounts()) == 1


async def test_a_link_works_once(staff: Staff) -> None:
    _, token = await staff.invite("terminal", "ana", [Role.OPERATOR], EN)
    await Colleague(staff, "ana").sets_up(token)
    assert await staff.invitation(token) is None
    await refused(staff.set_up(token, "", (PASSWORD, PASSWORD), "000000"), Wrong.LINK)


async def test_a_newer_link_ends_an_older_one(staff: Staff) -> None:
    _, token = await staff.invite("terminal", "ana", [Role.OPERATOR], EN)
    newer = await staff.reset("terminal", "ana")
    assert await staff.invitation(token) is None
    assert await staff.invitation(newer) is not None


@pytest.mark.parametrize(
    ("passwords", "wrong"),
    [
        (("short words", "short words"), Wrong.PASSWORD_SHORT),
        ((PASSWORD, PASSWORD + "x"), Wrong.PASSWORDS_DIFFER),
        (("anamaria is my name",) * 2, Wrong.PASSWORD_EASY),
        (("aaaaaaaaaaaaaaaa",) * 2, Wrong.PASSWORD_EASY),
    ],
)
async def test_passwords_that_are_refused_leave_the_link_usable(
    staff: Staff, passwords: tuple[str, str], wrong: Wrong
) -> None:
    _, token = await staff.invite("terminal", "anamaria", [Role.OPERATOR], EN)
    await refused(staff.set_up(token, "", passwords, "000000"), wrong)
    await refused(staff.set_up(token, "", (PASSWORD, PASSWORD), "000000"), Wrong.CODE)
    await Colleague(staff, "anamaria").sets_up(token)


@pytest.mark.parametrize("name", ["", "a", "a b", "x" * 41, "<b>", "\ud800x", "..", "a/b"])
async def test_names_that_are_no_names(staff: Staff, name: str) -> None:
    await refused(staff.invite("terminal", name, [Role.ADMIN], EN), Wrong.NAME)


async def test_names_that_look_the_same_are_the_same(staff: Staff) -> None:
    await staff.invite("terminal", "Ana", [Role.ADMIN], EN)
    await refused(staff.invite("terminal", " ana ", [Role.ADMIN], EN), Wrong.NAME_TAKEN)
    await refused(staff.invite("terminal", "\uff21na", [Role.ADMIN], EN), Wrong.NAME_TAKEN)
    await refused(staff.invite("terminal", "eva", [], EN), Wrong.ROLES)


# --- Signing in


async def test_it_takes_name_password_and_code(staff: Staff) -> None:
    who, _ = await colleague(staff, "ana")
    for name, password, code in (
        ("eva", PASSWORD, None),
        ("ana", PASSWORD + "x", None),
        ("ana", "", None),
        ("ana", PASSWORD, "12345"),
        ("ana", PASSWORD, ""),
        ("ana", "\ud800", None),
    ):
        given = who.phone.code_of(who.phone.last + 1) if code is None else code
        await refused(staff.sign_in(name, password, given), Wrong.SIGN_IN)
    signed = await who.signs_in()
    session = await staff.session(signed.token, active=True)
    assert session is not None
    assert session.account.name == "ana"


async def test_a_code_works_once(staff: Staff) -> None:
    who, _ = await colleague(staff, "ana")
    used = who.phone.code_of(who.phone.last)
    await refused(who.signs_in(code=used), Wrong.SIGN_IN)
    code = who.phone.code()
    tries = await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(who.signs_in(code=code) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, SignedIn) for one in tries) == 1


async def test_guessing_slows_one_account_and_locks_nobody_out(staff: Staff) -> None:
    who, signed = await colleague(staff, "ana")
    other, _ = await colleague(staff, "eva")
    for _ in range(MOST_TRIES):
        await refused(staff.sign_in("ana", "guess", "000000"), Wrong.SIGN_IN)
    # Even the right password has to wait in a browser that we do not know …
    await refused(who.signs_in(), Wrong.WAIT)
    # … but not where this account has signed in before, and nobody else has to wait.
    who.phone.last -= 1
    await who.signs_in(device=signed.device)
    await other.signs_in()
    await refused(staff.sign_in("ana", "guess", "000000", "made.up"), Wrong.WAIT)


async def test_a_known_browser_is_slowed_as_well(staff: Staff) -> None:
    _, signed = await colleague(staff, "ana")
    for _ in range(MOST_TRIES):
        await refused(staff.sign_in("ana", "guess", "000000", signed.device), Wrong.SIGN_IN)
    await refused(staff.sign_in("ana", "guess", "000000", signed.device), Wrong.WAIT)


async def test_a_browser_known_for_one_account_is_not_known_for_another(staff: Staff) -> None:
    _, signed = await colleague(staff, "ana")
    await colleague(staff, "eva")
    for _ in range(MOST_TRIES):
        await refused(staff.sign_in("eva", "guess", "000000", signed.device), Wrong.SIGN_IN)
    await refused(staff.sign_in("eva", "guess", "000000"), Wrong.WAIT)


async def test_recovery_lets_them_try_again_at_once(staff: Staff) -> None:
    who, _ = await colleague(staff, "ana")
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(StaffError):
            await staff.sign_in("ana", "guess", "000000")
    again = Colleague(staff, "ana")
    await again.sets_up(await staff.reset("terminal", "ana"), password="another good one, long")  # noqa: S106
    await again.signs_in(password="another good one, long")  # noqa: S106
    await refused(who.signs_in(), Wrong.SIGN_IN)


# --- Sessions end


async def test_a_session_ends_when_nobody_does_anything(staff: Staff, redis: Redis) -> None:
    _, signed = await colleague(staff, "ana")
    [name] = [key async for key in redis.scan_iter(match="fp:staff:session:*")]
    assert 0 < await redis.pttl(name) <= IDLE
    await redis.pexpire(name, 60_000)
    assert await staff.session(signed.token, active=False) is not None
    assert await redis.pttl(name) <= 60_000  # a page that looks by itself keeps nobody signed in
    await staff.session(signed.token, active=True)
    assert await redis.pttl(name) > 60_000
    assert signed.token.encode() not in name


async def test_a_session_ends_after_half_a_day_whatever_happens(
    staff: Staff, vault: LaterVault, redis: Redis
) -> None:
    _, signed = await colleague(staff, "ana")
    vault.later = LONGEST - 60_000
    assert await staff.session(signed.token, active=True) is not None
    [name] = [key async for key in redis.scan_iter(match="fp:staff:session:*")]
    assert await redis.pttl(name) <= 60_000
    vault.later = LONGEST + 1
    assert await staff.session(signed.token, active=True) is None
    vault.later = 0
    assert await staff.session(signed.token, active=True) is None


async def test_sessions_end_with_signing_out_disabling_and_recovery(staff: Staff) -> None:
    await colleague(staff, "boss", Role.ADMIN)
    who, signed = await colleague(staff, "ana")
    session = await staff.session(signed.token, active=True)
    assert session is not None
    await staff.sign_out(session)
    assert await staff.session(signed.token, active=True) is None
    signed = await who.signs_in()
    await staff.reset("terminal", "ana")
    assert await staff.session(signed.token, active=True) is None
    other, signed = await colleague(staff, "eva")
    await staff.disable("terminal", "eva")
    assert await staff.session(signed.token, active=True) is None
    await refused(other.signs_in(), Wrong.SIGN_IN)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 10_000, "../../x"])
async def test_tokens_that_are_nobodys(staff: Staff, token: str) -> None:
    assert await staff.session(token, active=True) is None
    assert await staff.invitation(token) is None


# --- Managing


async def test_there_is_always_an_administrator(staff: Staff) -> None:
    await colleague(staff, "boss", Role.ADMIN)
    await refused(staff.disable("terminal", "boss"), Wrong.LAST_ADMIN)
    await refused(staff.set_roles("terminal", "boss", [Role.OPERATOR]), Wrong.LAST_ADMIN)
    await staff.invite("terminal", "next", [Role.ADMIN], EN)  # cannot sign in yet
    await refused(staff.disable("terminal", "boss"), Wrong.LAST_ADMIN)
    await colleague(staff, "other", Role.ADMIN)
    await staff.disable("terminal", "boss")
    await refused(staff.disable("terminal", "nobody"), Wrong.UNKNOWN)


async def test_roles_count_at_once(staff: Staff) -> None:
    _, signed = await colleague(staff, "ana", Role.OPERATOR)
    await staff.set_roles("terminal", "ana", [Role.EDITOR])
    session = await staff.session(signed.token, active=True)
    assert session is not None
    assert session.account.roles == {Role.EDITOR}
    await refused(staff.set_roles("terminal", "ana", []), Wrong.ROLES)


async def test_nothing_of_an_account_can_be_read_in_the_database(
    staff: Staff, redis: Redis
) -> None:
    who, signed = await colleague(staff, "zqcanary")
    stored = [name async for name in redis.scan_iter(match="*")]
    stored += [await redis.dump(name) for name in stored]
    values: Any = redis
    stored += [part for pair in (await values.hgetall(ACCOUNTS)).items() for part in pair]
    stored += await values.lrange("fp:audit:of:terminal", 0, -1)
    assert len(stored) > 6
    for secret in ("zqcanary", who.phone.secret.replace(" ", ""), signed.token, "$argon2id"):
        assert not [one for one in stored if secret.encode() in one]


# --- Records


async def test_records_form_a_chain(audit: Audit) -> None:
    for number in range(5):
        await audit.note("op-a", f"look:{number}", "conversation")
    await audit.note("op-b", "queue")
    verified = await audit.verify()
    assert (verified.records, verified.problems) == (6, ())
    assert [record.what for record in await audit.read("op-a")][-1] == "look:4"
    signature, _, body = (verified.head or b"").partition(b" ")
    assert is_signed(body, signature, verified.key)
    assert not is_signed(body + b" ", signature, verified.key)
    assert not is_signed(body, b"zz", verified.key)


async def test_many_records_at_once_are_all_kept(audit: Audit) -> None:
    other = Audit(audit.trail, audit.mark)  # as of another process
    noting = (by.note(f"op-{n % 3}", f"n{n}") for n in range(20) for by in (audit, other))
    await asyncio.gather(*noting)  # noqa: TID251
    verified = await audit.verify()
    assert (verified.records, verified.problems) == (40, ())
    signed = audit._said(verified.head)
    assert signed is not None
    assert sum(end.count for end in signed.values()) == 40


def _changed(record: bytes) -> bytes:
    return json.dumps({**json.loads(record), "what": "something else"}).encode()


@pytest.mark.parametrize("damage", ["change", "remove", "swap", "cut", "garbage", "lose"])
async def test_every_damage_is_found(audit: Audit, redis: Redis, damage: str) -> None:
    for number in range(4):
        await audit.note("op-a", f"look:{number}")
    name, database = "fp:audit:of:op-a", cast(Any, redis)
    records: list[bytes] = await database.lrange(name, 0, -1)
    match damage:
        case "change":
            records[1] = _changed(records[1])
        case "remove":
            del records[1]
        case "swap":
            records[1], records[2] = records[2], records[1]
        case "cut":
            del records[3]
        case "garbage":
            records[2] = b"\xff{"
        case _:
            records = []
    await redis.delete(name)
    if records:
        await database.rpush(name, *records)
    else:
        await database.srem("fp:audit:streams", "op-a")
    found = (await audit.verify()).problems
    assert found
    # Nothing that happens afterwards covers it up.
    for number in range(3):
        await audit.note("op-a", f"later:{number}")
        await audit.note("op-b", f"later:{number}")
        await audit.sign_head()
    assert (await audit.verify()).problems


async def test_a_record_that_a_dead_process_left_without_a_head_gets_one(audit: Audit) -> None:
    await audit.note("op-a", "look")
    before = await audit.trail.head()
    await audit.note("op-b", "look")
    head = await audit.trail.head()
    assert await audit.trail.swap_head(head, before or b""), "as if the head had not been written"
    await audit.sign_head()
    said = audit._said(await audit.trail.head())
    assert said is not None
    assert {stream: end.count for stream, end in said.items()} == {"op-a": 1, "op-b": 1}


async def test_a_stream_that_was_only_announced_is_no_damage(audit: Audit, redis: Redis) -> None:
    """A process died between naming the stream and its first record."""
    await audit.note("op-a", "look")
    await cast(Any, redis).sadd("fp:audit:streams", "op-b")
    await audit.sign_head()
    assert (await audit.verify()).problems == ()


async def test_a_head_of_somebody_else_is_found(
    audit: Audit, redis: Redis, tmp_path: Path
) -> None:
    await audit.note("op-a", "look")
    await redis.delete(HEAD)
    assert (await audit.verify()).problems == ("There are records and no signed head.",)
    other = Audit(RedisTrail(redis), read_or_make_key(tmp_path / "other").mark)
    await other.sign_head()
    assert (await audit.verify()).problems == ("The signature of the head is not ours.",)
    await audit.note("op-a", "look")
    assert (await audit.verify()).problems == ("The signature of the head is not ours.",)
