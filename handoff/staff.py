"""Accounts of staff: a password, a code from their phone, and sessions that end.

Whoever tries passwords is slowed for each account, and separately for each browser in which that
account has signed in before. So nobody can shut a colleague out by guessing at their name.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NewType, Protocol
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.text import Language
from bot.errors import StoreUnavailableError
from handoff.audit import Audit
from handoff.permissions import Act, Member, Role, may

Mark = Callable[..., bytes]
AccountKey = NewType("AccountKey", str)
"""Made from the name under which somebody signs in."""

_MINUTE = 60_000
IDLE = Milliseconds(30 * _MINUTE)
LONGEST = Milliseconds(12 * 60 * _MINUTE)
"""After so long a session ends, whatever happens in it."""

FIRST_LINK = Milliseconds(60 * _MINUTE)
LINK = Milliseconds(24 * 60 * _MINUTE)

MOST_TRIES = 10
TRIES_WITHIN = Milliseconds(5 * _MINUTE)

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200
LONGEST_NAME = 40
_STEP_SECONDS = 30
_STEPS_AROUND = (0, -1, 1)
_SECRET_BYTES = 20
_TOKEN_BYTES = 32
_HASHES_AT_ONCE = 2
_MOST_SWAPS = 20


class Wrong(Enum):
    """Why something about an account was not done; each has a sentence in the console's texts."""

    SIGN_IN = "sign_in_wrong"
    WAIT = "sign_in_wait"
    LINK = "link_wrong"
    NAME = "name_wrong"
    NAME_TAKEN = "name_taken"
    PASSWORD_SHORT = "password_short"  # noqa: S105 - a name of a sentence
    PASSWORD_EASY = "password_easy"  # noqa: S105
    PASSWORDS_DIFFER = "passwords_differ"
    CODE = "code_wrong"
    ROLES = "roles_wrong"
    LAST_ADMIN = "last_admin"
    UNKNOWN = "account_unknown"


class StaffError(Exception):
    """Nothing was changed; `wrong` says why."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.value)
        self.wrong = wrong


Kept = tuple[bytes, bytes]
"""An account as it stands in the vault: its value, and what has to be there still when it is
changed."""


class Vault(Protocol):
    """Where accounts, sessions and links are kept, sealed."""

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        ...

    async def get(self, key: str) -> Kept | None:
        """An account."""
        ...

    async def all(self) -> Mapping[str, Kept]:
        """All accounts."""
        ...

    async def swap(self, key: str, handle: bytes, value: bytes, *, only_first: bool) -> bool:
        """Put an account in the place of `handle`; False when something else is there.

        An empty `handle` is for a new one. `only_first`: and only while there is no other.
        """
        ...

    async def put(self, kind: str, name: str, value: bytes, keep_for: Milliseconds) -> None:
        """Keep a session or a link under the hash of its token."""
        ...

    async def look(self, kind: str, name: str) -> bytes | None:
        """A session or a link."""
        ...

    async def take(self, kind: str, name: str) -> bool:
        """Remove it; whether it was there. Of several who take it, one does."""
        ...

    async def count(self, name: str, within: Milliseconds) -> int:
        """Count one more try, forgotten after `within`; how many there were."""
        ...

    async def forget(self, name: str) -> None:
        """Forget the tries."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A member of staff."""

    id: OperatorId
    name: str
    roles: frozenset[Role]
    language: Language
    password: str = field(default="", repr=False)
    """The slow hash; empty until the person it belongs to has chosen one."""

    secret: bytes = field(default=b"", repr=False)
    last_step: int = 0
    """The step of the last code that was used: no code counts twice."""

    disabled: bool = False
    epoch: int = 1
    """Sessions and links of an earlier one are good for nothing."""

    @property
    def member(self) -> Member:
        """For permissions."""
        return Member(id=self.id, roles=self.roles)

    @property
    def ready(self) -> bool:
        """Whether they can sign in."""
        return bool(self.password) and not self.disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    account: Account
    key: AccountKey
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a browser gets after signing in."""

    token: str = field(repr=False)
    device: str = field(repr=False)
    """Shows later that this account has signed in here before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link that was opened: who may set up what."""

    name: str
    """Empty for the first administrator, who chooses one."""

    uri: str = field(repr=False)
    """For an authenticator (`otpauth:`)."""

    secret: str = field(repr=False)
    """The same, to be typed."""


def new_hasher() -> PasswordHasher:
    """argon2id with 46 MiB: more than RFC 9106 asks for at least, little enough for 1 GB."""
    return PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class Hashing:
    """Slow hashes, a few at a time; browsers that are known do not wait behind unknown ones."""

    hasher: PasswordHasher
    known: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HASHES_AT_ONCE))
    unknown: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HASHES_AT_ONCE))

    async def make(self, password: str) -> str:
        """The hash to be stored."""
        async with self.known:
            return await asyncio.to_thread(self.hasher.hash, _plain(password))

    async def fits(self, stored: str, password: str, *, known: bool) -> bool:
        """Whether `password` is the one that `stored` was made of."""
        async with self.known if known else self.unknown:
            return await asyncio.to_thread(self._verify, stored, password)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self.hasher.verify(stored, _plain(password))
        except (Argon2Error, InvalidHashError):
            return False


@dataclass(frozen=True, slots=True)
class Staff:
    """Everything about accounts."""

    vault: Vault
    audit: Audit
    mark: Mark = field(repr=False)
    hashing: Hashing = field(default_factory=lambda: Hashing(new_hasher()), repr=False)

    # Signing in

    async def sign_in(self, name: str, password: str, code: str, device: str = "") -> SignedIn:
        """Begin a session. `device` is what this browser was given the last time.

        Raises:
            StaffError: name, password or code is wrong, or there were too many tries.
        """
        key = self._key(name)
        known = self._is_known(key, device)
        tries = f"device:{_hash(device)}" if known else f"account:{key}"
        if await self.vault.count(tries, TRIES_WITHIN) > MOST_TRIES:
            raise StaffError(Wrong.WAIT)
        kept = await self.vault.get(key)
        account = _read(kept[0]) if kept else None
        stored = account.password if account and account.ready else self._nobody()
        fits = await self.hashing.fits(stored, password, known=known)
        if kept is None or account is None or not account.ready or not fits:
            raise StaffError(Wrong.SIGN_IN)
        step = _step_of(account.secret, code, await self.vault.now(), account.last_step)
        if step is None or not await self._swap(key, kept, replace(account, last_step=step)):
            raise StaffError(Wrong.SIGN_IN)
        await self.vault.forget(tries)
        return await self._begin(key, account, device if known else "")

    async def _begin(self, key: AccountKey, account: Account, device: str) -> SignedIn:
        await self.audit.note(account.id, "sign_in")
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await self._keep_session(key, account, token, began=await self.vault.now())
        return SignedIn(token=token, device=self._device(key, device))

    async def session(self, token: str, *, active: bool) -> Session | None:
        """Whose session it is; None when it has ended. `active`: a human did something."""
        found = await self.vault.look("session", _hash(token)) if token else None
        if found is None:
            return None
        value: dict[str, Any] = json.loads(found)
        key = AccountKey(value["account"])
        kept = await self.vault.get(key)
        account = _read(kept[0]) if kept else None
        if account is None or not account.ready or account.epoch != value["epoch"]:
            return None
        if active:
            began = Milliseconds(value["began"])
            if not await self._keep_session(key, account, token, began=began):
                return None
        return Session(account=account, key=key, token=token)

    async def sign_out(self, session: Session) -> None:
        """End a session."""
        await self.audit.note(session.account.id, "sign_out")
        await self.vault.take("session", _hash(session.token))

    async def _keep_session(
        self, key: AccountKey, account: Account, token: str, *, began: Milliseconds
    ) -> bool:
        left = began + LONGEST - await self.vault.now()
        if left <= 0:
            await self.vault.take("session", _hash(token))
            return False
        value = json.dumps({"account": key, "epoch": account.epoch, "began": began}).encode()
        await self.vault.put("session", _hash(token), value, Milliseconds(min(IDLE, left)))
        return True

    # Links with which an account is set up

    async def first_link(self) -> str | None:
        """A token for the first administrator; None when there is an account that works."""
        if any(account.ready for account in await self.accounts()):
            return None
        return await self._link("", 0, FIRST_LINK)

    async def invitation(self, token: str) -> Invitation | None:
        """What the link with `token` is for; None when it is used up or too old."""
        found = await self._opened(token)
        if found is None:
            return None
        name = found[1].name if found[1] else ""
        secret = self._secret(token)
        written = base64.b32encode(secret).decode()
        label = quote(f"Firstpoint:{name or 'admin'}")
        uri = f"otpauth://totp/{label}?secret={written}&issuer=Firstpoint"
        spaced = " ".join(written[i : i + 4] for i in range(0, len(written), 4))
        return Invitation(name=name, uri=uri, secret=spaced)

    async def set_up(
        self, token: str, name: str, passwords: tuple[str, str], code: str
    ) -> SignedIn:
        """Use a link: choose a password, show that the authenticator works, and be signed in.

        Raises:
            StaffError: something is wrong with it; the link can be used again.
        """
        found = await self._opened(token)
        if found is None:
            raise StaffError(Wrong.LINK)
        key, account = found
        if account is None:
            key = self._key(name)
            account = _fresh(name, frozenset({Role.ADMIN}), Language("en"))
        _check_password(passwords, account.name)
        secret = self._secret(token)
        step = _step_of(secret, code, await self.vault.now(), 0)
        if step is None:
            raise StaffError(Wrong.CODE)
        ready = replace(
            account,
            password=await self.hashing.make(passwords[0]),
            secret=secret,
            last_step=step,
            epoch=account.epoch + 1,
        )
        if not await self.vault.take("link", _hash(token)):
            raise StaffError(Wrong.LINK)
        kept = await self.vault.get(key)
        alone = False
        if found[1] is None:
            others = await self.accounts()
            alone = not others
            if any(other.ready for other in others):
                raise StaffError(Wrong.LINK)
        await self.audit.note(account.id, "set_up", account.id)
        if not await self._swap(key, kept, ready, only_first=alone):
            raise StaffError(Wrong.LINK)
        return await self._begin(key, ready, "")

    async def _opened(self, token: str) -> tuple[AccountKey, Account | None] | None:
        found = await self.vault.look("link", _hash(token))
        if found is None:
            return None
        value: dict[str, Any] = json.loads(found)
        key = AccountKey(value["account"])
        if not key:
            return key, None
        kept = await self.vault.get(key)
        account = _read(kept[0]) if kept else None
        if account is None or account.disabled or account.epoch != value["epoch"]:
            return None
        return key, account

    async def _link(self, key: str, epoch: int, keep_for: Milliseconds) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        value = json.dumps({"account": key, "epoch": epoch}).encode()
        await self.vault.put("link", _hash(token), value, keep_for)
        return token

    def _secret(self, token: str) -> bytes:
        """The same each time the link is looked at, and nobody else can make it."""
        return self.mark("staff-code", token)[:_SECRET_BYTES]

    # Managing accounts

    async def accounts(self) -> tuple[Account, ...]:
        """All accounts by name."""
        kept = await self.vault.all()
        return tuple(sorted((_read(one) for one, _ in kept.values()), key=lambda a: a.name))

    async def invite(
        self, who: str, name: str, roles: Iterable[Role], language: Language
    ) -> tuple[Account, str]:
        """A new account, and the token of the link with which it is set up.

        Raises:
            StaffError: the name cannot be used, or there is no role.
        """
        account = _fresh(name, frozenset(roles), language)
        if not account.roles:
            raise StaffError(Wrong.ROLES)
        key = self._key(name)
        if await self.vault.get(key) is not None:
            raise StaffError(Wrong.NAME_TAKEN)
        await self.audit.note(who, "invite", account.id)
        if not await self._swap(key, None, account):
            raise StaffError(Wrong.NAME_TAKEN)
        return account, await self._link(key, account.epoch, LINK)

    async def disable(self, who: str, name: str) -> None:
        """End every session of an account and let nobody sign in with it.

        Raises:
            StaffError: there is no such account, or it is the last administrator's.
        """
        await self._check_other_admin(name)
        await self._change(who, name, "disable", disabled=True)

    async def set_roles(self, who: str, name: str, roles: Iterable[Role]) -> None:
        """Give an account other roles; they count from the next click on.

        Raises:
            StaffError: there is no such account or role, or it is the last administrator's.
        """
        wanted = frozenset(roles)
        if not wanted:
            raise StaffError(Wrong.ROLES)
        if Role.ADMIN not in wanted:
            await self._check_other_admin(name)
        named = ",".join(sorted(role.value for role in wanted))
        await self._change(who, name, f"roles:{named}", roles=wanted)

    async def set_language(self, who: str, name: str, language: Language) -> None:
        """Change the language of the console for an account."""
        await self._change(who, name, "language", language=language)

    async def reset(self, who: str, name: str) -> str:
        """Recovery: a new link; the old password, code and sessions are good for nothing.

        Raises:
            StaffError: there is no such account.
        """
        account = await self._change(
            who, name, "reset", disabled=False, password="", secret=b"", last_step=0
        )
        key = self._key(name)
        await self.vault.forget(f"account:{key}")
        return await self._link(key, account.epoch, LINK)

    async def _check_other_admin(self, name: str) -> None:
        admins = [
            self._key(account.name)
            for account in await self.accounts()
            if account.ready and may(account.member, Act.MANAGE_STAFF)
        ]
        if admins == [self._key(name)]:
            raise StaffError(Wrong.LAST_ADMIN)

    async def _change(self, who: str, name: str, what: str, **fields: Any) -> Account:  # noqa: ANN401 - dataclasses.replace checks them
        key = self._key(name)
        for _ in range(_MOST_SWAPS):
            kept = await self.vault.get(key)
            if kept is None:
                raise StaffError(Wrong.UNKNOWN)
            account = _read(kept[0])
            epoch = account.epoch + (what in {"disable", "reset"})
            changed = replace(account, epoch=epoch, **fields)
            await self.audit.note(who, what, account.id)
            if await self._swap(key, kept, changed):
                return changed
        raise StoreUnavailableError("too many changes at once")

    async def _swap(
        self, key: str, kept: Kept | None, account: Account, *, only_first: bool = False
    ) -> bool:
        handle = kept[1] if kept else b""
        return await self.vault.swap(key, handle, _written(account), only_first=only_first)

    # Secrets

    def _key(self, name: str) -> AccountKey:
        return AccountKey(self.mark("staff-name", _normal(name)).hex()[:32])

    def _device(self, key: AccountKey, known: str) -> str:
        random = known.partition(".")[0] or secrets.token_urlsafe(16)
        return f"{random}.{self.mark('staff-device', key, random).hex()[:32]}"

    def _is_known(self, key: AccountKey, device: str) -> bool:
        random, _, code = device.partition(".")
        made = self.mark("staff-device", key, random).hex()[:32]
        return bool(random) and hmac.compare_digest(made.encode(), code.encode(errors="replace"))

    def _nobody(self) -> str:
        """A hash that nothing fits, as slow as any other: names cannot be found out by time."""
        return (
            "$argon2id$v=19$m=47104,t=2,p=1$"
            f"{base64.b64encode(bytes(16)).decode().rstrip('=')}$"
            f"{base64.b64encode(self.mark('staff-nobody')).decode().rstrip('=')}"
        )


def _fresh(name: str, roles: frozenset[Role], language: Language) -> Account:
    plain = _normal(name)
    signs = plain.replace(".", "").replace("-", "").replace("_", "")
    if not signs.isalnum() or not 2 <= len(plain) <= LONGEST_NAME:  # noqa: PLR2004 - one letter is no name
        raise StaffError(Wrong.NAME)
    id = OperatorId(f"op-{secrets.token_hex(8)}")
    return Account(id=id, name=plain, roles=roles, language=language)


def _check_password(passwords: tuple[str, str], name: str) -> None:
    password, again = passwords
    if password != again:
        raise StaffError(Wrong.PASSWORDS_DIFFER)
    if len(_plain(password)) < SHORTEST_PASSWORD:
        raise StaffError(Wrong.PASSWORD_SHORT)
    lower = password.casefold()
    if name in lower or len(set(lower)) < SHORTEST_PASSWORD // 2:
        raise StaffError(Wrong.PASSWORD_EASY)


def _normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _plain(password: str) -> str:
    """The same on every keyboard; surrogates cannot be hashed."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _step_of(secret: bytes, code: str, now: Milliseconds, last: int) -> int | None:
    """The step that `code` belongs to, when it is near now and was not used before (RFC 6238)."""
    digits = "".join(sign for sign in code if sign.isascii() and sign.isdigit())
    clock = TOTP(secret, 6, SHA1(), _STEP_SECONDS)  # noqa: S303 - what authenticators expect
    present = now // 1000 // _STEP_SECONDS
    for around in _STEPS_AROUND:
        step = present + around
        try:
            clock.verify(digits.encode(), step * _STEP_SECONDS)
        except InvalidToken:
            continue
        return step if step > last else None
    return None


def _written(account: Account) -> bytes:
    return json.dumps(
        {
            "version": 1,
            "id": account.id,
            "name": account.name,
            "roles": sorted(role.value for role in account.roles),
            "language": account.language,
            "password": account.password,
            "secret": account.secret.hex(),
            "last_step": account.last_step,
            "disabled": account.disabled,
            "epoch": account.epoch,
        }
    ).encode()


def _read(stored: bytes) -> Account:
    value: dict[str, Any] = json.loads(stored)
    return Account(
        id=OperatorId(value["id"]),
        name=str(value["name"]),
        roles=frozenset(map(Role, value["roles"])),
        language=Language(value["language"]),
        password=str(value["password"]),
        secret=bytes.fromhex(value["secret"]),
        last_step=int(value["last_step"]),
        disabled=bool(value["disabled"]),
        epoch=int(value["epoch"]),
    )
