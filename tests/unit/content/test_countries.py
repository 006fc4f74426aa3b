"""What a country's file may say, and that every mistake in it is named with its line."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from bot.content.countries import (
    CountryFile,
    date_problems,
    load_country,
    load_fallback,
    production_problems,
    read_country,
    read_fallback,
)
from bot.content.problems import Problem
from bot.content.texts import Class
from bot.domain.facts import (
    Answers,
    Fact,
    IsoDate,
    Length,
    Mark,
    Mode,
    Source,
    Status,
    Unit,
    Verified,
    shown,
)

FLOWS = Path(__file__).parents[3] / "flows"
OURS = ("DE", "IT", "MD", "RO", "TR", "UA")
TODAY = date(2026, 11, 22)

GOOD = dedent("""\
    schema: 1
    country: XX
    name: Somewhere
    sources:
      page: {publisher: A publisher, url: "https://example.org/page", date: about 2017}
    emergency:
      source: page
      read: 2026-11
      status: draft
      general: "112"
    hotlines:
      line:
        source: page
        read: 2026-11
        status: draft
        name: A line
        organisation: An organisation
        answers: ngo
        phone: 0 800 123
        phone_from_abroad: "+37322000000"
        languages: {value: [ro, ru], status: unconfirmed}
        hours: [Every day., In the morning.]
        note: {value: Nobody knows this., status: unconfirmed}
        free: yes
        url: https://example.org
    reflection_period:
      source: page
      read: 2026-11
      status: draft
      at_most: 90 days
    first_point:
      source: page
      read: 2026-11
      status: draft
      call: [line]
    """)


def found(text: str, path: str = "flows/countries/XX.yaml") -> list[tuple[int, str]]:
    facts, problems = load_country(text, path)
    assert (facts is None) == bool(problems)
    assert problems == sorted(problems)
    for problem in problems:
        assert problem.file == path
        assert problem.sentence
        assert problem.remedy
    return [(problem.line, problem.code) for problem in problems]


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def good() -> CountryFile:
    file, problems = read_country(GOOD, "flows/countries/XX.yaml")
    assert problems == []
    assert file is not None
    return file


# --- Our own files ------------------------------------------------------------------------------


@pytest.mark.parametrize("iso", OURS)
def test_our_countries_have_no_problem(iso: str) -> None:
    path = FLOWS / "countries" / f"{iso}.yaml"
    file, problems = read_country(path.read_text(encoding="utf-8"), path.as_posix())
    assert problems == []
    assert file is not None
    assert file.facts.iso == iso
    assert file.facts.hotlines
    assert date_problems(file, TODAY) == []


@pytest.mark.parametrize("iso", OURS)
def test_our_countries_are_not_ready_for_production(iso: str) -> None:
    path = FLOWS / "countries" / f"{iso}.yaml"
    file, _ = read_country(path.read_text(encoding="utf-8"), path.as_posix())
    assert file is not None
    assert [problem.code for problem in production_problems(file, TODAY)] == [
        "country:emergency-not-verified",
        "country:no-verified-hotline",
    ]


def test_every_country_is_tested() -> None:
    assert sorted(path.stem for path in (FLOWS / "countries").glob("*.yaml")) == list(OURS)


def test_the_fallback_has_no_problem() -> None:
    fallback, problems = load_fallback(
        (FLOWS / "fallback.yaml").read_text(encoding="utf-8"), "flows/fallback.yaml"
    )
    assert problems == []
    assert fallback is not None
    assert [number.number.value.dial for number in fallback.emergency] == ["112"]


# --- Reading ------------------------------------------------------------------------------------


def test_values_are_read_with_their_marks() -> None:
    hotline = good().facts.hotlines[0]
    assert hotline.id == "line"
    assert hotline.phone is not None
    assert (hotline.phone.value.written, hotline.phone.value.dial) == ("0 800 123", "0800123")
    assert hotline.phone.status is Status.DRAFT
    assert hotline.phone.read_on == "2026-11"
    assert hotline.phone.source == Source(
        publisher="A publisher",
        url="https://example.org/page",
        dated=IsoDate("2017"),
        about=True,
    )
    assert hotline.answers is not None
    assert hotline.answers.value is Answers.NGO
    assert hotline.free is not None
    assert hotline.free.value is True


def test_a_value_may_have_its_own_status() -> None:
    languages = good().facts.hotlines[0].languages
    assert languages is not None
    assert languages.value == ("ro", "ru")
    assert languages.status is Status.UNCONFIRMED
    assert languages.source.publisher == "A publisher"


def test_lengths_keep_the_unit_of_the_law() -> None:
    period = good().facts.reflection_period
    assert period.at_least is None
    assert period.at_most is not None
    assert period.at_most.value == Length(number=90, unit=Unit.DAYS)


def test_texts_are_what_translators_need_and_nothing_unconfirmed() -> None:
    texts = {text.key: (text.words, text.kind, text.context) for text in good().texts()}
    assert texts == {
        "country.XX.name": ("Somewhere", Class.LEGAL, "country.XX"),
        "country.XX.hotlines.line.hours.1": ("Every day.", Class.LEGAL, "country.XX"),
        "country.XX.hotlines.line.hours.2": ("In the morning.", Class.LEGAL, "country.XX"),
    }


def test_texts_know_their_line() -> None:
    hours = next(text for text in good().texts() if text.key.endswith("hours.1"))
    assert hours.line == line_of(GOOD, "hours:")


def test_sentences_of_an_emergency_are_of_that_class() -> None:
    text = GOOD.replace('general: "112"', "silent: There is an app.")
    file, _ = read_country(text, "flows/countries/XX.yaml")
    assert file is not None
    assert [t.kind for t in file.texts() if "silent" in t.key] == [Class.EMERGENCY]


# --- Mistakes -----------------------------------------------------------------------------------

MISTAKES = [
    ('general: "112"', "general: 112", "country:not-text"),
    ('general: "112"', 'general: "call 112"', "country:bad-phone"),
    ('general: "112"', 'general: "١١٢"', "country:bad-phone"),
    ("phone: 0 800 123", 'phone: "+373 22 000000"', "country:bad-phone"),
    ("phone: 0 800 123", "phone: 116 123 (from mobiles)", "country:bad-phone"),
    ('"+37322000000"', '"022000000"', "country:bad-phone-from-abroad"),
    ('"+37322000000"', '"+0322000000"', "country:bad-phone-from-abroad"),
    ('"+37322000000"', '"+3732200000012345"', "country:bad-phone-from-abroad"),
    ("answers: ngo", "answers: friend", "country:not-a-choice"),
    ("free: yes", "free: maybe", "country:not-yes-or-no"),
    ("url: https://example.org", "url: example.org", "country:bad-url"),
    ("url: https://example.org", "url: javascript:alert(1)", "country:bad-url"),
    ("url: https://example.org", "url: 'http://[1'", "country:bad-url"),
    ("hours: [Every day., In the morning.]", "hours: ' '", "country:empty-text"),
    ("hours: [Every day., In the morning.]", "hours: []", "country:empty-text"),
    ("hours: [Every day., In the morning.]", "hours: 24", "country:wrong-shape"),
    ("hours: [Every day., In the morning.]", "hours: '{from} to 9'", "country:placeholder"),
    ("organisation: An", "organization: An", "country:unknown-key"),
    ("value: [ro, ru]", "value: [Romanian]", "country:bad-language"),
    ("at_most: 90 days", "at_most: 90", "country:not-text"),
    ("at_most: 90 days", "at_most: three months", "country:bad-length"),
    ("call: [line]", "call: [other]", "country:unknown-hotline"),
    ("name: A line", "hours: Sometimes.", "yaml:twice"),
    ("date: about 2017", "date: long ago", "country:bad-date"),
    ("date: about 2017", "date: 2017-13", "country:bad-date"),
    ("country: XX", "country: Xx", "country:bad-country"),
    ("schema: 1", "schema: 2", "country:not-a-choice"),
]


@pytest.mark.parametrize(("right", "wrong", "code"), MISTAKES)
def test_a_mistake_is_named_with_its_line(right: str, wrong: str, code: str) -> None:
    text = GOOD.replace(right, wrong, 1)
    # A key that stands twice is reported where it stands the second time.
    line = line_of(text, "hours: [") if code == "yaml:twice" else line_of(text, wrong)
    assert (line, code) in found(text)


MISSING = [
    ("    source: page\n    read: 2026-11\n", "    read: 2026-11\n", "country:no-source"),
    ("    read: 2026-11\n    status", "    status", "country:no-date"),
    ("    status: draft\n    name", "    name", "country:no-status"),
    ("    name: A line\n", "", "country:missing"),
    ("    organisation: An organisation\n", "", "country:no-organisation"),
]


@pytest.mark.parametrize(("right", "wrong", "code"), MISSING)
def test_what_a_hotline_needs(right: str, wrong: str, code: str) -> None:
    assert found(GOOD.replace(right, wrong, 1)) == [(line_of(GOOD, "  line:"), code)]


def test_a_hotline_that_nobody_can_reach() -> None:
    lines = [
        line
        for line in GOOD.splitlines(keepends=True)
        if not line.strip().startswith(("phone", "url: https"))
    ]
    text = "".join(lines)
    assert found(text) == [(line_of(text, "  line:"), "country:no-contact")]


def test_a_source_has_to_exist() -> None:
    text = GOOD.replace("source: page", "source: hearsay", 1)
    assert found(text) == [(line_of(text, "source: hearsay"), "country:unknown-source")]


def test_all_problems_come_at_once() -> None:
    text = (
        GOOD.replace('general: "112"', 'general: "one"')
        .replace("answers: ngo", "answers: friend")
        .replace("at_most: 90 days", "at_most: soon")
        .replace("value: [ro, ru], status: unconfirmed", "value: [ro, ru], status: sure")
    )
    assert found(text) == [
        (line_of(text, 'general: "one"'), "country:bad-phone"),
        (line_of(text, "answers: friend"), "country:not-a-choice"),
        (line_of(text, "languages:"), "country:not-a-choice"),
        (line_of(text, "at_most: soon"), "country:bad-length"),
    ]


def test_a_value_with_its_own_mark_is_checked_when_the_entry_is_wrong_too() -> None:
    text = GOOD.replace("    status: draft\n    name", "    name").replace(
        "value: [ro, ru], status: unconfirmed", "value: [ro, ru], status: sure"
    )
    assert found(text) == [
        (line_of(text, "  line:"), "country:no-status"),
        (line_of(text, "languages:"), "country:not-a-choice"),
    ]


def test_a_broken_file_is_a_problem() -> None:
    assert found("schema: 1\ncountry: [XX\nname: 'x\n")[0][1] == "yaml:broken"


@pytest.mark.parametrize("text", ["", "- a list", "only words", "# nothing\n"])
def test_a_file_without_entries_is_a_problem(text: str) -> None:
    assert [code for _, code in found(text)] == ["country:empty"]


@pytest.mark.parametrize(
    "text",
    ["sources: 3", "sources: {a: 3}", "emergency: []", "hotlines: {line: 7}", "hotlines: [a]"],
)
def test_a_wrong_shape_is_a_problem(text: str) -> None:
    assert found(text)


def test_the_file_is_named_after_the_country() -> None:
    assert found(GOOD, "flows/countries/MD.yaml") == [(2, "country:file-name")]


def test_least_and_most_go_together() -> None:
    for least in ("91 days", "1 months"):
        text = GOOD.replace("at_most: 90 days", f"at_least: {least}\n  at_most: 90 days")
        assert [code for _, code in found(text)] == ["country:bad-length"]


def test_problems_do_not_repeat_what_was_written() -> None:
    text = GOOD.replace('general: "112"', 'general: "secret words"')
    _, problems = load_country(text, "flows/countries/XX.yaml")
    assert problems
    assert not any("secret" in str(problem) for problem in problems)


# --- Verified -----------------------------------------------------------------------------------

VERIFIED = "status: verified\n    verified: {by: lawyer, on: 2026-11-14, until: 2027-05-14}"


def verified(text: str = GOOD) -> str:
    """The same file with its hotline and its emergency number verified."""
    emergency = VERIFIED.replace("\n    ", "\n  ")
    head, tail = text.split("hotlines:")
    return (
        head.replace("status: draft", emergency)
        + "hotlines:"
        + tail.replace("status: draft", VERIFIED, 1)
    )


def file_of(text: str) -> CountryFile:
    file, problems = read_country(text, "flows/countries/XX.yaml")
    assert problems == []
    assert file is not None
    return file


def test_a_verified_country_is_ready_until_its_date() -> None:
    file = file_of(verified())
    assert production_problems(file, date(2027, 5, 14)) == []
    assert date_problems(file, date(2027, 5, 14)) == []
    assert [p.code for p in production_problems(file, date(2027, 5, 15))] == [
        "country:emergency-not-verified",
        "country:no-verified-hotline",
    ]


def test_a_value_past_its_date_is_named_once_with_its_line() -> None:
    text = verified()
    problems = date_problems(file_of(text), date(2027, 5, 15))
    assert [(p.line, p.code) for p in problems] == [
        (line_of(text, "verified: {by"), "country:past-date"),
        (line_of(text, "    verified: {by"), "country:past-date"),
    ]


def test_a_value_cannot_be_verified_tomorrow() -> None:
    problems = date_problems(file_of(verified()), date(2026, 11, 13))
    assert {problem.code for problem in problems} == {"country:future-date"}


def test_an_unconfirmed_value_in_a_verified_entry_stays_unconfirmed() -> None:
    languages = file_of(verified()).facts.hotlines[0].languages
    assert languages is not None
    assert languages.status is Status.UNCONFIRMED
    assert shown(languages, Mode.DEMONSTRATION, TODAY) is None


@pytest.mark.parametrize("iso_field", ["general", "hotline"])
def test_production_needs_both_the_number_and_a_hotline(iso_field: str) -> None:
    head, tail = verified().split("hotlines:")
    old_head, old_tail = GOOD.split("hotlines:")
    text = (old_head if iso_field == "general" else head) + "hotlines:"
    text += tail if iso_field == "general" else old_tail
    (problem,) = production_problems(file_of(text), TODAY)
    expected = {
        "general": Problem(
            "flows/countries/XX.yaml", line_of(text, "general:"),
            "country:emergency-not-verified", problem.sentence, problem.remedy,
        ),
        "hotline": Problem(
            "flows/countries/XX.yaml", line_of(text, "hotlines:"),
            "country:no-verified-hotline", problem.sentence, problem.remedy,
        ),
    }  # fmt: skip
    assert problem == expected[iso_field]


WRONG_MARKS: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace("by: lawyer, ", ""), "country:missing"),
    (lambda text: text.replace("on: 2026-11-14, ", ""), "country:missing"),
    (lambda text: text.replace(", until: 2027-05-14", ""), "country:missing"),
    (lambda text: text.replace("2027-05-14", "2027-11-15"), "country:bad-until"),
    (lambda text: text.replace("2027-05-14", "2026-11-13"), "country:bad-until"),
    (lambda text: text.replace("2027-05-14", "2027-02-30"), "country:bad-date"),
    (lambda text: text.replace("2027-05-14", "soon"), "country:bad-date"),
    (lambda text: text.replace("status: verified", "status: draft"), "country:status"),
]


@pytest.mark.parametrize(("spoil", "code"), WRONG_MARKS)
def test_verified_says_by_whom_and_for_at_most_a_year(
    spoil: Callable[[str], str], code: str
) -> None:
    assert {problem for _, problem in found(spoil(verified()))} == {code}


def test_a_year_is_allowed() -> None:
    assert found(verified().replace("2027-05-14", "2027-11-14")) == []


def test_verified_without_saying_by_whom() -> None:
    text = GOOD.replace("status: draft", "status: verified", 1)
    assert found(text) == [(line_of(text, "emergency:"), "country:not-verified")]


# --- Status, mode and date ----------------------------------------------------------------------


def fact(status: Status) -> Fact[str]:
    until = Verified(by="lawyer", on=date(2026, 11, 14), until=date(2027, 5, 14))
    return Fact(
        "value",
        Mark(
            status=status,
            source=Source(publisher="A publisher"),
            read_on=IsoDate("2026-11"),
            verified=until if status is Status.VERIFIED else None,
        ),
    )


SHOWN = [
    (Status.UNCONFIRMED, Mode.DEMONSTRATION, TODAY, False),
    (Status.UNCONFIRMED, Mode.PRODUCTION, TODAY, False),
    (Status.DRAFT, Mode.DEMONSTRATION, TODAY, True),
    (Status.DRAFT, Mode.PRODUCTION, TODAY, False),
    (Status.VERIFIED, Mode.DEMONSTRATION, TODAY, True),
    (Status.VERIFIED, Mode.PRODUCTION, TODAY, True),
    (Status.VERIFIED, Mode.PRODUCTION, date(2027, 5, 14), True),
    (Status.VERIFIED, Mode.PRODUCTION, date(2027, 5, 15), False),
    (Status.VERIFIED, Mode.DEMONSTRATION, date(2027, 5, 15), False),
    (Status.VERIFIED, Mode.PRODUCTION, date(2026, 11, 13), False),
]


@pytest.mark.parametrize(("status", "mode", "today", "visible"), SHOWN)
def test_what_is_shown(status: Status, mode: Mode, today: date, visible: bool) -> None:
    assert shown(fact(status), mode, today) == ("value" if visible else None)


def test_nothing_is_shown_of_what_is_not_there() -> None:
    assert shown(None, Mode.DEMONSTRATION, TODAY) is None


def test_no_is_a_value_that_can_be_shown() -> None:
    assert shown(Fact(False, fact(Status.DRAFT).mark), Mode.DEMONSTRATION, TODAY) is False


def test_a_mark_is_verified_exactly_when_somebody_verified_it() -> None:
    with pytest.raises(ValueError, match="verified"):
        replace(fact(Status.DRAFT).mark, status=Status.VERIFIED)
    with pytest.raises(ValueError, match="verified"):
        replace(fact(Status.VERIFIED).mark, status=Status.DRAFT)


def test_a_fact_says_who_verified_it() -> None:
    assert fact(Status.VERIFIED).verified_by == "lawyer"
    assert fact(Status.VERIFIED).verified_until == date(2027, 5, 14)
    assert fact(Status.DRAFT).verified_by is None
    assert fact(Status.DRAFT).verified_until is None


# --- Fallback -----------------------------------------------------------------------------------

FALLBACK = dedent("""\
    schema: 1
    fallback: general
    sources:
      notes: {publisher: Notes}
    emergency:
      eu:
        source: notes
        read: 2026
        status: draft
        number: "112"
        where: In the European Union
        holds_in: [XX]
    help:
      source: notes
      read: 2026
      status: unconfirmed
      say: Help is there.
    language_names: {ro: Română}
    """)


def test_the_fallback_names_what_to_translate() -> None:
    file, problems = read_fallback(FALLBACK, "flows/fallback.yaml")
    assert problems == []
    assert file is not None
    assert [(text.key, text.kind) for text in file.texts()] == [
        ("fallback.emergency.eu.where", Class.EMERGENCY)
    ]


def test_the_fallback_past_its_date() -> None:
    text = FALLBACK.replace(
        "    status: draft\n",
        "    status: verified\n    verified: {by: lawyer, on: 2026-11-14, until: 2027-05-14}\n",
    )
    file, _ = read_fallback(text, "flows/fallback.yaml")
    assert file is not None
    assert [(p.line, p.code) for p in date_problems(file, date(2028, 1, 1))] == [
        (line_of(text, "verified: {"), "country:past-date")
    ]


def test_mistakes_in_the_fallback_are_named() -> None:
    text = FALLBACK.replace("source: notes", "source: hearsay", 1).replace("say: H", "tell: H")
    fallback, problems = load_fallback(text, "flows/fallback.yaml")
    assert fallback is None
    assert [(p.line, p.code) for p in problems] == [
        (line_of(text, "source: hearsay"), "country:unknown-source"),
        (line_of(text, "help:"), "country:missing"),
        (line_of(text, "tell:"), "country:unknown-key"),
    ]
