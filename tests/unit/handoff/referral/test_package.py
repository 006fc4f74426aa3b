"""What a package may hold. The table of classes is typed here a second time, from the standard."""

from dataclasses import fields, replace

import pytest

from bot.domain.consent import Consent, Purpose
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import Answer, Conversation, Place
from bot.domain.ids import OperatorId
from bot.domain.indicators import IndicatorCode, Outcome, Urgency
from bot.domain.messages import ChoiceId
from bot.domain.text import Country, Language
from handoff.referral.form import ExploitationForm, Form, Minor
from handoff.referral.htcds import document_of, to_json
from handoff.referral.package import (
    FIELDS,
    Derived,
    LegalBasis,
    Needs,
    Package,
    begun_form,
    build_package,
    derive,
    granted,
    not_allowed,
    outcome_of,
)
from tests.support.graphs import shipped, sign, small_graph, step
from tests.support.referrals import (
    AT,
    BOTH,
    DERIVED,
    FORM,
    FULL_FORM,
    HEADER,
    OPERATOR,
    consent,
)

INDICATORS = shipped().graph.indicators

# reference/referral-standard.md, section 5: field, class. `methods` is the operator's choice for
# codes that could mean several values of vic_MethodsOfControl: the class of the indicators.
TABLE = """
package_id none | message_type none | created_at none | sent_at none | sender none
receiver none | urgency none | outcome none | rule_version none | status_decided_by none
language none | dialect none | consent none | legal_basis none
presumed_minor child | guardian_needed child
indicators ref | methods ref | exploitation_forms ref | age_band ref | gender ref
interpreter_needed ref | mediator_wanted ref | communication_aid ref | country_now ref
citizenship ref | still_in_situation ref | last_contact_exploiter ref | needs ref | wants ref
risks ref | relation_recruiter ref | recruitment_channel ref | movement ref | reasons ref
safe_contact id | identity id
"""
CLASSES = dict(pair.split() for line in TABLE.strip().splitlines() for pair in line.split("|"))


def package(
    *consents: Consent, form: Form = FULL_FORM, basis: LegalBasis = LegalBasis.CONSENT
) -> Package:
    return build_package(HEADER, DERIVED, form, INDICATORS, basis, consents)


def empty(value: object) -> bool:
    return value in (None, (), "")


def test_every_field_has_the_class_of_the_standard() -> None:
    assert {name: needs.value for name, needs in FIELDS.items()} == CLASSES
    assert {field.name for field in fields(Package)} == CLASSES.keys()


@pytest.mark.parametrize(
    ("consents", "basis", "classes"),
    [
        ((), LegalBasis.CONSENT, {"none"}),
        ((consent(given=False),), LegalBasis.CONSENT, {"none"}),
        ((consent(withdrawn_at=AT),), LegalBasis.CONSENT, {"none"}),
        ((consent(Purpose.IDENTITY),), LegalBasis.CONSENT, {"none"}),
        ((consent(),), LegalBasis.CONSENT, {"none", "ref", "child"}),
        (BOTH, LegalBasis.CONSENT, {"none", "ref", "child", "id"}),
        ((), LegalBasis.CHILD_PROTECTION, {"none", "ref", "child"}),
        ((), LegalBasis.IMMINENT_DANGER, {"none", "ref", "child"}),
        ((consent(Purpose.IDENTITY),), LegalBasis.IMMINENT_DANGER, {"none", "ref", "child", "id"}),
    ],
)
def test_fields_that_nothing_allows_are_absent(
    consents: tuple[Consent, ...], basis: LegalBasis, classes: set[str]
) -> None:
    built = package(*consents, basis=basis)
    assert {needs.value for needs in granted(basis, consents)} == classes
    for name, needs in CLASSES.items():
        if needs not in classes:
            assert empty(getattr(built, name)), name
        elif name not in {"guardian_needed", "methods"} and not (
            name == "consent" and not consents
        ):
            assert not empty(getattr(built, name)), name
    assert not_allowed(built) == frozenset()


def test_without_identity_nobody_is_named_in_any_byte() -> None:
    written = to_json(document_of(package(consent()), INDICATORS)).decode()
    for secret in ("Zqanary", "Markerova", "600 00", "after 20", "our name", "2001-02-03"):
        assert secret not in written
    full = to_json(document_of(package(*BOTH), INDICATORS)).decode()
    assert "Zqanary" in full
    assert "600 00" in full


def test_a_package_made_by_hand_is_found_out() -> None:
    stolen = replace(package(consent()), identity=FULL_FORM.identity)
    assert not_allowed(stolen) == {"identity"}


def test_no_field_could_carry_a_message() -> None:
    """Typed texts are: reasons, three of the safe contact and three of the identity."""
    texts = {field.name for field in fields(Package) if field.type in ("str", str)}
    assert texts == {"sender", "rule_version", "reasons"}


def conversation(**changes: object) -> Conversation:
    talk = Conversation(
        release=1,
        language=Language("ro"),
        control=Control(
            owner=Owner.OPERATOR,
            fence=Fence(1, "n"),
            operator=OperatorId(OPERATOR),
            lease_until=AT,
        ),
        answers=(Answer(place=Place("home", "papers"), choices=(ChoiceId("yes"),)),),
        facts={"country": ("MD",), "age": ("child",)},
        outcome=Outcome.SEVERAL_SIGNS,
        urgency=Urgency.PRIORITY,
        show_answers=True,
    )
    return replace(talk, **changes)  # type: ignore[arg-type]


GRAPH = small_graph(home=[step("papers", asks=sign("DOCS_HELD"))])


def test_what_the_person_shows_is_filled_in() -> None:
    derived = derive(GRAPH, conversation())
    assert derived.codes == ("DOCS_HELD",)
    assert derived.minor is Minor.YES
    assert derived.outcome is Outcome.SEVERAL_SIGNS
    begun = begun_form(derived)
    assert (begun.indicators, begun.presumed_minor, begun.country_now) == (
        ("DOCS_HELD",),
        Minor.YES,
        "MD",
    )


def test_what_the_person_keeps_to_themselves_is_not() -> None:
    derived = derive(GRAPH, conversation(show_answers=False))
    assert (derived.codes, derived.minor, derived.outcome) == ((), None, Outcome.INFORMATION)
    assert (derived.language, derived.country, derived.urgency) == (
        "ro",
        Country("MD"),
        Urgency.PRIORITY,
    )


@pytest.mark.parametrize(
    ("code", "minor", "form"),
    [
        ("PURPOSE_SEX", None, ExploitationForm.SEXUAL),
        ("PURPOSE_CRIME", None, ExploitationForm.CRIME),
        ("CRIME_QUOTA", None, ExploitationForm.CRIME),
        ("PURPOSE_BEG", None, ExploitationForm.BEGGING),
        ("PURPOSE_SERVITUDE", None, ExploitationForm.SERVITUDE),
        ("PURPOSE_ORGAN", None, ExploitationForm.ORGAN),
        ("PURPOSE_MARRIAGE", None, ExploitationForm.MARRIAGE),
        ("PURPOSE_ADOPTION", None, ExploitationForm.ADOPTION),
        ("PURPOSE_SURROGACY", None, ExploitationForm.SURROGACY),
        ("HOURS", Minor.NO, ExploitationForm.LABOUR),
        ("LOW_PAY", Minor.YES, ExploitationForm.CHILD_LABOUR),
    ],
)
def test_forms_that_follow_from_codes(
    code: str, minor: Minor | None, form: ExploitationForm
) -> None:
    derived = replace(DERIVED, codes=(IndicatorCode(code),), minor=minor)
    assert begun_form(derived).exploitation_forms == (form,)


def test_the_outcome_follows_the_codes_of_the_form_and_never_falls() -> None:
    nothing = replace(DERIVED, outcome=Outcome.INFORMATION)
    assert outcome_of(INDICATORS, nothing, FORM) is Outcome.SIGNS
    assert outcome_of(INDICATORS, DERIVED, Form()) is Outcome.SEVERAL_SIGNS


def test_all_needs_are_used() -> None:
    assert set(FIELDS.values()) == set(Needs)
    assert isinstance(DERIVED, Derived)
