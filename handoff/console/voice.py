"""The words of the console, in the language that a member of staff chose."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from bot.dialogue.ports import Content, Entry, Releases
from bot.domain.conversation import Conversation
from bot.domain.messages import Asked, Chose, Said, Shown, Told
from bot.domain.text import Country, Direction, Language, LanguageInfo, Text, text


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words and the language they really are in; None when nobody knows it."""

    words: str = field(repr=False)
    language: Language | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    """An entry of the log as an operator sees it."""

    seq: int
    by: str
    lines: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """Finds the words of one screen."""

    content: Content
    info: LanguageInfo

    def say(self, item: str, **values: str | int | Text) -> str:
        """A sentence of the console."""
        return self.find(text(f"console.{item}", **values)).words

    def mark(self, item: str, **values: str | int | Text) -> Markup:
        """A sentence of the console for a page: marked when it is in another language."""
        return self.marked(self.find(text(f"console.{item}", **values)))

    def marked(self, spoken: Spoken) -> Markup:
        """Words for a page, with their language and direction where those differ."""
        if spoken.language == self.info.language:
            return escape(spoken.words)
        if spoken.language is None:
            return Markup('<bdi dir="auto" translate="no">{}</bdi>').format(spoken.words)
        return Markup('<bdi lang="{}" dir="{}">{}</bdi>').format(
            spoken.language, self._direction(spoken.language), spoken.words
        )

    def find(self, sentence: Text) -> Spoken:
        """Any sentence of the content."""
        found = self.content.words(sentence, self.info.language)
        return Spoken(found.words, found.language)

    def language(self, language: Language) -> Spoken:
        """The name of a language, by its own name for itself."""
        return self.find(text(f"language.{language}"))

    def named(self, language: Language) -> Markup:
        """The same for a page, with its code for those who cannot read that name."""
        code = Markup(' <span class="soft" lang="en" dir="ltr" translate="no">({})</span>')
        return self.marked(self.language(language)) + code.format(language)

    def country(self, country: Country | None) -> Spoken:
        """The name of a country, or that it is not known."""
        key = f"country.{country}.name" if country else "console.country_unknown"
        return self.find(text(key))

    def _direction(self, language: Language) -> str:
        info = self.content.languages.get(language)
        return info.direction.value if info else Direction.LTR.value


@dataclass(frozen=True, slots=True)
class LogVoice:
    """Finds the words of a conversation's log: its own wording, in the operator's language."""

    pinned: Content
    voice: Voice
    country: Text

    def entry(self, entry: Entry) -> ShownEntry:
        """An entry as it is shown."""
        message = entry.message
        lines = tuple(self._lines(message.content))
        return ShownEntry(seq=entry.seq, by=message.by.value, lines=lines)

    def sentence(self, sentence: Text) -> Spoken:
        """A sentence that stands in the log or in an answer."""
        current = self.voice.content
        content = self.pinned if self.pinned.pinned(sentence) else current
        named = Text(sentence.key, (("country", self.country), *sentence.values))
        found = content.words(named, self.voice.info.language)
        return Spoken(found.words, found.language)

    def _lines(self, content: Told | Asked | Said | Chose | Shown) -> Iterator[Spoken]:
        match content:
            case Told(sentence):
                yield self.sentence(sentence)
            case Asked(question=question):
                yield self.sentence(question)
            case Said(words):
                yield Spoken(words, None)
            case Chose(labels):
                yield from (self.sentence(label) for label in labels)
            case Shown(block=block):
                # What it says is of the person's country and changes; that it was shown matters.
                yield self.voice.find(text(f"console.block_{block}"))


def voice_for(content: Content, language: Language) -> Voice:
    """The voice in `language`, or in the first language that is offered."""
    info = content.languages.get(language)
    return Voice(content, info or next(iter(content.languages.values())))


async def log_voice(releases: Releases, voice: Voice, conversation: Conversation) -> LogVoice:
    """The voice for a conversation's log."""
    pinned = await releases.numbered(conversation.release)
    country = conversation.country
    named = text(f"country.{country}.name" if country else "interface.other_country")
    return LogVoice(pinned, voice, named)
