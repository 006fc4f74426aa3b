"""The ways out that every screen offers: what they promise holds on every path.

The engine itself offers a human, hotlines, leaving, erasing, language and back at every node, by
opening these flows. So it is enough to prove that the flows keep their promise; that every walk
through them ends or waits is proved in `pauses`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.content.checks.paths import STOPS, Facts, Ways, explore, waits
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.domain.facts import Block
from bot.engine.advance import CAME_BACK, ENGINE_FLOWS
from bot.engine.graph import Do, Flow, Graph, Node, Source

NOT_YET: Facts = {"owner": ("bot",)}
"""Nobody has been asked for yet: what a flow promises must hold from here."""

MUST_DO = (
    ("erase", Do.ERASE),
    ("leave", Do.END_VIEW),
    ("human", Do.QUEUE_WITH_ANSWERS),
    ("human", Do.QUEUE_FRESH),
    ("danger", Do.QUEUE_NOW),
    ("consent", Do.CONSENT_GIVE),
    ("consent", Do.CONSENT_REFUSE),
    ("agreed", Do.RECEIPTS),
)
MUST_SHOW_FIRST = (
    ("danger", Block.EMERGENCY),
    ("self_harm", Block.CRISIS_LINE),
    ("self_harm", Block.EMERGENCY),
)
"""Shown before anything is asked: a person in danger answers nothing first."""

MUST_SHOW = (("hotlines", Block.HOTLINES), ("hotlines", Block.EMERGENCY))

ONLY_AFTER_A_YES = (Do.ERASE, Do.QUEUE_WITH_ANSWERS, Do.QUEUE_FRESH, Do.CONSENT_GIVE)
"""Nothing is erased or agreed to, and nobody waits for a human, without a choice for it."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """A flow that is there."""

    subject: Subject
    flow: Flow

    @property
    def graph(self) -> Graph:
        return self.subject.release.graph

    def nodes(self, ways: Ways) -> Iterator[Node]:
        """What walks through it can do."""
        reached = explore(self.graph, [self.flow.start], ways)
        return filter(None, map(self.graph.node, reached.places))

    def ends(self, ways: Ways) -> bool:
        """Whether walks through it can come to its end."""
        return self.flow.start in explore(self.graph, [self.flow.start], ways).ends

    def problem(self, code: str, sentence: str, remedy: str) -> Problem:
        return self.subject.written(self.flow.start).problem((), code, sentence, remedy)


def ways_out(subject: Subject) -> Iterator[Problem]:
    """Whether the flows of the ways out do what their buttons say."""
    graph = subject.release.graph
    flows = {name: _Flow(subject, flow) for name, flow in graph.flows.items()}
    there = flows.keys()
    for name in sorted(ENGINE_FLOWS & there):
        yield from _speaks(flows[name])
    for name, do in MUST_DO:
        yield from _does(flows[name], do) if name in there else ()
    for name, block in MUST_SHOW_FIRST:
        yield from _shows_first(flows[name], block) if name in there else ()
    for name, block in MUST_SHOW:
        yield from _shows(flows[name], block) if name in there else ()
    if CAME_BACK in there:
        yield from _asks_first(flows[CAME_BACK])
    if "language" in there:
        yield from _asks_for_language(flows["language"])
    for flow in flows.values():
        yield from _asks_before(flow)


def _speaks(flow: _Flow) -> Iterator[Problem]:
    """No walk may come to the end, or out of the chat, before a word was said."""
    silent = Ways(waiting=False, avoiding=_says_something)
    if flow.ends(silent) or any(STOPS.intersection(node.does) for node in flow.nodes(silent)):
        yield flow.problem(
            "way-out:silent",
            f"The flow `{flow.flow.name}` can end without a word.",
            "Let it say or ask something before anything that has an `only_if`.",
        )


def _says_something(node: Node) -> bool:
    return bool(node.sentences or node.shows or waits(node))


def _does(flow: _Flow, do: Do) -> Iterator[Problem]:
    if not any(do in node.does for node in flow.nodes(Ways(known=NOT_YET))):
        yield flow.problem(
            "way-out:does-not",
            f"No path through the flow `{flow.flow.name}` leads to `do: {do.value}`.",
            f"Add a choice that leads to a node with `do: {do.value}`.",
        )


def _shows_first(flow: _Flow, block: Block) -> Iterator[Problem]:
    without = Ways(known=NOT_YET, waiting=False, avoiding=_showing(block))
    if flow.ends(without) or any(map(waits, flow.nodes(without))):
        yield flow.problem(
            "way-out:shows-late",
            f"The flow `{flow.flow.name}` can ask or end before it shows `{block.value}`.",
            f"Put a node with `show: [{block.value}]` and without `only_if` at its beginning.",
        )


def _shows(flow: _Flow, block: Block) -> Iterator[Problem]:
    if flow.ends(Ways(avoiding=_showing(block))):
        yield flow.problem(
            "way-out:does-not-show",
            f"The flow `{flow.flow.name}` can end without showing `{block.value}`.",
            f"Put a node with `show: [{block.value}]` on every path, without `only_if`.",
        )


def _showing(block: Block) -> Callable[[Node], bool]:
    return lambda node: block.value in node.shows


def _asks_first(flow: _Flow) -> Iterator[Problem]:
    """Who comes back decides before anything from before is on the screen."""
    if flow.ends(Ways(waiting=False)):
        yield flow.problem(
            "way-out:goes-on",
            f"The flow `{flow.flow.name}` can end without a question.",
            "Put a question without `only_if` on every path.",
        )


def _asks_for_language(flow: _Flow) -> Iterator[Problem]:
    if flow.ends(Ways(avoiding=_chooses_language)):
        yield flow.problem(
            "way-out:does-not",
            "The flow `language` can end without offering the languages.",
            "Put a question with `choices: languages` on every path, without `only_if`.",
        )


def _chooses_language(node: Node) -> bool:
    return node.asks is not None and node.asks.source is Source.LANGUAGES


def _asks_before(flow: _Flow) -> Iterator[Problem]:
    done = {do for node in flow.nodes(Ways(waiting=False)) for do in node.does}
    for do in ONLY_AFTER_A_YES:
        if do in done:
            yield flow.problem(
                "do:not-asked",
                f"From the beginning of `{flow.flow.name}` a walk can come to "
                f"`do: {do.value}` before the person was asked.",
                "Put a question without `only_if` before it, with a choice for it.",
            )
