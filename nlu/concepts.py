"""What words mean, whatever the language: `nlu/concepts/*.yaml` as an index.

A concept such as `LOCKED` is a list of words and stems for each language. Models that count
concepts instead of letters learn from all languages at once what one language alone is too small
for. The files are content: people edit them, `firstpoint check` reads them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nlu.normal import normal
from nlu.romanised import romanised

FEWEST_STEM_LETTERS = 2
_LETTERS = re.compile(r"[^\W_]+")
_ARABIC_PREFIXES = (
    "\u0648\u0627\u0644",
    "\u0628\u0627\u0644",
    "\u0627\u0644",
    "\u0644\u0644",
    "\u0648",
    "\u0641",
    "\u0628",
    "\u0644",
    "\u0643",
    "\u0633",
    "\u0647",
)
"""What Arabic writes together with the next word: and, so, with, to, as, will, the."""


ROMANISED = frozenset(("ru", "uk", "bg", "sr", "ar"))
"""Languages that people also type in Latin letters: their words are compared romanised."""

TONES = frozenset(("vi",))
"""Languages in which accents make other words: who types them means them."""


@dataclass(frozen=True)
class Word:
    """A typed word in the forms in which it is looked up."""

    plain: str
    key: str
    """Romanised."""

    others: tuple[str, ...] = ()
    """Romanised, without what the language writes together with it."""

    accented: str = ""
    """With its accents, where it was typed with any."""

    def forms(self, language: str) -> tuple[str, ...]:
        """The forms in which the word is looked up in the list of `language`."""
        if language in ROMANISED:
            return (self.key, *self.others)
        if language in TONES and self.accented:
            return (self.accented,)
        return (self.plain,)


def words_of(text: str) -> list[Word]:
    """The words of `text`."""
    plain = normal(text).split()
    keys = romanised(" ".join(plain)).split()
    if len(keys) != len(plain):  # a word of signs that have no Latin letter is nothing
        return [Word(one, one) for one in keys]
    accented = _accented(text, plain)
    return [
        Word(typed, one, _stripped(typed), with_accents)
        for typed, one, with_accents in zip(plain, keys, accented)
    ]


def _accented(text: str, plain: list[str]) -> list[str]:
    """Each word with its accents, empty for words without any."""
    if text.isascii():
        return [""] * len(plain)
    typed = _LETTERS.findall(unicodedata.normalize("NFC", text.lower()))
    if len(typed) != len(plain):
        return [""] * len(plain)
    return [word if not word.isascii() else "" for word in typed]


def _stripped(typed: str) -> tuple[str, ...]:
    if not "\u0621" <= typed[0] <= "\u064a":
        return ()
    return tuple(
        romanised(typed[len(prefix) :])
        for prefix in _ARABIC_PREFIXES
        if typed.startswith(prefix) and len(typed) - len(prefix) >= 2
    )


Part = tuple[str, bool]
"""A word of an entry as a key; True where any ending will do."""

Prepared = Mapping[str, Mapping[str, Sequence[Sequence[Part]]]]
"""The entries of each concept of each language, ready to be looked up."""


def prepared(lists: Mapping[str, Mapping[str, Iterable[str]]]) -> Prepared:
    """The lists as their authors wrote them, made ready: `hit*` is any word that begins so."""
    return {
        language: {
            concept: [parts for written in entries for parts in _parts(written, language) if parts]
            for concept, entries in concepts.items()
        }
        for language, concepts in lists.items()
    }


def _parts(written: str, language: str) -> Iterator[list[Part]]:
    """The words of an entry; where accents make other words, with them and without."""
    yield _in_words(written, lambda part: _form(part, language))
    if language in TONES and not written.isascii():
        yield _in_words(written, lambda part: unicodedata.normalize("NFC", part.lower()))


def _in_words(written: str, form: Callable[[str], str]) -> list[Part]:
    parts: list[Part] = []
    for part in written.split():
        words = form(part.rstrip("*")).split()
        parts += ((word, False) for word in words[:-1])
        parts += ((word, part.endswith("*")) for word in words[-1:])
    return parts


def _form(part: str, language: str) -> str:
    plain = normal(part)
    return romanised(plain) if language in ROMANISED else plain


@dataclass(frozen=True)
class _Entry:
    concept: str
    rest: Sequence[Part]
    """The words behind the first."""


@dataclass
class _Index:
    """The entries of one language by their first word."""

    exact: dict[str, list[_Entry]] = field(default_factory=dict[str, "list[_Entry]"])
    stems: dict[str, list[_Entry]] = field(default_factory=dict[str, "list[_Entry]"])
    longest_stem: int = 0

    def add(self, concept: str, parts: Sequence[Part]) -> None:
        (first, is_stem), rest = parts[0], parts[1:]
        (self.stems if is_stem else self.exact).setdefault(first, []).append(_Entry(concept, rest))
        if is_stem:
            self.longest_stem = max(self.longest_stem, len(first))

    def starting(self, word: str) -> Iterator[_Entry]:
        yield from self.exact.get(word, ())
        for length in range(FEWEST_STEM_LETTERS, min(len(word), self.longest_stem) + 1):
            yield from self.stems.get(word[:length], ())


class Concepts:
    """Finds concepts in words, by the lists of one or two languages."""

    def __init__(self, lists: Prepared) -> None:
        self._indexes: dict[str, _Index] = {}
        for language, concepts in lists.items():
            index = self._indexes[language] = _Index()
            for concept, entries in concepts.items():
                for parts in entries:
                    index.add(concept, parts)

    def found(self, words: list[Word], languages: Iterable[str]) -> list[tuple[int, str]]:
        """The places and names of the concepts in `words`, in the order of the words."""
        found: list[dict[str, None]] = [{} for _ in words]
        for language in languages:
            index = self._indexes.get(language)
            if index is None:
                continue
            typed = [word.forms(language) for word in words]
            for place, forms in enumerate(typed):
                for form in forms:
                    for entry in index.starting(form):
                        if _follows(entry.rest, typed, place + 1):
                            found[place][entry.concept] = None
        return [(place, concept) for place, here in enumerate(found) for concept in here]


def _follows(rest: Sequence[Part], typed: Sequence[tuple[str, ...]], start: int) -> bool:
    if start + len(rest) > len(typed):
        return False
    return all(
        any(form.startswith(part) if is_stem else form == part for form in forms)
        for (part, is_stem), forms in zip(rest, typed[start:])
    )
