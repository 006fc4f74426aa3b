"""Questions about signs: not too many, each with an outcome, each with a meaning for the rule."""

from collections.abc import Iterator, Set

from bot.content.checks.paths import Ways, all_places, components, edges, explore, step
from bot.content.checks.subject import Subject, Written
from bot.content.flow_file import MOST_QUESTIONS, NodeFile, ReadFlow, written_choices
from bot.content.problems import Problem
from bot.content.yaml_file import Path
from bot.domain.conversation import Place
from bot.engine.graph import ALWAYS, TOLD, Do, Flow, Graph, Node


def sign_codes(subject: Subject) -> Iterator[Problem]:
    """Codes that do not stand in the table of indicators."""
    known = subject.release.graph.indicators.indicators
    for written in subject.nodes():
        for path, code in _codes(written.node):
            if code not in known:
                yield written.problem(
                    path,
                    "sign:unknown",
                    f"`{code}` is no code in flows/indicators.yaml.",
                    "Correct the code, or add it to the table; an expert has to agree.",
                )


def _codes(node: NodeFile) -> Iterator[tuple[Path, str]]:
    yield from ((("sign",), code) for code in node.sign)
    if node.sign_count is not None:
        yield ("sign_count",), node.sign_count
    for name, choice in written_choices(node).items():
        yield from ((("choices", name, "sign"), code) for code in choice.sign)


def sign_questions(subject: Subject) -> Iterator[Problem]:
    """Whether every flow that asks about signs keeps to its number and comes to an outcome."""
    for read in subject.release.flows:
        if read.written.flow == TOLD:
            continue  # asks only back what a person told, and leads to no outcome by itself
        flow = subject.release.graph.flows[read.written.flow]
        yield from _limits(read, flow)
        for written in _signs_of(subject, read):
            yield from _outcome_follows(subject, written)
        if flow.most_questions is not None and flow.then is not None:
            yield from _then_assesses(subject, read, Place(flow.name, flow.then))
            yield from _too_many(subject, read, flow)


def _limits(read: ReadFlow, flow: Flow) -> Iterator[Problem]:
    asks = any(node.asks is not None and node.asks.asks_sign for node in flow.nodes.values())
    if asks and flow.most_questions is None:
        yield _problem(
            read,
            "flow",
            "questions:no-limit",
            "This flow asks about signs, but does not say how many questions at most.",
            f"Add `most_questions: {MOST_QUESTIONS}` and `then`.",
        )
    if (flow.most_questions is None) is not (flow.then is None):
        given, missing = ("then", "most_questions") if flow.then else ("most_questions", "then")
        yield _problem(
            read,
            given,
            "questions:half-a-limit",
            f"There is `{given}`, but no `{missing}`.",
            "Give both: how many questions at most, and where to go then.",
        )


def _problem(read: ReadFlow, key: str, code: str, sentence: str, remedy: str) -> Problem:
    return Problem(read.source.file, read.source.line((key,)), code, sentence, remedy)


def _signs_of(subject: Subject, read: ReadFlow) -> Iterator[Written]:
    for name, node in read.written.nodes.items():
        written = Written(read, name, node)
        found = subject.release.graph.node(written.place)
        if found is not None and _asks_sign(found):
            yield written


def _asks_sign(node: Node) -> bool:
    return node.asks is not None and node.asks.asks_sign


def _assesses(node: Node) -> bool:
    return Do.ASSESS in node.does and node.only_if == ALWAYS


def _outcome_follows(subject: Subject, written: Written) -> Iterator[Problem]:
    """After a question about a sign only a person's own choice may lead past the outcome."""
    graph = subject.release.graph
    for place in step(graph, written.place, Ways()).leaving:
        ways = Ways(avoiding=lambda node: _assesses(node) or _is_menu(node))
        if place is None or place in explore(graph, [place], ways).ends:
            yield written.problem(
                (),
                "questions:no-outcome",
                f"After `{written.name}` the flow can end before the answers are looked at.",
                "Lead every path to a node with `do: assess`.",
            )
            return


def _is_menu(node: Node) -> bool:
    return node.asks is not None and not node.asks.recorded


def _then_assesses(subject: Subject, read: ReadFlow, then: Place) -> Iterator[Problem]:
    """Behind `then` comes the outcome, on every path, and no question about a sign before."""
    graph = subject.release.graph
    reached = explore(graph, [then], Ways(avoiding=_assesses))
    nodes = [node for node in map(graph.node, reached.places) if node is not None]
    if then in reached.ends:
        yield _problem(
            read,
            "then",
            "questions:then-no-outcome",
            f"A path from `{then.node}` ends before the answers are looked at.",
            "Lead every path from there to a node with `do: assess` and without `only_if`.",
        )
    if any(map(_asks_sign, nodes)):
        yield _problem(
            read,
            "then",
            "questions:then-asks",
            f"A path from `{then.node}` asks about a sign before the outcome.",
            f"Let `then` name a node behind all questions; no more than {MOST_QUESTIONS} "
            "may be asked.",
        )


def _too_many(subject: Subject, read: ReadFlow, flow: Flow) -> Iterator[Problem]:
    """No path may ask more than 15 questions from the first about a sign to the outcome.

    The engine stops at `most_questions` kept answers of this flow. What flows ask that are
    visited on the way comes on top.
    """
    graph = subject.release.graph
    kept = {place for place in all_places(graph) if _is_kept(graph.node(place))}
    visited = {place for place in kept if graph.flows[place.flow].most_questions is None}
    others = _longest(graph, flow, visited)
    most = min(_longest(graph, flow, kept), (flow.most_questions or 0) + others)
    if most > MOST_QUESTIONS:
        yield _problem(
            read,
            "most_questions",
            "questions:too-many",
            f"From the first question about a sign to the outcome a person can be asked {most} "
            f"questions: {most - others} here, and {others} in flows that are visited.",
            f"Lower `most_questions` to {max(1, MOST_QUESTIONS - others)}, or visit these flows "
            "before the first question about a sign.",
        )


def _is_kept(node: Node | None) -> bool:
    return node is not None and node.asks is not None and node.asks.recorded


def _longest(graph: Graph, flow: Flow, counted: Set[Place]) -> int:
    """The most counted nodes on any path from a question about a sign to the outcome."""
    ways = Ways(avoiding=_assesses)
    found = edges(graph, ways, explore(graph, [flow.start], ways).ends)
    best: dict[Place | None, int] = {None: 0}
    for together in components(found.places()):
        here = sum(place in counted for place in together)
        # What stands in a visited flow comes on top of what stands below the visit.
        here += sum(best.get(found.entering.get(place), 0) for place in together)
        below = (best.get(go, 0) for place in together for go in found.onward[place])
        best |= dict.fromkeys(together, here + max(below, default=0))
    return max((best[place] for place in _sign_places(flow)), default=0)


def _sign_places(flow: Flow) -> Iterator[Place]:
    return (Place(flow.name, name) for name, node in flow.nodes.items() if _asks_sign(node))
