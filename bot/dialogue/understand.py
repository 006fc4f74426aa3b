"""What typed words mean in the conversation they stand in, before the engine sees them.

Exits come first. Then what answers the question that waits: a word that names one of its buttons,
or a reply that it admits. Then what the person asks or tells. Everything else stays words.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.dialogue.ports import Content
from bot.dialogue.reading import Reading, TextUrgency
from bot.domain.conversation import Conversation
from bot.domain.indicators import Urgency
from bot.domain.messages import Asked, ChoiceId, Pick
from bot.domain.text import Language, text
from bot.engine.graph import DONT_KNOW, NO, NOT_SURE, SKIP, SOMETIMES, YES
from bot.engine.received import Action, Input, Typed
from bot.engine.waiting import question_waiting
from nlu import thresholds
from nlu.language import Guess
from nlu.normal import normal

ANSWERS = {
    "rights": "rights",
    "reflection_period": "reflection_period",
    "hotline": "hotlines",
    "privacy": "privacy",
    "police": "police_contact",
    "who": "about_us",
    "cost": "cost",
    "return": "return_home",
    "asylum": "asylum",
    "labour": "labour_rights",
    "health": "health",
    "residence": "residence",
    "for_other": "helpers",
}
"""What people ask, and the flow that answers it."""

ONLY_BY_BUTTON = frozenset({"erase", "consent", "consent_asked"})
"""Flows whose questions no typed "yes" answers: what they do cannot be taken back."""

FEWEST_LETTERS = 12
"""From so many letters on another language may be offered."""

_URGENCY = {
    TextUrgency.NONE: Urgency.NORMAL,
    TextUrgency.ELEVATED: Urgency.PRIORITY,
    TextUrgency.IMMEDIATE: Urgency.NOW,
}
_REPLIES = {
    "affirm": (YES,),
    "deny": (NO,),
    "sometimes": (SOMETIMES,),
    "unsure": (DONT_KNOW, NOT_SURE),
    "skip": (SKIP,),
}


def understand(
    pinned: Content, conversation: Conversation, what: Input, reading: Reading
) -> Input:
    """`what`, with what could be understood in it when it is typed words."""
    if not isinstance(what, Typed) or what.heard is not None:
        return what
    asked = question_waiting(pinned.graph, conversation)
    heard = reading.exits[0] if reading.exits else None
    meant: tuple[ChoiceId, ...] = ()
    if heard is None and asked is not None:
        meant = _named(pinned, conversation, asked, what.words)
        plain = _plain_reply(pinned, conversation.language, what.words)
        meant = meant or _replied(pinned, conversation, asked, plain or reading.intents)
        if not meant and asked.explained and _best(reading.intents) == "explain":
            heard = Action.WHY
    return replace(
        what,
        heard=heard,
        check_safety=reading.check_safety,
        meant=meant,
        asks=tuple(ANSWERS[ask] for ask in reading.asks if ask in ANSWERS),
        told=tuple(reading.signs),
        child=reading.child,
        urgency=_URGENCY[reading.urgency],
    )


def other_language(
    content: Content, conversation: Conversation, guess: Guess, letters: int
) -> Language | None:
    """The offered language that the person writes, when it is surely not the one they chose."""
    written = Language(guess.tag)
    if written == conversation.language or written not in content.languages:
        return None
    sure = guess.confidence >= thresholds.SWITCH and letters >= FEWEST_LETTERS
    return written if sure else None


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


def _plain_reply(content: Content, language: Language, words: str) -> Mapping[str, float]:
    """A "yes" or "no" as it stands on buttons needs nobody to interpret it."""
    typed = normal(words)
    plain = {"affirm": YES, "deny": NO}
    return {
        reply: 1.0
        for reply, choice in plain.items()
        if typed == normal(content.words(text(f"interface.{choice}"), language).words)
    }


def _best(intents: Mapping[str, float]) -> str | None:
    """The likeliest intent, when it is sure enough."""
    best = max(intents, key=lambda name: intents[name], default=None)
    return best if best is not None and intents[best] >= thresholds.INTENT else None


def _replied(
    content: Content, conversation: Conversation, asked: Asked, intents: Mapping[str, float]
) -> tuple[ChoiceId, ...]:
    """The choice that a reply such as "of course not" means: only replies that fit are looked at.

    The likeliest intent of all must be a reply, perhaps one that this question does not admit.
    """
    prompt = conversation.prompt
    if prompt is None or prompt.spot.place.flow in ONLY_BY_BUTTON:
        return ()
    best = max(intents, key=lambda name: intents[name], default=None)
    if best not in _REPLIES:
        return ()
    admitted = {
        name: choice
        for name in _REPLIES
        if (choice := _choice_for(content, conversation, asked, name)) is not None
    }
    together = sum(intents.get(name, 0.0) for name in admitted)
    likeliest = max(admitted, key=lambda name: intents.get(name, 0.0), default=None)
    if likeliest is None or intents.get(likeliest, 0.0) < thresholds.REPLY * together:
        return ()
    return (admitted[likeliest],) if intents[likeliest] >= thresholds.REPLY_ALONE else ()


def _choice_for(
    content: Content, conversation: Conversation, asked: Asked, reply: str
) -> ChoiceId | None:
    """The choice that a reply means here; None when there is none, or it could be two."""
    offered = {choice.id for choice in asked.choices}
    plain = [choice for choice in _REPLIES[reply] if choice in offered]
    if plain:
        return plain[0]
    if reply not in ("affirm", "deny") or asked.pick is Pick.MANY:
        return None
    # "Yes, you may ask": a choice of the author's that begins with the word.
    word = normal(
        content.words(text(f"interface.{_REPLIES[reply][0]}"), conversation.language).words
    )
    beginning = [
        choice.id
        for choice in asked.choices
        if normal(content.words(choice.label, conversation.language).words).split()[:1] == [word]
    ]
    return beginning[0] if len(beginning) == 1 else None
