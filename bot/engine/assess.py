"""From answers to an outcome: one rule, the same for everybody, explained by its own parts.

No score and no model. The steps are those of the list of the ILO and the European Commission:
signs make a dimension positive, dimensions make an outcome. Every clause can only become true by
more signs, never false; that is why one more yes cannot lower the outcome, and why "no", "I
don't know" and a skipped question weigh nothing.

Two deviations from the published lists:

- They have no strong item for sexual exploitation and no list at all for other forms, so one
  direct yes about a form of exploitation is enough for the purpose.
- Some of these questions contain pressure or a trick in their own wording; a yes is then also a
  medium sign in D5.
"""

from collections.abc import Iterable, Iterator

from bot.domain.indicators import (
    DEPENDENT,
    MEANS_DIMENSIONS,
    AgeAnswer,
    Answers,
    Assessment,
    Dimension,
    Element,
    Ground,
    Hit,
    Indicator,
    IndicatorSet,
    Outcome,
    Profile,
    Reason,
    Urgency,
    Weight,
)

COERCION_DIMENSIONS = (Dimension.D2, Dimension.D5)
"""Where one strong sign is enough: nobody has a harmless reason for it."""

ENOUGH = (
    (Weight.STRONG, Weight.STRONG),
    (Weight.STRONG, Weight.MEDIUM),
    (Weight.STRONG, Weight.WEAK),
    (Weight.MEDIUM, Weight.MEDIUM, Weight.MEDIUM),
    (Weight.MEDIUM, Weight.MEDIUM, Weight.WEAK),
)
"""The least that makes a dimension positive."""

BUILT_IN_MEANS = Hit(Dimension.D5, Weight.MEDIUM)
"""What pressure or a trick in a question's own wording counts for."""


def assess(indicators: IndicatorSet, answers: Answers) -> Assessment:
    """The outcome and urgency of `answers`, with the reasons.

    Total: codes that `indicators` does not know are passed over, as after a change of release.
    """
    signs = tuple(_signs(indicators, answers))
    reasons = tuple(Reason(code=sign.code, hits=_hits(sign, answers)) for sign in signs)
    hits = tuple(hit for reason in reasons for hit in reason.hits)
    positive = tuple(d for d in Dimension if is_positive(_weights(hits, d)))
    grounds = _grounds(signs, hits, positive, answers)
    return Assessment(
        outcome=max((ground.outcome for ground in grounds), default=Outcome.INFORMATION),
        urgency=_urgency(signs, answers),
        reasons=reasons,
        grounds=grounds,
        positive=positive,
        by_topic=_is_topic_counted(answers),
        rule_version=indicators.rule_version,
    )


def is_positive(weights: Iterable[Weight]) -> bool:
    """Whether signs of these weights make a dimension positive."""
    found = tuple(weights)
    return any(
        all(found.count(weight) >= least.count(weight) for weight in least) for least in ENOUGH
    )


def _signs(indicators: IndicatorSet, answers: Answers) -> Iterator[Indicator]:
    for indicator in indicators.indicators.values():
        if _times(indicator, answers):
            yield indicator


def _times(indicator: Indicator, answers: Answers) -> int:
    answer = answers.presence.get(indicator.code)
    once = int(answer is not None and answer.is_sign)
    return max(once, answers.dependent) if indicator.code == DEPENDENT else once


def _hits(sign: Indicator, answers: Answers) -> tuple[Hit, ...]:
    weights = ((r.dimension, r.weight(answers.age.profile)) for r in sign.ratings)
    own = tuple(Hit(dimension, weight) for dimension, weight in weights if weight is not None)
    # A weight of its own in D5 already is the built-in sign of means: it must not count twice.
    adds_means = sign.built_in_means and not _weights(own, Dimension.D5)
    return (own + (BUILT_IN_MEANS,) * adds_means) * _times(sign, answers)


def _weights(hits: Iterable[Hit], dimension: Dimension) -> list[Weight]:
    return [hit.weight for hit in hits if hit.dimension is dimension]


def _grounds(
    signs: tuple[Indicator, ...],
    hits: tuple[Hit, ...],
    positive: tuple[Dimension, ...],
    answers: Answers,
) -> tuple[Ground, ...]:
    child = answers.age.profile is Profile.CHILD
    means = [hit.weight for hit in hits if hit.dimension in MEANS_DIMENSIONS]
    means_positive = any(dimension in positive for dimension in MEANS_DIMENSIONS)
    purpose_sign = _is_topic_counted(answers) or any(
        Element.PURPOSE in sign.elements for sign in signs
    )
    purpose_positive = Dimension.D4 in positive or any(sign.direct_purpose for sign in signs)
    clauses = {
        Ground.SOME_SIGN: bool(signs),
        Ground.PURPOSE_SIGN_AND_MEANS: purpose_sign and means_positive,
        Ground.PURPOSE_AND_MEANS_SIGN: purpose_positive
        and any(weight >= Weight.MEDIUM for weight in means),
        Ground.STRONG_COERCION: any(
            Weight.STRONG in _weights(hits, dimension) for dimension in COERCION_DIMENSIONS
        ),
        Ground.COERCION: any(dimension in positive for dimension in COERCION_DIMENSIONS),
        Ground.CHILD_AND_MEANS: child and bool(means),
        Ground.PURPOSE_AND_MEANS: purpose_positive and means_positive,
        Ground.CHILD_AND_PURPOSE: child and purpose_sign,
    }
    return tuple(ground for ground, holds in clauses.items() if holds)


def _is_topic_counted(answers: Answers) -> bool:
    """A child is not asked for details, so what they picked as the topic has to speak."""
    return answers.purpose_topic and answers.age.profile is Profile.CHILD


def _urgency(signs: tuple[Indicator, ...], answers: Answers) -> Urgency:
    if answers.danger_now or answers.self_harm:
        return Urgency.NOW
    sooner = (
        answers.age.profile is Profile.CHILD
        or (answers.age is AgeAnswer.SKIPPED and bool(signs))
        or any(sign.threat for sign in signs)
        or answers.pregnancy_or_illness
        or answers.contact_within_week
    )
    return Urgency.PRIORITY if sooner else Urgency.NORMAL
