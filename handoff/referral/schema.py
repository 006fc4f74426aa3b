"""The form of what is sent, for whoever writes a program that receives it.

`package.schema.json` beside this file is made from here: a test keeps it current, and writes it
with `pytest --update`. What leaves and what comes in is checked against the same models.
"""

# ruff: noqa: N815 - the names of the standard

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from handoff.referral.form import (
    AgeBand,
    ContactBy,
    DecidedBy,
    ExploitationForm,
    Gender,
    Inside,
    LastContact,
    Minor,
    Need,
    Phase,
    Relation,
    Risk,
    Want,
)

Uuid = Annotated[
    str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=60)]
Tag = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Many = Annotated[str, Field(pattern=r"^[A-Za-z]+(;[A-Za-z]+)*$")]
Countries = Annotated[str, Field(pattern=r"^[A-Z]{2}(;[A-Z]{2})*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_enum_values=True
    )


class Htcds(_Strict):
    """Names and values of the Human Trafficking Case Data Standard 2.0. Several: joined by `;`."""

    prs_FirstName: Name | None = None
    prs_SecondName: Name | None = None
    prs_Birthdate: Day | None = None
    prs_Gender: Gender | None = None
    prs_PrimaryLanguage: Annotated[str, Field(pattern=r"^[a-z]{3}$")] | None = None
    prs_Citizenship: Countries | None = None
    prs_Email: Name | None = None
    prs_MobilePhone: Name | None = None
    vic_TraffickingStatus: Literal["PossibleVictimOfTrafficking"]
    vic_TraffickingStatusDecisionMakingOrg: DecidedBy | None = None
    vic_RelationshipToTrafficker: Literal["Familial", "Acquainted", "Unaquainted"] | None = None
    vic_MethodOfRecruitment: Many | None = None
    vic_MethodsOfControl: Many | None = None
    vic_TypeOfExploitation: Many | None = None
    cas_Status: Literal["Active"]
    cas_ReferringOrganisation: Name
    cas_ReferredOrganisation: Name
    cas_ReasonForOutgoingReferral: Literal["AdditionalServicesRequired"]
    cas_OutgoingReferralDate: Day
    cas_OutgoingReferralDetails: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    hte_Type: Many | None = None
    hte_Country: Countries | None = None
    spl_Type: Many | None = None
    con_Consent: bool


class ConsentEntry(_Strict):
    """The person's answer for one purpose, to this receiver."""

    purpose: Literal["referral", "identity"]
    given: bool
    text_version: Annotated[str, Field(min_length=1, max_length=100)]
    language: Tag
    at: Moment
    interpreter_explained: bool
    withdrawn_at: Moment | None


class MovementEntry(_Strict):
    """A country, and what happened there."""

    phase: Phase
    country: CountryCode


class SafeContactEntry(_Strict):
    """How to reach the person without harming them. Read all of it before you call."""

    by: ContactBy
    address: Name | None = None
    when: Name | None = None
    never_say: Name | None = None
    code_word_set: bool


class Own(_Strict):
    """What the standard has no place for."""

    indicators: tuple[Code, ...]
    x_restricts_movement: Literal[True] | None = None
    x_forced_criminality: Literal[True] | None = None
    exploitation_forms: tuple[ExploitationForm, ...]
    presumed_minor: Minor | None = None
    guardian_needed: bool | None = None
    age_band: AgeBand | None = None
    language: Tag
    dialect: Annotated[str, Field(pattern=r"^[a-z]{3}$")] | None = None
    interpreter_needed: bool | None = None
    mediator_wanted: bool | None = None
    communication_aid: bool | None = None
    country_now: CountryCode | None = None
    still_in_situation: Inside | None = None
    last_contact_exploiter: LastContact | None = None
    needs: tuple[Need, ...]
    wants: Want | None = None
    risks: tuple[Risk, ...]
    relation_recruiter: Relation | None = None
    movement: tuple[MovementEntry, ...] = ()
    consent: tuple[ConsentEntry, ...]
    legal_basis: Literal["consent", "child_protection", "imminent_danger"]
    attachments: Annotated[tuple[()], Field(json_schema_extra={"maxItems": 0})] = ()
    safe_contact: SafeContactEntry | None = None
    alias: Name | None = None


class _Message(_Strict):
    package_id: Uuid
    package_version: Literal["1"]
    standard_version: Literal["HTCDS-2.0"]
    created_at: Moment
    sent_at: Moment
    sender: Name
    receiver: Name


class NotifyDocument(_Message):
    """Tells a receiver about a person who may be exploited."""

    message_type: Literal["notify"]
    urgency: Literal["now", "priority", "normal"]
    outcome: Literal["information", "rights_advice", "signs", "several_signs"]
    rule_version: Annotated[str, Field(min_length=1, max_length=40)]
    htcds: Htcds
    x: Own


class RetractDocument(_Message):
    """Tells a receiver that the person took it back: delete what came under `retracts`."""

    message_type: Literal["retract"]
    retracts: Uuid


class Document(
    RootModel[Annotated[NotifyDocument | RetractDocument, Field(discriminator="message_type")]]
):
    """Everything that one organisation can send to another."""


class NotADocumentError(ValueError):
    """This is no document of ours; the message names the fields, never what stood in them."""


def read_document(written: bytes) -> NotifyDocument | RetractDocument:
    """The document in `written`.

    Raises:
        NotADocumentError: it is none.
    """
    try:
        return Document.model_validate_json(written).root
    except ValidationError as error:
        wrong = sorted({".".join(map(str, mistake["loc"])) for mistake in error.errors()})
        raise NotADocumentError(", ".join(wrong)) from None


def schema_text() -> str:
    """What stands in `package.schema.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Firstpoint package, version 1",
        **Document.model_json_schema(mode="validation"),
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
