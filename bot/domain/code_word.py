"""The agreed word, without which a return code opens nothing once a human was asked for.

The code may be found in the person's phone. The word stands in no phone: whoever comes back to a
conversation with a human has to know both.
"""

from enum import Enum
from hmac import compare_digest

from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from nlu.normal import normal

MOST_WRONG_WORDS = 10
"""After so many in all, the code opens nothing any more: who guesses has no more tries."""


class Shut(Enum):
    """Why a return code does not open its conversation."""

    NO_WORD = "no_word"
    """The word was not given."""

    WRONG_WORD = "wrong_word"
    FOR_GOOD = "for_good"
    """Too many wrong words were given, or none was ever agreed on."""


def needs_word(conversation: Conversation) -> bool:
    """Whether a human may have written, or may soon: from the moment the person asked for one."""
    return conversation.asked_for_person or conversation.control.owner is not Owner.BOT


def shut_for(conversation: Conversation, word: str) -> Shut | None:
    """Why whoever comes with the return code and `word` is shown nothing; None when they may."""
    if not needs_word(conversation):
        return None
    agreed, given = conversation.code_word, normal(word)
    if agreed is None or conversation.wrong_words >= MOST_WRONG_WORDS:
        return Shut.FOR_GOOD
    if not given:
        return Shut.NO_WORD
    same = compare_digest(given.encode(), normal(agreed).encode())
    return None if same else Shut.WRONG_WORD
