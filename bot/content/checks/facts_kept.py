"""Facts that the program itself reads have to be kept in the words that it knows."""

from collections.abc import Iterator, Mapping

from bot.content.checks.conditions import COUNTRY, ENGINE_FACTS
from bot.content.checks.subject import Subject
from bot.content.flow_file import written_choices
from bot.content.problems import Problem
from bot.engine.graph import Source

AGES = frozenset({"child", "adult", "not_sure"})


def facts_kept(subject: Subject) -> Iterator[Problem]:
    """Questions that remember something under a name, or with choices, that would be misread."""
    read = _read_by_the_rule(subject)
    for written in subject.nodes():
        fact, choices = written.node.remember, set(written_choices(written.node))
        if fact is None or written.node.choices is Source.COUNTRIES:
            continue
        if fact in ENGINE_FACTS or fact == COUNTRY or fact.startswith("not_"):
            yield written.problem(
                ("remember",),
                "remember:taken",
                f"The program keeps `{fact}` itself, or `not_` would be misread.",
                "Choose another name, or `choices: countries` for the country.",
            )
        missing = sorted(read.get(fact, frozenset()) - choices)
        if missing:
            yield written.problem(
                ("choices",),
                "remember:choice-missing",
                f"The outcome depends on `{'`, `'.join(missing)}` under `{fact}`.",
                "Name the choices so; the labels may say what you like.",
            )
        unknown = sorted(choices - AGES - {"dont_know", "skip"}) if fact == "age" else []
        if unknown:
            yield written.problem(
                ("choices", unknown[0]),
                "remember:choice-unknown",
                f"The program does not know the age `{unknown[0]}`.",
                "The choices are child, adult and not_sure.",
            )


def _read_by_the_rule(subject: Subject) -> Mapping[str, frozenset[str]]:
    """What `bot.engine.answers` looks for, by the name of the fact."""
    return {
        "age": AGES,
        "danger": frozenset({"yes"}),
        "topics": subject.release.graph.indicators.child_purpose_topics,
    }
