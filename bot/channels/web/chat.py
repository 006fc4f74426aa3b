"""What a page can do, whether it speaks JSON or plain forms."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from bot.channels.web.tokens import Pass, Tokens
from bot.dialogue.codes import Codes
from bot.dialogue.ports import DeliveryId, Releases, Store
from bot.dialogue.render import RenderedView, render
from bot.dialogue.turns import Turns, ViewEndedError
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.domain.text import Country, Language
from bot.engine.received import Input, Returned
from bot.errors import GoneError

FIRST_VIEW = 1

CODE_AGAIN_SECONDS = 120.0
"""How long a code is shown once more to whoever repeats the very input that it answered: the
first answer may have been lost on its way. Later a code is shown to nobody again."""

MOST_CODES_AGAIN = 1000


class ForeignTokenError(Exception):
    """Not a token of ours, or one that was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the page gets back for what it did."""

    view: RenderedView | None
    """None when the conversation is erased."""

    token: str = field(default="", repr=False)
    """What the page shows with its next input; empty when the view has ended."""

    code: str = field(default="", repr=False)
    """A return code to show once; it stands in no log."""

    country: Country | None = None
    """Where the person said they are."""

    @property
    def left(self) -> bool:
        """Whether the view has ended: nothing more can be done with this page."""
        return self.view is not None and not self.token

    @property
    def erased(self) -> bool:
        """Whether the input erased everything."""
        return self.view is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """News for an open page, and the lease under which it may be written."""

    view: RenderedView
    conversation: ConversationId
    lease: DeliveryId | None


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
        await self.turns.start(id, InputKey(start), language, country)
        answered = await self._answer(id, after=0)
        if answered.view is None or answered.view.view != FIRST_VIEW:
            raise ViewEndedError
        return answered

    async def input(self, token: str, key: InputKey, what: Input, after: int) -> Answered:
        """Give an input its turn, and answer with everything after the entry `after`.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, FullError, StoreUnavailableError.
        """
        speaker = self.speaker(token)
        taken = await self.turns.receive(speaker.conversation, key, what, view=speaker.view)
        if taken.erased:
            await self.codes.forget(speaker.conversation)
            return Answered(view=None)
        code = self.again.get(key)
        if taken.code_given:
            code = await self.codes.give(speaker.conversation)
            self.again.put(key, code)
        answered = await self._answer(speaker.conversation, after, code=code)
        if answered.view is None or answered.view.view == speaker.view:
            return answered
        # The view has ended. Whoever repeats an old input of it is shown nothing that was said.
        until = 0 if taken.repeated else taken.done.last
        said = tuple(message for message in answered.view.messages if message.seq <= until)
        shown = replace(answered.view, messages=said, question=None)
        return replace(answered, view=shown, token="")

    async def read(self, token: str, after: int) -> Answered:
        """Everything after the entry `after`.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, StoreUnavailableError.
        """
        speaker = self.speaker(token)
        answered = await self._answer(speaker.conversation, after)
        if answered.view is None or answered.view.view != speaker.view:
            raise ViewEndedError
        return answered

    async def come_back(self, code: str, key: InputKey) -> Answered | None:
        """Open a conversation by its return code; None when the code opens nothing.

        What was written earlier is not in the answer: the page asks for it with `read`.

        Raises:
            ViewEndedError: the code was opened by the same input before, and the conversation has
                gone on since: loading an old page again opens nothing.
        """
        id = await self.codes.find(code)
        if id is None:
            return None
        try:
            taken = await self.turns.receive(id, key, Returned())
            answered = await self._answer(id, after=taken.done.first - 1)
        except GoneError:
            return None
        if taken.repeated and answered.view and answered.view.last > taken.done.last:
            raise ViewEndedError
        return answered

    async def deliver(self, token: str, after: int, lease: Milliseconds) -> Delivery:
        """Everything after the entry `after`, to be written within `lease` and then `delivered`.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, StoreUnavailableError.
        """
        speaker = self.speaker(token)
        read = await self.store.read(speaker.conversation, after, lease)
        delivery = Delivery(
            view=await render(self.releases, read),
            conversation=speaker.conversation,
            lease=read.delivery,
        )
        if delivery.view.view != speaker.view:
            await self.delivered(delivery)
            raise ViewEndedError
        return delivery

    async def delivered(self, delivery: Delivery) -> None:
        """Say that everything of a delivery was written, or never will be."""
        if delivery.lease is not None:
            await self.store.close_delivery(delivery.conversation, delivery.lease)

    def speaker(self, token: str) -> Pass:
        """Whose token it is.

        Raises:
            ForeignTokenError: nobody's.
        """
        found = self.tokens.read(token)
        if found is None:
            raise ForeignTokenError
        return found

    async def _answer(self, id: ConversationId, after: int, *, code: str = "") -> Answered:
        read = await self.store.read(id, after)
        view = await render(self.releases, read)
        return Answered(
            view=view,
            token=self.tokens.token(id, view.view),
            code=code,
            country=read.conversation.country,
        )
