"""The names of the standard, typed a second time from its list, and its gaps."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.indicators import IndicatorCode
from bot.domain.text import Country, Language
from handoff.referral.form import (
    ContactBy,
    ExploitationForm,
    Form,
    Movement,
    Need,
    Phase,
    Relation,
    SafeContact,
)
from handoff.referral.htcds import (
    CORE,
    document_of,
    language_code,
    methods_of_control,
    to_csv,
    to_json,
)
from handoff.referral.package import LegalBasis, build_package
from tests.support.graphs import shipped
from tests.support.referrals import BOTH, DERIVED, FORM, FULL_FORM, HEADER, consent

INDICATORS = shipped().graph.indicators

# reference/indicators.md, section 4, column `vic_MethodsOfControl`; a dash where it has none.
METHODS = """
DECEIVED_NATURE FalsePromises | DECEIVED_TERMS FalsePromises | DECEIVED_PROMISE FalsePromises
PROMISE_SCHOOL FalsePromises | ARRANGED_BY_OTHER - | RECRUIT_VULN -
RECRUIT_DEPENDENCY PsychologicalAbuse | RECRUIT_FORCE PhysicalAbuse
DOCS_HELD WithholdsDocuments | DEBT DebtBondage | MOVEMENT Other
HURT PhysicalAbuse,SexualAbuse | THREAT_HARM PhysicalThreats
THREAT_FAMILY ThreatensChildrenFamily | THREAT_AUTH ThreatsLawEnforcement
THREAT_EXPOSE PsychologicalAbuse | IMAGES_THREAT PsychologicalAbuse | MUST_LIE Other
CANNOT_REFUSE PsychologicalAbuse | SUBSTANCES PsychoactiveSubstance
PAY_KEPT TakesEarnings,RestrictsFinancialAccess | DEPENDENT - | HOURS ExcessiveWorkingHours
LOW_PAY TakesEarnings | BAD_LIVING WithholdsNecessities | UNSAFE - | NO_CARE RestrictsMedicalCare
NO_CONTRACT - | PURPOSE_SEX - | FORCED_CLIENTS Other | PURPOSE_CRIME Other | CRIME_QUOTA Other
PURPOSE_BEG TakesEarnings | PURPOSE_SERVITUDE - | PURPOSE_ORGAN - | PURPOSE_MARRIAGE -
PURPOSE_ADOPTION - | PURPOSE_SURROGACY -
"""
TYPED = dict(pair.split() for line in METHODS.strip().splitlines() for pair in line.split("|"))

TYPES = {
    ExploitationForm.LABOUR: "ForcedLabour",
    ExploitationForm.CHILD_LABOUR: "ChildLabour",
    ExploitationForm.SEXUAL: "SexualExploitation",
    ExploitationForm.SERVITUDE: "Servitude",
    ExploitationForm.CRIME: "Other",
    ExploitationForm.BEGGING: "ForcedBegging",
    ExploitationForm.MARRIAGE: "ForcedMarriage",
    ExploitationForm.ORGAN: "OrganRemoval",
    ExploitationForm.ADOPTION: "ForcedAdoption",
    ExploitationForm.SURROGACY: "Surrogacy",
    ExploitationForm.OTHER: "Other",
}

PICKLIST = {
    *("PhysicalThreats", "ThreatsLawEnforcement", "ThreatensChildrenFamily", "DebtBondage"),
    *("FalsePromises", "PhysicalAbuse", "SexualAbuse", "TakesEarnings"),
    *("RestrictsFinancialAccess", "RestrictsMedicalCare", "WithholdsNecessities"),
    *("PsychologicalAbuse", "PsychoactiveSubstance", "ExcessiveWorkingHours"),
    *("WithholdsDocuments", "Other"),
}


def document(form: Form = FULL_FORM, **derived: Any) -> Any:
    known = replace(DERIVED, **derived)
    built = build_package(HEADER, known, form, INDICATORS, LegalBasis.CONSENT, BOTH)
    return document_of(built, INDICATORS)


@pytest.mark.parametrize("code", sorted(TYPED))
def test_every_code_has_the_values_of_the_standard(code: str) -> None:
    expected = () if TYPED[code] == "-" else tuple(TYPED[code].split(","))
    name = IndicatorCode(code)
    chosen = [(name, value) for value in expected]
    assert methods_of_control([name], chosen, INDICATORS) == expected
    assert set(expected) <= PICKLIST


def test_no_code_is_missing_from_the_table() -> None:
    assert set(TYPED) == set(INDICATORS.indicators)


def test_a_code_that_could_mean_several_says_only_what_the_operator_chose() -> None:
    hurt = IndicatorCode("HURT")
    assert methods_of_control([hurt], [], INDICATORS) == ()
    assert methods_of_control([hurt], [(hurt, "SexualAbuse")], INDICATORS) == ("SexualAbuse",)
    assert methods_of_control([hurt], [(hurt, "DebtBondage")], INDICATORS) == ()


@pytest.mark.parametrize("form", ExploitationForm)
def test_every_form_has_the_type_of_the_standard(form: ExploitationForm) -> None:
    found = document(replace(FORM, exploitation_forms=(form,)))
    assert found["htcds"]["vic_TypeOfExploitation"] == TYPES[form]
    crime = form is ExploitationForm.CRIME
    assert found["x"].get("x_forced_criminality") == (True if crime else None)


def test_forced_criminality_is_never_called_forced_labour() -> None:
    form = replace(
        FORM,
        indicators=(IndicatorCode("PURPOSE_CRIME"),),
        exploitation_forms=(ExploitationForm.CRIME,),
    )
    found = document(form)
    assert found["htcds"]["vic_TypeOfExploitation"] == "Other"
    assert found["htcds"]["vic_MethodsOfControl"] == "Other"
    assert found["x"]["x_forced_criminality"] is True


def test_restricted_movement_has_a_field_of_our_own() -> None:
    found = document()
    assert found["htcds"]["vic_MethodsOfControl"] == "WithholdsDocuments;DebtBondage;Other"
    assert found["x"]["x_restricts_movement"] is True
    other = document(replace(FORM, indicators=(IndicatorCode("DEBT"),)))
    assert "x_restricts_movement" not in other["x"]


def test_the_example_of_the_standard() -> None:
    """reference/referral-standard.md, section 5: names, values and where they stand."""
    found = document()
    assert found["message_type"] == "notify"
    assert found["standard_version"] == "HTCDS-2.0"
    assert (found["urgency"], found["outcome"]) == ("priority", "several_signs")
    assert found["created_at"] == "2026-11-18T11:06:40Z"
    standard = found["htcds"]
    assert standard["vic_TraffickingStatus"] == "PossibleVictimOfTrafficking"
    assert standard["vic_TraffickingStatusDecisionMakingOrg"] == "NGO"
    assert standard["cas_ReferringOrganisation"] == "Test Helpline"
    assert standard["cas_ReferredOrganisation"] == "demo-first-point"
    assert standard["cas_ReasonForOutgoingReferral"] == "AdditionalServicesRequired"
    assert standard["cas_OutgoingReferralDate"] == "2026-11-18"
    assert standard["con_Consent"] is True
    assert standard["prs_PrimaryLanguage"] == "ron"
    assert standard["prs_Citizenship"] == "RO;MD"
    assert (standard["hte_Type"], standard["hte_Country"]) == ("Transit", "RO")
    assert standard["vic_RelationshipToTrafficker"] == "Unaquainted"
    assert standard["spl_Type"] == "SocialCare;Legal"
    own = found["x"]
    assert own["indicators"] == ["DOCS_HELD", "DEBT", "MOVEMENT"]
    assert (own["language"], own["country_now"], own["wants"]) == ("ro", "MD", "support")
    assert [entry["purpose"] for entry in own["consent"]] == ["referral", "identity"]
    assert own["consent"][0]["text_version"] == "ro-0123456789abcdef"


def test_the_checkbox_is_not_ticked_without_a_consent() -> None:
    built = build_package(
        HEADER, DERIVED, FORM, INDICATORS, LegalBasis.CHILD_PROTECTION, (consent(given=False),)
    )
    assert document_of(built, INDICATORS)["htcds"]["con_Consent"] is False


@pytest.mark.parametrize(
    ("relation", "value"),
    [
        (Relation.FAMILY, "Familial"),
        (Relation.ACQUAINTED, "Acquainted"),
        (Relation.UNACQUAINTED, "Unaquainted"),
    ],
)
def test_relations(relation: Relation, value: str) -> None:
    found = document(replace(FORM, relation_recruiter=relation))
    assert found["htcds"]["vic_RelationshipToTrafficker"] == value


def test_needs_without_a_value_in_the_standard_stand_in_our_own_block_only() -> None:
    found = document(replace(FORM, needs=(Need.DOCUMENTS, Need.RETURN)))
    assert "spl_Type" not in found["htcds"]
    assert found["x"]["needs"] == ["documents", "return"]


def test_an_address_is_a_phone_or_an_e_mail_and_never_both() -> None:
    mail = SafeContact(by=ContactBy.EMAIL, address="a@b.example")
    found = document(replace(FULL_FORM, safe_contact=mail))["htcds"]
    assert (found.get("prs_Email"), found.get("prs_MobilePhone")) == ("a@b.example", None)
    chat = SafeContact(by=ContactBy.THIS_CHAT)
    found = document(replace(FULL_FORM, safe_contact=chat))["htcds"]
    assert (found.get("prs_Email"), found.get("prs_MobilePhone")) == (None, None)


def test_several_movements_stay_in_step() -> None:
    moves = (Movement(Phase.RECRUITMENT, Country("UA")), Movement(Phase.TRANSIT, Country("RO")))
    found = document(replace(FORM, movement=moves))["htcds"]
    assert (found["hte_Type"], found["hte_Country"]) == ("Recruitment;Transit", "UA;RO")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("ro", "ron"),
        ("sr-Cyrl", "srp"),
        ("ar", "ara"),
        ("de", "deu"),
        ("rom", "rom"),
        ("xx", None),
    ],
)
def test_languages_have_the_longer_code(language: str, code: str | None) -> None:
    assert language_code(Language(language)) == code


def test_equal_documents_are_equal_bytes() -> None:
    written = to_json(document())
    assert written == to_json(json.loads(written))


# The table


def test_the_header_is_the_list_of_core_fields() -> None:
    assert len(CORE) == len(set(CORE)) == 38
    assert "vic_TraffickingStatusDecisionMakingOrg" in CORE
    assert "vic_Vulnerabilities" not in CORE


def test_the_table_holds_what_the_document_holds() -> None:
    found = document(replace(FULL_FORM, reasons='He said: "no",\nand took; all.'))
    header, row = csv.reader(io.StringIO(to_csv(found)))
    cells = dict(zip(header, row, strict=True))
    assert tuple(header) == CORE
    assert cells["vic_MethodsOfControl"] == "WithholdsDocuments;DebtBondage;Other"
    assert cells["con_Consent"] == "true"
    assert cells["cas_OutgoingReferralDetails"] == 'He said: "no",\nand took; all.'
    assert cells["prs_MobilePhone"] == "+373 600 00 000"
    assert cells["prs_Salutation"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_sheet_runs_nothing(start: str) -> None:
    found = document(replace(FORM, reasons=f"{start}HYPERLINK(1)"))
    _, row = csv.reader(io.StringIO(to_csv(found)))
    assert f"'{start}HYPERLINK(1)" in row
