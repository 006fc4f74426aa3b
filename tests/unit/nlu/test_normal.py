"""One way of writing: whatever differs only in how it was typed compares as equal."""

# ruff: noqa: RUF001 - letters that look alike are what this is about

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.normal import normal


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("HELP", "help"),
        ("  help\n\tme ", "help me"),
        ("help!!! me…", "help me"),
        ("heeeelp", "help"),
        ("bună ziua", "buna ziua"),
        ("șterge", "sterge"),
        ("ştergE", "sterge"),
        ("ёлка", "елка"),
        ("стои", "стои"),
        ("помоги\u0306", "помогй"),
        ("İstanbul", "istanbul"),
        ("ısı", "isi"),
        ("don’t", "dont"),
        ("don't", "dont"),
        ("ﬁ", "fi"),
        ("ｈｅｌｐ", "help"),
        ("𝐡𝐞𝐥𝐩", "help"),
        ("h\u200be\u200dl\ufe0fp", "help"),
        ("help😀me", "help me"),
        ("مُساعَدة", "مساعده"),
        ("مســاعدة", "مساعده"),
        ("أريد", "اريد"),
        ("على", "علي"),
        ("١٢٣", "123"),
        ("۱۲۳", "123"),
        ("пoмoщь", "помощь"),
        ("hеlp", "help"),
    ],
)
def test_written_differently_and_the_same(typed: str, same: str) -> None:
    assert normal(typed) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [("й", "и"), ("мой", "мои"), ("no", "nu"), ("да", "na"), ("11", "1"), ("a b", "ab")],
)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize("nothing", ["", " ", "…", "😀", "\u200b", "'", "\ufe0f\u0301"])
def test_nothing_to_read(nothing: str) -> None:
    assert normal(nothing) == ""


@given(st.text(max_size=200))
def test_normal_text_stays_as_it_is(typed: str) -> None:
    once = normal(typed)
    assert normal(once) == once
    assert once == " ".join(once.split())


@pytest.mark.parametrize("hostile", ["e\u0301", "\u0301", "и\u0306", "aа", "\u0f73", "ﷺ"])
def test_a_hostile_pile_takes_time_in_proportion(hostile: str) -> None:
    started = time.perf_counter()
    normal(hostile * 100_000)
    assert time.perf_counter() - started < 5
