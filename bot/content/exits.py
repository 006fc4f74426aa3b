"""The rules for exits: what a person can ask for in plain words, in any language, at any time.

The lexicons of all languages (`nlu/exits/*.yaml`) are one set of rules, because people do not
always write in the language they chose. Nothing here guesses: a phrase is there or it is not.
What lexicons cannot do stands in `nlu/README.md`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bot.content.problems import Problem
from bot.content.yaml_file import Files, YamlFile, parse_yaml, validated
from bot.engine.received import ERASING_COMMANDS, PRECEDENCE, Action
from bot.errors import StartError
from nlu.normal import normal
from nlu.romanised import romanised

MOST_CHARACTERS = 4000
"""What is heard of a message: the beginning, should a channel let a longer one through."""

MOST_IGNORED_WORDS = 3
"""How long a phrase can be that is passed over, such as "s'il vous plaît"."""


_FEWEST_LETTERS_OF_ARABIZI = 7


class _Place(Enum):
    """Where a phrase stands in the lexicon, and so what it does."""

    WHOLE = "whole"
    WITHIN = "within"
    NOT = "not"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Entry(_Strict):
    whole: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    cancelling: tuple[str, ...] = Field(default=(), alias="not")

    def placed(self) -> Iterator[tuple[_Place, tuple[str, ...]]]:
        yield _Place.WITHIN, self.within  # first: a whole message may hold no more than it
        yield _Place.WHOLE, self.whole
        yield _Place.NOT, self.cancelling


class _Lexicon(_Strict):
    version: Literal[1] = Field(alias="schema")
    language: str
    ignore: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    exits: Mapping[Action, _Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrase:
    """One line of a lexicon."""

    file: str
    line: int
    action: Action
    place: _Place
    written: str
    words: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"{self.file}, line {self.line} ({self.action.value})"

    def problem(self, code: str, sentence: str, remedy: str) -> Problem:
        return Problem(self.file, self.line, f"exits:{code}", sentence, remedy)


@dataclass(frozen=True, slots=True)
class _PassedOver:
    """What counts for nothing in what people write."""

    ignored: Set[tuple[str, ...]] = frozenset()
    """Phrases that are left out everywhere, such as "please"."""

    optional: Set[str] = frozenset()
    """Words that may stand in a phrase or not, such as "the"."""


class ExitRules:
    """What all lexicons hear together."""

    def __init__(self, phrases: Iterable[_Phrase], passed_over: _PassedOver) -> None:
        self.phrases = tuple(phrases)
        self._passed_over = passed_over
        self._whole, self._root = _Step(), _Step()
        for phrase in self.phrases:
            (self._whole if phrase.place is _Place.WHOLE else self._root).add(phrase)
        self._words = _Words(self._root.words())
        self._whole_words = _Words(self._whole.words())

    def hear(self, words: str) -> Action | None:
        """What the person asks for with `words`, or None: other means must understand them."""
        heard = self.heard(words)
        return heard[0] if heard else None

    def heard(self, words: str) -> tuple[Action, ...]:
        """Everything the person asks for with `words`, the most urgent first.

        Takes time in proportion to the length of `words`, and never raises.
        """
        beginning = words[:MOST_CHARACTERS]
        if beginning.strip().casefold() in ERASING_COMMANDS:
            return (Action.ERASE_NOW,)
        said = _split(beginning, self._passed_over.ignored)
        heard = {*self.within(said), *self._as_a_whole(said)}
        return tuple(action for action in PRECEDENCE if action in heard)

    def _as_a_whole(self, said: Sequence[str]) -> Iterator[Action]:
        """The actions of the phrases that are all of `said`, optional words left out."""
        for words in {tuple(said), _without(said, self._passed_over.optional)}:
            readings = [_Reading(self._whole_words.written_as(word)) for word in words]
            for end, step in _walk(self._whole, readings, 0):
                if end == len(words):
                    yield from step.finds

    def within(self, said: Sequence[str]) -> Iterator[Action]:
        """The actions of the phrases in `said` that do not lie inside a cancelling phrase."""
        readings = [self._reading(word) for word in said]
        cancelled_until: dict[Action, int] = {}
        for start in range(len(said)):
            ends = tuple(_walk(self._root, readings, start))
            for end, step in ends:
                for action in step.cancels:
                    cancelled_until[action] = max(end, cancelled_until.get(action, 0))
            for end, step in ends:
                for action in step.finds:
                    if end > cancelled_until.get(action, 0):
                        yield action

    def _reading(self, word: str) -> "_Reading":
        return _Reading(self._words.meant_by(word), word in self._passed_over.optional)


class _Reading(NamedTuple):
    """What one typed word may stand for."""

    words: tuple[str, ...]
    optional: bool = False


@dataclass(slots=True)
class _Step:
    """A place in the tree of all phrases, reached word by word."""

    following: "dict[str, _Step]" = field(default_factory=dict[str, "_Step"])
    finds: set[Action] = field(default_factory=set[Action])
    cancels: set[Action] = field(default_factory=set[Action])

    def add(self, phrase: _Phrase) -> None:
        step = self
        for word in phrase.words:
            step = step.following.setdefault(word, _Step())
        (step.cancels if phrase.place is _Place.NOT else step.finds).add(phrase.action)

    def words(self) -> Iterator[str]:
        for word, step in self.following.items():
            yield word
            yield from step.words()


def _walk(root: _Step, said: Sequence[_Reading], start: int) -> Iterator[tuple[int, _Step]]:
    """Every step that the words from `start` on reach, and the number of the word behind it."""
    steps = before = [root]
    for end in range(start, len(said)):
        reading = said[end]
        reached = [
            step.following[word]
            for step in steps
            for word in reading.words
            if word in step.following
        ]
        yield from ((end + 1, step) for step in reached)
        # Only one optional word in a row is passed over: a walk may not go on as long as the text.
        steps = [*reached, *before] if reading.optional and end > start else reached
        before = reached
        if not steps:
            return


class _Words:
    """The words of all phrases, found again with one typing error."""

    FEWEST_LETTERS = 6
    """In shorter words one other letter too often makes another word."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._longest = max(map(len, self._words), default=0)
        self._near: dict[str, list[str]] = {}
        self._in_another_script: dict[tuple[str, bool], list[str]] = {}
        for word in sorted(self._words):
            self._in_another_script.setdefault((romanised(word), _is_latin(word)), []).append(word)
        for word in sorted(self._words):
            if len(word) >= self.FEWEST_LETTERS:
                for key in _with_a_letter_less(word):
                    self._near.setdefault(key, []).append(word)

    def written_as(self, typed: str) -> tuple[str, ...]:
        """The words of phrases that `typed` is, perhaps in the letters of another script."""
        found = [typed] if typed in self._words else []
        if typed[0] in "وف" and typed[1:] in self._words:
            found.append(typed[1:])  # Arabic writes "and" and "so" together with the next word
        found += self._in_another_script.get((romanised(typed), not _is_latin(typed)), ())
        return tuple(
            word for word in found if word in (typed, typed[1:]) or _is_spelled_out(word, typed)
        )

    def meant_by(self, typed: str) -> tuple[str, ...]:
        """The words of phrases that `typed` may stand for, with one typing error as well."""
        written = self.written_as(typed)
        if typed in written:
            return written
        if not self.FEWEST_LETTERS <= len(typed) + 1 <= self._longest + 2:
            return written
        near = {word for key in _with_a_letter_less(typed) for word in self._near.get(key, ())}
        return tuple(sorted({*written, *(word for word in near if _one_slip_apart(word, typed))}))


def _is_spelled_out(word: str, typed: str) -> bool:
    """Whether `typed` spells a word of another script surely enough.

    Arabic leaves vowels out: طعنني, "he stabbed me", looks like "tani", Albanian for "now". With
    digits for the letters that Latin has not, or with many letters, it is Arabizi. Nobody types
    other languages in Arabic letters.
    """
    if "\u0621" <= typed[0] <= "\u06ff":
        return False
    arabic = "\u0621" <= word[0] <= "\u06ff"
    return not arabic or not typed.isalpha() or len(typed) >= _FEWEST_LETTERS_OF_ARABIZI


def _is_latin(word: str) -> bool:
    return "a" <= word[0] <= "z"


def _with_a_letter_less(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters: near words have one of these in common.

    The first letter stays: it is seldom mistyped, and makes another word too often.
    """
    yield word
    for place in range(1, len(word)):
        yield word[:place] + word[place + 1 :]


def _one_slip_apart(one: str, other: str) -> bool:
    """Whether a letter too many, too few, wrong or in its neighbour's place is the difference."""
    place = 0
    while one[place : place + 1] == other[place : place + 1] != "":
        place += 1
    one, other = one[place:], other[place:]
    swapped = one[1:2] + one[:1] + one[2:]
    return one[1:] == other[1:] or one[1:] == other or one == other[1:] or swapped == other


def _without(words: Sequence[str], optional: Set[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in optional)


def _split(text: str, ignored: Set[tuple[str, ...]]) -> tuple[str, ...]:
    """The words of `text`, without the ignored phrases."""
    words = tuple(normal(text).split())
    kept: list[str] = []
    place = 0
    while place < len(words):
        ends = range(place + MOST_IGNORED_WORDS, place, -1)
        end = next((end for end in ends if words[place:end] in ignored), place)
        if end == place:
            kept.append(words[place])
        place = max(end, place + 1)
    return tuple(kept)


def load_exits(files: Files) -> tuple[ExitRules | None, list[Problem]]:
    """The rules in the lexicons `files`, or None and everything that is wrong with them."""
    problems: list[Problem] = []
    lexicons: list[tuple[YamlFile, _Lexicon]] = []
    for file, text in sorted(files.items()):
        parsed = parse_yaml(text, file)
        lexicon = validated(parsed, _Lexicon) if not parsed.problems else None
        problems += (_advised(problem) for problem in parsed.problems)
        if lexicon is not None:
            lexicons.append((parsed, lexicon))
            problems += _problems_of_file(parsed, lexicon)
    passed_over = _PassedOver(
        frozenset(
            _split(words, frozenset()) for _, lexicon in lexicons for words in lexicon.ignore
        ),
        frozenset(normal(word) for _, lexicon in lexicons for word in lexicon.optional),
    )
    phrases = [
        phrase
        for parsed, lexicon in lexicons
        for phrase in _phrases(parsed, lexicon, passed_over.ignored)
    ]
    for check in (_empty, _repeated, _two_actions):
        problems += check(phrases)
    rules = ExitRules(phrases, passed_over) if not problems else None
    return rules, sorted(problems)


def heard_otherwise(rules: ExitRules) -> list[Problem]:
    """Phrases that do nothing, or something else than their author wrote; sorted.

    Asked by `firstpoint check` only: it takes seconds, and the worst of it is a phrase unheard.
    """
    return sorted((*_idle(rules.phrases), *_unheard(rules.phrases, rules)))


def read_exits(root: Path) -> ExitRules:
    """The rules in the lexicons of the content in `root`.

    Raises:
        StartError: they cannot be used; the sentence says where the first mistake is.
    """
    files = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8", errors="replace")
        for path in sorted((root / "nlu" / "exits").glob("*.yaml"))
    }
    rules, problems = load_exits(files)
    if rules is None:
        first = problems[0]
        raise StartError(
            f"{first.file}, line {first.line}: {first.sentence} See `firstpoint check`."
        )
    return rules


def _advised(problem: Problem) -> Problem:
    if not problem.code.startswith("schema:"):
        return problem
    return replace(problem, remedy="See nlu/README.md for what may stand here.")


def _phrases(
    parsed: YamlFile, lexicon: _Lexicon, ignored: Set[tuple[str, ...]]
) -> Iterator[_Phrase]:
    optional = frozenset(map(normal, lexicon.optional))
    for action, entry in lexicon.exits.items():
        for place, phrases in entry.placed():
            for number, written in enumerate(phrases):
                yield _Phrase(
                    file=parsed.file,
                    line=parsed.line(("exits", action.value, place.value, number)),
                    action=action,
                    place=place,
                    written=written,
                    words=_without(_split(written, ignored), optional),
                )


def _problems_of_file(parsed: YamlFile, lexicon: _Lexicon) -> Iterator[Problem]:
    def problem(path: tuple[str | int, ...], code: str, sentence: str, remedy: str) -> Problem:
        return Problem(parsed.file, parsed.line(path), f"exits:{code}", sentence, remedy)

    if PurePosixPath(parsed.file).stem != lexicon.language:
        sentence = f"The file is not named `{lexicon.language}.yaml`."
        yield problem(("language",), "other-name", sentence, "Name the file after its language.")
    for number, words in enumerate(lexicon.ignore):
        if not 1 <= len(normal(words).split()) <= MOST_IGNORED_WORDS:
            sentence = f"“{words}” is not one to {MOST_IGNORED_WORDS} words."
            yield problem(("ignore", number), "ignored-length", sentence, "Shorten or remove it.")
    for number, word in enumerate(lexicon.optional):
        if len(normal(word).split()) != 1:
            sentence = f"“{word}” is not one word."
            yield problem(("optional", number), "optional-length", sentence, "Use single words.")
    for action in PRECEDENCE:
        if action not in lexicon.exits:
            sentence = f"There is nothing for `{action.value}`."
            yield problem(("exits",), "missing", sentence, "Every exit needs phrases here.")
    for action in lexicon.exits:
        if action not in PRECEDENCE:
            sentence = f"Words cannot ask for `{action.value}`."
            remedy = "Remove it, or see nlu/README.md for the names of exits."
            yield problem(("exits", action.value), "unknown", sentence, remedy)


def _empty(phrases: Sequence[_Phrase]) -> Iterator[Problem]:
    for phrase in phrases:
        if not phrase.words:
            sentence = f"Nothing is left of “{phrase.written}” when signs and ignored words go."
            yield phrase.problem("empty", sentence, "Write it with words, or remove it.")


def _repeated(phrases: Sequence[_Phrase]) -> Iterator[Problem]:
    """Languages may share a phrase, but one file needs it only once."""
    seen: dict[tuple[str, Action, bool, tuple[str, ...]], _Phrase] = {}
    for phrase in phrases:
        key = (phrase.file, phrase.action, phrase.place is _Place.NOT, phrase.words)
        first = seen.setdefault(key, phrase)
        if first is not phrase and phrase.words:
            sentence = f"“{phrase.written}” is the same as “{first.written}” in line {first.line}."
            yield phrase.problem("twice", sentence, "Remove one of them.")


def _two_actions(phrases: Sequence[_Phrase]) -> Iterator[Problem]:
    """All languages are heard at once: one phrase cannot ask for two things."""
    seen: dict[tuple[str, ...], _Phrase] = {}
    for phrase in phrases:
        if phrase.place is _Place.NOT or not phrase.words:
            continue
        first = seen.setdefault(phrase.words, phrase)
        if first.action is not phrase.action:
            sentence = f"“{phrase.written}” already stands in {first.where}."
            yield phrase.problem("two-exits", sentence, "Decide which exit it is.")


def _idle(phrases: Sequence[_Phrase]) -> Iterator[Problem]:
    """A `not` phrase is for words in which something would be heard without it."""
    within = [phrase for phrase in phrases if phrase.place is _Place.WITHIN]
    same = {(phrase.action, phrase.words) for phrase in within}
    without_nots = ExitRules(within, _PassedOver())
    for phrase in phrases:
        if phrase.place is not _Place.NOT or not phrase.words:
            continue
        if (phrase.action, phrase.words) in same:
            sentence = f"“{phrase.written}” is also a phrase of `within`, and always cancels it."
            yield phrase.problem("contradiction", sentence, "Remove one of them.")
        elif phrase.action not in without_nots.within(phrase.words):
            sentence = f"“{phrase.written}” cancels nothing: no phrase of `within` stands in it."
            yield phrase.problem("idle", sentence, "Remove it.")


def _unheard(phrases: Sequence[_Phrase], rules: ExitRules) -> Iterator[Problem]:
    """Another phrase, perhaps of another language, can be stronger or cancel this one."""
    for phrase in phrases:
        heard = rules.hear(phrase.written)
        if phrase.place is _Place.NOT:
            if heard is phrase.action:
                sentence = f"“{phrase.written}” is heard as `{phrase.action.value}` all the same."
                yield phrase.problem("still-heard", sentence, "Make it longer, or remove it.")
        elif heard is not phrase.action:
            name = heard.value if heard else "nothing"
            sentence = f"“{phrase.written}” is heard as `{name}`."
            yield phrase.problem("unheard", sentence, "Remove it here, or what is stronger there.")
