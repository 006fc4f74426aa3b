"""Nothing about a country reaches a person without passing `shown`."""

from datetime import date

import pytest

from bot.domain.facts import (
    Fact,
    Fallback,
    GeneralNumber,
    Hotline,
    IsoDate,
    Mark,
    Mode,
    PhoneNumber,
    Source,
    Status,
    Verified,
    shown,
    usable,
)
from bot.domain.text import Country, Language, TextKey

ON, UNTIL = date(2026, 11, 1), date(2027, 5, 1)
TODAY = date(2026, 11, 22)


def _fact(status: Status) -> Fact[str]:
    verified = Verified(by="reviewer", on=ON, until=UNTIL)
    return Fact("value", _mark(status, verified if status is Status.VERIFIED else None))


def _mark(status: Status, verified: Verified | None = None) -> Mark:
    return Mark(
        status=status,
        source=Source(publisher="somebody"),
        read_on=IsoDate("2026-11"),
        verified=verified,
    )


@pytest.mark.parametrize(
    ("status", "mode", "today", "is_shown"),
    [
        (Status.UNCONFIRMED, Mode.DEMONSTRATION, TODAY, False),
        (Status.UNCONFIRMED, Mode.PRODUCTION, TODAY, False),
        (Status.DRAFT, Mode.DEMONSTRATION, TODAY, True),
        (Status.DRAFT, Mode.PRODUCTION, TODAY, False),
        *(
            (Status.VERIFIED, mode, day, ON <= day <= UNTIL)
            for mode in Mode
            for day in (date(2026, 10, 31), ON, TODAY, UNTIL, date(2027, 5, 2))
        ),
    ],
)
def test_what_is_shown(status: Status, mode: Mode, today: date, is_shown: bool) -> None:
    fact = _fact(status)
    assert shown(fact, mode, today) == ("value" if is_shown else None)
    assert shown(None, mode, today) is None


def test_a_fact_says_where_it_comes_from_and_who_stands_for_it() -> None:
    fact = _fact(Status.VERIFIED)
    assert (fact.status, fact.verified_by, fact.verified_until) == (
        Status.VERIFIED,
        "reviewer",
        UNTIL,
    )
    assert (fact.source.publisher, fact.read_on) == ("somebody", "2026-11")
    draft = _fact(Status.DRAFT)
    assert (draft.verified_by, draft.verified_until) == (None, None)


@pytest.mark.parametrize("status", [Status.UNCONFIRMED, Status.DRAFT])
def test_a_fact_is_verified_exactly_when_somebody_verified_it(status: Status) -> None:
    with pytest.raises(ValueError, match="verified"):
        _mark(status, Verified(by="reviewer", on=ON, until=UNTIL))
    with pytest.raises(ValueError, match="verified"):
        _mark(Status.VERIFIED)


def test_a_hotline_is_usable_with_a_name_and_one_way_to_reach_it() -> None:
    number = PhoneNumber(written="0 800", dial="0800")
    draft, hidden = _mark(Status.DRAFT), _mark(Status.UNCONFIRMED)
    name = Fact("A line", draft)
    for phone, mark, is_usable in (
        (Fact(number, draft), draft, True),
        (Fact(number, hidden), draft, False),
        (Fact(number, draft), hidden, False),
        (None, draft, False),
    ):
        hotline = Hotline(id="a", name=Fact("A line", mark), phone=phone)
        assert usable(hotline, Mode.DEMONSTRATION, TODAY) is is_usable
        assert not usable(hotline, Mode.PRODUCTION, TODAY)
    abroad = Hotline(id="a", name=name, phone_from_abroad=Fact(number, draft))
    page = Hotline(id="a", name=name, url=Fact("https://example.org", draft))
    assert usable(abroad, Mode.DEMONSTRATION, TODAY)
    assert usable(page, Mode.DEMONSTRATION, TODAY)


def test_general_numbers_hold_where_they_hold() -> None:
    number = Fact(PhoneNumber(written="112", dial="112"), _mark(Status.DRAFT))
    general = GeneralNumber(
        id="eu", number=number, where=TextKey("a"), holds_in=frozenset({Country("RO")})
    )
    fallback = Fallback(emergency=(general,), language_names=((Language("ro"), "Română"),))
    assert list(fallback.emergency_in(Country("RO"))) == [general]
    assert list(fallback.emergency_in(Country("MD"))) == []
    assert list(fallback.emergency_in(None)) == [general]
    assert fallback.language_name(Language("ro")) == "Română"
    assert fallback.language_name(Language("xx")) == "xx"
