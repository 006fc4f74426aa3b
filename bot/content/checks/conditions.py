"""Conditions that can never hold, because the fact or the value does not exist."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from bot.content.checks.subject import Subject
from bot.content.flow_file import conditions as conditions_of
from bot.content.problems import Problem
from bot.domain.consent import Purpose
from bot.domain.control import Owner
from bot.domain.indicators import Outcome, Urgency
from bot.engine.choices import OTHER_COUNTRY
from bot.engine.graph import SKIP, TOLD, UNSET, YES, Graph, Level, Question, Source

_YES_OR_NO = frozenset({"yes", "no"})

COUNTRY = "country"
"""The fact that `choices: countries` remembers."""

ENGINE_FACTS: Mapping[str, frozenset[str]] = {
    "outcome": frozenset({*(outcome.value for outcome in Outcome), UNSET}),
    "urgency": frozenset(urgency.value for urgency in Urgency),
    "owner": frozenset(owner.value for owner in Owner),
    "level": frozenset(level.value for level in Level),
    "code": _YES_OR_NO,
    "staffed": _YES_OR_NO,
    "person_asked": _YES_OR_NO,
    "answered": _YES_OR_NO,
    "answers_shown": _YES_OR_NO,
    "topics_left": _YES_OR_NO,
    "consented": _YES_OR_NO,
    "consent_for": frozenset({*(purpose.value for purpose in Purpose), UNSET}),
}
"""What the engine knows without asking, with every value that it can have."""


def conditions(subject: Subject) -> Iterator[Problem]:
    """Facts that nobody remembers, and values that no choice has."""
    values = values_of_facts(subject.release.graph)
    for written in subject.nodes():
        for fact, asked, path in conditions_of(written.node):
            if fact not in values:
                yield written.problem(
                    path,
                    "condition:unknown-fact",
                    f"Nothing remembers `{fact}`, and the program does not know it.",
                    _did_you_mean(fact, values)
                    or "Use the name after `remember`, or one from flows/README.md.",
                )
                continue
            for value in asked:
                if value not in values[fact]:
                    yield written.problem(
                        path,
                        "condition:unknown-value",
                        f"`{fact}` is never `{value}`.",
                        _did_you_mean(value, values[fact])
                        or f"It can be {', '.join(sorted(values[fact]))}.",
                    )


def values_of_facts(graph: Graph) -> Mapping[str, frozenset[str]]:
    """Every fact that a condition can ask for, with the values it can have."""
    found: dict[str, frozenset[str]] = {}
    for flow in graph.flows.values():
        for node in flow.nodes.values():
            if node.asks is not None and node.asks.remember is not None:
                fact = node.asks.remember
                found[fact] = found.get(fact, frozenset({UNSET})) | _answers(graph, node.asks)
            if node.notes is not None:
                found[node.notes] = found.get(node.notes, frozenset({UNSET})) | {YES}
    told = frozenset({*graph.indicators.indicators, UNSET})
    return {**found, **ENGINE_FACTS, TOLD: told}


def _answers(graph: Graph, question: Question) -> frozenset[str]:
    if question.source is Source.COUNTRIES:
        return frozenset({*graph.countries, OTHER_COUNTRY, SKIP})
    return frozenset({*(option.id for option in question.options), *question.added()})


def _did_you_mean(name: str, known: Mapping[str, object] | frozenset[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean `{near[0]}`?" if near else ""
