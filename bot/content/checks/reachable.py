"""Nodes and flows that no walk comes to: what stands there is never read by anybody."""

from collections.abc import Iterator

from bot.content.checks.paths import Ways, explore
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.domain.conversation import Place
from bot.engine.advance import ENGINE_FLOWS, OPENED_IF_THERE


def reachable_nodes(subject: Subject) -> Iterator[Problem]:
    """Nodes that nothing in their own flow leads to; other flows only lead to its first node."""
    graph = subject.release.graph
    for flow in graph.flows.values():
        reached = explore(graph, [flow.start], Ways()).places
        for name in flow.nodes:
            written = subject.written(Place(flow.name, name))
            if written.place not in reached:
                yield written.problem(
                    (),
                    "node:unreachable",
                    f"Nothing leads to `{name}`, so nobody ever sees it.",
                    "Lead to it with `next`, or remove it.",
                )


def reachable_flows(subject: Subject) -> Iterator[Problem]:
    """Flows that no other flow opens, visits or goes on with."""
    graph = subject.release.graph
    opened = ENGINE_FLOWS | OPENED_IF_THERE
    starts = [graph.flows[name].start for name in sorted(opened & graph.flows.keys())]
    reached = explore(graph, starts, Ways(opening=True)).places
    for read in subject.release.flows:
        if not any(place.flow == read.written.flow for place in reached):
            yield Problem(
                read.source.file,
                read.source.line(("flow",)),
                "flow:unreachable",
                f"No flow leads to `{read.written.flow}`, so nobody ever sees it.",
                "Add it to a menu with `open`, or remove the file.",
            )
