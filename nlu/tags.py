"""What can be tagged in a text, and which sections of the phrases teach it."""

from __future__ import annotations

from collections.abc import Set

from nlu.phrases import Phrase

ASKS = (
    "rights",
    "reflection_period",
    "hotline",
    "privacy",
    "police",
    "who",
    "cost",
    "return",
    "asylum",
    "labour",
    "health",
    "residence",
    "for_other",
)
INDICATORS = (
    "DECEIVED_NATURE",
    "DECEIVED_TERMS",
    "DECEIVED_PROMISE",
    "PROMISE_SCHOOL",
    "ARRANGED_BY_OTHER",
    "RECRUIT_VULN",
    "RECRUIT_DEPENDENCY",
    "RECRUIT_FORCE",
    "DOCS_HELD",
    "DEBT",
    "MOVEMENT",
    "HURT",
    "THREAT_HARM",
    "THREAT_FAMILY",
    "THREAT_AUTH",
    "THREAT_EXPOSE",
    "IMAGES_THREAT",
    "MUST_LIE",
    "CANNOT_REFUSE",
    "SUBSTANCES",
    "PAY_KEPT",
    "DEPENDENT",
    "HOURS",
    "LOW_PAY",
    "BAD_LIVING",
    "UNSAFE",
    "NO_CARE",
    "NO_CONTRACT",
    "PURPOSE_SEX",
    "FORCED_CLIENTS",
    "PURPOSE_CRIME",
    "CRIME_QUOTA",
    "PURPOSE_BEG",
    "PURPOSE_SERVITUDE",
    "PURPOSE_ORGAN",
    "PURPOSE_MARRIAGE",
    "PURPOSE_ADOPTION",
    "PURPOSE_SURROGACY",
)
CHILD = "child"
TAGS = (*(f"ask_{ask}" for ask in ASKS), *INDICATORS, CHILD)

_UNTAGGED = frozenset(
    # Their phrases may hold signs that nobody marked.
    ("danger", "self_harm", "danger_not_now", "self_harm_not_now", "harmless", "short")
)


def tags_of(phrase: Phrase) -> Set[str] | None:
    """What is to be tagged in a phrase; None where nobody has looked."""
    return None if phrase.section in _UNTAGGED else phrase.labels & frozenset(TAGS)


REPLIES = ("affirm", "deny", "sometimes", "unsure", "skip", "explain")
EXITS = ("person", "stop", "leave", "erase", "language", "back")
TELL = "tell"
OUT_OF_SCOPE = "out_of_scope"
INTENTS = (
    *REPLIES,
    *EXITS,
    "greet",
    "thanks",
    *(f"ask_{ask}" for ask in ASKS),
    TELL,
    OUT_OF_SCOPE,
)
_TELLING = frozenset((TELL, "no_sign", "child", "not_child"))


def intent_of(phrase: Phrase) -> str | None:
    """What the person wants with all of a phrase; None where it belongs to no intent.

    Danger is no intent: it is heard before anything is interpreted.
    """
    if phrase.section in _TELLING:
        return TELL
    return phrase.section if phrase.section in INTENTS else None


SECTIONS = frozenset(
    (
        *INTENTS,
        "danger",
        "self_harm",
        "danger_not_now",
        "self_harm_not_now",
        "harmless",
        "no_sign",
        CHILD,
        "not_child",
        "short",
    )
)
"""What a line `= name` in a file of phrases may name."""
