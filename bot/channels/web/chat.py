"""What a page can do, whether it speaks JSON or plain forms."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from bot.channels.web.tokens import Pass, Tokens
from bot.dialogue.codes import Codes
from bot.dialogue.ports import DELIVERY_LEASE, Releases, Store, View
from bot.dialogue.render import RenderedMessage, RenderedView, render
from bot.dialogue.turns import Taken, Turns
from bot.domain.code_word import Shut, shut_for
from bot.domain.ids import ConversationId, InputKey
from bot.domain.text import Country, Language
from bot.engine.received import Input, Returned
from bot.errors import GoneError, StoreUnavailableError, ViewEndedError

FIRST_VIEW = 1

CODE_AGAIN_SECONDS = 120.0
"""How long a code is shown once more to whoever repeats the very input that it answered: the
first answer may have been lost on its way. Later a code is shown to nobody again."""

MOST_CODES_AGAIN = 1000


class ShutError(Exception):
    """The code was right, and without the agreed word it opens nothing."""

    def __init__(self, why: Shut) -> None:
        super().__init__(why.value)
        self.why = why


class ForeignTokenError(Exception):
    """Not a token of ours, or one that was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The right to write to a page what was read for it.

    Whoever takes a conversation over waits for it, so it ends soon: at `until`, on the event
    loop's clock, whoever could not write by then gives up the connection.
    """

    conversation: ConversationId
    read: View = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the page gets back for what it did."""

    view: RenderedView | None
    """None when the conversation is erased."""

    token: str = field(default="", repr=False)
    """What the page shows with its next input; empty when the view has ended."""

    code: str = field(default="", repr=False)
    """A return code to show once; it stands in no log."""

    word: str = field(default="", repr=False)
    """The word that was agreed on with it; shown with the code only."""

    country: Country | None = None
    """Where the person said they are."""

    delivery: Delivery | None = None
    """Under which it is written; None where it counts as given already."""

    @property
    def newest(self) -> int:
        """The newest entry that it brings; 0 when it brings none."""
        return self.view.messages[-1].seq if self.view and self.view.messages else 0

    @property
    def left(self) -> bool:
        """Whether the view has ended: nothing more can be done with this page."""
        return self.view is not None and not self.token

    @property
    def erased(self) -> bool:
        """Whether the input erased everything."""
        return self.view is None


class _CodesAgain:
    """Codes of the last two minutes, by the input that they answered. Never written anywhere."""

    def __init__(self) -> None:
        self._codes: OrderedDict[InputKey, tuple[float, str]] = OrderedDict()

    def put(self, key: InputKey, code: str) -> None:
        self._codes[key] = (asyncio.get_running_loop().time(), code)
        while len(self._codes) > MOST_CODES_AGAIN:
            self._codes.popitem(last=False)

    def get(self, key: InputKey) -> str:
        since, code = self._codes.get(key, (float("-inf"), ""))
        if asyncio.get_running_loop().time() - since <= CODE_AGAIN_SECONDS:
            return code
        self._codes.pop(key, None)
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """The person's side of the dialogue, by token."""

    turns: Turns
    store: Store
    releases: Releases
    tokens: Tokens
    codes: Codes
    again: _CodesAgain = field(default_factory=_CodesAgain, repr=False)

    async def start(
        self, start: str, language: Language, country: Country | None = None
    ) -> Answered:
        """Begin a conversation. The same `start` is the same conversation.

        Raises:
            GoneError: that conversation was erased.
            ViewEndedError: its first view was left: going back in the browser opens nothing.
        """
        id = self.tokens.conversation(start)
        taken = await self.turns.start(id, InputKey(start), language, country)
        answered = await self._answer(id, 0, taken)
        return await self._of_view(answered, FIRST_VIEW)

    async def input(self, token: str, key: InputKey, what: Input, after: int) -> Answered:
        """Give an input its turn, and answer with everything after the entry `after`.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, FullError, StoreUnavailableError.
        """
        speaker, until = self.speaker(token), _until()
        taken = await self.turns.receive(speaker.conversation, key, what, view=speaker.view)
        if taken.erased:
            await self.codes.forget(speaker.conversation)
            return Answered(view=None)
        code = self.again.get(key)
        if taken.code_given:
            code = await self.codes.give(speaker.conversation)
            self.again.put(key, code)
        answered = await self._answer(speaker.conversation, after, taken, code=code, until=until)
        if answered.view is None or answered.view.view == speaker.view:
            return answered
        # The view has ended. Whoever repeats an old input of it is shown nothing that was said.
        until = 0 if taken.repeated else taken.done.last
        said = tuple(message for message in answered.view.messages if message.seq <= until)
        shown = replace(answered.view, messages=said, question=None)
        return replace(answered, view=shown, token="")

    async def read(self, token: str, after: int) -> Answered:
        """Everything after the entry `after`, to be written and then `delivered`.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, StoreUnavailableError.
        """
        speaker = self.speaker(token)
        answered = await self._answer(speaker.conversation, after)
        return await self._of_view(answered, speaker.view)

    async def look_back(self, token: str, after: int, until: int) -> tuple[RenderedMessage, ...]:
        """What the page has shown already, up to the entry `until`: it is given nothing new.

        Raises:
            ForeignTokenError, GoneError, StoreUnavailableError.
        """
        read = await self.store.read(self.speaker(token).conversation, after)
        known = tuple(entry for entry in read.entries if entry.seq <= until)
        return (await render(self.releases, replace(read, entries=known))).messages

    async def admit(self, token: str) -> None:
        """Look whether a page may be told what comes; it is given nothing yet.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, StoreUnavailableError.
        """
        speaker = self.speaker(token)
        if (await self.store.look(speaker.conversation)).conversation.view != speaker.view:
            raise ViewEndedError

    async def come_back(self, code: str, word: str, key: InputKey) -> Answered | None:
        """Open a conversation by its return code; None when the code opens nothing.

        What was written earlier is not in the answer: the page asks for it with `read`.

        Raises:
            ShutError: a human was asked for in it, and `word` is not the agreed one.
            ViewEndedError: the code was opened by the same input before, and the conversation has
                gone on since: loading an old page again opens nothing. Or that input had a wrong
                word.
        """
        id = await self.codes.find(code)
        if id is None:
            return None
        try:
            until = _until()
            taken = await self.turns.receive(id, key, Returned(word=word))
            # Looked at once more: a repeated input, or one that failed, was not this one's turn.
            now = taken.view or await self.store.look(id)
            shut = taken.shut or shut_for(now.conversation, word)
            if shut is Shut.FOR_GOOD:
                return None
            if shut is not None:
                raise ShutError(shut)
            answered = await self._answer(id, taken.done.first - 1, taken, until=until)
        except GoneError:
            return None
        opened_nothing = taken.done.last < taken.done.first
        gone_on = answered.view is not None and answered.view.last > taken.done.last
        if taken.repeated and (opened_nothing or gone_on):
            await self.delivered(answered.delivery, 0)
            raise ViewEndedError
        return answered

    async def delivered(self, delivery: Delivery | None, last: int) -> None:
        """Say that a delivery was written up to the entry `last`, and that no more of it will be.

        Without a store that hears it the delivery ends by itself, and what was written of it may
        count as not given.
        """
        if delivery is None:
            return
        try:
            await self.store.close_delivery(delivery.conversation, delivery.read, last)
        except StoreUnavailableError:
            return

    def speaker(self, token: str) -> Pass:
        """Whose token it is.

        Raises:
            ForeignTokenError: nobody's.
        """
        found = self.tokens.read(token)
        if found is None:
            raise ForeignTokenError
        return found

    async def _answer(
        self,
        id: ConversationId,
        after: int,
        taken: Taken | None = None,
        *,
        code: str = "",
        until: float | None = None,
    ) -> Answered:
        """Everything after the entry `after`, as the turn that was `taken` left it.

        `until`: until when it may be written, when the turn may have opened a delivery.
        """
        until = until or _until()
        read = taken.view if taken and taken.done.first == after + 1 else None
        if read is None:
            # More than the turn added: what others wrote before it, or what a repeat led to.
            read = await self.store.read(id, after, DELIVERY_LEASE)
            if taken and taken.view:
                await self.store.close_delivery(id, taken.view, 0)
        view = await render(self.releases, read)
        delivery = Delivery(conversation=id, read=read, until=until) if read.delivery else None
        return Answered(
            view=view,
            token=self.tokens.token(id, view.view),
            code=code,
            word=(read.conversation.code_word or "") if code else "",
            country=read.conversation.country,
            delivery=delivery,
        )

    async def _of_view(self, answered: Answered, view: int) -> Answered:
        if answered.view is None or answered.view.view != view:
            await self.delivered(answered.delivery, 0)
            raise ViewEndedError
        return answered


def _until() -> float:
    """When writing must have ended. Taken before the lease begins; and clocks differ a little."""
    return asyncio.get_running_loop().time() + 0.8 * DELIVERY_LEASE / 1000
