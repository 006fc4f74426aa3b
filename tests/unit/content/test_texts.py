"""Sentences and their translations: what is read, and what counts as a translation."""

from textwrap import dedent

import pytest

from bot.content.texts import (
    Catalogue,
    Class,
    SourceText,
    context_of,
    fill,
    isolated,
    read_language,
    read_texts,
    translations,
)
from bot.domain.text import Direction, TextKey

FILE = "flows/interface.yaml"


def source(key: str, words: str = "Some words.") -> SourceText:
    return SourceText(key=TextKey(key), words=words, kind=Class.WORDING, file=FILE, line=1)


# --- Files of sentences -------------------------------------------------------------------------


def test_sentences_are_read_with_class_and_line() -> None:
    name, texts, parsed = read_texts(
        dedent(
            """\
            schema: 1
            texts: interface
            about: For a test.
            items:
              "yes": "Yes"
              danger: {text: Call {number}., class: emergency}
              NAME: Words
            """
        ).replace("Call {number}.", '"Call {number}."'),
        FILE,
    )
    assert (name, parsed.problems) == ("interface", [])
    assert [(t.key, t.words, t.kind, t.line) for t in texts] == [
        ("interface.yes", "Yes", Class.WORDING, 5),
        ("interface.danger", "Call {number}.", Class.EMERGENCY, 6),
        ("interface.NAME", "Words", Class.WORDING, 7),
    ]
    assert texts[1].placeholders == {"number"}
    assert texts[1].context == "interface.danger"


@pytest.mark.parametrize(
    ("items", "line"),
    [
        ("  a: ''", 5),
        ("  a: {text: x, clas: legal}", 5),
        ("  a: {text: x, class: urgent}", 5),
        ("  1a: x", 5),
        ("  a: 5", 5),
        (f"  a: {'x' * 1001}", 5),
    ],
)
def test_wrong_sentence_is_a_problem_at_its_line(items: str, line: int) -> None:
    name, texts, parsed = read_texts(
        f"schema: 1\ntexts: interface\nabout: x\nitems:\n{items}\n", FILE
    )
    assert (name, texts) == ("", [])
    assert {problem.line for problem in parsed.problems} == {line}


@pytest.mark.parametrize(
    ("key", "context"),
    [
        ("rights.help.say.0", "rights.help"),
        ("interface.yes", "interface.yes"),
        ("country.MD.hotlines.line.hours", "country.MD"),
        ("fallback.help.say.1", "fallback.help"),
    ],
)
def test_context_is_flow_and_node_or_file_and_item(key: str, context: str) -> None:
    assert context_of(TextKey(key)) == context


# --- Languages ----------------------------------------------------------------------------------

GOOD = {
    "schema": "1",
    "language": "ar",
    "name": "العربية",
    "direction": "rtl",
    "level": "first_help",
    "status": "verified",
    "reviews": "[{role: translator, on: 2026-11-01, what: everything}]",
}


def language(**changes: str) -> str:
    return "".join(f"{key}: {value}\n" for key, value in (GOOD | changes).items() if value)


def test_language_is_read() -> None:
    info, parsed = read_language(language(), "f")
    assert parsed.problems == []
    assert info is not None
    assert (info.language, info.name, info.direction) == ("ar", "العربية", Direction.RTL)
    assert (info.full, info.verified) == (False, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"language": "Arabic"},
        {"language": "ar_EG"},
        {"direction": "up"},
        {"level": "half"},
        {"status": "good"},
        {"name": "''"},
        {"name": ""},
        {"reviews": "[{role: translator, on: yesterday, what: everything}]"},
        {"reviews": "[{role: translator}]"},
        {"schema": "2"},
    ],
)
def test_wrong_language_file_is_a_problem(changes: dict[str, str]) -> None:
    info, parsed = read_language(language(**changes), "locales/ar/language.yaml")
    assert info is None
    assert parsed.problems


# --- Translations -------------------------------------------------------------------------------


def entry(context: str, words: str, translated: str, flags: str = "") -> str:
    head = f"#, {flags}\n" if flags else ""
    return f'{head}msgctxt "{context}"\nmsgid "{words}"\nmsgstr "{translated}"\n\n'


def catalogue(*entries: str) -> Catalogue:
    found = Catalogue()
    found.add("".join(entries), "locales/ro/rights.po")
    return found


def test_translation_belongs_to_context_and_exact_words() -> None:
    found = catalogue(entry("rights.help", "Help.", "Ajutor."))
    assert found.problems == []
    good = found.of(source("rights.help.say.0", "Help."))
    assert good is not None
    assert (good.words, good.file, good.line) == ("Ajutor.", "locales/ro/rights.po", 1)
    assert found.of(source("rights.help.say.0", "Help!")) is None
    assert found.of(source("rights.other.say.0", "Help.")) is None


@pytest.mark.parametrize(
    "not_good",
    [
        entry("rights.help", "Help.", ""),
        entry("rights.help", "Help.", "Ajutor.", "fuzzy"),
        '#~ msgctxt "rights.help"\n#~ msgid "Help."\n#~ msgstr "Ajutor."\n',
    ],
)
def test_empty_fuzzy_and_obsolete_entries_are_no_translation(not_good: str) -> None:
    assert catalogue(not_good).of(source("rights.help.say.0", "Help.")) is None


def test_texts_without_translation_are_left_out() -> None:
    sources = {
        TextKey(key): source(key, words)
        for key, words in (("rights.a.ask", "One?"), ("rights.b.ask", "Two?"))
    }
    found = dict(translations(sources, catalogue(entry("rights.a", "One?", "Unu?"))))
    assert found == {"rights.a.ask": "Unu?"}


@pytest.mark.parametrize(
    "text",
    [
        "this is no PO file",
        entry("a.b", "One", "Unu") + entry("a.b", "One", "Doi"),
        'msgstr "without id"\n',
    ],
)
def test_broken_file_is_a_problem_and_not_an_exception(text: str) -> None:
    found = Catalogue()
    found.add(text, "locales/ro/rights.po")
    (problem,) = found.problems
    assert (problem.file, problem.code) == ("locales/ro/rights.po", "po:broken")
    assert problem.line >= 1


# --- Placeholders -------------------------------------------------------------------------------


def test_known_placeholders_are_filled_and_others_stay() -> None:
    assert fill("{a} and {b} and {A}", {"a": "1", "c": "3"}) == "1 and {b} and {A}"


def test_filled_words_are_not_filled_again() -> None:
    assert fill("{a}{b}", {"a": "{b}", "b": "x"}) == "{b}x"


def test_words_of_another_direction_are_put_apart() -> None:
    assert isolated("0 800 77777") == "\u20660 800 77777\u2069"
    assert isolated("Moldova") == "\u2068Moldova\u2069"
