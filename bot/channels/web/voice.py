"""Words of a page in one language, marked where they are in another one."""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from bot.dialogue.ports import Content
from bot.dialogue.render import RenderedLine, RenderedLink, RenderedPhone, RenderedText
from bot.domain.messages import Shown
from bot.domain.text import Country, Language, LanguageInfo, Line, Link, Phone, Text, text

_PLACE = "\ue000"
"""Stands for markup while a sentence is put together; no text has this sign."""

_ELSEWHERE = frozenset({"facts.person_here", "facts.choose_country"})
"""Sentences about buttons of a conversation, where there is none."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Finds and marks the words of a page."""

    content: Content
    info: LanguageInfo

    def sentence(self, item: str, **values: str) -> Markup:
        """A sentence of the interface, safe to put into a page."""
        return self.mark(self._text(text(f"interface.{item}", **values)))

    def around(self, item: str, name: str, inside: Markup) -> Markup:
        """The same with markup in the place of its value `name`."""
        return self.sentence(item, **{name: _PLACE}).replace(_PLACE, inside)

    def plain(self, item: str) -> str:
        """The same without marks, for attributes and titles."""
        return self._text(text(f"interface.{item}")).words

    def mark(self, shown: RenderedText) -> Markup:
        """Words, with language and direction where they are not the page's."""
        if shown.language == self.info.language:
            return Markup("{}").format(shown.words)
        return Markup("<span{}>{}</span>").format(self.marks(shown), shown.words)

    def marks(self, shown: RenderedText) -> Markup:
        """The attributes of an element that holds these words and nothing else."""
        if shown.language == self.info.language:
            return Markup("")
        if shown.language is None:
            return Markup(' dir="auto" translate="no"')
        return Markup(' lang="{}" dir="{}"').format(
            shown.language, self._direction(shown.language)
        )

    def country(self, country: Country) -> Markup:
        """A country's name."""
        return self.mark(self._text(text(f"country.{country}.name")))

    def facts(
        self, block: str, country: Country | None, *, beside: tuple[str, ...] = ()
    ) -> tuple[RenderedLine, ...]:
        """A block of facts outside of any conversation; `beside` as in `Shown`."""
        name = text(f"country.{country}.name" if country else "interface.other_country")
        shown = Shown(block=block, country=country, beside=beside)
        lines = self.content.lines(shown, self.info.language)
        return tuple(self._lines(lines, name))

    def _lines(self, lines: Iterable[Line], country: Text) -> Iterable[RenderedLine]:
        for line in lines:
            match line:
                case Text() if line.key in _ELSEWHERE:
                    continue
                case Text():
                    yield self._text(line, country)
                case Phone(label=label, name=name, number=number, dial=dial):
                    shown = self._text(label, country) if label else None
                    yield RenderedPhone(label=shown, name=name, number=number, dial=dial)
                case Link(label=label, name=name, url=url):
                    shown = self._text(label, country) if label else None
                    yield RenderedLink(label=shown, name=name, url=url)

    def _text(self, sentence: Text, country: Text | None = None) -> RenderedText:
        named = (("country", country), *sentence.values) if country else sentence.values
        words = self.content.words(Text(sentence.key, named), self.info.language)
        return RenderedText(words.words, words.language, sentence.key)

    def _direction(self, language: Language) -> str:
        info = self.content.languages.get(language)
        return info.direction.value if info else "ltr"


def preferred(content: Content, accepted: str) -> tuple[LanguageInfo, ...]:
    """The offered languages, those first that the browser asks for (`Accept-Language`)."""
    wanted = [tag for _, tag in sorted(_weighed(accepted), key=lambda item: -item[0])]
    offered = list(content.languages.values())
    first = [info for tag in wanted for info in offered if _base(info.language) == _base(tag)]
    return tuple(dict.fromkeys((*first, *_english_first(offered))))


def _english_first(offered: list[LanguageInfo]) -> list[LanguageInfo]:
    """For a browser whose languages we do not have: English is the one that is always whole."""
    return sorted(offered, key=lambda info: _base(info.language) != "en")


def _weighed(accepted: str) -> Iterable[tuple[float, str]]:
    for part in accepted[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            yield quality, tag


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()
