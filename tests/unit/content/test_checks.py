"""Each check finds its mistake, at its line, and nothing else; good content has none."""

# ruff: noqa: RUF001 - digits and words of other languages

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import polib
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.checks import check_files, check_release
from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.content.checks.channel_texts import CHANNEL_TEXTS
from bot.content.checks.conditions import values_of_facts
from bot.content.checks.words import FORBIDDEN, forbidden_in
from bot.content.problems import Problem
from bot.content.release import load, read_files
from bot.domain.conversation import new_conversation
from bot.domain.text import Language
from bot.engine import advance
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.draft import Draft
from bot.engine.facts import conditions_can_ask, facts_for
from bot.engine.graph import DONT_KNOW, NO, SKIP, SOMETIMES, YES
from bot.engine.received import Received, Started
from bot.engine.texts import ENGINE_TEXTS, OFFERED_TEXTS, REFERRAL_TEXTS
from bot.settings import ROOT
from nlu.normal import normal
from tests.unit.content.small_content import (
    CODE_WORDS,
    FLOWS,
    TODAY,
    codes_in,
    english,
    flow_file,
    in_three_languages,
    language_file,
    problems_in,
    released,
    spoiled,
    texts_file,
)

BAD = Path(__file__).parent / "bad"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One change to good content, and what has to be found. See bad/README.md."""

    finds: str
    flow: str
    at: str
    line: str = ""
    words: str = ""
    adds: str = ""
    other: str = ""
    also: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"flows/{self.flow}.yaml"

    def files(self) -> dict[str, str]:
        files = english()
        if self.other:
            files["flows/other.yaml"] = flow_file("other", self.other)
        text = files[self.file]
        if self.line:
            text = _changed(text, self.line, self.words)
        files[self.file] = text + indent(dedent(self.adds), "  ")
        return files


def _changed(text: str, line: str, words: str) -> str:
    assert text.count(line) == 1, f"{line!r} stands there {text.count(line)} times"
    start = text.rfind("\n", 0, text.index(line)) + 1
    end = text.index("\n", text.index(line) + len(line)) + 1
    margin = text[start : len(text) - len(text[start:].lstrip(" "))]
    return (
        text[:start] + indent(dedent(words), margin).rstrip("\n") + "\n" * bool(words) + text[end:]
    )


def _mistakes() -> Iterable[Any]:
    for file in sorted(BAD.glob("*.yaml")):
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        for number, entry in enumerate(entries):
            mistake = Mistake(
                finds=entry["finds"],
                flow=entry["in"],
                at=entry["at"],
                line=entry.get("line", ""),
                words=entry.get("with", ""),
                adds=entry.get("adds", ""),
                other=entry.get("other", ""),
                also=tuple(entry.get("also", ())),
            )
            yield pytest.param(mistake, id=f"{file.stem}-{number}-{mistake.finds}")


def _lines(problems: Iterable[Problem], code: str, files: Mapping[str, str]) -> list[str]:
    return [
        files[problem.file].splitlines()[problem.line - 1]
        for problem in problems
        if problem.code == code
    ]


@pytest.mark.parametrize("mistake", [*_mistakes()])
def test_mistake_is_found_at_its_line_and_nothing_else(mistake: Mistake) -> None:
    files = mistake.files()
    problems = problems_in(files)
    assert {problem.code for problem in problems} == {mistake.finds, *mistake.also}
    assert any(mistake.at in line for line in _lines(problems, mistake.finds, files))
    assert all(problem.sentence and problem.remedy for problem in problems)


def test_good_content_has_no_problem() -> None:
    assert problems_in(english()) == ()
    assert problems_in(in_three_languages()) == ()


# --- What the program needs ---------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ENGINE_FLOWS))
def test_flow_that_the_program_opens_is_missed(name: str) -> None:
    files = english()
    del files[f"flows/{name}.yaml"]
    found = {(problem.file, problem.code) for problem in check_files(files, today=TODAY).problems}
    # Other flows lead to some of them: then it cannot be loaded, and that is said instead.
    lost = {file for file, code in found if code == "node:unknown"}
    assert (f"flows/{name}.yaml", "flow:missing") in found or lost


def test_flow_is_missed_that_only_the_program_opens() -> None:
    files = english()
    del files["flows/self_harm.yaml"]
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == ("flows/self_harm.yaml", "flow:missing")
    assert "self_harm" in problem.sentence


def test_content_of_a_single_flow_misses_all_the_others_and_nothing_fails() -> None:
    files = {name: text for name, text in english().items() if name[6:-5] not in FLOWS}
    files["flows/welcome.yaml"] = flow_file("welcome", "hello:\n  say: Hello.\n")
    missing = {p.file for p in problems_in(files) if p.code == "flow:missing"}
    assert missing == {f"flows/{name}.yaml" for name in ENGINE_FLOWS - {"welcome"}}


def test_every_sentence_that_the_program_says_is_missed() -> None:
    needed = {
        "interface": (*ENGINE_TEXTS, *OFFERED_TEXTS, *CHANNEL_TEXTS),
        "facts": tuple(BLOCK_TEXTS),
        "reasons": ("DOCS_HELD", "HOURS", "DEPENDENT"),
        "referral": REFERRAL_TEXTS,
    }
    for file, names in needed.items():
        files = english()
        path = f"flows/{file}.yaml"
        files[path] = texts_file(file, {"other": "Some words."})
        missing = [problem for problem in problems_in(files) if problem.code == "text:missing"]
        assert {problem.file for problem in missing} == {path}
        said = {problem.sentence.split("`")[1] for problem in missing}
        assert said == set(names)


def test_reason_for_an_unknown_code_is_found() -> None:
    files = spoiled("flows/reasons.yaml", "items:\n", 'items:\n  HOUR: "You said: an hour."\n')
    (problem,) = problems_in(files)
    assert problem.code == "reason:unknown"
    assert _lines([problem], problem.code, files) == ['  HOUR: "You said: an hour."']


# --- Words to agree on --------------------------------------------------------------------------


def _left_out(files: Mapping[str, str], file: str, words: Iterable[str]) -> dict[str, str]:
    """`files` without the translations of some words."""
    catalogue = polib.pofile(files[file])
    for word in words:
        entry = catalogue.find(word)
        assert entry is not None
        catalogue.remove(entry)
    return {**files, file: str(catalogue)}


@pytest.mark.parametrize(("language", "there"), [("ro", 60), ("ro", 59), ("ar", 60), ("ar", 59)])
def test_a_language_needs_sixty_words_to_agree_on_and_not_all(language: str, there: int) -> None:
    file = f"locales/{language}/code_words.po"
    found = problems_in(_left_out(in_three_languages(), file, CODE_WORDS[there:]))
    assert [(p.file, p.code) for p in found] == [(file, "code_word:too-few")] * (there < 60)


def test_words_that_are_compared_as_the_same_count_once() -> None:
    files, file = english(), "flows/code_words.yaml"
    for word, written in zip(CODE_WORDS, ("TREE", "tree", "trée", "tree!", "Tree"), strict=False):
        files = spoiled(file, f': "{word}"', f': "{written}"', files)
    assert not problems_in(files), "64 - 4 words"
    files = spoiled(file, f': "{CODE_WORDS[9]}"', ': "Tre"', files)
    assert [p.code for p in problems_in(files)] == ["code_word:too-few"]


@pytest.mark.parametrize("words", ["two words", "x2", "7", "well-known", "!"])
def test_what_is_agreed_on_is_one_word_of_letters(words: str) -> None:
    files = spoiled("flows/code_words.yaml", f': "{CODE_WORDS[0]}"', f': "{words}"')
    (problem,) = problems_in(files)
    assert problem.code == "code_word:form"
    assert _lines([problem], problem.code, files) == [f'  "{CODE_WORDS[0]}": "{words}"']


def test_the_shipped_words_ask_for_nothing_when_they_are_typed() -> None:
    """An operator may ask for the word: it must not be heard as a way out."""
    release = load(read_files(ROOT)).release
    assert release is not None
    for language in release.languages:
        words = release.code_words(language)
        assert len({normal(word) for word in words}) > 100
        assert [word for word in words if release.exits.hear(word)] == []


# --- The most questions -------------------------------------------------------------------------


def _with_sign_questions(count: int, *, kept: int = 0, limit: int = 15) -> dict[str, str]:
    """Content with `count` more questions about signs, and `kept` others in between."""
    more = "".join(
        f"  more_{number}:\n    ask: Is it so? {number}\n    why: So.\n    sign: HOURS\n"
        for number in range(count)
    )
    others = "".join(
        f"  other_{number}:\n    ask: May I ask? {number}\n    why: So.\n"
        f"    remember: other_{number}\n    choices: {{a: I agree}}\n"
        for number in range(kept)
    )
    files = spoiled("flows/signs.yaml", "  stop:\n", f"{more}{others}  stop:\n")
    return spoiled("flows/signs.yaml", "most_questions: 15", f"most_questions: {limit}", files)


@pytest.mark.parametrize(
    ("count", "kept", "limit", "too_many"),
    [
        (11, 0, 15, False),  # 4 stand there already
        (30, 0, 15, False),  # the engine stops at the limit
        (30, 9, 15, False),  # and counts every answer of the flow that is kept
    ],
)
def test_no_path_asks_more_than_fifteen_questions(
    count: int, kept: int, limit: int, too_many: bool
) -> None:
    files = _with_sign_questions(count, kept=kept, limit=limit)
    assert codes_in(files) == ({"questions:too-many"} if too_many else set())


def test_questions_of_a_visited_flow_count_as_well() -> None:
    assert codes_in(_visiting(_with_sign_questions(10))) == set()
    assert codes_in(_visiting(_with_sign_questions(11))) == {"questions:too-many"}
    assert codes_in(_visiting(_with_sign_questions(30, limit=14))) == set()
    assert codes_in(_visiting(_with_sign_questions(30, limit=15))) == {"questions:too-many"}


def _keeping(name: str) -> str:
    """A flow with one question whose answer is kept."""
    nodes = f"asked:\n  ask: May I?\n  why: So.\n  remember: {name}\n  choices: {{a: You may}}\n"
    return flow_file(name, nodes)


def _visiting(files: dict[str, str]) -> dict[str, str]:
    """With a visit between questions to a flow that keeps an answer."""
    visit = "  elsewhere:\n    visit: other\n  stop:\n"
    files["flows/other.yaml"] = _keeping("other")
    return spoiled("flows/signs.yaml", "  stop:\n", visit, files)


def test_path_with_two_branches_counts_the_longer_one_only() -> None:
    branch = (
        "    next: [{if: {age: [child]}, go: left}, {go: right}]\n"
        "  left:\n    visit: left\n    next: stop\n"
        "  right:\n    visit: right\n    next: stop\n"
    )
    files = spoiled(
        "flows/signs.yaml", "  stop:\n", f"{branch}  stop:\n", _with_sign_questions(10)
    )
    files |= {f"flows/{side}.yaml": _keeping(side) for side in ("left", "right")}
    assert codes_in(files) == set()


# --- Texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "found"), [(300, set[str]()), (301, {"text:too-long"})])
def test_sentence_has_at_most_300_characters(length: int, found: set[str]) -> None:
    words = ("word " * 100)[: length - 1] + "."
    assert codes_in(spoiled("flows/rights.yaml", "You may have a right to help.", words)) == found


@pytest.mark.parametrize(("words", "found"), [(12, set[str]()), (13, {"question:too-long"})])
def test_question_has_at_most_twelve_words(words: int, found: set[str]) -> None:
    question = " ".join(["so"] * words)
    assert codes_in(spoiled("flows/leave.yaml", "Do you want to leave now?", question)) == found


@pytest.mark.parametrize(("length", "found"), [(40, set[str]()), (41, {"label:too-long"})])
@pytest.mark.parametrize(
    ("file", "old"),
    [("flows/leave.yaml", "Stay here"), ("flows/interface.yaml", "Words for skip")],
)
def test_label_has_at_most_40_characters(
    file: str, old: str, length: int, found: set[str]
) -> None:
    assert codes_in(spoiled(file, old, "x" * length)) == found


@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("flows/interface.yaml", "Words for silent"),
        ("flows/facts.yaml", "Words for website"),
        ("flows/reasons.yaml", "You said: hours."),
        ("flows/countries/MD.yaml", "Every day from morning to evening."),
        ("flows/fallback.yaml", "Help should come only if you agree."),
    ],
)
def test_every_kind_of_source_is_looked_at(file: str, old: str) -> None:
    assert codes_in(spoiled(file, old, "A victim.")) == {"word:forbidden"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("flows/facts.yaml", "Words for website", "Website of {publisher}"),
        ("flows/facts.yaml", "Words for free {country}", "Free, {number}"),
        ("flows/reasons.yaml", "You said: hours.", "You said: {answer}."),
        ("flows/interface.yaml", "Words for silent", "Silent {number}"),
    ],
)
def test_placeholder_is_known_only_where_something_fills_it(file: str, old: str, new: str) -> None:
    assert codes_in(spoiled(file, old, new)) == {"placeholder:unknown"}


def test_placeholders_that_are_filled_are_fine() -> None:
    files = spoiled("flows/interface.yaml", "Words for silent", "{minutes} {code} {organisation}")
    assert problems_in(spoiled("flows/rights.yaml", "a right", "{keep_code_days}", files)) == ()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "You are a Victim."),
        ("en", "VICTIMS get help"),
        ("en", "people were trafficked"),
        ("en", "trafficking"),
        ("en", "an illegal thing"),
        ("en", "modern slavery"),
        ("en", "you were rescued"),
        ("en", "your risk level is low"),
        ("en", "This is your case."),
        ("en", "suspicious"),
        ("ro", "Ești o victimă."),
        ("ro", "VICTIMELE primesc ajutor"),
        ("ro", "persoane traficate"),
        ("ro", "lucruri ilegale"),
        ("ru", "Вы жертва"),
        ("ru", "помощь жертвам"),
        ("ru", "они рабы"),
        ("ru", "нелегальная работа"),
        ("ar", "أنت ضحية"),
        ("ar", "للضحايا"),
        ("ar", "عمل غير قانوني"),
        ("sr-Latn", ""),
    ],
)
def test_forbidden_words_and_their_forms_are_found(language: str, text: str) -> None:
    assert (forbidden_in(text, Language(language)) is not None) is bool(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "In some cases you may get help. It is true, and may be untrue."),
        ("en", "The National Agency against Trafficking in Persons (ANITP)."),
        ("en", "Was it saved? Scan the code. We scored nothing.".replace("scored", "sorted")),
        ("ro", "Salvat. Martor, mărturie. Agenția împotriva traficului de persoane."),
        ("ru", "Это работа, спасибо, признаки, неправда, работодатель, раболепно"),
        ("ar", "يمكنك أن تقرر. عبد الله يساعدك."),
        ("xx", "victim"),
    ],
)
def test_ordinary_words_and_official_names_are_not_forbidden(language: str, text: str) -> None:
    assert forbidden_in(text, Language(language)) is None


def test_every_list_is_tried_word_by_word() -> None:
    for language, forbidden in FORBIDDEN.items():
        for word in forbidden:
            text = f"a {word.removesuffix('*')} b"
            assert forbidden_in(text, Language(language)), word


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_hidden_directions_are_found_wherever_they_stand(char: str) -> None:
    files = spoiled("flows/countries/MD.yaml", "organisation: People", f"organisation: P{char}")
    (problem,) = problems_in(files)
    assert problem.code == "text:bidi"
    assert char in files[problem.file].splitlines()[problem.line - 1]


def test_joiners_of_other_scripts_are_letters() -> None:
    files = spoiled("flows/countries/MD.yaml", "organisation: People", "organisation: می\u200cشود")
    assert problems_in(files) == ()


def test_countries_with_the_same_name_cannot_be_chosen() -> None:
    files = english()
    other = files["flows/countries/MD.yaml"].replace("country: MD", "country: RO")
    files["flows/countries/RO.yaml"] = other
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == ("flows/country.yaml", "choice:same-label")


# --- Translations -------------------------------------------------------------------------------

RO_RIGHTS = "locales/ro/rights.po"
RO_HELP = "Așa: You may have a right to help."


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("", "translation:missing"),
        ("You may have a right to help.", "translation:same"),
        ("Așa: {organisation}", "translation:placeholders"),
        ("Așa: {organisation", "translation:placeholders"),
        ("Așa: 112", "translation:numbers"),
        ("Așa: https://example.org/", "translation:urls"),
        ("Așa: <b>drept</b>", "translation:markup"),
        ("Așa  drept", "text:spaces"),
        ("Așa, victimă", "word:forbidden"),
        ("Așa " * 101, "text:too-long"),
    ],
)
def test_mistake_in_a_translation_is_found_at_its_line(new: str, code: str) -> None:
    files = spoiled(RO_RIGHTS, f'"{RO_HELP}"', f'"{new.strip()}"', in_three_languages())
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == (RO_RIGHTS, code)
    below = files[RO_RIGHTS].splitlines()[problem.line - 1 :]
    assert 'msgctxt "rights.help"' in below[:2]


def test_numbers_may_be_written_in_the_digits_of_the_language() -> None:
    source = spoiled("flows/rights.yaml", "a right to help.", "15 rights.")
    files = in_three_languages(source)
    file = "locales/ar/rights.po"
    assert problems_in(spoiled(file, "نص: You may have 15 rights.", "نص ١٥", files)) == ()
    found = problems_in(spoiled(file, "نص: You may have 15 rights.", "نص ١٦", files))
    assert [problem.code for problem in found] == ["translation:numbers"]


def test_text_left_in_english_letters_is_found() -> None:
    file = "locales/ar/erase.po"
    files = in_three_languages()
    assert codes_in(spoiled(file, "نص: Keep", "Keep", files)) == {"translation:other-script"}
    assert codes_in(spoiled(file, "نص: Keep", "SMS", files)) == set()


def test_one_word_may_be_the_same_in_two_languages() -> None:
    assert (
        problems_in(spoiled("locales/ro/erase.po", "Așa: Keep", "Keep", in_three_languages()))
        == ()
    )


def test_fuzzy_translation_is_stale() -> None:
    files = spoiled(
        RO_RIGHTS,
        'msgctxt "rights.help"',
        '#, fuzzy\nmsgctxt "rights.help"',
        in_three_languages(),
    )
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == (RO_RIGHTS, "translation:stale")


def test_changed_source_makes_the_translation_stale_and_nothing_else() -> None:
    files = spoiled(
        "flows/rights.yaml",
        "You may have a right to help.",
        "Help is there.",
        in_three_languages(),
    )
    found = [(problem.file, problem.code) for problem in problems_in(files)]
    assert found == [
        ("locales/ar/rights.po", "translation:stale"),
        ("locales/ro/rights.po", "translation:stale"),
    ]


def test_new_source_without_entry_names_the_file_for_it() -> None:
    files = spoiled(
        "flows/rights.yaml",
        "  menu:\n",
        "  more:\n    say: More help.\n  menu:\n",
        in_three_languages(),
    )
    found = [(problem.file, problem.code) for problem in problems_in(files)]
    assert found == [
        ("locales/ar/rights.po", "translation:missing"),
        (RO_RIGHTS, "translation:missing"),
    ]


def test_translation_of_a_text_that_is_gone_is_found() -> None:
    files = in_three_languages()
    files[RO_RIGHTS] += '\nmsgctxt "rights.old"\nmsgid "An old text."\nmsgstr "Vechi"\n'
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == (RO_RIGHTS, "translation:of-nothing")
    assert "rights.old" in files[RO_RIGHTS].splitlines()[problem.line - 1]


def test_missing_file_is_one_problem_and_not_one_for_each_sentence() -> None:
    files = in_three_languages()
    del files[RO_RIGHTS]
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == (RO_RIGHTS, "translation:no-file")
    assert "4 sentences" in problem.sentence


def test_sentences_for_staff_are_needed_in_no_language() -> None:
    files = in_three_languages()
    for name in ("console", "referral_form"):
        files[f"flows/{name}.yaml"] = texts_file(name, {"title": "The desk"})
    assert problems_in(files) == ()


def test_broken_translations_hide_no_other_mistake() -> None:
    files = in_three_languages()
    files["locales/ro/leave.po"] = "no PO file"
    files = spoiled(RO_RIGHTS, f'"{RO_HELP}"', '"Așa: 112"', files)
    found = {(p.file, p.code) for p in problems_in(files)}
    assert found == {("locales/ro/leave.po", "po:broken"), (RO_RIGHTS, "translation:numbers")}


def test_first_help_needs_what_can_be_reached_and_full_needs_everything() -> None:
    files = in_three_languages()
    assert "locales/ro/outcome.po" in files
    assert not {"locales/ar/outcome.po", "locales/ar/reasons.po"} & files.keys()
    first_help = files["locales/ar/signs.po"]
    assert "These questions are not ready here." in first_help
    assert "How old are you?" not in first_help
    files["locales/ar/language.yaml"] = language_file("ar", "العربية", "rtl", "full")
    assert codes_in(files) == {"translation:missing", "translation:no-file"}


def test_stale_translations_of_what_first_help_does_not_reach_are_removed_not_mended() -> None:
    files = in_three_languages()
    files["locales/ar/signs.po"] += (
        '\n#. signs.age.ask\nmsgctxt "signs.age"\nmsgid "What is your age?"\nmsgstr "كم"\n'
    )
    assert codes_in(files) == {"translation:of-nothing"}


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        ("locales/ro/leave.po", "Așa: Leave", "Așa: Stay here!", "flows/leave.yaml"),
        ("locales/ro/interface.po", "Așa: Words for no", "Așa: Words for yes", "flows/signs.yaml"),
    ],
)
def test_same_labels_in_a_translation_are_found(file: str, old: str, new: str, place: str) -> None:
    files = spoiled(file, f'"{old}"', f'"{new}"', in_three_languages())
    found = problems_in(files)
    assert {problem.code for problem in found} == {"choice:same-label"}
    assert {problem.file for problem in found} == {place}
    assert "`ro`" in found[0].sentence


@pytest.mark.parametrize(("length", "found"), [(60, set[str]()), (61, {"label:too-long"})])
def test_translated_label_has_at_most_60_characters(length: int, found: set[str]) -> None:
    files = spoiled("locales/ro/leave.po", "Așa: Stay here", "x" * length, in_three_languages())
    assert codes_in(files) == found


# --- Languages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "direction", "good"),
    [("ar", "rtl", True), ("ar", "ltr", False), ("ro", "rtl", False), ("en", "rtl", False)],
)
def test_direction_belongs_to_the_language(language: str, direction: str, good: bool) -> None:
    files = in_three_languages()
    file = f"locales/{language}/language.yaml"
    now = "rtl" if "direction: rtl" in files[file] else "ltr"
    files = spoiled(file, f"direction: {now}", f"direction: {direction}", files)
    found = problems_in(files)
    assert [(p.file, p.line, p.code) for p in found] == (
        [] if good else [(file, 4, "language:direction")]
    )


def test_english_is_full() -> None:
    files = spoiled("locales/en/language.yaml", "level: full", "level: first_help")
    assert codes_in(files) == {"language:level"}


def test_language_needs_words_for_its_exits() -> None:
    files = in_three_languages()
    del files["nlu/exits/ar.yaml"]
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == ("locales/ar/language.yaml", "language:no-exits")


def test_translations_without_a_language_file_are_found() -> None:
    files = in_three_languages()
    files["locales/de/rights.po"] = files[RO_RIGHTS]
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == ("locales/de/language.yaml", "language:no-file")


def test_translations_into_the_source_language_are_found() -> None:
    files = in_three_languages()
    files["locales/en/rights.po"] = files[RO_RIGHTS]
    (problem,) = problems_in(files)
    assert (problem.file, problem.code) == ("locales/en/rights.po", "translation:of-nothing")


@pytest.mark.parametrize(
    ("reviews", "found"),
    [
        ("[]", {"language:not-verified"}),
        ("[{role: translator, on: 2026-11-01, what: all}]", set[str]()),
        ("[{role: translator, on: 2026-11-23, what: all}]", {"language:review"}),
        ("[{role: translator, on: 2026-02-30, what: all}]", {"language:review"}),
    ],
)
def test_verified_language_says_who_read_it_and_when(reviews: str, found: set[str]) -> None:
    file = "locales/en/language.yaml"
    files = spoiled(file, "reviews: []", f"reviews: {reviews}")
    assert codes_in(spoiled(file, "status: draft", "status: verified", files)) == found


# --- Countries and production -------------------------------------------------------------------

VERIFIED = "status: verified, verified: {by: lawyer, on: 2026-11-01, until: 2026-12-01}"
DRAFT = "read: 2026-11, status: draft, general"


def test_value_past_its_date_is_found() -> None:
    files = spoiled("flows/countries/MD.yaml", DRAFT, f"read: 2026-11, {VERIFIED}, general")
    assert problems_in(files, today=date(2026, 12, 1)) == ()
    (problem,) = problems_in(files, today=date(2026, 12, 2))
    assert problem.code == "country:past-date"
    assert "emergency:" in files[problem.file].splitlines()[problem.line - 1]


def test_fallback_past_its_date_is_found() -> None:
    files = spoiled(
        "flows/fallback.yaml", "read: 2026-11, status: draft", f"read: 2026-11, {VERIFIED}"
    )
    found = problems_in(files, today=date(2026, 12, 2))
    assert [(p.file, p.code) for p in found] == [("flows/fallback.yaml", "country:past-date")]


def test_production_lists_what_is_not_verified() -> None:
    assert problems_in(english()) == ()
    found = {problem.code for problem in problems_in(english(), production=True)}
    assert found == {
        "country:emergency-not-verified",
        "country:no-verified-hotline",
        "language:not-verified",
    }


# --- Everything at once -------------------------------------------------------------------------


def _with_many_mistakes() -> dict[str, str]:
    files = spoiled("flows/rights.yaml", "You may have a right to help.", "A victim.")
    files = spoiled(
        "flows/leave.yaml",
        "Do you want",
        "Do you really and honestly want, or do you not want",
        files,
    )
    files = spoiled("flows/signs.yaml", "sign: HOURS", "sign: HOUR", files)
    return spoiled("flows/danger.yaml", "show: [emergency]", "class: safety", files)


MANY = {
    ("flows/rights.yaml", "word:forbidden"),
    ("flows/leave.yaml", "question:too-long"),
    ("flows/signs.yaml", "sign:unknown"),
}


def test_all_problems_are_found_at_once_and_sorted() -> None:
    files = spoiled("flows/danger.yaml", "show: [emergency]", "show: [crisis_line]")
    files = _with_many_mistakes() | {"flows/danger.yaml": files["flows/danger.yaml"]}
    found = problems_in(files)
    assert {(p.file, p.code) for p in found} == MANY | {
        ("flows/danger.yaml", "way-out:shows-late")
    }
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("flows/erase.yaml", "next: kept", "next: keptt", "node:unknown"),
        ("flows/erase.yaml", "    ask: Erase", "    aks: Erase", "schema:extra_forbidden"),
        ("flows/erase.yaml", "flow: erase", "flow: erased", "file:name"),
        ("flows/erase.yaml", "nodes:", "nodes: [", "yaml:broken"),
        ("flows/reasons.yaml", "items:", "itms:", "schema:missing"),
        ("flows/countries/MD.yaml", "name: Moldova", "name: ''", "country:empty-text"),
        ("flows/signs.yaml", "then: look", "then: lok", "node:unknown"),
        ("nlu/exits/en.yaml", "whole: [enhuman]", "whole: ['!']", "exits:empty"),
        ("locales/en/language.yaml", "schema: 1", "schema: 1\nx: 1", "schema:extra_forbidden"),
    ],
)
def test_what_can_be_read_is_checked_even_when_something_cannot(
    file: str, old: str, new: str, code: str
) -> None:
    files = spoiled("flows/rights.yaml", "You may have a right to help.", "A victim.")
    checked = check_files(spoiled(file, old, new, files), today=TODAY)
    found = {(problem.file, problem.code) for problem in checked.problems}
    assert checked.release is None
    assert (file, code) in found
    assert ("flows/rights.yaml", "word:forbidden") in found
    assert {f for f, _ in found} <= {file, "flows/rights.yaml"}


def test_mistakes_of_the_flow_with_the_unknown_name_are_found_too() -> None:
    files = _with_many_mistakes()
    files = spoiled("flows/danger.yaml", "class: safety", "show: [emergency]", files)
    files = spoiled("flows/leave.yaml", "next: close}", "next: clos}", files)
    found = {(problem.file, problem.code) for problem in problems_in(files)}
    assert found == MANY | {
        ("flows/leave.yaml", "node:unknown"),
        ("flows/leave.yaml", "node:unreachable"),
        ("flows/leave.yaml", "way-out:does-not"),
    }


BROKEN = {
    "locales/ro/leave.po": "no PO file",
    "locales/ro/language.yaml": "[",
    "locales/en/language.yaml": "[",
    "flows/countries/MD.yaml": "[",
    "flows/fallback.yaml": "[",
    "flows/indicators.yaml": "[",
    "flows/referral.yaml": "texts: [",
    "flows/agreed.yaml": "[",
    "nlu/exits/ro.yaml": "[",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_file_that_cannot_be_read_hides_no_mistake_of_the_others(broken: str) -> None:
    files = in_three_languages()
    rights = "label: My rights, "
    files = spoiled("flows/home.yaml", f"{rights}open: rights", f"{rights}next: hotlines", files)
    files = spoiled("flows/erase.yaml", "next: kept", "next: keptt", files)
    files = spoiled("flows/country.yaml", "Which country", "Which good country", files)
    expected = {
        ("flows/home.yaml", "everybody:not-at-home"),
        ("flows/erase.yaml", "node:unknown"),
        ("flows/erase.yaml", "node:unreachable"),
        ("locales/ar/country.po", "translation:stale"),
        ("locales/ro/country.po", "translation:stale"),
    }
    if broken == "flows/agreed.yaml":  # where it leads is not known
        expected -= {
            ("flows/home.yaml", "everybody:not-at-home"),
            ("flows/erase.yaml", "node:unreachable"),
        }
    files[broken] = BROKEN[broken]
    code = "po:broken" if broken.endswith(".po") else "yaml:broken"
    checked = check_files(files, today=TODAY)
    assert {(p.file, p.code) for p in checked.problems} == expected | {(broken, code)}
    assert not checked.whole


def test_mistakes_beside_what_cannot_be_read_in_the_same_file_are_found() -> None:
    files = spoiled("flows/leave.yaml", "ask: Do you want", "ask: Do you {nothing} want")
    files = spoiled("flows/leave.yaml", "next: close}", "next: clos}", files)
    files = spoiled("flows/leave.yaml", "do: end_view", "doo: end_view", files)
    files = spoiled("flows/signs.yaml", "sign: HOURS", "sign: HOUR", files)
    files = spoiled("flows/signs.yaml", "then: look", "then: lok", files)
    files = spoiled("flows/reasons.yaml", "You said: hours.", "A victim.", files)
    files = spoiled("flows/reasons.yaml", '"You said: dependent."', "[]", files)
    found = {(p.file, p.line, p.code) for p in problems_in(files)}
    assert found == {
        ("flows/leave.yaml", 6, "placeholder:unknown"),
        ("flows/leave.yaml", 8, "node:unknown"),
        ("flows/leave.yaml", 11, "schema:extra_forbidden"),
        ("flows/signs.yaml", 5, "node:unknown"),
        ("flows/signs.yaml", 39, "sign:unknown"),
        ("flows/reasons.yaml", 6, "word:forbidden"),
        ("flows/reasons.yaml", 7, "schema:model_type"),
        ("flows/reasons.yaml", 7, "schema:string_type"),
    }


def test_unknown_name_alone_leaves_nothing_unchecked() -> None:
    checked = check_files(spoiled("flows/erase.yaml", "next: kept", "next: keptt"), today=TODAY)
    assert checked.release is None
    assert checked.whole


def test_release_is_checked_like_its_files() -> None:
    files = spoiled("flows/rights.yaml", "You may have a right to help.", "A victim.")
    found = check_release(released(files), files, today=TODAY)
    assert tuple(found) == problems_in(files)


# --- The lists that code and content share ------------------------------------------------------

ENGINE = Path(advance.__file__).parent
INDIRECT = {"news", "_SOFT_MISSES"}
"""Names of sentences that are passed on; the sentences stand where they are passed or listed."""


def _said_by_the_engine() -> set[str]:
    """Names of interface sentences in the code of the engine."""
    found: set[str] = set()
    for file in ENGINE.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="tell" | "notify"), args=[argument]):
                    words = _constants(argument)
                    names = {n.id for n in ast.walk(argument) if isinstance(n, ast.Name)}
                    assert words or names & INDIRECT, ast.unparse(node)
                    found |= words
                case ast.Call(func=ast.Name(id="text"), args=[ast.Constant(value=str(key))]):
                    found |= {key.removeprefix("interface.")} if "interface." in key else set()
                case ast.Call(
                    func=ast.Name(id="_hand"), args=[_, _, ast.Constant(value=str(news))]
                ):
                    found.add(news)
                case ast.Assign(targets=[ast.Name(id="_SOFT_MISSES")], value=value):
                    found |= _constants(value)
                case _:
                    pass
    return found


def _constants(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def test_list_of_engine_texts_is_what_the_engine_says() -> None:
    standard = {YES, SOMETIMES, NO, DONT_KNOW, SKIP}
    assert _said_by_the_engine() | standard == set(ENGINE_TEXTS)
    assert len(ENGINE_TEXTS) == len(set(ENGINE_TEXTS))


TEXTS_IN_TEMPLATES = re.compile(r"""\b[tp]\(\s*["']([a-z_]+)["']""")
TEXTS_FOR_SCRIPTS = re.compile(r"\{% for item in \(([^)]*)\)")
TEXTS_IN_CODE = re.compile(
    r"""(?:\binterface\.|\b(?:sentence|plain|_notice)\(\s*["'])([a-z_]+)["']"""
)


def test_list_of_channel_texts_has_every_name_in_code_and_templates() -> None:
    bot = ENGINE.parent
    named: set[str] = set()
    for file in bot.rglob("*"):
        if file.suffix == ".html":
            page = file.read_text(encoding="utf-8")
            named |= set(TEXTS_IN_TEMPLATES.findall(page))
            for names in TEXTS_FOR_SCRIPTS.findall(page):
                named |= set(re.findall(r'"([a-z_]+)"', names))
        elif file.suffix == ".py" and file.parent != ENGINE:
            named |= set(TEXTS_IN_CODE.findall(file.read_text(encoding="utf-8")))
    assert {"show_new", "loading"} <= named  # else the patterns find nothing any more
    assert named <= {*ENGINE_TEXTS, *OFFERED_TEXTS, *CHANNEL_TEXTS}


def test_list_of_channel_texts_has_no_name_that_nothing_says() -> None:
    bot = ENGINE.parent
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in bot.rglob("*")
        if file.suffix in {".html", ".py"} and ENGINE.parent / "content" not in file.parents
    )
    for name in CHANNEL_TEXTS:
        assert re.search(rf"""["'.]{name}["']""", code), name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("interface", "read_backwards"),
        ("facts", "weather"),
        ("referral", "forgotten"),
        ("console", "clock"),
        ("referral_form", "stamp"),
    ],
)
def test_sentence_that_nothing_says_is_told_to_authors_and_published(file: str, name: str) -> None:
    files = english()
    files.setdefault(f"flows/{file}.yaml", texts_file(file, {}))
    files[f"flows/{file}.yaml"] += f'  {name}: "A sentence."\n'
    (problem,) = problems_in(files)
    assert problem.code == "text:unused"
    assert name in files[problem.file].splitlines()[problem.line - 1]
    assert check_release(released(files), files, today=TODAY) == []


def test_facts_of_conditions_are_those_of_the_engine() -> None:
    graph = released(english()).graph
    assert values_of_facts(graph).keys() == conditions_can_ask(graph)


def test_facts_of_the_engine_have_the_values_that_conditions_may_ask_for() -> None:
    graph = released(english()).graph
    conversation = new_conversation(
        release=1, language=Language("en"), nonce="n", facts={"age": ("adult",)}
    )
    known = facts_for(Draft(graph, Received(what=Started(), nonce="n"), conversation))
    values = values_of_facts(graph)
    for fact, asked in known.items():
        assert set(asked) <= values[fact], fact


# --- Whatever an author does ---------------------------------------------------------------------

FILES = sorted(name for name in english() if name.startswith(("flows/", "locales/")))


@st.composite
def edits(draw: st.DrawFn) -> dict[str, str]:
    """Good content in which lines were lost, doubled, moved in, or mixed up."""
    files = english()
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        name = draw(st.sampled_from(FILES))
        lines = files[name].splitlines(keepends=True)
        if not lines:
            continue
        place = draw(st.integers(min_value=0, max_value=len(lines) - 1))
        other = draw(st.integers(min_value=0, max_value=len(lines) - 1))
        match draw(st.sampled_from(("lose", "double", "swap", "indent", "colon"))):
            case "lose":
                del lines[place]
            case "double":
                lines.insert(place, lines[other])
            case "swap":
                lines[place], lines[other] = lines[other], lines[place]
            case "indent":
                lines[place] = "  " + lines[place]
            case _:
                lines[place] = lines[place].replace(":", "", 1)
        files[name] = "".join(lines)
    return files


@settings(max_examples=60, deadline=None)
@given(edits())
def test_no_edit_makes_the_check_fail(files: dict[str, str]) -> None:
    problems = problems_in(files)
    assert list(problems) == sorted(set(problems))
    for problem in problems:
        text = files.get(problem.file, "")
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.sentence
        assert problem.remedy
