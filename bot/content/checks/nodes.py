"""Nodes whose parts do not go together: the program would pass something over without a word."""

from collections.abc import Iterator

from bot.content.checks.paths import Ways, explore
from bot.content.checks.subject import Subject, Written
from bot.content.flow_file import ChoiceFile, NodeFile, RouteFile, written_choices
from bot.content.problems import Problem
from bot.content.yaml_file import Path
from bot.engine.graph import Do
from bot.engine.walk import HOME

PARTS_OF_A_QUESTION = ("why", "sign", "reversed", "once", "sign_count", "pick", "choices")


def nodes(subject: Subject) -> Iterator[Problem]:
    """Nodes that do nothing, that do too much, or whose `next` never comes to a decision."""
    for written in subject.nodes():
        yield from _does_nothing(written)
        yield from _never_asked(written)
        yield from _itself(written)
        for path, routes in _route_lists(written.node):
            yield from _undecided(written, path, routes)


def home_from_within(subject: Subject) -> Iterator[Problem]:
    """Visited flows that go home by themselves: what stands below the visit would be lost.

    A choice may lead home, because then it is what the person wanted.
    """
    graph = subject.release.graph
    visited = {node.visits for flow in graph.flows.values() for node in flow.nodes.values()}
    inside = explore(graph, filter(None, visited), Ways()).places
    for written in subject.nodes():
        nexts = written.node.next
        routes = ((nexts, ("next",)),) if isinstance(nexts, str) else _gos(nexts)
        for go, path in routes:
            if go == HOME != written.place.flow and written.place in inside:
                yield written.problem(
                    path,
                    "next:home-from-visit",
                    f"Another flow visits `{written.place.flow}`; from here it never goes on.",
                    "Write `next: end`, or let the person choose the way home.",
                )


def _gos(routes: tuple[RouteFile, ...] | None) -> Iterator[tuple[str, Path]]:
    for index, route in enumerate(routes or ()):
        yield route.go, ("next", index, "go")


def _does_nothing(written: Written) -> Iterator[Problem]:
    node = written.node
    if not (node.say or node.ask or node.show or node.do or node.visit or node.next):
        yield written.problem(
            (),
            "node:empty",
            f"`{written.name}` says, asks and does nothing.",
            "Give it something to do, or remove it.",
        )


def _never_asked(written: Written) -> Iterator[Problem]:
    node = written.node
    if node.ask is None:
        for part in PARTS_OF_A_QUESTION:
            if part in node.model_fields_set:
                yield written.problem(
                    (part,),
                    "node:no-question",
                    f"`{part}` stands here without a question.",
                    f"Add `ask`, or remove `{part}`.",
                )
        return
    if node.visit:
        yield written.problem(
            ("visit",),
            "node:visit-and-ask",
            "A node that visits a flow goes on below it; its own question is never asked.",
            "Put the question into a node of its own.",
        )
    for do in (Do.ERASE, Do.END_VIEW):
        if do in node.do:
            yield written.problem(
                ("do",),
                "node:over-before-question",
                f"After `{do.value}` nothing more is asked.",
                "Put the question into a node before this one.",
            )


def _itself(written: Written) -> Iterator[Problem]:
    flow = written.read.written.flow
    paths: list[Path] = [("visit",)] if written.node.visit == flow else []
    paths += (
        ("choices", name, "open")
        for name, choice in written_choices(written.node).items()
        if choice.open == flow
    )
    for path in paths:
        yield written.problem(
            path,
            "flow:opens-itself",
            f"`{flow}` leads into itself, and every round has to be left one by one.",
            "Use `next` and the name of a node.",
        )


def _route_lists(node: NodeFile) -> Iterator[tuple[Path, tuple[RouteFile, ...]]]:
    ways: list[tuple[Path, NodeFile | ChoiceFile]] = [(("next",), node)]
    ways += ((("choices", name, "next"), c) for name, c in written_choices(node).items())
    for path, way in ways:
        if isinstance(way.next, tuple):
            yield path, way.next


def _undecided(written: Written, path: Path, routes: tuple[RouteFile, ...]) -> Iterator[Problem]:
    if not routes or routes[-1].when:
        yield written.problem(
            path,
            "next:no-otherwise",
            "When none of these conditions holds, the flow ends without a word.",
            "Add a last line without `if`, such as `- {go: end}`.",
        )
    for index, route in enumerate(routes[:-1]):
        if not route.when:
            yield written.problem(
                (*path, index),
                "next:never-reached",
                "This line has no `if`, so the lines below it are never looked at.",
                "Add an `if`, or make it the last line.",
            )
