"""Field by field: what is missing, and what is not possible."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.domain.indicators import IndicatorCode
from bot.domain.text import Country
from handoff.referral.form import (
    AgeBand,
    ContactBy,
    Form,
    Identity,
    Minor,
    Movement,
    Phase,
    SafeContact,
    mistakes,
)
from tests.support.graphs import shipped
from tests.support.referrals import CONTACT, FORM, FULL_FORM, IDENTITY, TODAY

INDICATORS = shipped().graph.indicators
HURT = IndicatorCode("HURT")


def found(form: Form, *, identity: bool = False) -> list[tuple[str, str]]:
    return [
        (one.field, one.problem)
        for one in mistakes(form, INDICATORS, today=TODAY, identity=identity)
    ]


def test_a_complete_form_has_none() -> None:
    assert found(FORM) == []
    assert found(FULL_FORM, identity=True) == []


def test_an_empty_form_lists_everything_that_is_required() -> None:
    assert found(Form()) == [
        ("status_decided_by", "missing"),
        ("presumed_minor", "missing"),
        ("country_now", "missing"),
        ("still_in_situation", "missing"),
        ("wants", "missing"),
        ("reasons", "missing"),
    ]


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"presumed_minor": Minor.YES, "age_band": None}, ("guardian_needed", "missing")),
        ({"presumed_minor": Minor.NOT_SURE}, ("guardian_needed", "missing")),
        ({"age_band": AgeBand.TO_17}, ("age_band", "contradicts")),
        ({"indicators": (IndicatorCode("NOTHING"),)}, ("indicators", "unknown")),
        ({"indicators": (HURT,)}, ("methods", "choose")),
        ({"indicators": (HURT,), "methods": ((HURT, "DebtBondage"),)}, ("methods", "choose")),
        ({"country_now": Country("Moldova")}, ("country_now", "country")),
        ({"citizenship": (Country("md"),)}, ("citizenship", "country")),
        ({"movement": (Movement(Phase.TRANSIT, Country("R0")),)}, ("movement", "country")),
        ({"dialect": "Romani"}, ("dialect", "dialect")),
        ({"reasons": "  \n "}, ("reasons", "missing")),
        ({"reasons": "x" * 501}, ("reasons", "too_long")),
        ({"reasons": "a\x00b"}, ("reasons", "signs")),
        ({"safe_contact": CONTACT}, ("safe_contact", "not_agreed")),
        ({"identity": IDENTITY}, ("identity", "not_agreed")),
    ],
)
def test_mistakes(changes: dict[str, Any], mistake: tuple[str, str]) -> None:
    assert found(replace(FORM, **changes)) == [mistake]


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"safe_contact": None}, ("safe_contact", "missing")),
        ({"safe_contact": replace(CONTACT, address="call me")}, ("safe_contact", "phone")),
        ({"safe_contact": replace(CONTACT, address="")}, ("safe_contact", "phone")),
        (
            {"safe_contact": SafeContact(by=ContactBy.EMAIL, address="a@b")},
            ("safe_contact", "email"),
        ),
        ({"safe_contact": replace(CONTACT, when="x" * 121)}, ("safe_contact", "too_long")),
        ({"identity": Identity(first_name="x" * 121)}, ("identity", "too_long")),
        ({"identity": Identity(alias="a\x1bb")}, ("identity", "signs")),
        ({"identity": Identity(birth_date=date(2027, 1, 1))}, ("identity", "birth_date")),
        ({"identity": Identity(birth_date=date(1812, 1, 1))}, ("identity", "birth_date")),
    ],
)
def test_mistakes_with_the_yes_to_identity(
    changes: dict[str, Any], mistake: tuple[str, str]
) -> None:
    assert found(replace(FULL_FORM, **changes), identity=True) == [mistake]


def test_a_chat_needs_no_address() -> None:
    contact = SafeContact(by=ContactBy.THIS_CHAT)
    assert found(replace(FORM, safe_contact=contact), identity=True) == []


def test_nothing_personal_is_printed_with_the_form() -> None:
    for secret in ("Zqanary", "600 00", "papers", "DOCS_HELD"):
        assert secret not in repr(FULL_FORM)
        assert secret not in repr(IDENTITY) + repr(CONTACT)
