"""Walks that would go on for ever, and places that nobody gets away from.

Together these two prove that every walk ends or waits: a round without a pause is the only way
to go on for ever, and a way to an end is left open from every node.
"""

from collections.abc import Iterable, Iterator, Mapping

from bot.content.checks.paths import STOPS, Ways, components, edges, explore, starts
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.domain.conversation import Place
from bot.engine.graph import Graph
from bot.engine.walk import HOME


def pauses(subject: Subject) -> Iterator[Problem]:
    """Rounds in which the program never waits for an answer.

    A question whose answer is kept is asked only once, and one with `only_if` perhaps never, so
    neither of them makes a pause that can be relied on.
    """
    graph = subject.release.graph
    ways = Ways(waiting=False)
    ends = explore(graph, starts(graph), ways).ends
    ahead = edges(graph, ways, ends).places()
    for round_ in components(ahead):
        if len(round_) > 1 or any(place in ahead[place] for place in round_):
            written = [subject.written(place) for place in round_]
            first = min(written, key=lambda w: (w.read.source.file, w.read.line(w.name)))
            names = ", ".join(sorted(f"{place.flow}.{place.node}" for place in round_))
            yield first.problem(
                (),
                "node:no-pause",
                f"The program could go round here without ever waiting: {names}.",
                "Put a question into the round that has no `only_if`, `remember` or `sign`, "
                "or leave it with `next: end`.",
            )
    home = graph.start(HOME)
    if home in ends:
        yield subject.written(home).problem(
            (),
            "node:no-pause",
            "The home menu can end without a question, and would then begin again for ever.",
            "End it with a question that has no `only_if`, `remember` or `sign`.",
        )


def ways_on(subject: Subject) -> Iterator[Problem]:
    """Nodes from which no answer leads to an end, to the home menu, or out of the chat."""
    free = _free(subject.release.graph)
    for written in subject.nodes():
        if written.place not in free:
            yield written.problem(
                (),
                "node:no-way-on",
                f"From `{written.name}` no answer leads to the end of the flow.",
                "Add a choice with `next: end`, for example `Go back`.",
            )


def _free(graph: Graph) -> frozenset[Place | None]:
    """Nodes that a walk can get away from, through ends, the home menu or the end of the view."""
    found = edges(graph, Ways(), explore(graph, starts(graph), Ways()).ends)
    stops = [place for place in found.onward if _stops(graph, place)]
    # A visited flow may lead out as a whole; its own end only leads back to where it was visited.
    out = _leading_to([graph.start(HOME), *stops], found.places())
    return _leading_to([None, *out], found.onward)


def _stops(graph: Graph, place: Place) -> bool:
    node = graph.node(place)
    return node is not None and not STOPS.isdisjoint(node.does)


def _leading_to(
    goals: Iterable[Place | None], ahead: Mapping[Place, Iterable[Place | None]]
) -> frozenset[Place | None]:
    back: dict[Place | None, list[Place]] = {}
    for place, targets in ahead.items():
        for target in targets:
            back.setdefault(target, []).append(place)
    found, todo = set[Place | None](), list(goals)
    while todo:
        goal = todo.pop()
        if goal not in found:
            found.add(goal)
            todo += back.get(goal, ())
    return frozenset(found)
