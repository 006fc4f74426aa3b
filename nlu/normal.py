"""One way of writing for everything a person may type, so that rules can compare words.

What a person types differs from what an author wrote in capitals, accents, vowel signs, look-alike
letters, stretched letters and invisible characters. `normal` takes these differences away on both
sides. It is only for comparing: nobody is shown a normal text.
"""

# ruff: noqa: RUF001, RUF003 - letters that look alike are what this module is about

import re
import unicodedata
from functools import lru_cache

_CYRILLIC_TWIN = dict(zip("abcehikmoptxyjs", "авсенікмортхујѕ", strict=True))
"""Latin letters, and the Cyrillic ones that look like them as small or as capital letters."""

_LATIN_TWIN = {cyrillic: latin for latin, cyrillic in _CYRILLIC_TWIN.items()}
_TO_CYRILLIC = str.maketrans(_CYRILLIC_TWIN)
_TO_LATIN = str.maketrans(_LATIN_TWIN)
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz")
_CYRILLIC = frozenset(map(chr, range(0x0430, 0x0530)))

_WRITTEN_AS = {
    "й": "й",  # a letter of its own, unlike ё, which most people write as е
    "ı": "i",
    "đ": "d",
    "ł": "l",
    "ø": "o",
    "æ": "ae",
    "œ": "oe",
    # Arabic: people leave hamza out and mix final forms, and Persian keyboards differ.
    "ء": "",
    "ٱ": "ا",
    "ى": "ي",
    "ی": "ي",
    "ة": "ه",
    "ہ": "ه",
    "ھ": "ه",
    "ک": "ك",
    "\N{ARABIC TATWEEL}": "",
    **dict.fromkeys("'’‘‛`´ʼʻʹʽʾʿ′＇՚׳", ""),
}
_VARIATION_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_UNSEEN = _VARIATION_SELECTORS | frozenset("\u034f\u180b\u180c\u180d\u180f")
_RUN = re.compile(r"([^\d\s])\1+")


def normal(text: str) -> str:
    """The words of `text`, in the one way of writing in which rules compare them.

    Small letters and digits of any script, with one space between words: without accents and vowel
    signs, punctuation, emoji and invisible characters; a repeated letter stands once. Takes time
    in proportion to the text, and never raises. Normal text stays as it is.
    """
    # Letter by letter, because `unicodedata.normalize` takes quadratic time on a hostile pile of
    # accents. The one letter whose accent matters is put together first.
    together = text.replace("\u0438\u0306", "й").replace("\u0418\u0306", "й")
    words = " ".join("".join(map(_written, together)).split())
    return _RUN.sub(r"\1", _in_one_script(words))


@lru_cache(maxsize=4096)
def _written(char: str) -> str:
    """How one character is written in normal text: perhaps not at all, or as a space."""
    if char in _WRITTEN_AS:
        return _WRITTEN_AS[char]
    small = char.casefold()
    if small in _WRITTEN_AS:
        return _WRITTEN_AS[small]
    # Taking a character apart can bring back capitals, so they are made small once more.
    return "".join(map(_kept, unicodedata.normalize("NFKD", small).casefold()))


def _kept(part: str) -> str:
    if part in _WRITTEN_AS:
        return _WRITTEN_AS[part]
    kind = unicodedata.category(part)
    if unicodedata.combining(part) or kind in ("Cf", "Me") or part in _UNSEEN:
        return ""
    if kind == "Nd":
        return str(unicodedata.decimal(part))
    # Vowel signs of Indic scripts are marks, but not accents: without them words fall together.
    return part if kind[0] in "LNM" else " "


def _in_one_script(text: str) -> str:
    """The text without words that mix Latin and Cyrillic letters which look alike."""
    if _LATIN.isdisjoint(text) or _CYRILLIC.isdisjoint(text):
        return text
    latin, cyrillic = (sum(map(text.count, script)) for script in (_LATIN, _CYRILLIC))
    mostly_latin = latin > cyrillic
    return " ".join(_unmixed(word, mostly_latin=mostly_latin) for word in text.split(" "))


def _unmixed(word: str, *, mostly_latin: bool) -> str:
    """The word in the script of the letters that have no twin, or else of most of the text."""
    letters = set(word)
    latin, cyrillic = letters & _LATIN, letters & _CYRILLIC
    if not latin or not cyrillic:
        return word
    fits_latin = cyrillic <= _LATIN_TWIN.keys()
    fits_cyrillic = latin <= _CYRILLIC_TWIN.keys()
    if fits_latin and (mostly_latin or not fits_cyrillic):
        return word.translate(_TO_LATIN)
    return word.translate(_TO_CYRILLIC) if fits_cyrillic else word
