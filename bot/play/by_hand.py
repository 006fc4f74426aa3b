"""Walks by hand: it shows what a person would see, and reads one line at a time.

A line is numbers of choices (`2`, or `1 3` where several may be picked), one of the keys under the
question, or any words.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import TextIO

from bot.content.shelf import PublishedContent
from bot.dialogue.render import RenderedQuestion, RenderedView
from bot.domain.messages import Author, Pick
from bot.domain.text import text
from bot.engine.received import Action, Input, Pressed, Requested, Typed
from bot.play.walkthrough import BACK, Screen, Walkthrough, plain

OK = 0

KEYS: Mapping[str, Action] = {
    "h": Action.HUMAN,
    "e": Action.HOTLINE,
    "l": Action.LEAVE,
    "x": Action.ERASE,
    "g": Action.LANGUAGE,
    "b": Action.BACK,
    "w": Action.WHY,
    "m": Action.HOME,
    "c": Action.CHANGE_ANSWER,
    "a": Action.AGREED,
}
"""The buttons beside the question. `q` quits."""


def play_by_hand(walkthrough: Walkthrough, lines: Iterable[str], out: TextIO) -> int:
    """Show a screen, read a line, and so on until the end; the exit code."""
    screen = walkthrough.first
    typed = iter(lines)
    while True:
        _show(walkthrough.content, screen, out)
        if screen.erased or (screen.left and not screen.conversation.has_code):
            return OK
        if screen.left:
            out.write("\nEnter: come back with the code.  q: quit.\n")
        out.write("> ")
        out.flush()
        line = next(typed, "q").strip()
        if line == "q":
            return OK
        screen = walkthrough.take(BACK if screen.left else _input_in(line, screen.view))


def _input_in(line: str, view: RenderedView) -> Input:
    """What a typed line stands for: a key, numbers of choices, or words."""
    if line in KEYS:
        return Requested(KEYS[line])
    question = view.question
    numbers = line.replace(",", " ").split()
    if question and numbers and all(map(_is_number, numbers)):
        by_number = dict(enumerate((choice.id for choice in question.choices), start=1))
        chosen = tuple(by_number[int(n)] for n in numbers if int(n) in by_number)
        if len(chosen) == len(numbers) and (len(chosen) == 1 or question.pick is Pick.MANY):
            return Pressed(number=question.number, choices=chosen)
    return Typed(words=line)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < len("100")


def _show(content: PublishedContent, screen: Screen, out: TextIO) -> None:
    def words(item: str) -> str:
        return content.words(text(f"interface.{item}"), screen.conversation.language).words

    # The question that waits follows at the end.
    said = (message for message in screen.view.messages if message.asked is None)
    for author, messages in groupby(said, key=attrgetter("by")):
        out.write(f"\n{words(_SPEAKER[author])}\n")
        for message in messages:
            out.writelines(f"    {plain(line)}\n" for line in message.lines)
    if screen.erased or screen.left:
        return
    if screen.view.question:
        _show_question(screen.view.question, words, out)
    buttons = {*screen.view.offers, Action.HOME, Action.CHANGE_ANSWER}
    offered = (f"{key} {words(a.value)}" for key, a in KEYS.items() if a in buttons)
    out.write(f"\n[{' | '.join(offered)} | q quit]\n")


_SPEAKER = {
    Author.PERSON: "from_you",
    Author.BOT: "from_program",
    Author.OPERATOR: "from_person",
    Author.NOTICE: "notice_asked",
}


def _show_question(question: RenderedQuestion, words: Callable[[str], str], out: TextIO) -> None:
    out.write(f"\n  {question.question.words}\n")
    if question.pick is Pick.MANY:
        out.write(f"  ({words('pick_many_hint')})\n")
    for number, choice in enumerate(question.choices, start=1):
        out.write(f"  {number:2}  {choice.label.words}\n")
