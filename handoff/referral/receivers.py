"""The directory of receivers: to whom something may be sent, how, and until when that is checked.

One file each in `flows/receivers/`, kept by a named role. An entry past its check date, or whose
channel was never tried, is not used: a wrong address gives a person away.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from hashlib import sha256
from typing import Annotated, Literal

import yaml
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.consent import ReceiverId
from bot.domain.text import Country

FOLDER = "flows/receivers"
MOST_CHECKED = timedelta(days=366)
"""Nobody may vouch for an address for longer."""

KEY_BYTES = 32


class Channel(Enum):
    """How something reaches a receiver. More will come; each is an exit of its own."""

    FILE_DROP = "file_drop"
    PRINTED = "printed"


class Kind(Enum):
    """What a receiver is."""

    FIRST_POINT = "first_point_of_notification"
    CHILD_PROTECTION = "child_protection"
    SUPPORT = "support_organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """An organisation that may be told about a person."""

    id: ReceiverId
    name: str
    kind: Kind
    country: Country
    owner: str
    """The role that keeps this entry right."""

    checked_on: date
    check_until: date
    channel: Channel
    tested_on: date | None
    public_key: bytes | None
    answers_within_hours: int
    hours: str
    second_contact: str
    """Whom to ask when nobody confirms in time."""

    minors_contact: str
    """Who there looks after somebody under 18; empty when nobody does."""

    demonstration: bool = False

    @property
    def key_id(self) -> str:
        """A short name for the key, to compare by voice."""
        return key_id(self.public_key or b"")


class Unusable(Enum):
    """Why a receiver cannot be used now."""

    NOT_CHECKED = "not_checked"
    NOT_TESTED = "not_tested"
    NOT_FOR_MINORS = "not_for_minors"


def why_unusable(receiver: Receiver, today: date, *, minor: bool = False) -> Unusable | None:
    """Why nothing may be sent there now; None when it may."""
    if not receiver.checked_on <= today <= receiver.check_until:
        return Unusable.NOT_CHECKED
    if receiver.tested_on is None or receiver.tested_on > today:
        return Unusable.NOT_TESTED
    if minor and not receiver.minors_contact:
        return Unusable.NOT_FOR_MINORS
    return None


def key_id(public_key: bytes) -> str:
    """The first 16 hexadecimal digits of a key's SHA-256, in groups."""
    digits = sha256(public_key).hexdigest()[:16]
    return " ".join(digits[start : start + 4] for start in range(0, 16, 4))


@dataclass(frozen=True, slots=True)
class BadEntry:
    """A file that is not used, and why."""

    file: str
    problem: str
    unread: bool = False
    """Whether it could not even be read: that may pass, and says nothing about the receiver."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The receivers that could be read."""

    receivers: Mapping[ReceiverId, Receiver] = field(default_factory=dict[ReceiverId, Receiver])
    problems: tuple[BadEntry, ...] = ()

    def get(self, id: ReceiverId) -> Receiver | None:
        """The receiver of that name."""
        return self.receivers.get(id)

    def is_unread(self, id: ReceiverId) -> bool:
        """Whether nobody knows now if there is such a receiver, and what their file says."""
        return any(bad.unread and bad.file in ("", _file_of(id)) for bad in self.problems)

    def usable(self, today: date, *, minor: bool = False) -> tuple[Receiver, ...]:
        """Whom an operator can choose now, in the order of their names."""
        found = (r for r in self.receivers.values() if why_unusable(r, today, minor=minor) is None)
        return tuple(sorted(found, key=lambda receiver: receiver.name))


def _file_of(id: ReceiverId) -> str:
    return f"{id}.yaml"


Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ReceiverFile(BaseModel):
    """One file of the directory; `flows/receivers/README.md` explains it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    schema_: Literal[1] = Field(alias="schema")
    receiver: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f{}<>]+$")]
    kind: Kind
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    owner: Line
    checked_on: date
    check_until: date
    channel: Channel
    tested_on: date | None = None
    public_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")] | None = None
    answers_within_hours: Annotated[int, Field(ge=1, le=720)]
    hours: Line
    second_contact: Line
    minors_contact: Line | None = None
    demonstration: bool = False


def read_directory(files: Mapping[str, str]) -> Directory:
    """The directory in the texts of its files, by path. A wrong file takes no other with it."""
    receivers: dict[ReceiverId, Receiver] = {}
    problems: list[BadEntry] = []
    for file, text in sorted(files.items()):
        if not file.endswith(".yaml"):
            continue
        found = _read(file, text)
        if isinstance(found, BadEntry):
            problems.append(found)
        else:
            receivers[found.id] = found
    return Directory(receivers, tuple(problems))


def _read(file: str, text: str) -> Receiver | BadEntry:
    try:
        written = ReceiverFile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError:
        return BadEntry(file, "this is not YAML")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return BadEntry(file, f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}")
    except ValueError:  # YAML that says 30 February
        return BadEntry(file, "there is no such date")
    problem = _wrong(written, file.rpartition("/")[2].removesuffix(".yaml"))
    return BadEntry(file, problem) if problem else _receiver(written)


def _wrong(written: ReceiverFile, stem: str) -> str:
    if written.receiver != stem:
        return f"receiver: the file is called {stem}"
    if not written.checked_on <= written.check_until <= written.checked_on + MOST_CHECKED:
        return "check_until: after checked_on, and at most a year later"
    if (written.channel is Channel.FILE_DROP) != (written.public_key is not None):
        return "public_key: a file drop needs one, and only a file drop has one"
    if written.public_key is not None and not _is_key(b64decode(written.public_key)):
        return "public_key: this is not a key that can be used"
    return ""


def _is_key(raw: bytes) -> bool:
    """Whether something can be sealed to it; keys of small order would seal to everybody."""
    return len(raw) == KEY_BYTES and raw not in _SMALL_ORDER and bool(_public(raw))


def _public(raw: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(raw)


_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def _receiver(written: ReceiverFile) -> Receiver:
    return Receiver(
        id=ReceiverId(written.receiver),
        name=written.name,
        kind=written.kind,
        country=Country(written.country),
        owner=written.owner,
        checked_on=written.checked_on,
        check_until=written.check_until,
        channel=written.channel,
        tested_on=written.tested_on,
        public_key=b64decode(written.public_key) if written.public_key else None,
        answers_within_hours=written.answers_within_hours,
        hours=written.hours,
        second_contact=written.second_contact,
        minors_contact=written.minors_contact or "",
        demonstration=written.demonstration,
    )
