"""A release is made of files alone; what is wrong keeps it from being one, and is all said."""

from pathlib import Path

import pytest

from bot.content.release import fingerprint, load, read_files
from bot.domain.text import Country, Language, text
from bot.engine.graph import Level
from tests.unit.content.small_content import (
    english,
    exits_file,
    in_three_languages,
    released,
    spoiled,
)

ENGLISH, ROMANIAN, ARABIC = Language("en"), Language("ro"), Language("ar")


def found_in(files: dict[str, str]) -> list[tuple[str, int, str]]:
    loaded = load(files)
    assert (loaded.release is None) is bool(loaded.problems)
    return [(problem.file, problem.line, problem.code) for problem in loaded.problems]


# --- Files --------------------------------------------------------------------------------------


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def test_content_files_are_read_and_others_are_not(tmp_path: Path) -> None:
    wanted = {
        "flows/a.yaml": b"1",
        "flows/countries/MD.yaml": b"2",
        "locales/ro/a.po": "ă".encode(),
        "nlu/exits/en.yaml": b"4",
    }
    others = {"flows/README.md": b"", "bot/a.yaml": b"", "nlu/other/a.yaml": b"", "a.yaml": b""}
    write(tmp_path, wanted | others)
    (tmp_path / "flows/folder.yaml").mkdir()
    assert read_files(tmp_path) == {name: data.decode() for name, data in wanted.items()}


def test_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert read_files(tmp_path / "nowhere") == {}


def test_bytes_that_are_no_text_are_a_problem_at_their_line(tmp_path: Path) -> None:
    write(tmp_path, {name: data.encode() for name, data in english().items()})
    file = tmp_path / "flows/rights.yaml"
    file.write_bytes(file.read_bytes().replace(b"right to help", b"right \xff to help"))
    assert ("flows/rights.yaml", 6, "file:not-utf-8") in found_in(read_files(tmp_path))


def test_fingerprint_names_exactly_these_texts() -> None:
    files = english()
    backwards = dict(reversed(files.items()))
    assert fingerprint(files) == fingerprint(backwards) == released(files).fingerprint
    assert fingerprint(files) != fingerprint(files | {"flows/rights.yaml": "x"})
    assert fingerprint(files) != fingerprint(files | {"flows/new.yaml": ""})


def test_release_has_the_number_it_is_given() -> None:
    loaded = load(english(), 7)
    assert loaded.release is not None
    assert loaded.release.number == 7


# --- Problems -----------------------------------------------------------------------------------


def test_nothing_at_all_is_three_missing_files() -> None:
    assert {code for _, _, code in found_in({})} == {"file:missing"}
    assert len(found_in({})) == 3


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("flows/indicators.yaml", "file:missing"),
        ("flows/fallback.yaml", "file:missing"),
        ("locales/en/language.yaml", "file:missing"),
    ],
)
def test_file_without_which_nothing_works_is_missed(name: str, code: str) -> None:
    files = english()
    del files[name]
    assert (name, 1, code) in found_in(files)


@pytest.mark.parametrize(
    "name", ["flows/a/b.yaml", "locales/ro.yaml", "locales/ro/notes.yaml", "nlu/other.yaml"]
)
def test_file_that_nobody_reads_is_a_problem(name: str) -> None:
    assert found_in(english() | {name: "a: 1"}) == [(name, 1, "file:unknown")]


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("flows/human.yaml", "next: shown", "next: show", 10),
        ("flows/home.yaml", "open: signs", "open: sings", 11),
        ("flows/hotlines.yaml", "visit: country", "visit: county", 6),
        ("flows/signs.yaml", "{go: age}", "{go: ages}", 10),
        ("flows/signs.yaml", "then: look", "then: looks", 5),
        # A node cannot be opened or visited: only flows can.
        ("flows/rights.yaml", "next: help", "open: help", 11),
        ("flows/hotlines.yaml", "visit: country", "visit: numbers", 6),
        # `end` is no flow.
        ("flows/home.yaml", "open: signs", "open: end", 11),
        ("flows/hotlines.yaml", "visit: country", "visit: end", 6),
    ],
)
def test_name_that_leads_nowhere_is_a_problem_at_its_line(
    file: str, old: str, new: str, line: int
) -> None:
    assert found_in(spoiled(file, old, new)) == [(file, line, "node:unknown")]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("flows/rights.yaml", "flow: rights", "flow: right"),
        ("flows/facts.yaml", "texts: facts", "texts: fact"),
        ("locales/en/language.yaml", "language: en", "language: de"),
        ("flows/countries/MD.yaml", "country: MD", "country: RO"),
    ],
)
def test_file_and_content_have_the_same_name(file: str, old: str, new: str) -> None:
    assert {f for f, _, code in found_in(spoiled(file, old, new)) if "name" in code} == {file}


def test_problems_of_all_kinds_of_files_are_said_at_once() -> None:
    files = in_three_languages()
    for file, old, new in (
        ("flows/rights.yaml", "class: legal", "class: law"),
        ("flows/facts.yaml", "items:", "item:"),
        ("flows/countries/MD.yaml", "name: Moldova", "nam: Moldova"),
        ("flows/fallback.yaml", "fallback: general", "fallback: other"),
        ("flows/indicators.yaml", "schema: 1", "schema: 2"),
        ("locales/ro/language.yaml", "direction: ltr", "direction: up"),
        ("nlu/exits/ar.yaml", "language: ar", "language: xx"),
    ):
        files = spoiled(file, old, new, files)
    files["locales/ro/rights.po"] = "no PO file"
    files["flows/human.yaml"] = "nodes: ["
    assert {file for file, _, _ in found_in(files)} >= {
        "flows/rights.yaml",
        "flows/facts.yaml",
        "flows/countries/MD.yaml",
        "flows/fallback.yaml",
        "flows/indicators.yaml",
        "locales/ro/language.yaml",
        "locales/ro/rights.po",
        "nlu/exits/ar.yaml",
        "flows/human.yaml",
    }


# --- What is in it ------------------------------------------------------------------------------


def test_graph_knows_flows_languages_and_countries() -> None:
    graph = released(in_three_languages()).graph
    assert "rights" in graph.flows
    assert graph.languages == {
        ENGLISH: Level.FULL,
        ROMANIAN: Level.FULL,
        ARABIC: Level.FIRST_HELP,
    }
    assert graph.countries == (Country("MD"),)
    assert set(graph.indicators.indicators) == {"DOCS_HELD", "HOURS", "DEPENDENT"}


def test_sources_are_those_of_flows_texts_countries_and_fallback() -> None:
    sources = released(english()).sources
    assert {
        "rights.help.say.0",
        "rights.menu.choice.back",
        "interface.yes",
        "country.MD.name",
        "country.MD.hotlines.line.hours",
        "fallback.help.say",
    } <= sources.keys()


def test_exits_of_all_languages_are_heard() -> None:
    files = english() | {"nlu/exits/ro.yaml": exits_file("ro")}
    assert released(files).exits.hear("rohuman") is not None
    assert released(english()).exits.hear("rohuman") is None


# --- Words --------------------------------------------------------------------------------------


def test_sentence_is_said_in_the_language_or_else_in_english() -> None:
    release = released(in_three_languages())
    help_ = text("rights.help.say.0")
    assert release.words(help_, ROMANIAN).words == "Așa: You may have a right to help."
    assert release.words(help_, ROMANIAN).language == ROMANIAN
    assert release.words(help_, ENGLISH).words == "You may have a right to help."
    only_english = release.words(text("signs.age.ask"), ARABIC)
    assert (only_english.words, only_english.language) == ("How old are you?", ENGLISH)
    assert release.words(help_, Language("xx")).language == ENGLISH


def test_stale_translation_is_not_said() -> None:
    files = spoiled(
        "flows/rights.yaml", "You may have a right to help.", "Help.", in_three_languages()
    )
    assert released(files).words(text("rights.help.say.0"), ROMANIAN).words == "Help."


def test_values_are_filled_in_the_same_language() -> None:
    release = released(in_three_languages())
    answered = text(
        "interface.answered", question=text("signs.age.ask"), answer=text("signs.age.choice.child")
    )
    assert release.words(answered, ENGLISH).words == "How old are you? Under 18"
    assert release.words(answered, ROMANIAN).words == "Așa: Așa: How old are you? Așa: Under 18"


def test_placeholder_without_value_stays_for_whoever_has_it() -> None:
    found = released(english()).words(text("human.consent.say.0"), ENGLISH)
    assert "{organisation}" in found.words


def test_unknown_sentence_is_empty_and_does_not_raise() -> None:
    assert released(english()).words(text("no.such.text"), ENGLISH).words == ""


def test_language_is_named_by_its_own_name() -> None:
    release = released(in_three_languages())
    for language in (ENGLISH, ARABIC):
        found = release.words(text("language.ar"), language)
        assert (found.words, found.language) == ("العربية", ARABIC)


def test_flow_about_languages_says_its_own_sentences() -> None:
    release = released(in_three_languages())
    found = release.words(text("language.which.ask"), ENGLISH)
    assert (found.words, found.language) == ("Which language do you want?", ENGLISH)
    assert release.words(text("language.which.ask"), ROMANIAN).language == ROMANIAN
