"""What is sent: codes and choices, and who it is only with the person's own yes to that.

`build_package` is the only maker of a package. Each field has a class that says what allows it
(`FIELDS`), and a field that nothing allows is left out there, whatever the form says. Messages
are no part of a package: there is no field that could carry one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.domain.consent import Consent, PackageId, Purpose, ReceiverId
from bot.domain.conversation import Conversation
from bot.domain.ids import Milliseconds
from bot.domain.indicators import (
    AgeAnswer,
    Answers,
    IndicatorCode,
    IndicatorSet,
    Outcome,
    Presence,
    Urgency,
)
from bot.domain.text import Country, Language
from bot.engine.answers import signs_present
from bot.engine.assess import assess
from bot.engine.graph import Graph
from handoff.referral.form import (
    AgeBand,
    DecidedBy,
    ExploitationForm,
    Form,
    Gender,
    Identity,
    Inside,
    LastContact,
    Minor,
    Movement,
    Need,
    Recruitment,
    Relation,
    Risk,
    SafeContact,
    Want,
)

PACKAGE_VERSION = "1"
STANDARD_VERSION = "HTCDS-2.0"
STATUS = "PossibleVictimOfTrafficking"
"""The only status that we ever set: a decision is not ours."""


class MessageType(Enum):
    """What a message between two organisations is about."""

    NOTIFY = "notify"
    RETRACT = "retract"


class LegalBasis(Enum):
    """Why something may be sent."""

    CONSENT = "consent"
    CHILD_PROTECTION = "child_protection"
    IMMINENT_DANGER = "imminent_danger"


class Needs(Enum):
    """What a field needs to be sent: its class (referral standard, section 5)."""

    NONE = "none"
    REF = "ref"
    CHILD = "child"
    ID = "id"


_BY_BASIS = {
    LegalBasis.CONSENT: {Needs.NONE, Needs.REF, Needs.CHILD},
    LegalBasis.CHILD_PROTECTION: {Needs.NONE, Needs.REF, Needs.CHILD},
    LegalBasis.IMMINENT_DANGER: {Needs.NONE, Needs.REF, Needs.CHILD},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Everything that a receiver gets. Built by `build_package` only."""

    package_id: PackageId
    message_type: MessageType
    created_at: Milliseconds
    sent_at: Milliseconds
    sender: str
    receiver: ReceiverId
    urgency: Urgency
    outcome: Outcome
    rule_version: str
    language: Language
    dialect: str | None
    legal_basis: LegalBasis
    consent: tuple[Consent, ...]
    status_decided_by: DecidedBy | None
    presumed_minor: Minor | None = None
    guardian_needed: bool | None = None
    indicators: tuple[IndicatorCode, ...] = field(default=(), repr=False)
    methods: tuple[tuple[IndicatorCode, str], ...] = field(default=(), repr=False)
    exploitation_forms: tuple[ExploitationForm, ...] = field(default=(), repr=False)
    age_band: AgeBand | None = None
    gender: Gender | None = None
    interpreter_needed: bool | None = None
    mediator_wanted: bool | None = None
    communication_aid: bool | None = None
    country_now: Country | None = field(default=None, repr=False)
    citizenship: tuple[Country, ...] = field(default=(), repr=False)
    still_in_situation: Inside | None = None
    last_contact_exploiter: LastContact | None = None
    needs: tuple[Need, ...] = field(default=(), repr=False)
    wants: Want | None = None
    risks: tuple[Risk, ...] = field(default=(), repr=False)
    relation_recruiter: Relation | None = None
    recruitment_channel: tuple[Recruitment, ...] = ()
    movement: tuple[Movement, ...] = field(default=(), repr=False)
    reasons: str = field(default="", repr=False)
    safe_contact: SafeContact | None = field(default=None, repr=False)
    identity: Identity | None = field(default=None, repr=False)

    @property
    def with_identity(self) -> bool:
        """Whether it says who the person is, or how to reach them."""
        return self.identity is not None or self.safe_contact is not None


FIELDS: dict[str, Needs] = {
    **dict.fromkeys(
        (
            *("package_id", "message_type", "created_at", "sent_at", "sender", "receiver"),
            *("urgency", "outcome", "rule_version", "language", "dialect"),
            *("legal_basis", "consent", "status_decided_by"),
        ),
        Needs.NONE,
    ),
    **dict.fromkeys(("presumed_minor", "guardian_needed"), Needs.CHILD),
    **dict.fromkeys(
        (
            *("indicators", "methods", "exploitation_forms", "age_band", "gender"),
            *("interpreter_needed", "mediator_wanted", "communication_aid", "country_now"),
            *("citizenship", "still_in_situation", "last_contact_exploiter", "needs", "wants"),
            *("risks", "relation_recruiter", "recruitment_channel", "movement", "reasons"),
        ),
        Needs.REF,
    ),
    **dict.fromkeys(("safe_contact", "identity"), Needs.ID),
}
"""Each field's class. A test compares it with the table of the referral standard."""

_OF_FORM = frozenset(name for name, needs in FIELDS.items() if needs is not Needs.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """Tells a receiver that the person took it back. Nothing in it is about the person."""

    package_id: PackageId
    retracts: PackageId
    sender: str
    receiver: ReceiverId
    created_at: Milliseconds
    sent_at: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What the conversation itself says. Nothing of it names the person."""

    language: Language
    urgency: Urgency
    outcome: Outcome
    rule_version: str
    country: Country | None = field(repr=False)
    minor: Minor | None = field(repr=False)
    codes: tuple[IndicatorCode, ...] = field(default=(), repr=False)


_AGES = {"child": Minor.YES, "not_sure": Minor.NOT_SURE, "adult": Minor.NO}
_ANSWERS = {
    Minor.YES: AgeAnswer.CHILD,
    Minor.NOT_SURE: AgeAnswer.NOT_SURE,
    Minor.NO: AgeAnswer.ADULT,
}
_FORMS: dict[str, ExploitationForm] = {
    "PURPOSE_SEX": ExploitationForm.SEXUAL,
    "PURPOSE_CRIME": ExploitationForm.CRIME,
    "CRIME_QUOTA": ExploitationForm.CRIME,
    "PURPOSE_BEG": ExploitationForm.BEGGING,
    "PURPOSE_SERVITUDE": ExploitationForm.SERVITUDE,
    "PURPOSE_ORGAN": ExploitationForm.ORGAN,
    "PURPOSE_MARRIAGE": ExploitationForm.MARRIAGE,
    "PURPOSE_ADOPTION": ExploitationForm.ADOPTION,
    "PURPOSE_SURROGACY": ExploitationForm.SURROGACY,
    **dict.fromkeys(
        ("HOURS", "LOW_PAY", "BAD_LIVING", "UNSAFE", "NO_CARE", "NO_CONTRACT"),
        ExploitationForm.LABOUR,
    ),
}


def minor_of(conversation: Conversation) -> Minor | None:
    """What the person said about their age; None when they said nothing."""
    age = conversation.facts.get("age", ())
    return _AGES.get(age[0]) if age else None


def derive(graph: Graph, conversation: Conversation) -> Derived:
    """What a form begins with. Answers that the person keeps to themselves stay out of it."""
    codes = signs_present(graph, conversation) if conversation.show_answers else ()
    outcome = conversation.outcome if conversation.show_answers else None
    return Derived(
        language=conversation.language,
        urgency=conversation.urgency,
        outcome=outcome or Outcome.INFORMATION,
        rule_version=graph.indicators.rule_version,
        country=conversation.country,
        minor=minor_of(conversation) if conversation.show_answers else None,
        codes=codes,
    )


def begun_form(derived: Derived) -> Form:
    """A form with what is known already; the operator looks at each of it."""
    found = dict.fromkeys(_FORMS[code] for code in derived.codes if code in _FORMS)
    child = derived.minor is Minor.YES
    return Form(
        indicators=derived.codes,
        exploitation_forms=tuple(
            ExploitationForm.CHILD_LABOUR if child and one is ExploitationForm.LABOUR else one
            for one in found
        ),
        presumed_minor=derived.minor,
        country_now=derived.country,
    )


def outcome_of(indicators: IndicatorSet, derived: Derived, form: Form) -> Outcome:
    """The rule's outcome for the codes of the form, never below what the answers led to."""
    age = form.presumed_minor or derived.minor
    found = assess(
        indicators,
        Answers(
            age=_ANSWERS[age] if age else AgeAnswer.SKIPPED,
            presence=dict.fromkeys(form.indicators, Presence.YES),
        ),
    )
    return max(found.outcome, derived.outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a package says about itself."""

    package_id: PackageId
    created_at: Milliseconds
    sent_at: Milliseconds
    sender: str
    receiver: ReceiverId


def granted(basis: LegalBasis, consents: Iterable[Consent]) -> frozenset[Needs]:
    """The classes of fields that may be sent. Only the person can grant `Needs.ID`."""
    agreed = {consent.purpose for consent in consents if consent.stands}
    found = set(_BY_BASIS[basis])
    if basis is LegalBasis.CONSENT and Purpose.REFERRAL not in agreed:
        found = {Needs.NONE}
    if Purpose.IDENTITY in agreed and Needs.REF in found:
        found.add(Needs.ID)
    return frozenset(found)


def build_package(  # noqa: PLR0913, PLR0917 - each from another place
    header: Header,
    derived: Derived,
    form: Form,
    indicators: IndicatorSet,
    basis: LegalBasis,
    consents: tuple[Consent, ...],
) -> Package:
    """The package of a form, without every field that `basis` and `consents` do not allow."""
    may = granted(basis, consents)
    allowed: dict[str, Any] = {
        name: getattr(form, name) for name in _OF_FORM if FIELDS[name] in may
    }
    return Package(
        package_id=header.package_id,
        message_type=MessageType.NOTIFY,
        created_at=header.created_at,
        sent_at=header.sent_at,
        sender=header.sender,
        receiver=header.receiver,
        urgency=derived.urgency,
        outcome=outcome_of(indicators, derived, form),
        rule_version=derived.rule_version,
        language=derived.language,
        dialect=form.dialect,
        legal_basis=basis,
        consent=consents,
        status_decided_by=form.status_decided_by,
        **allowed,
    )


def not_allowed(package: Package) -> frozenset[str]:
    """The fields that stand in a package although nothing allows them."""
    may = granted(package.legal_basis, package.consent)
    return frozenset(
        name
        for name, needs in FIELDS.items()
        if needs not in may and getattr(package, name) not in (None, (), "")
    )
