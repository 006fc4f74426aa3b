"""Concepts, features and linear models: small, safe to read, and quick."""

import math
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.concepts import Concepts, prepared, words_of
from nlu.ears import local_ears
from nlu.features import SIZE, features
from nlu.fingerprint import of_models
from nlu.letters import letters
from nlu.linear import BadModelError, LinearModel, packed, read_model, unpacked
from nlu.reader import Reader
from nlu.safety import HEARD

CONCEPTS = Concepts(
    prepared(
        {
            "en": {
                "HIT": ["hit*", "laid hands on"],
                "DOOR": ["door"],
                "NOW": ["right now", "now"],
            },
            "ru": {"HIT": ["бьет", "удар*"], "DOOR": ["дверь*"]},
            "ar": {"DOOR": ["باب"]},
        }
    )
)


def found(text: str, *languages: str) -> list[str]:
    return [concept for _, concept in CONCEPTS.found(words_of(text), languages)]


@pytest.mark.parametrize(
    ("text", "language", "concepts"),
    [
        ("He HITS the door, now!", "en", ["HIT", "DOOR", "NOW"]),
        ("he laid hands on me right now", "en", ["HIT", "NOW", "NOW"]),
        ("he laid hands", "en", []),
        ("doorbell", "en", []),
        ("он ударил меня", "ru", ["HIT"]),
        ("on udaril menya", "ru", ["HIT"]),
        ("za dveryu", "ru", ["DOOR"]),
        ("والباب", "ar", ["DOOR"]),
        ("hit", "ru", []),
        ("", "en", []),
        ("hit", "xx", []),
    ],
)
def test_concepts_are_found_in_their_language(
    text: str, language: str, concepts: list[str]
) -> None:
    assert found(text, language) == concepts


def test_two_languages_can_be_looked_up_at_once() -> None:
    assert found("он hits door", "en", "ru") == ["HIT", "DOOR"]


@given(st.text(max_size=300))
def test_any_text_has_features(text: str) -> None:
    numbers = features(words_of(text), CONCEPTS, ("en", "ru"))
    assert all(0 <= number < SIZE and math.isfinite(weight) for number, weight in numbers.items())
    assert all(math.isfinite(weight) for weight in letters(text).values())


def test_the_same_text_has_the_same_features() -> None:
    one, other = (features(words_of("He hits me"), CONCEPTS, ("en",)) for _ in range(2))
    assert one == other != {}


def small_model() -> LinearModel:
    return LinearModel(
        ("a", "b"), 3, 0.5, (0.25, -1.0), array("b", [1, -1, 2, -2, 127, -128]), "x"
    )


def test_scores_are_sums_of_weights() -> None:
    assert small_model().scores({0: 1.0, 2: 0.5}) == [0.25 + 0.5 * 64.5, -1.0 - 0.5 * 65]
    assert sum(small_model().chances({1: 1.0}).values()) == pytest.approx(1.0)


def test_a_model_is_read_as_it_was_written() -> None:
    assert unpacked(packed(small_model())) == small_model()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something else",
        packed(small_model())[:-1],
        packed(small_model()) + b"x",
        packed(small_model()).replace(b'"size": 3', b'"size": 4'),
        packed(small_model()).replace(b'"scale"', b'"other"'),
        b"firstpoint-linear 1\n{",
        b"firstpoint-linear 1\n[]\n",
    ],
)
def test_a_damaged_model_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadModelError):
        unpacked(content)
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(BadModelError):
        read_model(tmp_path / "model.bin")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="gone"):
        read_model(tmp_path / "gone.bin")


@given(st.text(max_size=300))
def test_the_ears_take_any_text(text: str) -> None:
    heard = local_ears().hear(text, frozenset())
    assert not (heard.now and heard.unsure)
    guess = local_ears().language(text)
    assert 0.0 <= guess.confidence <= 1.0


@pytest.mark.parametrize("size", [10, 5_000])
@pytest.mark.parametrize(
    "piece", ["a", "he hits me ", "я ", "😀", "a\u0301", "\u202e", "١٢٣ ", "sa3doni ", "' "]
)
def test_hostile_and_huge_texts_are_only_heard(piece: str, size: int) -> None:
    local_ears().hear(piece * size, frozenset())
    local_ears().language(piece * size)


def test_the_models_fit_phrases_and_code() -> None:
    """After a change run `make models`."""
    reader = Reader.from_folder()
    safety = read_model(Path(__file__).parents[3] / "nlu" / "models" / "safety.bin")
    assert reader.languages.fingerprint == safety.fingerprint == of_models()
    assert safety.classes == HEARD
