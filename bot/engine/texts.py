"""The sentences that the engine says by itself, by their names in `flows/interface.yaml`.

Content is checked against these lists, and a test compares them with what the engine really says.
"""

from bot.engine.received import ALWAYS_OFFERED, Action

ENGINE_TEXTS = (
    # Answers that no author has to write
    "yes",
    "sometimes",
    "no",
    "dont_know",
    "skip",
    "other_country",
    "answered",
    "picked_and",
    # What the program says when it did not expect what it got
    "stale_press",
    "not_understood_once",
    "not_understood_buttons",
    "not_understood_human",
    "media_not_possible",
    "safe_sentence",
    "nothing_to_explain",
    "silent",
    "welcome_back",
    "first_help",
    # While somebody waits
    "waiting_nobody",
    "waiting_somebody",
    "waiting_busy",
    "waiting_next",
    "waiting_position",
    "waiting_minutes",
    "waiting_minutes_unknown",
    "waiting_long",
    # News about who answers
    "waiting_text_shown",
    "waiting_text_kept",
    "takeover",
    "person_answers",
    "back_to_program",
    "back_to_queue",
    "operator_silent",
    "operator_closed",
    "conversation_closed",
    # What the person agreed to
    "take_back",
    "take_nothing_back",
)

REFERRAL_TEXTS = (
    "agreed_referral",
    "agreed_identity",
    "said_no",
    "took_back",
    "leaving",
    "sent",
    "held",
    "held_identity",
    "not_confirmed",
    "confirmed",
    "how_to_take_back",
    "taken_back_unsent",
    "taken_back_sent",
    "retracting",
    "retracted",
)
"""In `flows/referral.yaml`: what was agreed to, and what was sent."""

OFFERED_TEXTS = tuple(action.value for action in (*ALWAYS_OFFERED, Action.WHY, Action.AGREED))
"""The labels of what every screen offers."""
