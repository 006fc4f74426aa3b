"""Where walks can go, read off the graph without walking it.

Every answer here is about all walks at once: a condition may hold or not, unless its facts are
given. So a path that is found may be one that nobody can take, but no path is overlooked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from bot.domain.conversation import Place
from bot.domain.messages import Pick
from bot.engine.graph import ALWAYS, Condition, Do, Flow, Graph, Node, Question, Route, Source
from bot.engine.walk import HOME

STOPS = frozenset({Do.ERASE, Do.END_VIEW})
"""After these nothing more of a walk happens."""

Facts = Mapping[str, tuple[str, ...]]
Targets = tuple[Place | None, ...]
"""Places to go to; None is the end of the flow."""


def _never(_: Node) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Which walks are looked at."""

    known: Facts = field(default_factory=dict[str, tuple[str, ...]])
    """Facts that hold all the way."""

    waiting: bool = True
    """Whether walks go on behind a question, or end where a person has to answer."""

    answered: bool = True
    """Whether walks may pass a question over because it was answered before."""

    opening: bool = False
    """Whether the flows count that a person can open from a question."""

    avoiding: Callable[[Node], bool] = _never
    """What these walks never do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What can happen at a node."""

    passing: Targets
    """Where walks go that pass the node over."""

    performed: bool
    """Whether any walk does what the node says."""

    entering: Place | None = None
    """The flow that it goes through first."""

    leaving: Targets = ()
    """Where walks go afterwards."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What walks can come to."""

    places: frozenset[Place]
    """Nodes that are performed."""

    ends: frozenset[Place]
    """Beginnings of flows whose end is reached."""


def step(graph: Graph, place: Place, ways: Ways) -> Step:
    """What can happen at the node at `place`."""
    flow, node = graph.flows[place.flow], graph.flows[place.flow].nodes[place.node]
    passing = tuple(_passing(flow, node, ways))
    if ways.avoiding(node) or not _may_hold(node.only_if, ways.known):
        return Step(passing=passing, performed=False)
    leaving: Targets = ()
    if not STOPS.intersection(node.does) and (ways.waiting or not waits(node)):
        leaving = tuple(_leaving(node, ways.known))
    return Step(passing=passing, performed=True, entering=node.visits, leaving=leaving)


def waits(node: Node) -> bool:
    """Whether the node asks something, whenever it is performed."""
    asked = node.asks
    if asked is None or node.visits is not None:
        return False
    return asked.source not in {None, Source.ANSWERED} or bool(asked.options) or bool(asked.sign)


def explore(graph: Graph, starts: Iterable[Place], ways: Ways) -> Reached:
    """Everything that walks from `starts` can come to.

    Behind a visited flow a walk goes on only when that flow can end. Whether it can is found by
    going round until nothing new turns up.
    """
    begin, ends = tuple(starts), set[Place]()
    while True:
        known = len(ends)
        places, ahead, seen = set[Place](), list(begin), set[Place]()
        while ahead:
            root = ahead.pop()
            if root not in seen:
                seen.add(root)
                ahead.extend(_explore_flow(graph, root, ways, places, ends))
        if len(ends) == known:
            return Reached(frozenset(places), frozenset(ends))


def _explore_flow(
    graph: Graph, root: Place, ways: Ways, places: set[Place], ends: set[Place]
) -> Iterator[Place]:
    """Adds what is reached from `root` to `places` and `ends`; the flows that it leads into."""
    seen: set[Place] = set()
    ahead: list[Place | None] = [root]
    while ahead:
        place = ahead.pop()
        if place is None:
            ends.add(root)
        elif place.flow == HOME and root.flow != HOME:
            yield place  # The home menu forgets the way back.
        elif place not in seen:
            seen.add(place)
            found = step(graph, place, ways)
            ahead.extend(found.passing)
            if found.performed:
                places.add(place)
                yield from _led_into(graph.node(place), found, ways)
                if found.entering is None or found.entering in ends:
                    ahead.extend(found.leaving)


def _led_into(node: Node | None, found: Step, ways: Ways) -> Iterator[Place]:
    if found.entering is not None:
        yield found.entering
    if ways.opening and node is not None and node.asks is not None:
        yield from opened(node.asks)


def opened(question: Question) -> Iterator[Place]:
    """The flows that choices open."""
    return (option.opens for option in question.options if option.opens is not None)


def _passing(flow: Flow, node: Node, ways: Ways) -> Iterator[Place | None]:
    if not _must_hold(node.only_if, ways.known):
        yield from targets(node.routes, ways.known)
    question = node.asks
    if question is None or not question.recorded or question.source is not None:
        return
    if ways.answered:
        yield from _after_answer(node, question, ways.known)
        if flow.then is not None:
            yield Place(flow.name, flow.then)  # As many were answered as the flow may ask.


def _leaving(node: Node, known: Facts) -> Iterator[Place | None]:
    if node.asks is None or node.visits is not None:
        yield from targets(node.routes, known)
    else:
        yield from _after_answer(node, node.asks, known)


def _after_answer(node: Node, question: Question, known: Facts) -> Iterator[Place | None]:
    if _some_choice_goes_below(question):
        yield from targets(node.routes, known)
    for option in question.options:
        if option.routes is not None:
            yield from targets(option.routes, known)


def _some_choice_goes_below(question: Question) -> bool:
    if question.source is not None or question.pick is Pick.MANY or not question.options:
        return True
    if question.added():
        return True
    return any(option.routes is None and option.opens is None for option in question.options)


def targets(routes: Iterable[Route], known: Facts) -> Iterator[Place | None]:
    """Where the first route that holds can lead."""
    for route in routes:
        if _may_hold(route.condition, known):
            yield route.target
        if _must_hold(route.condition, known):
            return
    yield None


def _may_hold(condition: Condition, known: Facts) -> bool:
    if not known:
        return True
    required = tuple(item for item in condition.required if item[0] in known)
    absent = tuple(item for item in condition.absent if item[0] in known)
    return Condition(required, absent).holds(known)


def _must_hold(condition: Condition, known: Facts) -> bool:
    if not known:
        return condition == ALWAYS
    asked = {fact for fact, _ in (*condition.required, *condition.absent)}
    return asked <= known.keys() and condition.holds(known)


# --- All edges ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edges:
    """Where walks go next from every node."""

    onward: Mapping[Place, Targets]
    """In the same flow or to another one, without a way back to here; None is the end."""

    entering: Mapping[Place, Place]
    """Into a flow that is visited."""

    def places(self) -> dict[Place, list[Place]]:
        """Both together, without the ends."""
        found = {place: [go for go in ahead if go] for place, ahead in self.onward.items()}
        for place, start in self.entering.items():
            found[place].append(start)
        return found


def edges(graph: Graph, ways: Ways, ends: Set[Place]) -> Edges:
    """Where walks go from every node; `ends` are the flows whose end they reach."""
    onward, entering = dict[Place, Targets](), dict[Place, Place]()
    for place in all_places(graph):
        at = step(graph, place, ways)
        onward[place] = at.passing
        if at.entering is not None:
            entering[place] = at.entering
        if at.entering is None or at.entering in ends:
            onward[place] += at.leaving
    return Edges(onward, entering)


def all_places(graph: Graph) -> Iterator[Place]:
    """Every node of every flow."""
    for flow in graph.flows.values():
        yield from (Place(flow.name, name) for name in flow.nodes)


def starts(graph: Graph) -> tuple[Place, ...]:
    """Where the flows begin."""
    return tuple(flow.start for flow in graph.flows.values())


def components(graph: Mapping[Place, Iterable[Place]]) -> list[tuple[Place, ...]]:
    """Places that lead to each other, together; what is led to comes first (Tarjan)."""
    number: dict[Place, int] = {}
    lowest: dict[Place, int] = {}
    waiting: list[Place] = []
    found: list[tuple[Place, ...]] = []
    finished: set[Place] = set()
    for start in graph:
        if start in number:
            continue
        number[start] = lowest[start] = len(number)
        waiting.append(start)
        path = [(start, iter(graph[start]))]
        while path:
            place, ahead = path[-1]
            for target in ahead:
                if target not in number:
                    number[target] = lowest[target] = len(number)
                    waiting.append(target)
                    path.append((target, iter(graph[target])))
                    break
                if target not in finished:
                    lowest[place] = min(lowest[place], number[target])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[place])
                if lowest[place] == number[place]:
                    at = waiting.index(place)
                    found.append(tuple(waiting[at:]))
                    finished.update(waiting[at:])
                    del waiting[at:]
    return found
