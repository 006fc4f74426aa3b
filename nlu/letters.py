"""What the language model sees of a text: letters with their accents, in short runs, and words."""

import math
import re
import unicodedata
import zlib

SIZE = 1 << 16
_MASK = SIZE - 1
_LONGEST = 4
_MOST_WORDS = 120
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+|/\w+")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def words_with_accents(text: str) -> list[str]:
    """The words of `text` in small letters, without addresses, commands and digits."""
    small = unicodedata.normalize("NFC", text.lower())
    return _WORD.findall(_ADDRESS.sub(" ", small))[:_MOST_WORDS]


def letters(text: str) -> dict[int, float]:
    """The features of a text for the language model, together of length 1."""
    counts: dict[int, int] = {}
    before = ""
    for word in words_with_accents(text):
        padded = f" {word[:40]} "
        runs = [
            padded[start : start + size]
            for size in range(1, _LONGEST + 1)
            for start in range(len(padded) - size + 1)
        ]
        for name in (*runs, "w " + word, f"b {before} {word}"):
            number = zlib.crc32(name.encode()) & _MASK
            counts[number] = counts.get(number, 0) + 1
        before = word
    length = math.sqrt(sum(count * count for count in counts.values())) or 1.0
    return {number: count / length for number, count in counts.items()}
