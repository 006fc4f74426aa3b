"""What typed words mean, before the engine sees them.

Exits come first, by rules, in all languages. Then a word that names a button of the question
that waits. Everything else stays words.
"""

from dataclasses import replace

from bot.dialogue.ports import Content
from bot.domain.conversation import Conversation
from bot.domain.messages import Asked, ChoiceId
from bot.engine.received import Input, Typed
from bot.engine.waiting import question_waiting
from nlu.normal import normal


def understand(
    pinned: Content, current: Content, conversation: Conversation, what: Input
) -> Input:
    """`what`, with what could be heard in it when it is typed words."""
    if not isinstance(what, Typed) or what.heard is not None:
        return what
    heard = current.hear(what.words)
    if heard is not None:
        return replace(what, heard=heard)
    asked = question_waiting(pinned.graph, conversation)
    return replace(what, meant=_named(pinned, conversation, asked, what.words)) if asked else what


def _named(
    content: Content, conversation: Conversation, asked: Asked, words: str
) -> tuple[ChoiceId, ...]:
    """The choice whose label or number was typed; nothing when it could be two."""
    typed = normal(words)
    found = {
        choice.id
        for number, choice in enumerate(asked.choices, start=1)
        if typed in (str(number), normal(content.words(choice.label, conversation.language).words))
    }
    return tuple(found) if len(found) == 1 else ()
