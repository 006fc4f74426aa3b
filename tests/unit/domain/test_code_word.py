"""When the return code alone is enough, and when it needs the agreed word."""

# ruff: noqa: RUF001 - words of other languages

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.code_word import MOST_WRONG_WORDS, Shut, needs_word, shut_for
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import Conversation, new_conversation
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.text import Language

ALONE = new_conversation(release=1, language=Language("en"), nonce="n", facts={})
ASKED = replace(ALONE, asked_for_person=True, has_code=True, code_word="Walnut")

anything = st.text(st.characters(exclude_categories=()), max_size=200)


def owned_by(owner: Owner) -> Conversation:
    held = owner is Owner.OPERATOR
    control = Control(
        owner=owner,
        fence=Fence(2, "n"),
        operator=OperatorId("op") if held else None,
        lease_until=Milliseconds(1) if held else None,
    )
    return replace(ALONE, control=control)


@pytest.mark.parametrize("owner", Owner)
def test_from_asking_for_a_human_on_the_word_is_needed(owner: Owner) -> None:
    assert needs_word(owned_by(owner)) == (owner is not Owner.BOT)
    # Who left the line, or was given back to the program, may have letters of a human in the log.
    assert needs_word(replace(owned_by(owner), asked_for_person=True))


@given(anything)
def test_before_a_human_the_code_alone_opens(word: str) -> None:
    assert shut_for(ALONE, word) is None
    assert shut_for(replace(ALONE, code_word="walnut", wrong_words=99), word) is None


@pytest.mark.parametrize(
    ("agreed", "given_word"),
    [
        ("Walnut", "walnut"),
        ("walnut", "  WALNUT!\n"),
        ("walnut", "w\u200ba\u0301lnut"),
        ("balloon", "baloon"),
        ("ploaie", "Ploáie"),
        ("клевер", "КЛЕВЕР"),
        ("медведь", "мед\u00adведь"),
        ("أرنب", "ارنب"),
        ("شرفة", "شُرفه"),
    ],
)
def test_the_word_counts_as_rules_compare_words(agreed: str, given_word: str) -> None:
    assert shut_for(replace(ASKED, code_word=agreed), given_word) is None


@pytest.mark.parametrize("nothing", ["", " ", "\n\t", "?!", "\u200b", "\u202e", "😀", "\ud800"])
def test_no_word_is_not_a_wrong_one(nothing: str) -> None:
    assert shut_for(ASKED, nothing) is Shut.NO_WORD


@given(anything)
def test_any_other_word_is_wrong(word: str) -> None:
    other = replace(ASKED, code_word="qqxqzq")
    assert shut_for(other, word) in {Shut.NO_WORD, Shut.WRONG_WORD}


def test_after_ten_wrong_words_not_even_the_right_one_opens() -> None:
    almost = replace(ASKED, wrong_words=MOST_WRONG_WORDS - 1)
    assert shut_for(almost, "walnut") is None
    over = replace(ASKED, wrong_words=MOST_WRONG_WORDS)
    assert {shut_for(over, word) for word in ("walnut", "nut", "")} == {Shut.FOR_GOOD}


@pytest.mark.parametrize("word", ["", "None", "walnut"])
def test_without_an_agreed_word_a_code_from_before_there_were_words_opens_nothing(
    word: str,
) -> None:
    assert shut_for(replace(ASKED, code_word=None), word) is Shut.FOR_GOOD


def test_the_word_is_not_shown_with_the_conversation() -> None:
    assert "Walnut" not in repr(ASKED)
