"""Turns facts of a country into the lines that a person reads.

Every block says something: what may be shown, and in honest words what may not. The words stand
in `flows/facts.yaml` and in the countries' files; here is only their order.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar, assert_never

from bot.domain.facts import (
    Answers,
    Block,
    CountryFacts,
    Fact,
    Fallback,
    Hotline,
    Length,
    Mark,
    Mode,
    PhoneNumber,
    ReflectionPeriod,
    Sentences,
    Status,
    Unit,
    shown,
    usable,
)
from bot.domain.text import Language, Line, Link, Phone, Text, text

T = TypeVar("T")


def block_lines(  # noqa: PLR0913, PLR0917
    block: Block,
    facts: CountryFacts | None,
    fallback: Fallback,
    mode: Mode,
    today: date,
    language: Language,
    *,
    beside: tuple[Block, ...] = (),
) -> tuple[Line, ...]:
    """What to show for `block`; never empty.

    The arguments are all that the lines depend on: the same ones give the same lines.
    `facts` is None when the country is not known. Hotlines that speak `language` come first.
    `beside` are all blocks that are shown together, in order: what holds for all of them stands
    once, under the last. A phone's `dial` has digits, or + and digits; it is the renderer that
    makes a link of it.
    """
    together = beside if block in beside else (block,)
    seen = _Seen(mode=mode, today=today, fallback=fallback, together=together)
    here = _InCountry(facts=facts, seen=seen, language=language) if facts else None
    if block is not together[-1]:
        return tuple(_body(block, here, seen))
    for other in together[:-1]:
        # Whether anything there waits for somebody to confirm it is said here.
        tuple(_body(other, here, seen))
    return (*_body(block, here, seen), *_closing(here, seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Lets values out, and remembers the marks of those that were."""

    mode: Mode
    today: date
    fallback: Fallback
    together: tuple[Block, ...]
    """The blocks that are shown at once, in order."""

    marks: list[Mark] = field(default_factory=list[Mark])
    drafts: list[Mark] = field(default_factory=list[Mark])

    def value(self, fact: Fact[T] | None) -> T | None:
        value = shown(fact, self.mode, self.today)
        if fact is not None and value is not None:
            self.marks.append(fact.mark)
            if fact.mark.verified is None:
                self.drafts.append(fact.mark)
        return value

    def may(self, fact: Fact[T] | None) -> bool:
        return shown(fact, self.mode, self.today) is not None

    def read_in(self) -> Iterator[Line]:
        """Where the values since the last call were read."""
        yield from dict.fromkeys(map(_origin, self.marks))
        self.marks.clear()

    def not_confirmed(self) -> bool:
        """Whether something that nobody has verified was let out."""
        return bool(self.drafts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _InCountry:
    """A country's facts, and who looks at them."""

    facts: CountryFacts
    seen: _Seen
    language: Language

    def text(self, item: str) -> Text:
        """A sentence that names the country."""
        return _words(item, country=self.facts.name)

    def usable(self, hotlines: Iterable[Hotline]) -> list[Hotline]:
        """Those that can be shown, those who speak the person's language first."""
        return sorted(
            (one for one in hotlines if usable(one, self.seen.mode, self.seen.today)),
            key=lambda one: not self._comes_first(one),
        )

    def _comes_first(self, hotline: Hotline) -> bool:
        # A line for some people only stays where its author put it: it may not be for this one.
        spoken = shown(hotline.languages, self.seen.mode, self.seen.today) or ()
        return hotline.for_whom is None and _primary(self.language) in map(_primary, spoken)


def _words(item: str, **values: str | int | Text) -> Text:
    return text(f"facts.{item}", **values)


def _primary(language: Language) -> str:
    return language.partition("-")[0]


def _origin(mark: Mark) -> Text:
    source = mark.source
    if mark.verified is not None:
        return _words("verified_on", date=str(mark.verified.on), publisher=source.publisher)
    values = {"date": mark.read_on, "publisher": source.publisher}
    if source.url is None:
        return _words("checked_on_no_page", **values)
    if source.dated is None:
        return _words("checked_on_undated", **values)
    item = "checked_on_about" if source.about else "checked_on"
    return _words(item, **values, page_date=source.dated)


def _said(seen: _Seen, *facts: Fact[Sentences] | None) -> Iterator[Line]:
    for fact in facts:
        for key in seen.value(fact) or ():
            yield Text(key)


def _phone(label: Text, name: str, number: PhoneNumber, *, pressed: bool = True) -> Phone:
    """A line for `number`; not to be `pressed` when a call would reach nobody."""
    dial = number.dial if pressed else None
    return Phone(label=label, name=name, number=number.written, dial=dial)


def _body(block: Block, here: _InCountry | None, seen: _Seen) -> Iterator[Line]:
    return _without_country(block, seen) if here is None else _IN_COUNTRY[block](here)


def _closing(here: _InCountry | None, seen: _Seen) -> Iterator[Line]:
    """An honest word when nobody has confirmed it, and that a person can be asked."""
    if seen.not_confirmed():
        yield here.text("not_confirmed") if here else _words("not_confirmed_general")
    if here is None:
        yield _words("choose_country")
    yield _words("person_here")


# --- Without a country --------------------------------------------------------------------------


def _without_country(block: Block, seen: _Seen) -> Iterator[Line]:
    together = seen.together
    if block is together[0]:
        yield _words("no_country")
    if block is Block.EMERGENCY and not any(
        seen.may(general.number) for general in seen.fallback.emergency
    ):
        yield _words("none_emergency_general")
    yield from _general_sentences(block, seen)
    if block is Block.EMERGENCY or Block.EMERGENCY not in together:
        yield from _general_numbers(seen)
    yield from seen.read_in()


def _general_numbers(seen: _Seen) -> Iterator[Line]:
    for general in seen.fallback.emergency:
        number = seen.value(general.number)
        if number is not None:
            yield _phone(Text(general.where), "", number)


def _general_sentences(block: Block, seen: _Seen) -> Iterator[Line]:
    fallback = seen.fallback
    match block:
        case Block.EMERGENCY | Block.CRISIS_LINE:
            # Somebody in danger needs the number, and nothing before it.
            return
        case Block.REFLECTION_PERIOD:
            yield _words("reflection_what")
            yield from _said(seen, fallback.reflection_period, fallback.help)
        case Block.CHILD_HELPLINE | Block.HELP_FOR_CHILDREN:
            yield from _said(seen, fallback.children)
        case Block.HOTLINES | Block.LABOUR_AND_LEGAL_ADVICE | Block.RESIDENCE | Block.FIRST_POINT:
            yield from _said(seen, fallback.help)
        case _:
            assert_never(block)


# --- With a country -----------------------------------------------------------------------------


def _emergency(here: _InCountry) -> Iterator[Line]:
    numbers, seen = here.facts.emergency, here.seen
    phones = tuple(_emergency_phones(here))
    yield from phones
    if not phones:
        yield here.text("none_emergency")
        if Block.HOTLINES not in seen.together:
            yield from _hotlines_to_call(here)
    general, police = seen.value(numbers.general), seen.value(numbers.police)
    if general is not None and general == police:
        yield _words("police_same_number")
    yield from _said(seen, numbers.silent)
    yield from seen.read_in()


def _hotlines_to_call(here: _InCountry) -> Iterator[Line]:
    """Where no emergency number is known, the numbers of the hotlines, and when they answer."""
    called = [one for one in here.usable(here.facts.hotlines) if here.seen.may(one.phone)]
    if called:
        yield _words("hotlines_instead")
    for hotline in called:
        name, phone = here.seen.value(hotline.name) or "", here.seen.value(hotline.phone)
        does = "text" if here.seen.value(hotline.text_only) else "call"
        if phone is not None:
            yield _phone(here.text(f"{does}_in_country"), name, phone, pressed=does == "call")
        yield from _hours(hotline, here.seen)


def _emergency_phones(here: _InCountry) -> Iterator[Phone]:
    """The country's numbers, each once; where its own is missing, one that holds there too."""
    numbers, seen = here.facts.emergency, here.seen
    general = seen.value(numbers.general)
    if general is not None:
        yield _phone(_words("emergency_number"), "", general)
    else:
        yield from _numbers_that_hold_here(here)
    for item, fact in (
        ("police_number", numbers.police),
        ("ambulance_number", numbers.ambulance),
        ("fire_number", numbers.fire),
    ):
        number = seen.value(fact)
        if number is not None and number != general:
            yield _phone(_words(item), "", number)


def _numbers_that_hold_here(here: _InCountry) -> Iterator[Phone]:
    own = here.facts.emergency.general
    for general in here.seen.fallback.emergency_in(here.facts.iso):
        number = here.seen.value(general.number)
        # A number that is unconfirmed here stays hidden, wherever else it holds.
        doubted = own is not None and own.status is Status.UNCONFIRMED and own.value == number
        if number is not None and not doubted:
            yield _phone(Text(general.where), "", number)


def _what_is_there(here: _InCountry, *, hotlines: bool = True) -> Iterator[Line]:
    """Where to turn when a block has nothing: hotlines, the emergency number."""
    together = here.seen.together
    if hotlines and Block.HOTLINES not in together and here.usable(here.facts.hotlines):
        yield _words("see_hotlines")
    if Block.EMERGENCY not in together:
        yield from tuple(_emergency_phones(here))[:1]
    yield from here.seen.read_in()


# --- Hotlines -----------------------------------------------------------------------------------


def _hotlines(hotlines: Iterable[Hotline], here: _InCountry, none: str) -> Iterator[Line]:
    found = here.usable(hotlines)
    if not found:
        yield here.text(none)
        yield from _what_is_there(here, hotlines=hotlines is not here.facts.hotlines)
        return
    for hotline in found:
        yield from _hotline(hotline, here)


def _hotline(hotline: Hotline, here: _InCountry) -> Iterator[Line]:
    seen = here.seen
    yield from _ways_to_reach(hotline, here)
    yield from _said(seen, hotline.for_whom)
    yield from _who_answers(hotline, seen)
    yield from _said(seen, hotline.effect)
    if not seen.may(hotline.effect):
        yield _words("effect_unknown")
    yield from _hours(hotline, seen)
    yield from _languages(hotline, seen)
    yield _cost(hotline, here)
    yield _either(seen.value(hotline.anonymous), "anonymous", "not_anonymous", "anonymous_unknown")
    yield from _said(seen, hotline.note)
    yield from seen.read_in()


def _hours(hotline: Hotline, seen: _Seen) -> Iterator[Line]:
    yield from _said(seen, hotline.hours)
    if not seen.may(hotline.hours):
        yield _words("hours_unknown")


def _ways_to_reach(hotline: Hotline, here: _InCountry) -> Iterator[Line]:
    seen = here.seen
    name = seen.value(hotline.name) or ""
    phone, abroad = seen.value(hotline.phone), seen.value(hotline.phone_from_abroad)
    does = "text" if seen.value(hotline.text_only) else "call"
    if phone is not None:
        yield _phone(here.text(f"{does}_in_country"), name, phone, pressed=does == "call")
        yield from _said(seen, hotline.phone_note)
    if abroad is not None:
        yield _phone(_words(f"{does}_from_abroad"), name, abroad, pressed=does == "call")
    elif phone is not None:
        yield _words("from_abroad_unknown")
    url = seen.value(hotline.url)
    if url is not None:
        yield Link(label=_words("website"), name=name, url=url)
    yield from _said(seen, hotline.chat)


def _who_answers(hotline: Hotline, seen: _Seen) -> Iterator[Line]:
    organisation = seen.value(hotline.organisation)
    if organisation is None:
        yield _words("organisation_unknown")
    else:
        yield _words("who_answers", organisation=organisation)
    answers = seen.value(hotline.answers)
    yield _words(_ANSWERS[answers])


_ANSWERS = {
    Answers.NGO: "answers_ngo",
    Answers.STATE: "answers_state",
    Answers.POLICE: "answers_police",
    None: "answers_unknown",
}


def _languages(hotline: Hotline, seen: _Seen) -> Iterator[Line]:
    languages = seen.value(hotline.languages)
    if languages:
        # Each by its own name: a person finds their own language in any script.
        names = ", ".join(map(seen.fallback.language_name, languages))
        yield _words("languages", languages=names)
    else:
        yield _words("languages_unknown")
    yield from _said(seen, hotline.languages_note)


def _cost(hotline: Hotline, here: _InCountry) -> Line:
    match here.seen.value(hotline.free):
        case True:
            return here.text("free")
        case False:
            return _words("not_free")
        case None:
            return _words("cost_unknown")


def _either(value: bool | None, yes: str, no: str, unknown: str) -> Text:
    return _words(unknown if value is None else yes if value else no)


# --- Law ----------------------------------------------------------------------------------------


def _reflection_period(here: _InCountry) -> Iterator[Line]:
    period, seen = here.facts.reflection_period, here.seen
    facts = tuple(_said(seen, period.for_whom, period.who_grants, period.note))
    length = tuple(_length(period, here))
    known = bool(facts or length) or seen.may(period.tied_to_cooperation)
    yield _words("reflection_what")
    if not known:
        yield here.text("none_reflection_period")
        yield from _law(period.legal_basis, seen)
        yield _words("talk_first")
        yield from _what_is_there(here)
        return
    yield from length or (here.text("reflection_length_unknown"),)
    yield from facts
    yield _cooperation(period.tied_to_cooperation, seen)
    yield _words("help_and_stay")
    yield _words("talk_first")
    yield from _law(period.legal_basis, seen)
    yield from seen.read_in()


def _length(period: ReflectionPeriod, here: _InCountry) -> Iterator[Line]:
    """How long it is; never a number that is not confirmed, never a promise."""
    least, most = here.seen.value(period.at_least), here.seen.value(period.at_most)
    if least is not None and most is not None and least.unit is most.unit:
        yield _from_to(least, most)
    elif least is not None:
        yield _words(f"reflection_at_least_{least.unit.value}", number=least.number)
    elif most is not None:
        yield _words(f"reflection_at_most_{most.unit.value}", number=most.number)
    else:
        yield from _said(here.seen, period.length_in_words)


def _from_to(least: Length, most: Length) -> Text:
    unit: Unit = least.unit
    if least == most:
        return _words(f"reflection_exactly_{unit.value}", number=least.number)
    return _words(f"reflection_between_{unit.value}", least=least.number, most=most.number)


def _cooperation(tied: Fact[bool] | None, seen: _Seen) -> Text:
    return _either(
        seen.value(tied), "cooperation_asked", "cooperation_free", "cooperation_unknown"
    )


def _law(basis: Fact[str] | None, seen: _Seen) -> Iterator[Line]:
    law = seen.value(basis)
    if law is not None:
        yield _words("legal_basis", law=law)


def _residence(here: _InCountry) -> Iterator[Line]:
    permit, seen = here.facts.residence_permit, here.seen
    facts = tuple(_said(seen, permit.how_long, permit.note))
    known = facts or seen.may(permit.renewable) or seen.may(permit.tied_to_cooperation)
    if not known:
        yield here.text("none_residence")
        yield from _law(permit.legal_basis, seen)
        yield _words("talk_first")
        yield from _what_is_there(here)
        return
    yield here.text("residence_what")
    yield from facts
    yield _either(
        seen.value(permit.renewable),
        "residence_renewable",
        "residence_not_renewable",
        "residence_renewable_unknown",
    )
    yield _cooperation(permit.tied_to_cooperation, seen)
    yield _words("talk_first")
    yield from _law(permit.legal_basis, seen)
    yield from seen.read_in()


def _first_point(here: _InCountry) -> Iterator[Line]:
    first, seen = here.facts.first_point, here.seen
    body = tuple(_said(seen, first.body))
    how = (*_said(seen, first.how), *_numbers_of(seen.value(first.call) or (), here))
    note = tuple(_said(seen, first.note))
    if not (body or how):
        yield here.text("none_first_point")
        yield from note
        yield from _what_is_there(here)
        return
    if body:
        yield _words("first_point_what")
        yield from body
    else:
        yield here.text("first_point_body_unknown")
    yield from how
    yield from note
    yield from seen.read_in()


def _numbers_of(ids: Iterable[str], here: _InCountry) -> Iterator[Line]:
    hotlines = {hotline.id: hotline for hotline in here.usable(here.facts.hotlines)}
    for one in ids:
        if one in hotlines:
            yield from _ways_to_reach(hotlines[one], here)


def _help_for_children(here: _InCountry) -> Iterator[Line]:
    seen = here.seen
    helplines = here.usable(here.facts.child_helpline)
    office = tuple(_said(seen, here.facts.first_point.minors_body))
    yield from (_words("child_office"), *office) if office else (here.text("none_child_office"),)
    yield from seen.read_in()
    if helplines:
        for helpline in helplines:
            yield from _hotline(helpline, here)
    else:
        yield here.text("none_child_helpline")
    yield from _what_is_there(here)


_IN_COUNTRY: dict[Block, Callable[[_InCountry], Iterator[Line]]] = {
    Block.EMERGENCY: _emergency,
    Block.CRISIS_LINE: lambda here: _hotlines(here.facts.crisis_line, here, "none_crisis_line"),
    Block.CHILD_HELPLINE: lambda here: _hotlines(
        here.facts.child_helpline, here, "none_child_helpline"
    ),
    Block.HOTLINES: lambda here: _hotlines(here.facts.hotlines, here, "none_hotlines"),
    Block.LABOUR_AND_LEGAL_ADVICE: lambda here: _hotlines(
        here.facts.labour_and_legal_advice, here, "none_labour_and_legal_advice"
    ),
    Block.REFLECTION_PERIOD: _reflection_period,
    Block.RESIDENCE: _residence,
    Block.FIRST_POINT: _first_point,
    Block.HELP_FOR_CHILDREN: _help_for_children,
}
