"""Questions whose answer would be lost, misread, or asked without a reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bot.content.checks.conditions import COUNTRY
from bot.content.checks.subject import Subject, Written
from bot.content.flow_file import written_choices
from bot.content.problems import Problem
from bot.content.yaml_file import Path
from bot.domain.indicators import DEPENDENT, MOST_DEPENDENT
from bot.domain.messages import Pick
from bot.engine.graph import DONT_KNOW, SKIP, Question, Source


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as it is written, and as the engine sees it."""

    written: Written
    question: Question

    @property
    def listed(self) -> bool:
        """Whether its author lists the choices."""
        return self.question.source is None


_Mistakes: TypeAlias = Iterator[tuple[Path, str, str, str]]
"""Where, the problem's code, what is wrong, and what to do about it."""


def questions(subject: Subject) -> Iterator[Problem]:
    """What is wrong with single questions."""
    for written in subject.nodes():
        node = subject.release.graph.node(written.place)
        if node is not None and node.asks is not None:
            for check in _CHECKS:
                for path, code, sentence, remedy in check(_Asked(written, node.asks)):
                    yield written.problem(path, f"question:{code}", sentence, remedy)


def _reason(asked: _Asked) -> _Mistakes:
    question = asked.question
    if question.recorded and not question.explained:
        yield (
            ("ask",),
            "no-why",
            "The answer is kept, but the person cannot learn why we ask.",
            "Add `why`, in one or two short sentences.",
        )
    # A choice of language, country or answer changes something, so a reason may be given.
    if question.explained and not question.recorded and asked.listed:
        yield (
            ("why",),
            "why-of-nothing",
            "There is a `why`, but this answer is not kept.",
            "Remove `why`, or keep the answer with `remember` or `sign`.",
        )


def _choices(asked: _Asked) -> _Mistakes:
    question = asked.question
    if asked.listed and not question.options and not question.sign:
        yield (
            ("ask",),
            "no-choices",
            "There is nothing to choose, so this is never asked.",
            "Add `choices`, or `sign` for a question of yes and no.",
        )
    if question.sign and (question.options or not asked.listed):
        yield (
            ("sign",),
            "sign-and-choices",
            "`sign` brings its own choices, from yes to skip, and cannot stand beside others.",
            "Remove `choices`, or put the `sign` into the choices.",
        )
    if question.reversed and not question.sign:
        yield (
            ("reversed",),
            "reversed-without-sign",
            "`reversed` says how to read `sign`, and there is none.",
            "Remove `reversed`, or add `sign` above the choices.",
        )
    if question.once and not question.sign:
        yield (
            ("once",),
            "once-without-sign",
            "`once` takes *Sometimes* away from a `sign`, and there is none.",
            "Remove `once`, or leave *Sometimes* out of your choices.",
        )
    own = COUNTRY if question.source is Source.COUNTRIES else None
    if not asked.listed and asked.written.node.remember not in {None, own}:
        yield (
            ("remember",),
            "remember-and-source",
            "The program already knows what to keep of these choices.",
            "Remove `remember`.",
        )


def _counting(asked: _Asked) -> _Mistakes:
    question = asked.question
    if question.sign_count is None:
        return
    if question.pick is not Pick.MANY:
        yield (
            ("sign_count",),
            "count-of-one",
            "`sign_count` counts what was picked, but only one choice can be.",
            "Add `pick: many`, or use `sign` in the choices.",
        )
    if question.sign_count != DEPENDENT:
        yield (
            ("sign_count",),
            "not-counted",
            f"The rule counts only {DEPENDENT}, not {question.sign_count}.",
            f"Write `sign_count: {DEPENDENT}`, or use `sign` in the choices.",
        )
    if len(question.options) > MOST_DEPENDENT:
        yield (
            ("choices",),
            "too-many-to-count",
            f"The rule counts at most {MOST_DEPENDENT} of these choices.",
            "Join some of them.",
        )


def _ways_of_choices(asked: _Asked) -> _Mistakes:
    question = asked.question
    for name, choice in written_choices(asked.written.node).items():
        path = ("choices", name)
        if choice.open and choice.next is not None:
            yield (
                (*path, "next"),
                "open-and-next",
                "After `open` the question is asked again, so `next` is never used.",
                "Keep one of them.",
            )
        if choice.open and question.recorded:
            yield (
                (*path, "open"),
                "asked-again",
                "After `open` this question is asked again, although its answer was kept.",
                "Use `next` and the name of a node.",
            )
        if question.pick is Pick.MANY and (choice.open or choice.next is not None):
            yield (
                path,
                "way-of-many",
                "Several can be picked, so one of them cannot decide where it goes on.",
                "Decide in the `next` of the node, with `if`.",
            )
        if choice.again and (not question.recorded or question.pick is Pick.MANY or choice.sign):
            yield (
                (*path, "again"),
                "again-of-nothing",
                "`again` puts off a question whose answer is kept; this choice cannot do that.",
                "Remove `again`.",
            )
        if choice.sign and name in {DONT_KNOW, SKIP}:
            yield (
                (*path, "sign"),
                "sign-of-nothing",
                "Not knowing and skipping say nothing; they are never a sign.",
                "Remove `sign` here.",
            )


_CHECKS: tuple[Callable[[_Asked], _Mistakes], ...] = (
    _reason,
    _choices,
    _counting,
    _ways_of_choices,
)
