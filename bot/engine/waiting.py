"""The question that waits for the person, with its words and buttons."""

from bot.domain.conversation import Conversation
from bot.domain.messages import Asked
from bot.engine.choices import choices_of
from bot.engine.consents import has_receipts, sentence
from bot.engine.draft import Draft
from bot.engine.graph import Graph
from bot.engine.received import ALWAYS_OFFERED, Action, Failed, Received


def question_waiting(graph: Graph, conversation: Conversation) -> Asked | None:
    """The question whose buttons work now; None while nothing is asked."""
    prompt = conversation.prompt
    node = graph.node(prompt.spot.place) if prompt else None
    if prompt is None or node is None or node.asks is None:
        return None
    draft = Draft(graph, Received(what=Failed(), nonce=""), conversation)
    offered = set(prompt.choices)
    return Asked(
        number=prompt.number,
        question=sentence(conversation, prompt.spot.place, "ask"),
        choices=tuple(c for c in choices_of(draft, node.asks) if c.id in offered),
        pick=prompt.pick,
        explained=node.asks.explained,
    )


def offers(asked: Asked | None, conversation: Conversation | None = None) -> tuple[Action, ...]:
    """What the person can ask for now beside the question's own buttons."""
    why = (Action.WHY,) if asked and asked.explained else ()
    agreed = (Action.AGREED,) if conversation and has_receipts(conversation) else ()
    return (*ALWAYS_OFFERED, *why, *agreed)
