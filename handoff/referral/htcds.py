"""Writes a package in the names of the Human Trafficking Case Data Standard 2.0.

The standard has gaps. What it cannot say stands as `Other` there and in a field of our own whose
name begins with `x_`; what it has no place for stands in the block `x`. Nothing is bent to fit.
Names are written exactly as the standard spells them, empty fields are left out of the JSON.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.domain.consent import Consent, Purpose
from bot.domain.ids import Milliseconds
from bot.domain.indicators import IndicatorCode, IndicatorSet
from bot.domain.text import Language
from handoff.referral.form import ContactBy, ExploitationForm, Need, Relation
from handoff.referral.package import (
    PACKAGE_VERSION,
    STANDARD_VERSION,
    STATUS,
    Package,
    Retraction,
)

Json = Any
"""A tree of what JSON knows. `handoff.referral.schema` says exactly which."""

CORE = (
    *("prs_Salutation", "prs_FirstName", "prs_SecondName", "prs_Birthdate", "prs_Gender"),
    *("prs_Citizenship", "prs_Title", "prs_Email", "prs_HomePhone", "prs_MobilePhone"),
    *("prs_MailingCity", "prs_MailingCountry", "prs_MailingState", "prs_MailingStreet"),
    *("prs_MailingPostalCode", "vic_TraffickingStatus"),
    *("vic_TraffickingStatusDecisionMakingOrg", "vic_MethodOfRecruitment"),
    *("vic_LocationOfRecruitment", "vic_MethodsOfControl", "vic_TypeOfExploitation"),
    *("vic_ForcedLabourIndustry", "vic_TypeOfSexExploitation", "vic_LocationOfExploitation"),
    *("cas_Status", "cas_ReasonForCaseClosure", "cas_CaseOwner", "cas_ReferringOrganisation"),
    *("cas_IncomingReferralDate", "cas_ReferringPrimaryCaseWorker"),
    *("cas_ReasonForIncomingReferral", "cas_IncomingReferralDetails"),
    *("cas_ReferredOrganisation", "cas_ReferredPrimaryCaseWorker"),
    *("cas_ReasonForOutgoingReferral", "cas_OutgoingReferralDate"),
    *("cas_OutgoingReferralDetails", "con_Consent"),
)
"""The 38 core fields that are not deprecated, in the order of the standard: the CSV's header."""

OTHER = "Other"
FORCED_CRIMINALITY = "x_forced_criminality"
RESTRICTS_MOVEMENT = "x_restricts_movement"

TYPES: Mapping[ExploitationForm, str] = {
    ExploitationForm.LABOUR: "ForcedLabour",
    ExploitationForm.CHILD_LABOUR: "ChildLabour",
    ExploitationForm.SEXUAL: "SexualExploitation",
    ExploitationForm.SERVITUDE: "Servitude",
    # The standard has no value for it: never call it forced labour.
    ExploitationForm.CRIME: OTHER,
    ExploitationForm.BEGGING: "ForcedBegging",
    ExploitationForm.MARRIAGE: "ForcedMarriage",
    ExploitationForm.ORGAN: "OrganRemoval",
    ExploitationForm.ADOPTION: "ForcedAdoption",
    ExploitationForm.SURROGACY: "Surrogacy",
    ExploitationForm.OTHER: OTHER,
}
"""`vic_TypeOfExploitation`."""


_RELATIONS = {
    Relation.FAMILY: "Familial",
    Relation.ACQUAINTED: "Acquainted",
    Relation.UNACQUAINTED: "Unaquainted",  # the standard spells it so
}
_SUPPORT = {
    Need.SHELTER: "SocialCare",
    Need.FOOD: "SocialCare",
    Need.CHILDREN: "SocialCare",
    Need.MEDICAL: "Health",
    Need.PSYCHOLOGICAL: "Health",
    Need.LEGAL: "Legal",
    Need.MONEY: "Financial",
}
"""`spl_Type`, where it has a value for a need. The block `x` names every need."""

_CODES = """
    am amh ar ara az aze be bel bg bul bn ben bs bos ca cat cs ces da dan de deu el ell en eng
    es spa et est fa fas fi fin fr fra ha hau he heb hi hin hr hrv hu hun hy hye ig ibo it ita
    ka kat kk kaz km khm ku kur ky kir lo lao lt lit lv lav mk mkd mn mon my mya ne nep nl nld
    no nor pa pan pl pol prs fas ps pus pt por ro ron rom rom ru rus sk slk sl slv so som sq sqi
    sr srp sv swe sw swa ta tam tg tgk th tha ti tir tk tuk tl tgl tr tur uk ukr ur urd uz uzb
    vi vie yo yor zh zho
""".split()  # noqa: SIM905 - a table to be read
_ISO_639_2: Mapping[str, str] = dict(zip(_CODES[::2], _CODES[1::2], strict=True))
"""ISO 639-2/T by ISO 639-1: the standard asks for the longer codes."""

_RISKY_IN_A_SHEET = ("=", "+", "-", "@", "\t", "\r")


def methods_of_control(
    codes: Iterable[IndicatorCode],
    chosen: Iterable[tuple[IndicatorCode, str]],
    indicators: IndicatorSet,
) -> tuple[str, ...]:
    """`vic_MethodsOfControl`. Where a code could mean several, only what the operator chose."""
    picked = set(chosen)
    found: dict[str, None] = {}
    for code in codes:
        can = indicators.indicators[code].htcds
        for value in can:
            if len(can) == 1 or (code, value) in picked:
                found[value] = None
    return tuple(found)


def extensions(package: Package, indicators: IndicatorSet) -> dict[str, bool]:
    """What the standard has no value for, as fields of our own."""
    names = {indicators.indicators[code].htcds_x for code in package.indicators} - {None}
    found = {str(name): True for name in sorted(map(str, names))}
    if ExploitationForm.CRIME in package.exploitation_forms:
        found[FORCED_CRIMINALITY] = True
    return found


def document_of(package: Package, indicators: IndicatorSet) -> Json:
    """The package as a tree for JSON: `htcds` for everybody, `x` for who wants to know more."""
    return {
        "package_id": package.package_id,
        "package_version": PACKAGE_VERSION,
        "standard_version": STANDARD_VERSION,
        "message_type": package.message_type.value,
        "created_at": moment(package.created_at),
        "sent_at": moment(package.sent_at),
        "sender": package.sender,
        "receiver": package.receiver,
        "urgency": package.urgency.value,
        "outcome": package.outcome.value,
        "rule_version": package.rule_version,
        "htcds": dict(_filled(_htcds(package, indicators))),
        "x": dict(_filled(_own(package, indicators))),
    }


def retraction_of(retraction: Retraction) -> Json:
    """A retraction as a tree for JSON."""
    return {
        "package_id": retraction.package_id,
        "package_version": PACKAGE_VERSION,
        "standard_version": STANDARD_VERSION,
        "message_type": "retract",
        "created_at": moment(retraction.created_at),
        "sent_at": moment(retraction.sent_at),
        "sender": retraction.sender,
        "receiver": retraction.receiver,
        "retracts": retraction.retracts,
    }


def to_json(document: Json) -> bytes:
    """The one way in which a document is written: equal documents are equal bytes."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()


def to_csv(document: Json) -> str:
    """The core fields as a table of two lines."""
    fields: Mapping[str, Json] = document["htcds"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CORE)
    writer.writerow([_cell(name, fields.get(name)) for name in CORE])
    return out.getvalue()


def moment(at: Milliseconds) -> str:
    """ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")


def language_code(language: Language) -> str | None:
    """ISO 639-2 of a language tag; None where we do not know it."""
    primary = language.partition("-")[0]
    return _ISO_639_2.get(primary) or (primary if len(primary) == 3 else None)  # noqa: PLR2004


def _htcds(package: Package, indicators: IndicatorSet) -> Iterator[tuple[str, Json]]:
    yield "vic_TraffickingStatus", STATUS
    if package.status_decided_by:
        yield "vic_TraffickingStatusDecisionMakingOrg", package.status_decided_by.value
    control = methods_of_control(package.indicators, package.methods, indicators)
    yield "vic_MethodsOfControl", _joined(control)
    types = dict.fromkeys(TYPES[one] for one in package.exploitation_forms)
    yield "vic_TypeOfExploitation", _joined(types)
    yield "cas_Status", "Active"
    yield "cas_ReferringOrganisation", package.sender
    yield "cas_ReferredOrganisation", package.receiver
    yield "cas_ReasonForOutgoingReferral", "AdditionalServicesRequired"
    yield "cas_OutgoingReferralDate", moment(package.sent_at)[:10]
    yield "cas_OutgoingReferralDetails", package.reasons
    yield "con_Consent", _stands(package.consent)
    yield "prs_Gender", package.gender.value if package.gender else None
    yield "prs_Citizenship", _joined(package.citizenship)
    yield "prs_PrimaryLanguage", language_code(package.language)
    yield "vic_MethodOfRecruitment", _joined(one.value for one in package.recruitment_channel)
    if package.relation_recruiter:
        yield "vic_RelationshipToTrafficker", _RELATIONS[package.relation_recruiter]
    yield (
        "spl_Type",
        _joined(dict.fromkeys(_SUPPORT[need] for need in package.needs if need in _SUPPORT)),
    )
    yield "hte_Type", _joined(one.phase.value for one in package.movement)
    yield "hte_Country", _joined(one.country for one in package.movement)
    yield from _who(package)


def _who(package: Package) -> Iterator[tuple[str, Json]]:
    if package.identity:
        yield "prs_FirstName", package.identity.first_name
        yield "prs_SecondName", package.identity.second_name
        born = package.identity.birth_date
        yield "prs_Birthdate", born.isoformat() if born else None
    contact = package.safe_contact
    if contact and contact.by is ContactBy.PHONE:
        yield "prs_MobilePhone", contact.address
    if contact and contact.by is ContactBy.EMAIL:
        yield "prs_Email", contact.address


def _own(package: Package, indicators: IndicatorSet) -> Iterator[tuple[str, Json]]:
    yield "indicators", list(package.indicators)
    yield from extensions(package, indicators).items()
    yield "exploitation_forms", [one.value for one in package.exploitation_forms]
    yield "presumed_minor", _value(package.presumed_minor)
    yield "guardian_needed", package.guardian_needed
    yield "age_band", _value(package.age_band)
    yield "language", package.language
    yield "dialect", package.dialect
    yield "interpreter_needed", package.interpreter_needed
    yield "mediator_wanted", package.mediator_wanted
    yield "communication_aid", package.communication_aid
    yield "country_now", package.country_now
    yield "still_in_situation", _value(package.still_in_situation)
    yield "last_contact_exploiter", _value(package.last_contact_exploiter)
    yield "needs", [need.value for need in package.needs]
    yield "wants", _value(package.wants)
    yield "risks", [risk.value for risk in package.risks]
    yield "relation_recruiter", _value(package.relation_recruiter)
    yield "movement", [{"phase": m.phase.value, "country": m.country} for m in package.movement]
    yield "consent", [_consent(consent) for consent in package.consent]
    yield "legal_basis", package.legal_basis.value
    yield "attachments", []
    if package.safe_contact:
        contact = package.safe_contact
        yield (
            "safe_contact",
            dict(
                _filled(
                    (
                        ("by", contact.by.value),
                        ("address", contact.address),
                        ("when", contact.when),
                        ("never_say", contact.never_say),
                        ("code_word_set", contact.code_word_set),
                    )
                )
            ),
        )
    if package.identity:
        yield "alias", package.identity.alias


def _consent(consent: Consent) -> Json:
    return {
        "purpose": consent.purpose.value,
        "given": consent.given,
        "text_version": consent.text_version,
        "language": consent.language,
        "at": moment(consent.at),
        "interpreter_explained": consent.interpreter,
        "withdrawn_at": moment(consent.withdrawn_at) if consent.withdrawn_at else None,
    }


def _stands(consents: Iterable[Consent]) -> bool:
    return any(consent.stands and consent.purpose is Purpose.REFERRAL for consent in consents)


def _filled(pairs: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
    """Without what nobody said; an empty list says something, an empty text does not."""
    return ((name, value) for name, value in pairs if value is not None and value != "")


def _joined(values: Iterable[str]) -> str:
    return ";".join(values)


def _value(member: Any) -> Json:  # noqa: ANN401 - any enum of choices
    return member.value if member is not None else None


def _cell(name: str, value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    # A sheet would run it. Telephone numbers begin with + and are digits only.
    risky = text.startswith(_RISKY_IN_A_SHEET) and name != "prs_MobilePhone"
    return f"'{text}" if risky else text
