"""The order of the queue."""

from bot.domain.conversation import Conversation
from bot.domain.indicators import Outcome, Urgency

_CHILD = frozenset({"child", "not_sure"})


def rank_of(conversation: Conversation) -> int:
    """Danger now, then child or not sure, then several signs, then whoever waits longest.

    Design section 8. Urgency is told by the person; their answers count for the order even when
    they are not shown.
    """
    if conversation.urgency is Urgency.NOW:
        return 0
    if not _CHILD.isdisjoint(conversation.facts.get("age", ())):
        return 1
    if conversation.outcome is Outcome.SEVERAL_SIGNS:
        return 2
    return 3
