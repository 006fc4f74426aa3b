"""The screens as HTML. What stands on each is in templates/; its words are in the content."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.channels.web.forms import PageForm
from bot.channels.web.voice import Voice
from bot.dialogue.ports import Content
from bot.dialogue.render import RenderedLine, RenderedMessage, RenderedView
from bot.domain.control import Owner
from bot.domain.messages import Author
from bot.domain.text import Country, LanguageInfo
from bot.engine.received import ALWAYS_OFFERED, Action

LIVE_MARK = "<!-- live -->"
"""Where a page that stays open goes on."""

FRESH_BYTES = 24

_BLOCKS = ("emergency", "hotlines", "crisis_line")

_ENVIRONMENT = Environment(
    loader=PackageLoader("bot.channels.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def fresh_id() -> str:
    """A new random id for a form."""
    return secrets.token_urlsafe(FRESH_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the first screen shows."""

    note: str = ""
    code: bool = False
    """Whether the field for a code is open."""

    known: str = field(default="", repr=False)
    """The code that was given, which needs its word now."""

    wrong: bool = False
    """Whether another word was given."""

    country: str = ""
    """Whose numbers are open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What the screen of a conversation shows."""

    view: RenderedView
    token: str = field(repr=False)
    new: tuple[RenderedMessage, ...]
    earlier: tuple[RenderedMessage, ...]
    first: int
    """The oldest entry that may be shown."""

    hidden: bool
    """Whether there are older entries, shown when the person asks for them."""

    country: Country | None
    code: str = field(default="", repr=False)
    word: str = field(default="", repr=False)
    draft: str = field(default="", repr=False)
    picked: frozenset[str] = frozenset()
    note: str = ""
    live: bool = False
    probe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the screen after a conversation shows."""

    screen: str
    """`left`, `erased`, `gone` or `page_opens_nothing`."""

    token: str = field(default="", repr=False)
    """Opens nothing any more, which the person may check."""

    note: str = ""
    code: str = field(default="", repr=False)
    word: str = field(default="", repr=False)
    messages: tuple[RenderedMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screens:
    """Draws the screens of one deployment."""

    exit_url: str
    demonstration: bool

    def start(self, content: Content, languages: Sequence[LanguageInfo], start: Start) -> str:
        """The first screen, in the first of `languages`."""
        voice = Voice(content, languages[0])
        known = Country(start.country) if start.country in content.graph.countries else None
        return self._draw(
            "start.html",
            voice,
            languages,
            start=start,
            actions=tuple(action.value for action in (*ALWAYS_OFFERED, Action.WHY, Action.AGREED)),
            countries=_countries(content, voice),
            country=voice.country(known) if known else "",
            lines=_lines(voice, known) if known else (),
            general=voice.facts("emergency", None),
        )

    def talk(self, content: Content, talk: Talk) -> str:
        """A conversation; with `talk.live` it goes on at `LIVE_MARK`."""
        asked = talk.view.question.number if talk.view.question else None
        return self._draw(
            "chat.html",
            Voice(content, talk.view.language),
            tuple(content.languages.values()),
            talk=talk,
            view=talk.view,
            new=tuple(m for m in talk.new if asked is None or m.asked != asked),
            with_person=talk.view.owner is Owner.OPERATOR,
            closed=talk.view.owner is Owner.CLOSED,
            probe=f"?{talk.probe}" if talk.probe else "",
        )

    def message(self, content: Content, info: LanguageInfo, message: RenderedMessage) -> str:
        """One message of a page that stays open."""
        return self._render("message.html", Voice(content, info), message=message)

    def ask_to_look(self, content: Content, info: LanguageInfo) -> str:
        """What a page that stays open says when its buttons are not the newest ones."""
        return self._render("look.html", Voice(content, info))

    def ended(self, content: Content, languages: Sequence[LanguageInfo], ended: Ended) -> str:
        """A screen after a conversation."""
        return self._draw(
            "ended.html",
            Voice(content, languages[0]),
            languages,
            screen=ended.screen,
            ended=ended,
        )

    def emergency(
        self, content: Content, languages: Sequence[LanguageInfo], form: PageForm
    ) -> str:
        """Nothing can be saved: numbers to call, and the form as it was sent."""
        voice = Voice(content, languages[0])
        known = Country(form.country) if form.country in content.graph.countries else None
        return self._draw(
            "emergency.html",
            voice,
            languages,
            form=form,
            numbers=voice.facts("emergency", known, beside=_BLOCKS if known else ()),
            hotlines=_lines(voice, known, _BLOCKS[1:]) if known else (),
            countries=() if known else _countries(content, voice),
        )

    def _draw(
        self,
        template: str,
        voice: Voice,
        languages: Sequence[LanguageInfo],
        **shown: Any,  # noqa: ANN401 - the template's
    ) -> str:
        return self._render(
            template,
            voice,
            languages=languages,
            exit_url=self.exit_url,
            demonstration=self.demonstration,
            **{"probe": "", "screen": template.removesuffix(".html"), **shown},
        )

    @staticmethod
    def _render(template: str, voice: Voice, **shown: Any) -> str:  # noqa: ANN401 - as above
        page: Mapping[str, Callable[..., object] | object] = {
            "t": voice.sentence,
            "p": voice.plain,
            "around": voice.around,
            "mark": voice.mark,
            "marks": voice.marks,
            "lang": voice.info.language,
            "dir": voice.info.direction.value,
            "fresh_id": fresh_id,
            "person": Author.PERSON,
            **shown,
        }
        return _ENVIRONMENT.get_template(template).render(page)


def _lines(
    voice: Voice, country: Country, blocks: Sequence[str] = _BLOCKS
) -> tuple[RenderedLine, ...]:
    """Whom to call in a country."""
    return tuple(line for block in blocks for line in voice.facts(block, country, beside=_BLOCKS))


def _countries(content: Content, voice: Voice) -> tuple[tuple[Country, Markup], ...]:
    return tuple((country, voice.country(country)) for country in content.graph.countries)
