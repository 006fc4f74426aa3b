"""One alphabet for everything: text as a phonetic key in Latin letters.

People type Russian in Latin letters, Arabic with digits (Arabizi), Serbian in two scripts.
`romanised`
writes normal text of any of these in one way, so that rules and models need to know a word only
once. Cyrillic letters become the Latin ones that most people type for them, and what people spell
in several ways (sh, š, ş; kh, h; ya, ia, ja) becomes one. Letters of other scripts stay.

A key is only for comparing, even more than `nlu.normal`: it throws away differences that matter to
readers.
"""

# ruff: noqa: RUF001 - letters that look alike are what this module is about

import re

_CYRILLIC = {
    "а": "a",
    "б": "b",
    "в": "v",
    "г": "g",
    "ґ": "g",
    "д": "d",
    "ђ": "dj",
    "ѓ": "gj",
    "е": "e",
    "є": "e",
    "ж": "zh",
    "з": "z",
    "ѕ": "dz",
    "и": "i",
    "і": "i",
    "ї": "i",
    "й": "i",
    "ј": "j",
    "к": "k",
    "л": "l",
    "љ": "lj",
    "м": "m",
    "н": "n",
    "њ": "nj",
    "о": "o",
    "п": "p",
    "р": "r",
    "с": "s",
    "т": "t",
    "ћ": "c",
    "у": "u",
    "ў": "u",
    "ф": "f",
    "х": "h",
    "ц": "ts",
    "ч": "ch",
    "џ": "dz",
    "ш": "sh",
    "щ": "sch",
    "ъ": "a",
    "ы": "y",
    "ь": "",
    "э": "e",
    "ю": "yu",
    "я": "ya",
}
_ARABIC = {
    "ا": "a",
    "ب": "b",
    "ت": "t",
    "ث": "t",
    "ج": "g",
    "ح": "ḥ",
    "خ": "h",
    "د": "d",
    "ذ": "z",
    "ر": "r",
    "ز": "z",
    "س": "s",
    "ش": "sh",
    "ص": "ṣ",
    "ض": "ḍ",
    "ط": "ṭ",
    "ظ": "ẓ",
    "ع": "ʿ",
    "غ": "g",
    "ف": "f",
    "ق": "k",
    "ك": "k",
    "گ": "g",
    "ل": "l",
    "م": "m",
    "ن": "n",
    "ه": "h",
    "و": "u",
    "ي": "i",
    "پ": "b",
    "چ": "ch",
    "ڤ": "f",
}
_SOFT_BEFORE_VOWEL = re.compile("[ьъ](?=[аеиоуюя])")
"""People type `ubiet` or `ubyet` for убьет."""

_LETTERS = str.maketrans({**_CYRILLIC, **_ARABIC})

_SPELLINGS = (
    # Longer spellings first. English words change too, on both sides of every comparison alike.
    # Not "ts" alone: "hits" must still begin like "hit".
    ("shch", "s"),
    ("sch", "s"),
    ("sh", "s"),
    ("zh", "z"),
    ("kh", "h"),
    ("ch", "c"),
    ("tsa", "ca"),
    ("tse", "ce"),
    ("tsi", "ci"),
    ("tso", "co"),
    ("tsu", "cu"),
    ("tsy", "ci"),
    ("dj", "di"),
    ("y", "i"),
    ("j", "i"),
    ("w", "v"),
    ("q", "k"),
)
_SPELLING = re.compile("|".join(spelling for spelling, _ in _SPELLINGS))
_ONE_SPELLING = dict(_SPELLINGS)

_DIGIT_IN_WORD = re.compile(
    r"(?<=[^\W\d])[2-9](?=[^\W\d])"  # sa3doni
    r"|\b[23579](?=[^\W\d]{2})"  # 7ebes
    r"|(?<=[^\W\d]{2})[23579]\b"  # allah7
)
_ARABIZI = {"2": "a", "3": "ʿ", "4": "c", "5": "h", "6": "ṭ", "7": "ḥ", "8": "k", "9": "ṣ"}
_RUN = re.compile(r"([^\d\s])\1+")


def romanised(normal_text: str) -> str:
    """The phonetic key of normal text (`nlu.normal.normal`), with the same words.

    Takes time in proportion to the text.
    """
    latin = _SOFT_BEFORE_VOWEL.sub("y", normal_text).translate(_LETTERS)
    latin = _DIGIT_IN_WORD.sub(lambda found: _ARABIZI[found[0]], latin)
    return _RUN.sub(r"\1", _SPELLING.sub(lambda found: _ONE_SPELLING[found[0]], latin))
