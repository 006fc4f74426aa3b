"""What everybody may read, whatever they answered and without answering anything.

Invariant 2 of the rule: rights, hotlines, time to rest, a human and erasing are reached from the
home menu without any answer that is kept, and every outcome offers exactly the same.
"""

from collections.abc import Iterator

from bot.content.checks.paths import Reached, Ways, explore, opened, step, waits
from bot.content.checks.subject import Subject, Written
from bot.content.flow_file import conditions
from bot.content.problems import Problem
from bot.domain.conversation import Place
from bot.domain.facts import Block
from bot.domain.indicators import Outcome
from bot.engine.graph import Do, Graph, Node
from bot.engine.walk import HOME

UNCONDITIONAL = ("rights", "hotlines", "reflection_period", "human", "erase")
"""Flows for everybody; leaving is a button on every screen."""

DEPENDS_ON_ANSWERS = frozenset({"outcome", "urgency", "topics", "topics_left"})


def unconditional(subject: Subject) -> Iterator[Problem]:
    """Where the information for everybody would depend on an answer."""
    yield from _reached_from_home(subject)
    yield from _same_inside(subject)
    for written in subject.nodes():
        if Do.ASSESS in written.node.do:
            yield from _same_outcomes(subject, written)


def _reached_from_home(subject: Subject) -> Iterator[Problem]:
    graph = subject.release.graph
    home = graph.start(HOME)
    if home is None:
        return
    ways = Ways(opening=True, answered=False, avoiding=_keeps_an_answer)
    reached = explore(graph, [home], ways).places
    for name in UNCONDITIONAL:
        if graph.start(name) not in reached:
            yield subject.written(home).problem(
                (),
                "everybody:not-at-home",
                f"From the home menu nobody gets to `{name}` without answering a question.",
                f"Add a choice with `open: {name}` to the menu.",
            )


def _keeps_an_answer(node: Node) -> bool:
    return node.asks is not None and node.asks.recorded


def _same_inside(subject: Subject) -> Iterator[Problem]:
    graph = subject.release.graph
    starts = [start for start in map(graph.start, UNCONDITIONAL) if start is not None]
    for place in sorted(explore(graph, starts, Ways()).places, key=lambda p: (p.flow, p.node)):
        written = subject.written(place)
        for fact, _, path in conditions(written.node):
            if fact in DEPENDS_ON_ANSWERS:
                yield written.problem(
                    path,
                    "everybody:depends",
                    f"`{place.flow}` is for everybody, but this depends on `{fact}`.",
                    "Say it to everybody, or move it to the flow `outcome`.",
                )


def _same_outcomes(subject: Subject, written: Written) -> Iterator[Problem]:
    graph = subject.release.graph
    node = graph.node(written.place)
    starts = [route.target for route in node.routes if route.target] if node else []
    offers = {outcome: _offers(graph, starts, outcome) for outcome in Outcome}
    for outcome, menus in offers.items():
        for missing in _not_offered(menus):
            yield written.problem(
                ("do",),
                "everybody:not-after-outcome",
                f"After the outcome `{outcome.value}` not every menu offers `{missing}`.",
                f"Add a choice with `open: {missing}` to every menu that follows.",
            )
        if not menus or not _emergency_comes_first(graph, starts, outcome):
            yield written.problem(
                ("do",),
                "everybody:no-emergency",
                f"After the outcome `{outcome.value}` the emergency number may not be shown.",
                "Put a node with `show: [emergency]` and without `only_if` before the menu.",
            )
    if len(set(offers.values())) > 1:
        yield written.problem(
            ("do",),
            "everybody:outcomes-differ",
            "What is offered after the outcome depends on the outcome.",
            "Show the same menus after all four outcomes.",
        )


def _offers(graph: Graph, starts: list[Place], outcome: Outcome) -> frozenset[frozenset[str]]:
    """What the menus offer that can follow `outcome`."""
    ways = Ways(known={"outcome": (outcome.value,)}, waiting=False)
    return frozenset(_menus(graph, explore(graph, starts, ways)))


def _menus(graph: Graph, reached: Reached) -> Iterator[frozenset[str]]:
    """The flows to which each menu leads."""
    for place in reached.places:
        node = graph.node(place)
        if node is not None and node.asks is not None and waits(node):
            onward = filter(None, step(graph, place, Ways()).leaving)
            yield frozenset(go.flow for go in (*opened(node.asks), *onward))


def _not_offered(menus: frozenset[frozenset[str]]) -> Iterator[str]:
    return (name for name in UNCONDITIONAL if not all(name in menu for menu in menus))


def _emergency_comes_first(graph: Graph, starts: list[Place], outcome: Outcome) -> bool:
    """Whether no walk asks or ends before the number was shown."""
    ways = Ways(
        known={"outcome": (outcome.value,)},
        waiting=False,
        avoiding=lambda node: Block.EMERGENCY.value in node.shows,
    )
    reached = explore(graph, starts, ways)
    return reached.ends.isdisjoint(starts) and not any(True for _ in _menus(graph, reached))
