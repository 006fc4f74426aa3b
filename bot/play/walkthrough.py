"""One conversation, walked without any server.

It is written down and read back between every two turns, as in the service.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from bot.content.shelf import PublishedContent
from bot.dialogue.codec import dump_conversation, dump_message, load_conversation, load_message
from bot.dialogue.ports import Entry, View
from bot.dialogue.reading import Listener
from bot.dialogue.render import (
    RenderedLine,
    RenderedLink,
    RenderedPhone,
    RenderedText,
    RenderedView,
    render,
)
from bot.dialogue.understand import understand
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, Facts, new_conversation
from bot.domain.messages import Author, Message, Told
from bot.domain.text import Language, text
from bot.engine.advance import advance
from bot.engine.draft import Draft
from bot.engine.effects import (
    Effect,
    EndView,
    EraseAll,
    GiveCode,
    LookAtLine,
    RaiseAlarm,
    Refuse,
    Send,
    StayShut,
    Turn,
)
from bot.engine.received import Input, Line, Received, Returned, Started, Typed
from bot.engine.walk import walk

CODE = "0712 3456 7890 1234"
"""Shown in the place of a return code, which only the service can make."""

CODE_WORD = "walnut"
"""What is agreed on with it, in every language."""

NEXT_IN_LINE = Line(busy=False, position=1)
"""There is one conversation here, so nobody waits before it."""

BACK = Returned(word=CODE_WORD)
"""How somebody comes back here, with code and word."""

_MOST_QUOTED = 40


class UnknownNameError(Exception):
    """What was asked for on the command line is not in the content; a plain sentence."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What one or more turns added, and what stands there now."""

    conversation: Conversation
    view: RenderedView
    effects: tuple[Effect, ...]

    @property
    def erased(self) -> bool:
        """Whether the conversation is gone."""
        return any(isinstance(effect, EraseAll) for effect in self.effects)

    @property
    def left(self) -> bool:
        """Whether the view was closed."""
        return any(isinstance(effect, EndView) for effect in self.effects)


@dataclass(frozen=True, slots=True)
class _OneRelease:
    """The release that is walked, where the dialogue expects all of them."""

    content: PublishedContent

    def current(self) -> PublishedContent:
        return self.content

    async def numbered(self, number: int) -> PublishedContent:  # noqa: ARG002 - there is one
        return self.content


@dataclass(slots=True)
class Walkthrough:
    """One conversation, kept between two turns as the service keeps it."""

    content: PublishedContent
    listener: Listener
    first: Screen = field(init=False)
    stored: bytes = field(default=b"", repr=False)
    staffed: bool = False
    erased: bool = False
    turns: int = 0

    def begin(self, conversation: Conversation, flow: str | None) -> None:
        """Show the first screen: of `flow`, or the welcome."""
        if flow is None:
            turn = self._advance(conversation, Started())
        else:
            draft = Draft(self.content.graph, self._received(Started()), conversation)
            walk(draft, self.content.graph.start(flow), ())
            turn = draft.turn()
        self.first = self._keep([turn])

    @property
    def conversation(self) -> Conversation:
        """Where the conversation stands."""
        return load_conversation(self.stored)

    def take(self, *inputs: Input) -> Screen:
        """Give each input its turn."""
        turns: list[Turn] = []
        for what in inputs:
            before = turns[-1].conversation if turns else self.conversation
            turns.append(self._advance(before, self._understood(before, what)))
        return self._keep(turns)

    def _understood(self, conversation: Conversation, what: Input) -> Input:
        if not isinstance(what, Typed):
            return what
        reading = self.listener.hear(what.words, self.content.heard(what.words))
        return understand(self.content, conversation, what, reading)

    def _advance(self, conversation: Conversation, what: Input) -> Turn:
        if isinstance(what, Returned) and conversation.code_word is None:
            # Here nobody has to take a code before they come back with it.
            conversation = replace(conversation, code_word=CODE_WORD)
        return advance(self.content.graph, conversation, self._received(what))

    def _received(self, what: Input) -> Received:
        self.turns += 1
        return Received(
            what=what,
            nonce=f"play-{self.turns}",
            staffed=self.staffed,
            line=NEXT_IN_LINE,
            code_word=CODE_WORD,
        )

    def _keep(self, turns: Sequence[Turn]) -> Screen:
        self.stored = dump_conversation(turns[-1].conversation)
        effects = tuple(effect for turn in turns for effect in turn.effects)
        messages = tuple(
            load_message(dump_message(message))
            for turn in turns
            for effect in turn.effects
            for message in _seen(effect, turn.conversation)
        )
        view = View(
            conversation=self.conversation,
            version=self.turns,
            length=len(messages),
            entries=tuple(Entry(seq, message) for seq, message in enumerate(messages, start=1)),
        )
        rendered = asyncio.run(render(_OneRelease(self.content), view))
        screen = Screen(self.conversation, rendered, effects)
        self.erased = self.erased or screen.erased
        return screen


def begin(
    content: PublishedContent,
    listener: Listener,
    *,
    language: str,
    country: str | None,
    flow: str | None,
) -> Walkthrough:
    """A conversation at its first screen.

    Raises:
        UnknownNameError: the content has no such language, country or flow.
    """
    _known("language", language, content.languages)
    _known("country", country, content.graph.countries)
    _known("flow", flow, content.graph.flows)
    facts: Facts = {"country": (country,)} if country else {}
    walkthrough = Walkthrough(content, listener)
    walkthrough.begin(
        new_conversation(
            release=content.number, language=Language(language), nonce="play-0", facts=facts
        ),
        flow,
    )
    return walkthrough


def _known(kind: str, name: str | None, names: Iterable[str]) -> None:
    known = sorted(names)
    if name is not None and name not in known:
        raise UnknownNameError(
            f"There is no {kind} {quoted(name)} here, only: {', '.join(known)}."
        )


def _seen(effect: Effect, conversation: Conversation) -> Iterator[Message]:
    """What a person sees of an effect; what channels say of it included."""
    silent = conversation.control.owner in (Owner.OPERATOR, Owner.CLOSED)

    def told(item: str, **values: str) -> Message:
        author = Author.NOTICE if silent else Author.BOT
        return Message(author, Told(text(f"interface.{item}", **values)))

    match effect:
        case Send(message):
            yield message
        case GiveCode():
            yield told("your_code", code=CODE)
            yield told("code_word_is", code_word=CODE_WORD)
        case EraseAll():
            yield told("erased_confirm")
            yield told("erased_remains")
        case EndView():
            yield told("left")
        case RaiseAlarm() | Refuse() | StayShut() | LookAtLine():
            return
        case _ as never:
            assert_never(never)


def plain(line: RenderedLine) -> str:
    """A line as a terminal shows it."""
    match line:
        case RenderedText(words=words):
            return words
        case RenderedPhone(label=label, name=name, number=value):
            return _labelled(label, name, value)
        case RenderedLink(label=label, name=name, url=value):
            return _labelled(label, name, value)
        case _ as never:
            assert_never(never)


def _labelled(label: RenderedText | None, name: str, value: str) -> str:
    before = ", ".join(part for part in (label.words if label else "", name) if part)
    return f"{before}: {value}" if before else value


def quoted(name: str) -> str:
    """What somebody wrote, for a sentence about it."""
    return f"`{name[:_MOST_QUOTED]}{'…' if len(name) > _MOST_QUOTED else ''}`"
