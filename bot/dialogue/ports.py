"""What the dialogue needs from outside, with only the methods that it calls."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType, Protocol

from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.ids import NO_TIME, ConversationId, InputKey, Milliseconds
from bot.domain.messages import Message, Shown
from bot.domain.text import Language, LanguageInfo, Line, Text, Words
from bot.engine.graph import Graph
from bot.engine.received import Action

DeliveryId = NewType("DeliveryId", str)

DELIVERY_LEASE = Milliseconds(5_000)
"""A delivery that takes longer has lost its right: its channel must stop before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and its number in the log, counted from 1 without gaps."""

    seq: int
    message: Message


@dataclass(frozen=True, slots=True)
class Done:
    """What an input led to: the log entries from `first` to `last`, both included.

    `last` is `first - 1` when the turn added nothing to the log.
    """

    first: int
    last: int
    repeated: bool = field(default=False, compare=False)
    """Whether it had had its turn before, so that another commit than this one wrote them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A conversation as it stands in the store."""

    conversation: Conversation
    version: int
    length: int
    """How many entries the log has."""

    handle: bytes = field(default=b"", repr=False)
    """The store's own; it goes back with the commit and saves a round trip."""

    now: Milliseconds = NO_TIME
    """The time that all processes share, when it was read."""

    done: Done | None = None
    """Set when the input that was asked about has had its turn already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Which member of staff did what. Never what was said."""

    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything that one turn writes, in one step or not at all."""

    id: ConversationId
    key: InputKey
    version: int
    """The version that the turn was made from; 0 begins the conversation."""

    conversation: Conversation
    messages: tuple[Message, ...] = field(repr=False)
    length: int
    handle: bytes = field(default=b"", repr=False)
    rank: int
    """Where it stands in the queue while it waits, the lowest first (design section 8)."""

    keep_for: Milliseconds
    """How long the conversation is kept from now on when nothing more happens."""

    handed_over: bool
    """Whether the messages count as given to the channel in the same step."""

    delivery: DeliveryId | None = None
    """Opened in the same step for whoever writes the messages; it is closed as after a read."""

    takes_over: bool = False
    """Whether this is a claim: what the bot said and nobody was given stays unsaid."""

    audit: AuditRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a reader is given: entries after a number, and the conversation they led to."""

    conversation: Conversation
    version: int
    length: int
    entries: tuple[Entry, ...]
    delivery: DeliveryId | None = None
    """Set when a delivery is open; it must be closed when everything is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A conversation in the queue."""

    id: ConversationId
    rank: int
    since: Milliseconds


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be said of a conversation without opening it."""

    id: ConversationId
    owner: Owner | None
    """None when there is no such conversation any more."""

    release: int | None
    """The release it began with; None when only the conversation itself knows."""


class Store(Protocol):
    """Conversations, each with its log.

    Every method raises `StoreUnavailableError` when the store does not answer, and `GoneError`
    when there is no such conversation. Cancelling a call leaves the write done or not done,
    never half done.
    """

    async def load(self, id: ConversationId, key: InputKey) -> Loaded:
        """The conversation, and whether the input `key` has had its turn."""
        ...

    async def look(self, id: ConversationId) -> Loaded:
        """The conversation as it stands, for somebody who sends no input."""
        ...

    async def commit(self, commit: Commit) -> Done | None:
        """Write a turn; None when somebody else wrote first. The same key twice is one turn."""
        ...

    async def read(
        self,
        id: ConversationId,
        after: int,
        lease: Milliseconds | None = None,
    ) -> View:
        """The entries after `after`; with `lease` a delivery of them is open for that long."""
        ...

    async def close_delivery(self, id: ConversationId, read: View, written: int) -> None:
        """End the delivery of `read`, if there is one. Up to the entry `written` it was given.

        Only this, or a commit that says so, makes an entry count as given to the person. Nothing
        counts when the lease has ended before. A claim that came meanwhile took it for unsaid:
        that is put right.
        """
        ...

    async def open_deliveries(self, id: ConversationId) -> int:
        """How many deliveries are open now."""
        ...

    async def set_aside(self, id: ConversationId, key: InputKey, what: bytes) -> None:
        """Keep an input that nothing could work on, sealed, for somebody to look at."""
        ...

    async def erase(self, id: ConversationId) -> None:
        """Delete the key and everything else. From then on the conversation is gone."""
        ...

    async def project(self, id: ConversationId) -> None:
        """Bring the indexes in line with the conversation's record."""
        ...


class Index(Protocol):
    """What is known over all conversations. It is made of their records and can be remade."""

    async def project(self, id: ConversationId) -> None:
        """Bring the indexes in line with the conversation's record."""
        ...

    async def queue(self) -> tuple[Waiting, ...]:
        """Who waits, in order."""
        ...

    async def leases_ended(self) -> tuple[tuple[ConversationId, Milliseconds], ...]:
        """Conversations whose operator went silent, and when the lease ended."""
        ...

    def mend(self) -> AsyncIterator[tuple[Standing, ...]]:
        """Bring the indexes in line with all records, some at a time: each step is a short one.

        Whoever goes through to the end has seen every conversation that was there all the time.
        """
        ...

    async def note_sweep(self) -> None:
        """Note that a round over what happens by itself was finished now."""
        ...

    def all_ids(self) -> AsyncIterator[ConversationId]:
        """Every conversation, and every id that an index names."""
        ...

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        ...

    async def hold_lease(self, name: str, holder: str, keep_for: Milliseconds) -> bool:
        """Take or renew what one process holds at a time."""
        ...

    async def let_go(self, name: str, holder: str) -> None:
        """Give it back."""
        ...


class Content(Protocol):
    """A release as the dialogue uses it."""

    @property
    def number(self) -> int:
        """The number under which it was published."""
        ...

    @property
    def graph(self) -> Graph:
        """Where a conversation goes."""
        ...

    @property
    def languages(self) -> Mapping[Language, LanguageInfo]:
        """The languages it offers, in order."""
        ...

    def words(self, sentence: Text, language: Language) -> Words:
        """A sentence in `language`, or in English where it is not translated."""
        ...

    def pinned(self, sentence: Text) -> bool:
        """Whether the sentence belongs to the graph: a conversation keeps its own wording."""
        ...

    def lines(self, shown: Shown, language: Language) -> Sequence[Line]:
        """A block of facts, as it may be shown today."""
        ...

    def code_words(self, language: Language) -> Sequence[str]:
        """The words of which one is agreed on with a return code."""
        ...

    def heard(self, words: str) -> tuple[Action, ...]:
        """What the rules for exits find in typed words, the most urgent first."""
        ...


class Releases(Protocol):
    """The published releases."""

    def current(self) -> Content:
        """The newest release."""
        ...

    async def numbered(self, number: int) -> Content:
        """The release of that number; the newest, where that one cannot be read any more."""
        ...


class Archive(Protocol):
    """Where published releases are kept while somebody needs them."""

    async def need(self, numbers: Iterable[int]) -> None:
        """Note that these releases are needed now."""
        ...

    async def remove_unneeded(self) -> tuple[int, ...]:
        """Remove old releases that were not needed for long; their numbers.

        Every conversation's release must have been noted as needed just before.
        """
        ...


class Staffing(Protocol):
    """Who is on shift."""

    async def staffed(self) -> bool:
        """Whether an operator is on shift now."""
        ...
