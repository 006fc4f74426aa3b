"""Which language: script and letters first, the same answer every time, and "not sure"."""

# ruff: noqa: RUF001 - languages have letters that look alike

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.ears import local_ears
from nlu.language import LANGUAGES, NOT_SURE
from nlu.profiles import Profiles


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Can somebody tell me what I should do now?", "en"),
        ("nu stiu ce sa fac, seful nu ne da banii", "ro"),
        ("я не знаю, что мне делать", "ru"),
        ("я не знаю, що мені робити", "uk"),
        ("не знам какво да правя, шефът не ни дава парите", "bg"),
        ("не знам шта да радим, газда нам не даје паре", "sr-Cyrl"),
        ("ne znam šta da radim, gazda nam ne daje pare", "sr-Latn"),
        ("je ne sais pas quoi faire, le patron garde tout", "fr"),
        ("no sé qué hacer, el jefe no nos paga", "es"),
        ("ich weiß nicht was ich machen soll", "de"),
        ("non so cosa fare, il capo non ci paga", "it"),
        ("nie wiem co robić, szef nam nie płaci", "pl"),
        ("nem tudom mit csináljak, a főnök nem fizet", "hu"),
        ("nuk e di çfarë të bëj, shefi nuk na paguan", "sq"),
        ("ne yapacağımı bilmiyorum, patron para vermiyor", "tr"),
        ("لا أعرف ماذا أفعل والمدير لا يدفع لنا", "ar"),
        ("tôi không biết phải làm gì, chủ không trả lương", "vi"),
        ("hindi ko alam ang gagawin, hindi kami binabayaran ng amo", "tl"),
        ("não sei o que fazer, o patrão não nos paga", "pt"),
    ],
)
def test_a_sentence_in_each_language(text: str, language: str) -> None:
    guess = local_ears().language(text)
    assert (guess.language, guess.confidence > 0.9) == (language, True)


@pytest.mark.parametrize(
    "text", ["", "  ", "123", "😀😀", "...", "https://x.example/a", "我需要帮助", "βοήθεια"]
)
def test_what_has_no_letters_of_ours_is_undetermined(text: str) -> None:
    assert local_ears().language(text).language == NOT_SURE


def test_a_tag_names_the_language_without_its_script() -> None:
    assert local_ears().language("не знам шта да радим, газда нам не даје паре").tag == "sr"


def test_several_messages_are_judged_together() -> None:
    ears = local_ears()
    alone = ears.language("da").confidence
    assert ears.language("da", "nu stiu", "seful ne tine actele").confidence > alone


@given(st.text(max_size=100))
def test_the_same_text_gets_the_same_answer(text: str) -> None:
    assert local_ears().language(text) == local_ears().language(text)


def test_only_profiles_of_our_languages_are_loaded() -> None:
    profiles = Profiles(LANGUAGES)
    assert set(profiles.languages) == set(LANGUAGES) - {"sr"}
    scores = profiles.scores("nu stiu ce sa fac")
    assert max(scores, key=lambda name: scores[name]) == "ro"
    assert profiles.scores("123") == {}
