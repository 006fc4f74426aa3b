"""Which sentences a language needs: all of them, or those that a person can reach in it."""

from collections.abc import Set

from bot.content.checks.paths import Ways, explore
from bot.content.release import Release
from bot.domain.text import Language, TextKey
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.graph import UNSET, Do, Level

FIRST_HELP = Ways(
    known={"level": (Level.FIRST_HELP.value,), "outcome": (UNSET,)},
    opening=True,
)
"""Who reads a first-help language has no outcome, because the questions are not asked in it."""

NOT_OFFERED = "change_answer"
"""Only the outcome leads there."""

AROUND_THE_FLOWS = frozenset({"interface", "facts", "fallback", "country", "referral"})
"""Sentences of no flow: all of them may be shown in any language."""


FOR_STAFF = frozenset({"console", "referral_form"})
"""Sentences that no person reads: staff get English where a translation is missing."""


CHOSEN_FROM = "code_words"
"""Words of which some are enough (`bot.content.checks.code_words`): one that is not easy to type
in a language may be left out there."""


def needed_in(release: Release, language: Language) -> Set[TextKey]:
    """The sentences without which the language may not be offered at its level."""
    info = release.languages.get(language)
    if info is None or info.full:
        without = FOR_STAFF | {CHOSEN_FROM}
        return {key for key in release.sources if key.partition(".")[0] not in without}
    graph = release.graph
    starts = [graph.flows[name].start for name in _opened_by_engine(release)]
    places = explore(graph, starts, FIRST_HELP).places
    nodes = frozenset(f"{place.flow}.{place.node}" for place in places)
    whole = AROUND_THE_FLOWS | _reasons(release, nodes)
    return {
        key
        for key, source in release.sources.items()
        if source.context in nodes or key.partition(".")[0] in whole
    }


def _opened_by_engine(release: Release) -> Set[str]:
    return (ENGINE_FLOWS & release.graph.flows.keys()) - {NOT_OFFERED}


def _reasons(release: Release, nodes: Set[str]) -> Set[str]:
    """The file of reasons, when a node that can be reached gives them."""
    given = any(
        Do.REASONS in node.does and f"{flow.name}.{name}" in nodes
        for flow in release.graph.flows.values()
        for name, node in flow.nodes.items()
    )
    return frozenset({"reasons"} if given else ())
