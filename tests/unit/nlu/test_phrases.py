"""The files of phrases: their form, and that test and training are apart."""

from collections import Counter
from pathlib import Path

import pytest

from nlu.language import LANGUAGES
from nlu.phrases import Phrase, phrases_in, read_phrases
from nlu.safety import DANGER, SELF_HARM
from nlu.tags import ASKS, INDICATORS, INTENTS, SECTIONS, TAGS, intent_of, tags_of

FOLDER = Path(__file__).parents[3] / "nlu" / "phrases"


@pytest.fixture(scope="module")
def train() -> list[Phrase]:
    return read_phrases(FOLDER / "train")


@pytest.fixture(scope="module")
def test() -> list[Phrase]:
    return read_phrases(FOLDER / "test")


def test_a_file_is_read_line_by_line() -> None:
    text = (
        "# about\n= danger\nhelp me\n\ntranslit | pomogite\n= tell\nDOCS_HELD child | my uncle\n"
    )
    found = list(phrases_in(text, language="en", file="en/a.txt"))
    assert [(p.text, p.section, sorted(p.labels), p.line) for p in found] == [
        ("help me", "danger", ["danger"], 3),
        ("pomogite", "danger", ["danger", "translit"], 5),
        ("my uncle", "tell", ["DOCS_HELD", "child", "tell"], 7),
    ]


@pytest.mark.parametrize("text", ["help me\n", "= danger\ntranslit | \n"])
def test_a_line_without_a_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        list(phrases_in(text, language="en", file="x"))


def test_sections_teach_what_they_name() -> None:
    def one(section: str, *labels: str) -> Phrase:
        return Phrase("x", "en", section, frozenset((section, *labels)), "f", 1)

    assert intent_of(one("ask_cost")) == "ask_cost"
    assert intent_of(one("child")) == "tell"
    assert intent_of(one("danger")) is None
    assert tags_of(one("tell", "DOCS_HELD", "child")) == {"DOCS_HELD", "child"}
    assert tags_of(one("harmless")) is None


def test_every_label_is_known(train: list[Phrase], test: list[Phrase]) -> None:
    known = {*SECTIONS, *TAGS, *INTENTS, "translit", "mixed"}
    unknown = {(p.file, p.line, *(p.labels - known)) for p in (*train, *test) if p.labels - known}
    assert unknown == set()


def test_every_language_has_phrases_of_several_hands(train: list[Phrase]) -> None:
    hands = Counter(
        language
        for language, _ in {
            (p.language, p.file) for p in train if p.section in (DANGER, SELF_HARM)
        }
    )
    assert set(hands) == set(LANGUAGES)
    assert min(hands.values()) >= 2


def test_there_are_enough_phrases_of_everything(train: list[Phrase]) -> None:
    wanted = {**dict.fromkeys((f"ask_{ask}" for ask in ASKS[:9]), 30), "tell": 700}
    wanted |= dict.fromkeys(("affirm", "deny", "greet", "thanks", "skip", "explain"), 20)
    wanted |= dict.fromkeys(("person", "stop", "erase", "language", "back"), 30)
    wanted |= {"danger": 240, "self_harm": 200, "harmless": 440}
    counts = Counter((p.language, p.section) for p in train)
    few = {
        (language, section, counts[language, section])
        for language in LANGUAGES
        for section, least in wanted.items()
        if counts[language, section] < least
    }
    assert few == set()


def test_every_sign_is_told_of_in_every_language(train: list[Phrase]) -> None:
    told = Counter((p.language, code) for p in train for code in p.labels & set(INDICATORS))
    few = {(lang, code) for lang in LANGUAGES for code in INDICATORS if told[lang, code] < 15}
    assert few == set()
