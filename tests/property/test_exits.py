"""The rules for exits take any text, and hear the same in every way of writing."""

import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.content.exits import load_exits
from bot.content.yaml_file import Data, parse_yaml
from nlu.normal import normal

LEXICONS = Path(__file__).parents[2] / "nlu" / "exits"
FILES = {path.name: path.read_text(encoding="utf-8") for path in LEXICONS.glob("*.yaml")}
RULES, _ = load_exits(FILES)


def strings(data: Data) -> list[str]:
    match data:
        case dict():
            return [text for value in data.values() for text in strings(value)]
        case list():
            return [text for value in data for text in strings(value)]
        case _:
            return [str(data)]


PHRASES = sorted(
    text for file, words in FILES.items() for text in strings(parse_yaml(words, file).data)
)
any_text = st.text(alphabet=st.characters(exclude_categories=()))
separators = st.text(alphabet=" \t\n.,!?…—«»😭", min_size=1).map(lambda signs: f" {signs}")
unseen = st.sampled_from(["\u200b", "\u200d", "\u00ad", "\u202e", "\u2066", "\ufeff", "\u0301"])


@given(any_text)
def test_any_text_can_be_heard(text: str) -> None:
    assert RULES is not None
    RULES.hear(text)


@given(any_text)
def test_normal_text_stays_as_it_is(text: str) -> None:
    words = normal(text)
    assert normal(words) == words
    assert words.split(" ") == words.split() or words == ""


@given(st.sampled_from(PHRASES), any_text)
def test_what_is_around_a_phrase_never_raises(phrase: str, text: str) -> None:
    assert RULES is not None
    RULES.hear(f"{text} {phrase} {text}")


@given(st.sampled_from(PHRASES))
def test_capitals_and_accents_change_nothing(phrase: str) -> None:
    assert RULES is not None
    heard = RULES.hear(phrase)
    assert RULES.hear(phrase.upper()) is heard
    assert RULES.hear(phrase.title()) is heard
    assert RULES.hear(unicodedata.normalize("NFD", phrase)) is heard
    plain = "".join(
        char if char in "йЙ" else unicodedata.normalize("NFD", char)[0] for char in phrase
    )
    assert RULES.hear(plain) is heard


@given(st.sampled_from(PHRASES), separators, separators)
def test_spaces_and_signs_change_nothing(phrase: str, between: str, around: str) -> None:
    assert RULES is not None
    spaced = between.join(phrase.split())
    assert RULES.hear(around + spaced + around) is RULES.hear(phrase)


@given(st.sampled_from(PHRASES), st.integers(min_value=0), unseen)
def test_unseen_characters_change_nothing(phrase: str, place: int, char: str) -> None:
    assert RULES is not None
    place %= len(phrase) + 1
    if char == "\u0301" and place == 0:
        return
    assert RULES.hear(phrase[:place] + char + phrase[place:]) is RULES.hear(phrase)
