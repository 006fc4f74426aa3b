"""One turn: load, understand, advance, commit. A conflict runs it again."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.dialogue.consent_texts import consent_texts
from bot.dialogue.ports import (
    AuditRecord,
    Commit,
    Content,
    DeliveryId,
    Done,
    Entry,
    Loaded,
    Releases,
    Staffing,
    Store,
    View,
)
from bot.dialogue.queue import rank_of
from bot.dialogue.reading import Listener, Reading
from bot.dialogue.recent import Recent
from bot.dialogue.retention import Retention
from bot.dialogue.understand import other_language, understand
from bot.domain.code_word import Shut
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, Facts, new_conversation
from bot.domain.ids import ConversationId, InputKey
from bot.domain.text import Country, Language
from bot.engine.advance import advance, on_a_way_out
from bot.engine.effects import (
    EndView,
    EraseAll,
    GiveCode,
    LookAtLine,
    RaiseAlarm,
    Refusal,
    Refuse,
    Send,
    StayShut,
    Turn,
)
from bot.engine.received import (
    Claimed,
    Failed,
    Input,
    Line,
    Pressed,
    Received,
    SentOther,
    Started,
    Typed,
    erases_now,
)
from bot.errors import (
    CorruptStateError,
    FirstpointError,
    FullError,
    StoreUnavailableError,
    ViewEndedError,
)

log = logging.getLogger(__name__)

MOST_CONFLICTS = 50
"""Each conflict means that another turn of the same conversation got through."""

MOST_FAILURES = 3
"""After so many an input is set aside, and the next one goes on."""

DEFAULT_LANGUAGE = Language("en")
"""For somebody whose language is not offered: the one most people know a few words of."""

MOST_ENTRIES = 5000
"""Beyond it a conversation takes no more words, beyond twice of it no ordinary button: nobody
reads that much, and nobody may fill the store."""


LookAtQueue = Callable[[ConversationId, int], Awaitable[Line]]
"""What can be said to somebody who waits, or is about to, with that rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an input led to."""

    done: Done
    view: View | None = None
    """The conversation as the turn left it, with the entries that it added; None when the input
    had had its turn before."""

    erased: bool = False
    view_ended: bool = False
    code_given: bool = False
    alarms: tuple[RaiseAlarm, ...] = ()
    refused: Refusal | None = None
    shut: Shut | None = None
    """Why a return code opened nothing."""

    repeated: bool = False
    """Whether the input had had its turn before."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Runs turns. Any number of processes may do so for the same conversation."""

    store: Store
    releases: Releases
    staffing: Staffing
    retention: Retention
    listener: Listener
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(8))
    line: LookAtQueue | None = None
    recent: Recent = field(default_factory=Recent)

    async def start(
        self,
        id: ConversationId,
        key: InputKey,
        language: Language,
        country: Country | None = None,
    ) -> Taken:
        """Begin a conversation; beginning it again changes nothing.

        Raises:
            GoneError: a conversation of this id was erased.
            StoreUnavailableError: nothing was saved, or it is not known.
        """
        content = self.releases.current()
        offered = _offered(content, language)
        known = country is not None and country in content.graph.countries
        facts: Facts = {"country": (country,)} if country and known else {}
        fresh = new_conversation(
            release=content.number, language=offered, nonce=self.nonce(), facts=facts
        )
        loaded = Loaded(conversation=fresh, version=0, length=0)
        turn = await self._advance(content, id, loaded, Started())
        commit = self._commit(id, key, loaded, turn, None, channel_takes=True)
        done = await self.store.commit(commit)
        if done is None:
            # Two starts at once: the other one has begun it.
            return Taken(done=(await self.store.load(id, key)).done or Done(1, 0), repeated=True)
        return _taken(done, commit, turn)

    async def receive(  # noqa: PLR0913 - the last three are settled by the channel
        self,
        id: ConversationId,
        key: InputKey,
        what: Input,
        *,
        view: int | None = None,
        channel_takes: bool = True,
        audit: AuditRecord | None = None,
    ) -> Taken:
        """Give an input its turn. The same `key` twice is one turn, and answers the same.

        `view`: the view that the input comes from, where the channel has views.
        `channel_takes`: the messages go out with the answer to this call, as on the web.

        Raises:
            GoneError: there is no such conversation.
            ViewEndedError: the view it comes from has ended.
            FullError: it takes no more.
            StoreUnavailableError: nothing was saved, or it is not known: send the same key again.
        """
        if erases_now(what):
            return await self._erase(id, key, view)
        failures = 0
        reading: Reading | None = None
        for _ in range(MOST_CONFLICTS):
            loaded = await self.store.load(id, key)
            if loaded.done is not None:
                return Taken(done=loaded.done, repeated=True)
            if view is not None and loaded.conversation.view != view:
                raise ViewEndedError
            content = await self.releases.numbered(loaded.conversation.release)
            loaded = _following(loaded, content)
            try:
                if isinstance(what, Typed) and reading is None:
                    reading = await self._read(loaded.conversation, what)
                understood = self._understood(id, content, loaded.conversation, what, reading)
                _refuse_when_full(loaded, understood)
                turn = await self._advance(content, id, loaded, understood)
            except FirstpointError:
                raise
            except Exception:
                # A bug of ours must not end a conversation.
                failures += 1
                log.exception("turn_failed")
                if failures < MOST_FAILURES:
                    continue
                await self.store.set_aside(id, key, repr(type(what)).encode())
                turn = await self._advance(content, id, loaded, Failed())
            unwritten = await self._unwritten(id, loaded, turn)
            if unwritten is not None:
                return unwritten
            commit = self._commit(id, key, loaded, turn, audit, channel_takes=channel_takes)
            if isinstance(what, Claimed):
                commit = replace(commit, takes_over=True)
            if _shut(turn) is not None:
                # Nobody is shown anything: what was said before waits for the person still.
                commit = replace(commit, handed_over=False, delivery=None)
            done = await self.store.commit(commit)
            if done is not None:
                await self._index(id, loaded.conversation, turn.conversation)
                return _taken(done, commit, turn)
        raise StoreUnavailableError("too many turns at once")

    async def _read(self, conversation: Conversation, typed: Typed) -> Reading:
        """What can be heard in typed words. What is written to a human is not interpreted."""
        found = self.releases.current().heard(typed.words)
        if conversation.control.owner in (Owner.BOT, Owner.WAITING):
            return await self.listener.read(typed.words, found)
        return self.listener.hear(typed.words, found)

    def _understood(
        self,
        id: ConversationId,
        content: Content,
        conversation: Conversation,
        what: Input,
        reading: Reading | None,
    ) -> Input:
        if not isinstance(what, Typed) or reading is None:
            return what
        understood = understand(content, conversation, what, reading)
        if not isinstance(understood, Typed) or understood.heard is not None:
            return understood
        together = self.recent.with_(id, what.words)
        letters = sum(map(str.isalpha, "".join(together)))
        guess = self.listener.ears.language(*together)
        current = self.releases.current()
        return replace(understood, writes=other_language(current, conversation, guess, letters))

    async def _unwritten(self, id: ConversationId, loaded: Loaded, turn: Turn) -> Taken | None:
        """What a turn led to that writes nothing: it erases, it is refused, or nothing opens."""
        nothing = Done(loaded.length + 1, loaded.length)
        if any(isinstance(effect, EraseAll) for effect in turn.effects):
            await self.store.erase(id)
            return Taken(done=nothing, erased=True)
        shut = _shut(turn)
        if shut is not None and turn.conversation == loaded.conversation:
            return Taken(done=nothing, shut=shut)
        refusals = [e.reason for e in turn.effects if isinstance(e, Refuse)]
        return Taken(done=nothing, refused=refusals[0]) if refusals else None

    async def _erase(self, id: ConversationId, key: InputKey, view: int | None) -> Taken:
        """Erase, before anything is loaded that could be broken: also what nobody can read."""
        length = 0
        with suppress(CorruptStateError):
            loaded = await self.store.load(id, key)
            if loaded.done is not None:
                return Taken(done=loaded.done, repeated=True)
            if view is not None and loaded.conversation.view != view:
                raise ViewEndedError
            length = loaded.length
        self.recent.forget(id)
        await self.store.erase(id)
        return Taken(done=Done(length + 1, length), erased=True)

    async def _advance(
        self, content: Content, id: ConversationId, loaded: Loaded, what: Input
    ) -> Turn:
        received = Received(
            what=what,
            nonce=self.nonce(),
            staffed=await self.staffing.staffed(),
            length=loaded.length,
            now=loaded.now,
            consent_texts=consent_texts(
                content, self.releases.current(), loaded.conversation, what
            ),
        )
        turn = advance(content.graph, loaded.conversation, received)
        if GiveCode() in turn.effects and turn.conversation.code_word is None:
            received = replace(received, code_word=self._code_word(turn.conversation.language))
            turn = advance(content.graph, loaded.conversation, received)
        if self.line is None or LookAtLine() not in turn.effects:
            return turn
        # Where they stand depends on the turn itself: danger comes first in the queue.
        line = await self.line(id, rank_of(turn.conversation))
        return advance(content.graph, loaded.conversation, replace(received, line=line))

    def _code_word(self, language: Language) -> str:
        """A word at random; of a release from before there were words, a few signs."""
        words = self.releases.current().code_words(language)
        return secrets.choice(words) if words else secrets.token_hex(3)

    def _commit(  # noqa: PLR0913 - the parts of one write
        self,
        id: ConversationId,
        key: InputKey,
        loaded: Loaded,
        turn: Turn,
        audit: AuditRecord | None,
        *,
        channel_takes: bool,
    ) -> Commit:
        messages = tuple(e.message for e in turn.effects if isinstance(e, Send))
        # Somebody who waits may be taken over at any moment: what is being written to them then
        # must be waited for. In other conversations that would be one more step for nothing.
        waits = turn.conversation.control.owner is Owner.WAITING
        lease = DeliveryId(secrets.token_hex(8)) if channel_takes and waits and messages else None
        return Commit(
            id=id,
            key=key,
            version=loaded.version,
            conversation=turn.conversation,
            messages=messages,
            length=loaded.length,
            handle=loaded.handle,
            rank=rank_of(turn.conversation),
            keep_for=self.retention.keep_for(turn.conversation, loaded.now),
            handed_over=channel_takes and not waits,
            delivery=lease,
            audit=audit,
        )

    async def _index(self, id: ConversationId, before: Conversation, after: Conversation) -> None:
        """Update the indexes. What fails here the sweeper mends: the record is the truth."""
        if before.control == after.control and after.control.owner is Owner.BOT:
            return
        try:
            await self.store.project(id)
        except StoreUnavailableError:
            log.warning("index_not_updated")


def _offered(content: Content, wanted: Language) -> Language:
    """The offered language nearest to the one that is wanted."""
    plain = Language(wanted.partition("-")[0])
    nearest = (wanted, plain, DEFAULT_LANGUAGE, *content.languages)
    return next(language for language in nearest if language in content.languages)


def _following(loaded: Loaded, content: Content) -> Loaded:
    """The conversation with the release that is there instead of one that cannot be read."""
    if loaded.conversation.release == content.number:
        return loaded
    return replace(loaded, conversation=replace(loaded.conversation, release=content.number))


def _refuse_when_full(loaded: Loaded, what: Input) -> None:
    """Words first, then buttons.

    What leads out always goes through: danger, numbers, a human, leaving, erasing, by button, in
    words, and inside their flows. So does everything that staff and time do. The store keeps the
    newest entries, so that this does not fill it.
    """
    match what:
        case SentOther() | Typed(heard=None):
            most = MOST_ENTRIES
        case Pressed() if not on_a_way_out(loaded.conversation):
            most = 2 * MOST_ENTRIES
        case _:
            return
    if loaded.length >= most:
        raise FullError


def _taken(done: Done, commit: Commit, turn: Turn) -> Taken:
    kinds = {type(effect) for effect in turn.effects}
    return Taken(
        done=done,
        view=None if done.repeated else _view(done, commit),
        view_ended=EndView in kinds,
        code_given=GiveCode in kinds,
        alarms=tuple(effect for effect in turn.effects if isinstance(effect, RaiseAlarm)),
        shut=_shut(turn),
    )


def _shut(turn: Turn) -> Shut | None:
    return next((effect.why for effect in turn.effects if isinstance(effect, StayShut)), None)


def _view(done: Done, commit: Commit) -> View:
    """What reading the new entries would give: nothing can come between them or change them."""
    return View(
        conversation=commit.conversation,
        version=commit.version + 1,
        length=done.last,
        entries=tuple(Entry(seq, said) for seq, said in enumerate(commit.messages, done.first)),
        delivery=commit.delivery,
    )
