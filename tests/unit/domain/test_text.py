"""Sentences by their keys."""

from bot.domain.text import Text, TextKey, keys_in, text


def test_a_sentence_is_the_same_in_whatever_order_its_values_are_given() -> None:
    assert text("a.b", x=1, y="2") == text("a.b", y="2", x=1)
    assert hash(text("a.b", x=1, y="2")) == hash(text("a.b", y="2", x=1))
    assert text("a.b") == Text(TextKey("a.b"))


def test_every_key_that_a_sentence_needs() -> None:
    inner = text("country.MD.name", of=text("deep.er"))
    assert list(keys_in(text("a.b", country=inner, number=3, name="x"))) == [
        "a.b",
        "country.MD.name",
        "deep.er",
    ]
