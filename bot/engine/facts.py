"""What conditions can ask for: what flows remembered, and what the engine knows."""

from collections.abc import Iterator, Mapping

from bot.domain.conversation import Answer, Conversation, Place
from bot.domain.messages import ChoiceId
from bot.engine.consents import consent_facts
from bot.engine.draft import Draft
from bot.engine.graph import (
    ALWAYS,
    SKIP,
    TOLD,
    UNSET,
    WELCOME,
    Condition,
    Graph,
    Node,
    Question,
    Route,
)

TOPICS_LEFT = "topics_left"
"""An engine fact that is dear to find out: only conditions that ask for it pay for it."""


def facts_for(draft: Draft) -> Mapping[str, tuple[str, ...]]:
    """What conditions can ask for: what flows remembered, and what the engine knows."""
    now, graph = draft.conversation, draft.graph
    level = graph.languages.get(now.language)
    return {
        **now.facts,
        "outcome": (now.outcome.value if now.outcome is not None else UNSET,),
        "urgency": (now.urgency.value,),
        "owner": (now.control.owner.value,),
        "level": (level.value if level is not None else "full",),
        "code": ("yes" if now.has_code else "no",),
        "staffed": ("yes" if draft.received.staffed else "no",),
        "person_asked": ("yes" if now.asked_for_person else "no",),
        "answered": ("yes" if _answered(graph, now) else "no",),
        "answers_shown": ("yes" if now.show_answers else "no",),
        **consent_facts(now),
    }


def _answered(graph: Graph, now: Conversation) -> bool:
    """Whether the person said anything about themselves, beside the first screen."""
    return any(
        given.choices and given.place.flow != WELCOME and not _from_a_list(graph, given.place)
        for given in now.answers
    )


def _from_a_list(graph: Graph, place: Place) -> bool:
    """Whether the choices there are the program's, such as the countries."""
    node = graph.node(place)
    return node is not None and node.asks is not None and node.asks.source is not None


def holds(draft: Draft, condition: Condition) -> bool:
    """Whether a condition holds for the person now."""
    if condition == ALWAYS:
        return True
    facts = facts_for(draft)
    if condition.asks(TOPICS_LEFT):
        facts = {**facts, TOPICS_LEFT: ("yes" if _sign_left(draft, facts) else "no",)}
    return condition.holds(facts)


def _sign_left(draft: Draft, facts: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a question about a sign could still be asked to this person."""
    for flow in draft.graph.flows.values():
        if flow.most_questions is None:
            continue
        seen: set[Place] = set()
        ahead: list[Place] = [flow.start]
        while ahead:
            place = ahead.pop()
            node = draft.graph.node(place)
            if place in seen or place.flow != flow.name or node is None:
                continue
            seen.add(place)
            open_now = node.only_if.holds(facts)
            if open_now and node.asks is not None and _is_left(draft, place, node.asks):
                return True
            ahead.extend(_targets(draft, place, node, facts, open_now=open_now))
    return False


def _is_left(draft: Draft, place: Place, question: Question) -> bool:
    given = draft.conversation.answer_at(place)
    return question.asks_sign if given is None else question.puts_off(given.choices)


def _targets(
    draft: Draft,
    place: Place,
    node: Node,
    facts: Mapping[str, tuple[str, ...]],
    *,
    open_now: bool,
) -> Iterator[Place]:
    below = route(node.routes, facts)
    if below:
        yield below
    if not open_now or node.asks is None:
        return
    given = draft.conversation.answer_at(place)
    for option in node.asks.options:
        if option.routes is not None and (given is None or option.id in chosen_at(given)):
            target = route(option.routes, facts)
            if target:
                yield target


def chosen_at(given: Answer) -> tuple[ChoiceId, ...]:
    """The buttons of an answer. A skipped question is kept as an empty one."""
    return given.choices or (SKIP,)


def route(routes: tuple[Route, ...], facts: Mapping[str, tuple[str, ...]]) -> Place | None:
    """Where the first route that holds leads."""
    return next((route.target for route in routes if route.condition.holds(facts)), None)


def conditions_can_ask(graph: Graph) -> frozenset[str]:
    """Every fact name that a condition may use in this release."""
    nodes = [node for flow in graph.flows.values() for node in flow.nodes.values()]
    remembered = {node.asks.remember for node in nodes if node.asks and node.asks.remember}
    noted = {node.notes for node in nodes if node.notes}
    engine = {
        "outcome",
        "urgency",
        "owner",
        "level",
        "code",
        "staffed",
        "person_asked",
        "answered",
        "answers_shown",
        TOPICS_LEFT,
        TOLD,
        "consent_for",
        "consented",
    }
    return frozenset(remembered | noted | engine)
