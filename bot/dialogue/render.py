"""From keys to words: what a channel shows, in the person's language.

Done when a message is handed over, not when it is written: a corrected number or a withdrawn
text is corrected and withdrawn in every open conversation at once, and a change of language
changes all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.dialogue.ports import Content, Entry, Releases, View
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.messages import Asked, Author, ChoiceId, Chose, Message, Pick, Said, Shown, Told
from bot.domain.text import Language, LanguageInfo, Line, Link, Phone, Text, text
from bot.engine.received import Action
from bot.engine.waiting import offers, question_waiting


@dataclass(frozen=True, slots=True)
class RenderedText:
    """Words, the language they really are in, and where they stand in the content."""

    words: str = field(repr=False)
    language: Language | None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPhone:
    """A number to call."""

    label: RenderedText | None
    name: str
    number: str
    dial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedLink:
    """An address to open."""

    label: RenderedText | None
    name: str
    url: str


RenderedLine = RenderedText | RenderedPhone | RenderedLink


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessage:
    """A message as it is shown."""

    seq: int
    by: Author
    lines: tuple[RenderedLine, ...]
    asked: int | None = None
    """The number of the question, when it is one."""

    block: str | None = None
    """Which facts it shows, when it is a block of them."""


@dataclass(frozen=True, slots=True)
class RenderedChoice:
    """A button."""

    id: ChoiceId
    label: RenderedText


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedQuestion:
    """The question whose buttons work now."""

    number: int
    question: RenderedText
    choices: tuple[RenderedChoice, ...]
    pick: Pick
    explained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedView:
    """Everything that a screen shows."""

    messages: tuple[RenderedMessage, ...]
    last: int
    """The number of the newest entry of the log that was looked at."""

    question: RenderedQuestion | None
    language: LanguageInfo
    owner: Owner
    offers: tuple[Action, ...]
    view: int


@dataclass(frozen=True, slots=True)
class _Voice:
    """Finds words: the conversation keeps its own wording, everything else is of today."""

    pinned: Content
    current: Content
    language: Language
    country: Text

    def text(self, sentence: Text) -> RenderedText:
        content = self.pinned if self.pinned.pinned(sentence) else self.current
        named = Text(sentence.key, (("country", self.country), *sentence.values))
        words = content.words(named, self.language)
        return RenderedText(words.words, words.language, sentence.key)

    def line(self, line: Line) -> RenderedLine:
        match line:
            case Text():
                return self.text(line)
            case Phone(label=label, name=name, number=number, dial=dial):
                shown = self.text(label) if label else None
                return RenderedPhone(label=shown, name=name, number=number, dial=dial)
            case Link(label=label, name=name, url=url):
                return RenderedLink(label=self.text(label) if label else None, name=name, url=url)

    def lines(self, message: Message) -> Iterable[RenderedLine]:
        match message.content:
            case Told(sentence):
                yield self.text(sentence)
            case Asked(question=question):
                yield self.text(question)
            case Said(words):
                yield RenderedText(words, None)
            case Chose(labels):
                yield from (self.text(label) for label in labels)
            case Shown() as shown:
                yield from (self.line(line) for line in self.current.lines(shown, self.language))


async def render(releases: Releases, view: View) -> RenderedView:
    """The view in words."""
    conversation = view.conversation
    pinned = await releases.numbered(conversation.release)
    current = releases.current()
    voice = _Voice(pinned, current, conversation.language, _country(conversation))
    asked = question_waiting(pinned.graph, conversation)
    return RenderedView(
        messages=tuple(_message(voice, entry) for entry in view.entries),
        last=view.entries[-1].seq if view.entries else view.length,
        question=_question(voice, asked) if asked else None,
        language=_language(current, conversation),
        owner=conversation.control.owner,
        offers=offers(asked, conversation),
        view=conversation.view,
    )


def _country(conversation: Conversation) -> Text:
    """The name of the person's country, for sentences that mention it."""
    country = conversation.country
    return text(f"country.{country}.name" if country else "interface.other_country")


def _message(voice: _Voice, entry: Entry) -> RenderedMessage:
    content = entry.message.content
    return RenderedMessage(
        seq=entry.seq,
        by=entry.message.by,
        lines=tuple(voice.lines(entry.message)),
        asked=content.number if isinstance(content, Asked) else None,
        block=content.block if isinstance(content, Shown) else None,
    )


def _question(voice: _Voice, asked: Asked) -> RenderedQuestion:
    return RenderedQuestion(
        number=asked.number,
        question=voice.text(asked.question),
        choices=tuple(RenderedChoice(c.id, voice.text(c.label)) for c in asked.choices),
        pick=asked.pick,
        explained=asked.explained,
    )


def _language(content: Content, conversation: Conversation) -> LanguageInfo:
    """A language that is not offered any more is shown as the first one that is."""
    known = content.languages.get(conversation.language)
    return known or next(iter(content.languages.values()))
