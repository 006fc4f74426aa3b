"""Whatever is missing, every block says something, and nothing that must not be shown."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from bot.content.blocks import block_lines
from bot.content.countries import load_country, read_country, read_fallback
from bot.content.texts import PLACEHOLDER, fill, read_texts
from bot.domain.facts import (
    Answers,
    Block,
    CountryFacts,
    EmergencyNumbers,
    Fact,
    Fallback,
    FirstPoint,
    Hotline,
    IsoDate,
    Length,
    Mark,
    Mode,
    PhoneNumber,
    ReflectionPeriod,
    ResidencePermit,
    Source,
    Status,
    Unit,
    Verified,
)
from bot.domain.text import Country, Language, Line, Link, Phone, Text, TextKey, keys_in

FLOWS = Path(__file__).parents[3] / "flows"
OURS = ("DE", "IT", "MD", "RO", "TR", "UA")
TODAY = date(2026, 11, 22)
ENGLISH = Language("en")

# Numbers that are unconfirmed or only known for a test call: they must not appear in any mode.
FORBIDDEN = {
    "MD": {"116111"},
    "RO": {"116111", "119", "113", "+40213133100", "40213133100", "0213133100"},
    "UA": {"112", "102", "103", "116111", "0800505501"},
    "IT": {"114", "19696", "116000", "+393427754946", "393427754946", "3427754946"},
    "DE": {"116111"},
    "TR": {"112", "183", "+903121571112", "903121571112", "+903121571122", "903121571122"},
}
NO_DAYS = ("MD", "UA", "IT")

NEVER_SAID = re.compile(
    r"victim|trafficked|prostitut|illegal|slave|rescue|risk level|suspicious|confess|deport", re.I
)


@cache
def country(iso: str) -> CountryFacts:
    path = FLOWS / "countries" / f"{iso}.yaml"
    facts, problems = load_country(path.read_text(encoding="utf-8"), path.as_posix())
    assert problems == []
    assert facts is not None
    return facts


@cache
def fallback() -> Fallback:
    file, problems = read_fallback(
        (FLOWS / "fallback.yaml").read_text(encoding="utf-8"), "flows/fallback.yaml"
    )
    assert problems == []
    assert file is not None
    return file.facts


@cache
def english() -> dict[TextKey, str]:
    _, texts, parsed = read_texts(
        (FLOWS / "facts.yaml").read_text(encoding="utf-8"), "flows/facts.yaml"
    )
    assert parsed.problems == []
    words = {text.key: text.words for text in texts}
    for iso in OURS:
        path = FLOWS / "countries" / f"{iso}.yaml"
        file, _ = read_country(path.read_text(encoding="utf-8"), path.as_posix())
        assert file is not None
        words |= {text.key: text.words for text in file.texts()}
    general, _ = read_fallback(
        (FLOWS / "fallback.yaml").read_text(encoding="utf-8"), "flows/fallback.yaml"
    )
    assert general is not None
    return words | {text.key: text.words for text in general.texts()}


def words(text: Text) -> str:
    values = {k: words(v) if isinstance(v, Text) else str(v) for k, v in text.values}
    return fill(english()[text.key], values)


def show(  # noqa: PLR0913
    block: Block,
    facts: CountryFacts | None,
    *,
    mode: Mode = Mode.DEMONSTRATION,
    today: date = TODAY,
    language: Language = ENGLISH,
    general: Fallback | None = None,
    beside: tuple[Block, ...] = (),
) -> tuple[Line, ...]:
    return block_lines(block, facts, general or fallback(), mode, today, language, beside=beside)


def texts_in(lines: tuple[Line, ...]) -> Iterator[Text]:
    for line in lines:
        if isinstance(line, Text):
            yield line
        elif line.label is not None:
            yield line.label


def numbers_in(lines: tuple[Line, ...]) -> set[str]:
    """Every number a person could read or press, without spaces."""
    read = [words(text) for text in texts_in(lines)]
    phones = [line for line in lines if isinstance(line, Phone)]
    read += [phone.number for phone in phones]
    pressed = {phone.dial for phone in phones if phone.dial}
    return pressed | {
        number.replace(" ", "") for part in read for number in re.findall(r"\+?\d[\d ]*", part)
    }


def keys_of(lines: tuple[Line, ...]) -> set[str]:
    return {key for text in texts_in(lines) for key in keys_in(text)}


def check(facts: CountryFacts | None, block: Block, mode: Mode, today: date = TODAY) -> None:
    """What holds for every block, whatever is known."""
    lines = show(block, facts, mode=mode, today=today)
    assert lines
    assert Text(TextKey("facts.person_here")) in lines
    for text in texts_in(lines):
        for key in keys_in(text):
            assert key in english()
        assert set(PLACEHOLDER.findall(english()[text.key])) == {name for name, _ in text.values}
    for line in lines:
        if isinstance(line, Phone):
            assert line.dial is None or re.fullmatch(r"\+?[0-9]+", line.dial)
            assert line.number
        elif isinstance(line, Link):
            assert line.url.startswith("http")
    if facts is not None:
        assert not numbers_in(lines) & FORBIDDEN.get(facts.iso, set())
        unconfirmed = {f.value for f in facts_in(facts) if f.status is Status.UNCONFIRMED}
        keys = {key for value in unconfirmed if isinstance(value, tuple) for key in value}
        assert not keys & keys_of(lines)


def facts_in(value: object) -> Iterator[Fact[Any]]:
    if isinstance(value, Fact):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from facts_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from facts_in(getattr(value, part.name))


def without_each(whole: object) -> Iterator[Any]:
    """Copies of `value`, each without one of the things that it can do without."""
    value = cast("Any", whole)
    for part in fields(value):
        inner = getattr(value, part.name)
        if isinstance(inner, Fact) and not (isinstance(value, Hotline) and part.name == "name"):
            yield replace(value, **{part.name: None})
        elif isinstance(inner, tuple):
            for index, item in enumerate(inner):
                rest = (inner[:index], inner[index + 1 :])
                yield replace(value, **{part.name: (*rest[0], *rest[1])})
                for smaller in without_each(item):
                    yield replace(value, **{part.name: (*rest[0], smaller, *rest[1])})
        elif is_dataclass(inner):
            for smaller in without_each(inner):
                yield replace(value, **{part.name: smaller})


# --- Our countries ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("block", list(Block))
@pytest.mark.parametrize("iso", OURS)
def test_every_block_of_every_country(iso: str, block: Block, mode: Mode) -> None:
    check(country(iso), block, mode)


@pytest.mark.parametrize("iso", OURS)
def test_every_country_without_each_of_its_values(iso: str) -> None:
    smaller = list(without_each(country(iso)))
    assert len(smaller) > 30
    for facts in smaller:
        for block in Block:
            check(facts, block, Mode.DEMONSTRATION)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("iso", OURS)
def test_every_country_without_anything(iso: str, mode: Mode) -> None:
    for block in Block:
        check(CountryFacts(iso=Country(iso)), block, mode)


@pytest.mark.parametrize("iso", OURS)
def test_every_file_without_each_of_its_lines(iso: str) -> None:
    """Also what an author leaves out is a problem or leaves something to say."""
    text = (FLOWS / "countries" / f"{iso}.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    for section, content in document.items():
        if not isinstance(content, dict):
            continue
        for name in content:
            smaller = document | {section: {k: v for k, v in content.items() if k != name}}
            facts, problems = load_country(as_yaml(smaller), f"flows/countries/{iso}.yaml")
            assert bool(problems) == (facts is None)
            if facts is not None:
                for block in Block:
                    check(facts, block, Mode.DEMONSTRATION)


def as_yaml(document: dict[str, Any]) -> str:
    written: str = yaml.safe_dump(_as_text(document), allow_unicode=True, sort_keys=False)
    return written


def _as_text(value: object) -> object:
    """Booleans and dates as an author writes them."""
    if isinstance(value, dict):
        return {key: _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, date) else value


@pytest.mark.parametrize("block", list(Block))
@pytest.mark.parametrize("mode", list(Mode))
def test_every_block_without_a_country(block: Block, mode: Mode) -> None:
    check(None, block, mode)
    lines = show(block, None, mode=mode)
    assert lines[0] == Text(TextKey("facts.no_country"))
    dialled = [line.dial for line in lines if isinstance(line, Phone)]
    assert dialled == (["112"] if mode is Mode.DEMONSTRATION else [])
    assert show(block, None, general=Fallback())


@pytest.mark.parametrize("iso", OURS)
def test_production_shows_no_draft(iso: str) -> None:
    for block in Block:
        lines = show(block, country(iso), mode=Mode.PRODUCTION)
        assert not [line for line in lines if not isinstance(line, Text)]
        own = {key for key in keys_of(lines) if key.startswith(f"country.{iso}.")}
        assert own <= {f"country.{iso}.name"}


@pytest.mark.parametrize("iso", OURS)
def test_drafts_are_said_to_be_unconfirmed_and_dated(iso: str) -> None:
    for block in (Block.HOTLINES, Block.FIRST_POINT):
        keys = keys_of(show(block, country(iso)))
        assert "facts.not_confirmed" in keys
        assert any(key.startswith("facts.checked_on") for key in keys)


CLOSING = (
    "facts.no_country",
    "facts.not_confirmed",
    "facts.not_confirmed_general",
    "facts.choose_country",
    "facts.person_here",
)


@pytest.mark.parametrize("iso", [*OURS, None])
@pytest.mark.parametrize(
    "together",
    [
        (Block.EMERGENCY, Block.HOTLINES, Block.CRISIS_LINE),
        (Block.CRISIS_LINE, Block.EMERGENCY),
        (Block.CHILD_HELPLINE, Block.HELP_FOR_CHILDREN),
    ],
)
def test_what_closes_blocks_that_are_shown_together_stands_once(
    iso: str | None, together: tuple[Block, ...]
) -> None:
    facts = country(iso) if iso else None
    shown = [show(block, facts, beside=together) for block in together]
    assert all(shown)
    said = [text.key for lines in shown for text in lines if isinstance(text, Text)]
    alone = {text.key for block in together for text in texts_in(show(block, facts))}
    once = {key for key in CLOSING if key in alone}
    assert [key for key in once if said.count(TextKey(key)) != 1] == []
    assert said[-1] == "facts.person_here"


def test_a_draft_in_any_of_the_blocks_is_said_under_the_last() -> None:
    facts = replace(country("MD"), crisis_line=())
    together = (Block.EMERGENCY, Block.CRISIS_LINE)
    assert "facts.not_confirmed" in keys_of(show(Block.CRISIS_LINE, facts, beside=together))
    nothing = CountryFacts(iso=Country("MD"))
    alone = show(Block.CRISIS_LINE, nothing, beside=together, general=Fallback())
    assert "facts.not_confirmed" not in keys_of(alone)


@pytest.mark.parametrize("iso", NO_DAYS)
def test_no_number_of_days_where_none_is_confirmed(iso: str) -> None:
    lines = show(Block.REFLECTION_PERIOD, country(iso))
    assert not [text for text in texts_in(lines) if dict(text.values).keys() & {"number", "least"}]
    assert not re.search(r"\d+ (day|month)", " ".join(map(words, texts_in(lines))))


@pytest.mark.parametrize(
    ("iso", "sentence"),
    [
        ("RO", "How many days: up to 90. The authority decides."),
        ("DE", "How many months: at least 3. The authority decides."),
        ("TR", "How many days: 30. The authority decides if a person gets them."),
        ("IT", "The law in Italy gives no fixed number of days."),
        ("MD", "We have no checked number of days for Moldova."),
        ("UA", "We have no checked facts about this time for Ukraine."),
    ],
)
def test_how_long_the_reflection_period_is(iso: str, sentence: str) -> None:
    assert sentence in map(words, texts_in(show(Block.REFLECTION_PERIOD, country(iso))))


@pytest.mark.parametrize(
    ("iso", "dialled"),
    [
        ("MD", ["112"]),
        ("RO", ["112"]),
        ("IT", ["112", "113"]),
        ("DE", ["112", "110"]),
        # No number that anybody checked: the hotlines at once, which are not one.
        ("UA", ["1547", "527", "116123"]),
        ("TR", ["157"]),
    ],
)
def test_emergency_numbers(iso: str, dialled: list[str]) -> None:
    lines = show(Block.EMERGENCY, country(iso))
    assert [line.dial for line in lines if isinstance(line, Phone)] == dialled
    none = iso in {"UA", "TR"}
    assert ("facts.none_emergency" in keys_of(lines)) == none
    assert ("facts.hotlines_instead" in keys_of(lines)) == none
    beside = show(Block.EMERGENCY, country(iso), beside=(Block.EMERGENCY, Block.HOTLINES))
    assert [line.dial for line in beside if isinstance(line, Phone)] == ([] if none else dialled)


def test_the_line_that_passes_on_where_a_caller_is_says_so() -> None:
    said = [words(text) for text in texts_in(show(Block.HOTLINES, country("TR")))]
    assert "Emergency calls are recorded." in said
    assert any("police" in sentence for sentence in said)


def test_no_sentence_has_a_word_that_hurts() -> None:
    assert not [sentence for sentence in english().values() if NEVER_SAID.search(sentence)]


def test_every_language_of_a_hotline_has_a_name() -> None:
    spoken = {
        language
        for iso in OURS
        for hotline in country(iso).hotlines
        for language in (hotline.languages.value if hotline.languages else ())
    }
    assert spoken <= dict(fallback().language_names).keys()
    assert fallback().language_name(Language("xx")) == "xx"


def test_every_sentence_of_the_blocks_is_used() -> None:
    code = (Path(__file__).parents[3] / "bot/content/blocks.py").read_text(encoding="utf-8")
    built = {"reflection_exactly", "reflection_at_least", "reflection_at_most"} | {
        "reflection_between", "call_in", "call_from", "text_in", "text_from",
    }  # fmt: skip
    for key in english():
        file, _, item = key.partition(".")
        if file == "facts" and not item.startswith(tuple(built)):
            assert f'"{item}"' in code, f"{key} stands in flows/facts.yaml and is never said"


# --- Made-up countries --------------------------------------------------------------------------

DRAFT = Mark(
    status=Status.DRAFT,
    source=Source(publisher="A publisher", url="https://example.org", dated=IsoDate("2024")),
    read_on=IsoDate("2026-11"),
)
CONFIRMED = replace(
    DRAFT,
    status=Status.VERIFIED,
    verified=Verified(by="lawyer", on=date(2026, 11, 14), until=date(2027, 5, 14)),
)
UNCONFIRMED = replace(DRAFT, status=Status.UNCONFIRMED)


def number(dial: str, mark: Mark = DRAFT) -> Fact[PhoneNumber]:
    return Fact(PhoneNumber(written=dial, dial=dial), mark)


def line(name: str, *, mark: Mark = DRAFT, **more: object) -> Hotline:
    given: dict[str, object] = {"phone": number("0800", mark)} | more
    return Hotline(id=name, name=Fact(name, mark), **cast("dict[str, Any]", given))


def made(**more: object) -> CountryFacts:
    return CountryFacts(iso=Country("RO"), **cast("dict[str, Any]", more))


def said(block: Block, facts: CountryFacts, **more: object) -> list[str]:
    lines = show(block, facts, **cast("dict[str, Any]", more))
    return [text.key.removeprefix("facts.") for text in texts_in(lines)]


def spoken(*codes: str) -> Fact[tuple[Language, ...]]:
    return Fact(tuple(map(Language, codes)), DRAFT)


def names(lines: tuple[Line, ...]) -> list[str]:
    return [each.name for each in lines if isinstance(each, Phone) and each.name]


def test_lines_that_speak_the_persons_language_come_first() -> None:
    facts = made(
        hotlines=(
            line("first", languages=spoken("ro")),
            line("second", languages=spoken("ru", "uk")),
        )
    )
    assert names(show(Block.HOTLINES, facts, language=Language("ru"))) == ["second", "first"]
    assert names(show(Block.HOTLINES, facts, language=Language("uk-Cyrl"))) == ["second", "first"]
    assert names(show(Block.HOTLINES, facts, language=Language("tr"))) == ["first", "second"]


def test_a_line_for_some_people_only_does_not_move_up() -> None:
    some = Fact((TextKey("country.RO.name"),), DRAFT)
    facts = made(hotlines=(line("all"), line("some", languages=spoken("ru"), for_whom=some)))
    assert names(show(Block.HOTLINES, facts, language=Language("ru"))) == ["all", "some"]


def test_a_line_without_a_name_or_a_way_to_reach_it_is_not_shown() -> None:
    facts = made(
        hotlines=(
            replace(line("nameless"), name=Fact("nameless", UNCONFIRMED)),
            line("unreachable", phone=number("0800", UNCONFIRMED)),
        )
    )
    assert names(show(Block.HOTLINES, facts)) == []
    assert "none_hotlines" in said(Block.HOTLINES, facts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"free": True}, "free"),
        ({"free": False}, "not_free"),
        ({"free": None}, "cost_unknown"),
        ({"anonymous": True}, "anonymous"),
        ({"anonymous": False}, "not_anonymous"),
        ({"anonymous": None}, "anonymous_unknown"),
        ({"answers": Answers.NGO}, "answers_ngo"),
        ({"answers": Answers.STATE}, "answers_state"),
        ({"answers": Answers.POLICE}, "answers_police"),
        ({"answers": None}, "answers_unknown"),
        ({"organisation": "An organisation"}, "who_answers"),
        ({"organisation": None}, "organisation_unknown"),
        ({"hours": None}, "hours_unknown"),
        ({"effect": None}, "effect_unknown"),
        ({"languages": None}, "languages_unknown"),
        ({"text_only": True}, "text_in_country"),
        ({"text_only": False}, "call_in_country"),
        ({"phone_from_abroad": None}, "from_abroad_unknown"),
    ],
)
def test_what_is_known_and_unknown_of_a_line_is_said(value: dict[str, Any], expected: str) -> None:
    given: dict[str, Any] = {
        name: None if known is None else Fact(known, DRAFT) for name, known in value.items()
    }
    assert expected in said(Block.HOTLINES, made(hotlines=(line("a", **given),)))


def test_an_unconfirmed_answer_is_as_good_as_none() -> None:
    facts = made(hotlines=(line("a", anonymous=Fact(True, UNCONFIRMED)),))
    assert "anonymous_unknown" in said(Block.HOTLINES, facts)


def test_a_number_for_text_messages_cannot_be_pressed() -> None:
    abroad = number("+40757749845")
    facts = made(hotlines=(line("a", text_only=Fact(True, DRAFT), phone_from_abroad=abroad),))
    phones = [each for each in show(Block.HOTLINES, facts) if isinstance(each, Phone)]
    assert [(each.number, each.dial) for each in phones] == [
        ("0800", None),
        ("+40757749845", None),
    ]


def test_a_verified_line_in_production() -> None:
    facts = made(hotlines=(line("a", mark=CONFIRMED, free=Fact(True, DRAFT)),))
    keys = said(Block.HOTLINES, facts, mode=Mode.PRODUCTION)
    assert "verified_on" in keys
    assert "cost_unknown" in keys
    assert "not_confirmed" not in keys
    assert "none_hotlines" in said(
        Block.HOTLINES, facts, mode=Mode.PRODUCTION, today=date(2027, 5, 15)
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (DRAFT.source, "checked_on"),
        (replace(DRAFT.source, about=True), "checked_on_about"),
        (replace(DRAFT.source, dated=None), "checked_on_undated"),
        (replace(DRAFT.source, url=None), "checked_on_no_page"),
    ],
)
def test_how_old_a_source_is_is_said(source: Source, expected: str) -> None:
    facts = made(hotlines=(line("a", mark=replace(DRAFT, source=source)),))
    assert expected in said(Block.HOTLINES, facts)


def test_a_source_is_named_once() -> None:
    facts = made(emergency=EmergencyNumbers(general=number("112"), police=number("110")))
    assert said(Block.EMERGENCY, facts).count("checked_on") == 1


def test_the_police_on_the_same_number_are_named() -> None:
    facts = made(emergency=EmergencyNumbers(general=number("112"), police=number("112")))
    lines = show(Block.EMERGENCY, facts)
    assert [each.number for each in lines if isinstance(each, Phone)] == ["112"]
    assert "police_same_number" in said(Block.EMERGENCY, facts)


def test_all_emergency_numbers_are_shown() -> None:
    facts = made(
        emergency=EmergencyNumbers(
            police=number("1"), ambulance=number("2"), fire=number("3"), general=number("4")
        )
    )
    lines = show(Block.EMERGENCY, facts)
    assert [each.dial for each in lines if isinstance(each, Phone)] == ["4", "1", "2", "3"]


def test_a_number_that_holds_in_many_countries_stands_in_for_a_missing_one() -> None:
    numbers = [each.number for each in show(Block.EMERGENCY, made()) if isinstance(each, Phone)]
    assert numbers == ["112"]
    elsewhere = CountryFacts(iso=Country("TR"))
    assert not [each for each in show(Block.EMERGENCY, elsewhere) if isinstance(each, Phone)]


def test_a_number_that_is_unconfirmed_here_is_not_shown_because_it_holds_elsewhere() -> None:
    facts = made(emergency=EmergencyNumbers(general=number("112", UNCONFIRMED)))
    for block in Block:
        assert "112" not in numbers_in(show(block, facts))


def test_a_number_past_its_date_gives_way_to_the_one_that_still_holds() -> None:
    facts = made(emergency=EmergencyNumbers(general=number("112", CONFIRMED)))
    (general,) = fallback().emergency
    late = replace(CONFIRMED, verified=Verified(by="a", on=TODAY, until=date(2027, 11, 1)))
    verified = replace(
        fallback(), emergency=(replace(general, number=Fact(general.number.value, late)),)
    )
    lines = show(
        Block.EMERGENCY,
        facts,
        mode=Mode.PRODUCTION,
        today=date(2027, 6, 1),
        general=verified,
    )
    assert lines[0] == Phone(
        label=Text(TextKey("fallback.emergency.eu.where")), name="", number="112", dial="112"
    )


def length(count: int, unit: Unit = Unit.DAYS, mark: Mark = DRAFT) -> Fact[Length]:
    return Fact(Length(number=count, unit=unit), mark)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (length(30), length(30), "reflection_exactly_days"),
        (length(30), length(90), "reflection_between_days"),
        (length(30), None, "reflection_at_least_days"),
        (None, length(90), "reflection_at_most_days"),
        (length(3, Unit.MONTHS), length(3, Unit.MONTHS), "reflection_exactly_months"),
        (length(1, Unit.MONTHS), length(3, Unit.MONTHS), "reflection_between_months"),
        (length(3, Unit.MONTHS), None, "reflection_at_least_months"),
        (None, length(3, Unit.MONTHS), "reflection_at_most_months"),
        (length(30, mark=UNCONFIRMED), length(90), "reflection_at_most_days"),
    ],
)
def test_lengths(least: Fact[Length] | None, most: Fact[Length] | None, expected: str) -> None:
    facts = made(reflection_period=ReflectionPeriod(at_least=least, at_most=most))
    assert expected in said(Block.REFLECTION_PERIOD, facts)
    assert all(key in english() for key in keys_of(show(Block.REFLECTION_PERIOD, facts)))


@pytest.mark.parametrize(
    ("tied", "expected"),
    [(True, "cooperation_asked"), (False, "cooperation_free"), (None, "cooperation_unknown")],
)
def test_whether_it_is_tied_to_cooperation_is_said(tied: bool | None, expected: str) -> None:
    fact = None if tied is None else Fact(tied, DRAFT)
    period = ReflectionPeriod(at_most=length(90), tied_to_cooperation=fact)
    permit = ResidencePermit(renewable=Fact(True, DRAFT), tied_to_cooperation=fact)
    assert expected in said(Block.REFLECTION_PERIOD, made(reflection_period=period))
    assert expected in said(Block.RESIDENCE, made(residence_permit=permit))


@pytest.mark.parametrize(
    ("renewable", "expected"),
    [
        (True, "residence_renewable"),
        (False, "residence_not_renewable"),
        (None, "residence_renewable_unknown"),
    ],
)
def test_whether_a_permit_can_be_extended_is_said(renewable: bool | None, expected: str) -> None:
    permit = ResidencePermit(
        renewable=None if renewable is None else Fact(renewable, DRAFT),
        tied_to_cooperation=Fact(False, DRAFT),
    )
    assert expected in said(Block.RESIDENCE, made(residence_permit=permit))


def test_a_law_alone_is_named_but_is_no_answer() -> None:
    law = Fact("Law 1", DRAFT)
    for block, facts in (
        (Block.REFLECTION_PERIOD, made(reflection_period=ReflectionPeriod(legal_basis=law))),
        (Block.RESIDENCE, made(residence_permit=ResidencePermit(legal_basis=law))),
    ):
        assert f"none_{block.value}" in said(block, facts)
        assert "legal_basis" in said(block, facts)


def test_the_first_point_gives_only_numbers_that_may_be_shown() -> None:
    hotlines = (line("good"), line("bad", phone=number("0900", UNCONFIRMED)))
    point = FirstPoint(call=Fact(("bad", "good", "gone"), DRAFT))
    facts = made(hotlines=hotlines, first_point=point)
    assert names(show(Block.FIRST_POINT, facts)) == ["good"]
    assert "first_point_body_unknown" in said(Block.FIRST_POINT, facts)


def test_children_get_helpline_and_office_when_there_are_any() -> None:
    office = Fact((TextKey("country.RO.first_point.minors_body"),), DRAFT)
    facts = made(child_helpline=(line("helpline"),), first_point=FirstPoint(minors_body=office))
    keys = said(Block.HELP_FOR_CHILDREN, facts)
    assert "child_office" in keys
    assert names(show(Block.HELP_FOR_CHILDREN, facts)) == ["helpline"]
    assert not {"none_child_office", "none_child_helpline"} & set(keys)
