"""One alphabet: what people spell in several ways has one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.normal import normal
from nlu.romanised import romanised


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("помогите", "pomogite"),
        ("жена", "zhena"),
        ("меня убьет", "menya ubiet"),
        ("меня убьёт", "menya ubyet"),
        ("щенок", "schenok"),
        ("убиће ме", "ubiće me"),
        ("убиће ме", "ubice me"),
        ("љубав", "ljubav"),
        ("хочу", "khochu"),
        ("допоможіть", "dopomozhit"),
        ("7bs", "حبس"),
        ("s3d", "سعد"),
    ],
)
def test_one_key(typed: str, same: str) -> None:
    assert romanised(normal(typed)) == romanised(normal(same))


@pytest.mark.parametrize(
    ("typed", "other"),
    [("дом", "дым"), ("room 12", "room"), ("i am 16", "i am 17"), ("нож", "нос")],
)
def test_other_words_keep_other_keys(typed: str, other: str) -> None:
    assert romanised(normal(typed)) != romanised(normal(other))


@given(st.text())
def test_a_key_has_as_many_words_or_fewer(text: str) -> None:
    assert len(romanised(normal(text)).split()) <= len(normal(text).split())


@given(st.text())
def test_a_key_is_its_own_key_unless_digits_sound(text: str) -> None:
    once = romanised(normal("".join(c for c in text if not c.isdigit())))
    assert romanised(once) == once
