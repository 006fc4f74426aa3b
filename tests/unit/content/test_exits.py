"""The rules for exits: what they hear, what they leave alone, and what authors are told."""

# ruff: noqa: RUF001 - letters that look alike must be heard too

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from bot.content.exits import MOST_CHARACTERS, ExitRules, heard_otherwise, load_exits
from bot.content.problems import Problem
from bot.content.yaml_file import Data, parse_yaml
from bot.engine.received import PRECEDENCE, Action
from nlu.normal import normal

LEXICONS = Path(__file__).parents[3] / "nlu" / "exits"
CASES = Path(__file__).with_name("exits_cases.yaml")
FEWEST = {
    "danger": 40,
    "self_harm": 40,
    "human": 25,
    "erase": 20,
    "stop": 15,
    "language": 15,
    "back": 10,
    "hotline": 10,
    "leave": 10,
}


def lexicon_files() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in LEXICONS.glob("*.yaml")}


@pytest.fixture(scope="module")
def rules() -> ExitRules:
    found, problems = load_exits(lexicon_files())
    assert problems == []
    assert found is not None
    assert heard_otherwise(found) == []
    return found


def mapping(data: Data) -> dict[str, Data]:
    assert isinstance(data, dict)
    return data


def sequence(data: Data) -> list[str]:
    assert isinstance(data, list)
    return [str(item) for item in data]


def cases(part: str) -> list[tuple[str, str, list[str]]]:
    """Language, what should be heard, messages."""
    parsed = parse_yaml(CASES.read_text(encoding="utf-8"), CASES.name)
    assert parsed.problems == []
    return [
        (language, expected, sequence(messages))
        for language, lists in mapping(mapping(parsed.data)[part]).items()
        for expected, messages in mapping(lists).items()
    ]


def heard_in(rules: ExitRules, words: str) -> str:
    action = rules.hear(words)
    return action.value if action else "none"


@pytest.mark.parametrize(("language", "expected", "messages"), cases("heard"))
def test_what_people_write(
    rules: ExitRules, language: str, expected: str, messages: list[str]
) -> None:
    wrong = [(words, heard) for words in messages if (heard := heard_in(rules, words)) != expected]
    assert wrong == []


@pytest.mark.parametrize(("language", "expected", "messages"), cases("missed"))
def test_known_failures_are_listed_only_as_long_as_they_fail(
    rules: ExitRules, language: str, expected: str, messages: list[str]
) -> None:
    assert [words for words in messages if heard_in(rules, words) == expected] == []


def test_there_are_enough_cases() -> None:
    heard = cases("heard")
    harmless = {language: len(messages) for language, what, messages in heard if what == "none"}
    assert sum(len(messages) for _, _, messages in heard) >= 300
    assert all(harmless[language] >= 80 for language in ("en", "ro", "ru", "ar"))


@pytest.mark.parametrize("file", sorted(lexicon_files()))
def test_a_lexicon_has_enough_phrases(file: str) -> None:
    exits = mapping(mapping(parse_yaml(lexicon_files()[file], file).data)["exits"])
    for action, fewest in FEWEST.items():
        entry = mapping(exits[action])
        count = len(sequence(entry.get("whole", []))) + len(sequence(entry.get("within", [])))
        assert count >= fewest, action


# Ways of writing


@pytest.mark.parametrize(
    "words",
    [
        "I WANT TO DIE",
        "i want to diiiiiie",
        "i  want\n\tto die!!!",
        "…i want to die…",
        "i want to die 😭😭",
        "i w\u200bant to d\u00adie",
        "\u202ei want to die\u202c",
        "ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "i w\u0430nt t\u043e di\u0435",
        "i wánt tö dïe",
        "please i really want to die",
    ],
)
def test_hears_through_ways_of_writing(rules: ExitRules, words: str) -> None:
    assert rules.hear(words) is Action.SELF_HARM


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("hes stranglng me", Action.DANGER),  # one letter too few
        ("hes straangling me", Action.DANGER),  # one letter twice
        ("hes strsngling me", Action.DANGER),  # a wrong letter
        ("hes srtangling me", Action.DANGER),  # two in the wrong order
        ("hes srtanglng me", None),  # two errors
        ("hes trangling me", None),  # the first letter
        ("thwy wanna kill you", None),  # short words are taken as they are
    ],
)
def test_one_typing_error_in_long_words(
    rules: ExitRules, words: str, action: Action | None
) -> None:
    assert rules.hear(words) is action


def test_a_harmless_phrase_stays_harmless_with_a_typing_error(rules: ExitRules) -> None:
    assert rules.hear("I am dying of laughter") is None
    assert rules.hear("I am dying of laugter") is None


def test_arabic_and_joined_to_the_next_word(rules: ExitRules) -> None:
    assert rules.hear("هو غاضب وسيقتلني") is Action.DANGER


def test_articles_may_be_there_or_not(rules: ExitRules) -> None:
    for words in ("change language", "change the language", "change a language"):
        assert rules.hear(words) is Action.LANGUAGE


# Which action


def test_a_harmless_phrase_cancels_only_itself(rules: ExitRules) -> None:
    assert rules.hear("this work will kill me") is None
    assert rules.hear("this work will kill me and now he has a gun") is Action.DANGER
    assert rules.hear("work will kill me. They will kill me tonight") is Action.DANGER


def test_of_several_the_most_urgent_is_heard(rules: ExitRules) -> None:
    assert rules.hear("he has a knife and i want to die") is Action.SELF_HARM
    assert rules.hear("delete everything, he has a knife") is Action.DANGER
    assert rules.hear("delete everything, i need help") is Action.ERASE
    assert rules.hear("stop asking me, i need help") is Action.HUMAN


def test_languages_can_be_mixed(rules: ExitRules) -> None:
    assert rules.hear("hello, меня заперли, please") is Action.DANGER


@pytest.mark.parametrize("words", ["/stop", "/erase", "/STOP", "  /erase\n"])
def test_only_the_exact_commands_erase_now(rules: ExitRules, words: str) -> None:
    assert rules.hear(words) is Action.ERASE_NOW


@pytest.mark.parametrize("words", ["/stop now", "erase", "/ erase", "/eraser", "／erase"])
def test_other_words_never_erase_now(rules: ExitRules, words: str) -> None:
    assert rules.hear(words) is not Action.ERASE_NOW


# Hostile input

HOSTILE = {
    "nothing": "",
    "spaces": " " * 5000,
    "a letter": "a" * 100_000,
    "a word": "kill " * 20_000,
    "a phrase": "i want to kill " * 7_000,
    "nearly a phrase": "i want to the " * 7_000,
    "articles": "a " * 50_000,
    "unknown words": "stranglnig " * 9_000,
    "surrogates": "\ud800i want to die\udfff" * 1000,
    "controls": "".join(map(chr, range(0x20))) * 3000,
    "right to left": "\u202e\u2066\u2069\u200f" * 25_000,
    "accents": "e" + "\u0315\u0300" * 50_000,
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️1️⃣" * 9_000,
    "long compatibility characters": "\ufdfa" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_never_raises(rules: ExitRules, text: str) -> None:
    rules.hear(text)
    assert len(normal(text)) <= 20 * len(text)


def test_only_the_beginning_is_heard(rules: ExitRules) -> None:
    padding = "x " * (MOST_CHARACTERS // 2)
    assert rules.hear("they will kill me " + padding) is Action.DANGER
    assert rules.hear(padding + "they will kill me") is None


def steps_of(work: Callable[[], object]) -> int:
    """How many functions `work` calls: the same on every machine."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_is_at_most_twice_the_work(rules: ExitRules, text: str) -> None:
    short, long = text[: MOST_CHARACTERS // 2], text[:MOST_CHARACTERS]
    assert steps_of(lambda: rules.hear(long)) <= 2.2 * steps_of(lambda: rules.hear(short))
    assert steps_of(lambda: rules.hear(text)) <= steps_of(lambda: rules.hear(long)) + 10


# One way of writing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't — STOP!", "dont stop"),
        ("sooo goood", "so god"),
        ("call 112, 1000", "cal 112 1000"),
        ("ȘTERGE ţot", "sterge tot"),
        ("Ещё мой ЁЖ", "еще мой еж"),
        ("и\u0306од", "йод"),
        ("пoмoгитe", "помогите"),
        ("hеlр", "help"),
        ("İstanbul ışık", "istanbul isik"),
        ("أُرِيدُ أَنْ أَمُوتَ", "اريد ان اموت"),
        ("مستشفى مدرسة", "مستشفي مدرسه"),
        ("خطـــــر ١١٢", "خطر 112"),
        ("मुझे मारो", "मुझे मारो"),
        ("\u200f\ufeffa\u00adb\u2060c\u0000d", "abc d"),
        ("❤️ 1️⃣", "1"),
        ("\ud83d", ""),
    ],
)
def test_normal(text: str, expected: str) -> None:
    assert normal(text) == expected


# What authors are told

GOOD = """\
schema: 1
language: xx
ignore: [please]
optional: [the]
exits:
  danger: {within: [he has the knife], not: [he has the knife for cooking]}
  self_harm: {within: [i want to die]}
  erase: {whole: [erase]}
  human: {whole: [human]}
  stop: {whole: [stop]}
  hotline: {whole: [number]}
  language: {whole: [language]}
  leave: {whole: [leave]}
  back: {whole: [back]}
"""


def problems_in(*texts: str) -> list[Problem]:
    names = ("xx.yaml", "yy.yaml")
    rules, problems = load_exits(dict(zip(names, texts, strict=False)))
    assert (rules is None) == bool(problems)
    return problems if rules is None else heard_otherwise(rules)


def test_a_good_lexicon_has_no_problems() -> None:
    assert problems_in(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("schema: 1", "schema: 2", "schema:literal_error", 1),
        ("language: xx", "language: zz", "exits:other-name", 2),
        ("[please]", "[please do help me, please]", "exits:ignored-length", 3),
        ("[please]", "['!']", "exits:ignored-length", 3),
        ("[the]", "[of the]", "exits:optional-length", 4),
        ("  back:", "  bakc:", "schema:enum", 14),
        ("  back: {whole: [back]}\n", "", "exits:missing", 5),
        ("  back:", "  why: {whole: [why]}\n  back:", "exits:unknown", 14),
        ("whole: [back]", "hole: [back]", "schema:extra_forbidden", 14),
        ("[erase]", "[erase, please]", "exits:empty", 8),
        ("[erase]", "[erase, '!?']", "exits:empty", 8),
        ("[erase]", "[erase, Erase!]", "exits:twice", 8),
        ("[erase]", "[erase, the erase]", "exits:twice", 8),
        ("[back]", "[back, STOP]", "exits:two-exits", 14),
        ("knife for cooking]", "knife for cooking, not yet]", "exits:idle", 6),
        ("knife for cooking]", "knife for cooking, he has knife]", "exits:contradiction", 6),
        ("[human]", "[human, i want to die]", "exits:two-exits", 9),
        ("[human]", "[human, i want to die here]", "exits:unheard", 9),
        (
            "danger: {",
            "danger: {whole: [he has the knife for cooking], ",
            "exits:still-heard",
            6,
        ),
        ("  back: {", "  back: {{", "yaml:broken", 15),
    ],
)
def test_mistakes_are_found_in_their_line(old: str, new: str, code: str, line: int) -> None:
    assert old in GOOD
    found = problems_in(GOOD.replace(old, new))
    assert (code, line) in [(problem.code, problem.line) for problem in found]
    assert all(problem.remedy for problem in found)


def test_all_mistakes_are_found_at_once() -> None:
    wrong = GOOD.replace("[back]", "[stop]").replace("[erase]", "[erase, Erase]")
    broken = GOOD.replace("schema: 1", "schema: one")
    found = problems_in(wrong, broken)
    assert [(problem.file, problem.code) for problem in found] == [
        ("xx.yaml", "exits:twice"),
        ("xx.yaml", "exits:two-exits"),
        ("yy.yaml", "schema:literal_error"),
    ]


def test_a_phrase_cannot_mean_two_things_in_two_languages() -> None:
    other = GOOD.replace("language: xx", "language: yy").replace("[leave]", "[leave, Stop]")
    problems = problems_in(GOOD, other)
    assert [(problem.file, problem.code) for problem in problems] == [
        ("yy.yaml", "exits:two-exits")
    ]
    assert "xx.yaml, line 10 (stop)" in problems[0].sentence


def test_languages_may_share_a_phrase_that_means_the_same() -> None:
    assert problems_in(GOOD, GOOD.replace("language: xx", "language: yy")) == []


def test_every_exit_but_the_command_is_in_the_order() -> None:
    buttons_only = {
        *(Action.ERASE_NOW, Action.WHY, Action.HOME, Action.CHANGE_ANSWER, Action.AGREED),
    }
    assert set(PRECEDENCE) == set(Action) - buttons_only
