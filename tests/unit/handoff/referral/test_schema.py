"""What leaves fits the schema that receivers were given."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.consent import Consent, PackageId
from bot.domain.indicators import IndicatorCode
from handoff.referral import schema
from handoff.referral.form import (
    AgeBand,
    ExploitationForm,
    Form,
    Gender,
    Inside,
    LastContact,
    Minor,
    Need,
    Recruitment,
    Relation,
    Risk,
    Want,
)
from handoff.referral.htcds import document_of, retraction_of, to_json
from handoff.referral.package import LegalBasis, Retraction, build_package
from handoff.referral.schema import NotADocumentError, read_document, schema_text
from tests.support.graphs import shipped
from tests.support.referrals import (
    AT,
    BOTH,
    DERIVED,
    FORM,
    FULL_FORM,
    HEADER,
    PACKAGE,
    RECEIVER,
    consent,
)

INDICATORS = shipped().graph.indicators
FILE = Path(schema.__file__).parent / "package.schema.json"


def written(form: Form, *consents: Consent) -> bytes:
    built = build_package(HEADER, DERIVED, form, INDICATORS, LegalBasis.CONSENT, consents)
    return to_json(document_of(built, INDICATORS))


def test_the_file_is_current(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        FILE.write_text(schema_text(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run pytest --update"


def test_a_package_fits() -> None:
    found = read_document(written(FULL_FORM, *BOTH))
    assert found.package_id == PACKAGE
    assert read_document(written(FULL_FORM, consent())).message_type == "notify"
    assert read_document(written(FULL_FORM)).message_type == "notify"


def choice(kind: Any) -> Any:
    return st.none() | st.sampled_from(list(kind))


def some(kind: Any) -> Any:
    return st.lists(st.sampled_from(list(kind)), unique=True, max_size=4).map(tuple)


FORMS = st.builds(
    replace,
    st.sampled_from([FORM, FULL_FORM]),
    indicators=some([IndicatorCode(code) for code in INDICATORS.indicators]),
    exploitation_forms=some(ExploitationForm),
    presumed_minor=choice(Minor),
    age_band=choice(AgeBand),
    gender=choice(Gender),
    still_in_situation=choice(Inside),
    last_contact_exploiter=choice(LastContact),
    needs=some(Need),
    wants=choice(Want),
    risks=some(Risk),
    relation_recruiter=choice(Relation),
    recruitment_channel=some(Recruitment),
    reasons=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=500),
)


@given(form=FORMS, consents=st.sampled_from([(), BOTH[:1], BOTH]))
def test_every_form_makes_a_document_that_fits(form: Form, consents: tuple[Consent, ...]) -> None:
    read_document(written(form, *consents))


def test_a_retraction_fits_and_says_nothing_about_anybody() -> None:
    retraction = Retraction(
        package_id=PackageId("7b0c1234-5678-4abc-8def-0123456789ff"),
        retracts=PACKAGE,
        sender="Test Helpline",
        receiver=RECEIVER,
        created_at=AT,
        sent_at=AT,
    )
    document = retraction_of(retraction)
    assert read_document(to_json(document)).message_type == "retract"
    assert document.keys() == {
        *("package_id", "package_version", "standard_version", "message_type", "created_at"),
        *("sent_at", "sender", "receiver", "retracts"),
    }


def changed(path: tuple[str, ...], value: Any) -> bytes:
    document = json.loads(written(FULL_FORM, *BOTH))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("package_id",), "../../etc/passwd"),
        (("message_type",), "order"),
        (("standard_version",), "HTCDS-1"),
        (("transcript",), "what was said"),
        (("htcds", "vic_TraffickingStatus"), "ActualVictimOfTrafficking"),
        (("htcds", "prs_Title"), "Dr"),
        (("htcds", "cas_OutgoingReferralDetails"), "x" * 501),
        (("x", "messages"), ["hello"]),
        (("x", "attachments"), ["photo"]),
        (("x", "legal_basis"), "because"),
        (("x", "country_now"), "Moldova"),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(
    path: tuple[str, ...], value: Any
) -> None:
    with pytest.raises(NotADocumentError) as refused:
        read_document(changed(path, value))
    assert str(value) not in str(refused.value)
    assert path[-1] in str(refused.value) or not str(refused.value)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"package_id":1}'])
def test_what_is_no_document_is_refused(broken: bytes) -> None:
    with pytest.raises(NotADocumentError):
        read_document(broken)


def test_the_schema_names_every_field_that_can_be_written() -> None:
    names = schema_text()
    combos = product([FORM, FULL_FORM], [BOTH[:1], BOTH])
    for document in (json.loads(written(form, *consents)) for form, consents in combos):
        for block in (document, document["htcds"], document["x"]):
            for name in block:
                assert f'"{name}"' in names
