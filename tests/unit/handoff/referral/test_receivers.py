"""The directory: what is in it, what is refused, and until when it counts."""

from base64 import b64encode
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.domain.consent import ReceiverId
from handoff.referral.receivers import (
    FOLDER,
    Channel,
    Kind,
    Unusable,
    key_id,
    read_directory,
    why_unusable,
)
from tests.support.referrals import FIRST_POINT, PUBLIC, TODAY

ROOT = Path(__file__).parents[4]

GOOD = f"""
schema: 1
receiver: demo-first-point
name: Demonstration First Point
kind: first_point_of_notification
country: MD
owner: referral lead
checked_on: 2026-11-01
check_until: 2027-02-01
channel: file_drop
tested_on: 2026-11-01
public_key: {b64encode(PUBLIC).decode()}
answers_within_hours: 48
hours: Monday to Friday, 9 to 17
second_contact: duty phone of the coordinator
minors_contact: child protection unit
demonstration: true
"""
FILE = f"{FOLDER}/demo-first-point.yaml"


def test_a_file_is_read_as_it_is_written() -> None:
    found = read_directory({FILE: GOOD})
    assert found.problems == ()
    assert found.get(ReceiverId("demo-first-point")) == FIRST_POINT
    assert found.get(ReceiverId("other")) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("schema: 1", "schema: 2", "schema"),
        ("receiver: demo-first-point", "receiver: other", "receiver"),
        ("receiver: demo-first-point", "receiver: ../up", "receiver"),
        ("name: Demonstration", "name: <b>Demo", "name"),
        ("name: Demonstration", "name: '{receiver}", "this is not YAML"),
        ("country: MD", "country: Moldova", "country"),
        ("owner: referral lead", "owner: ''", "owner"),
        ("check_until: 2027-02-01", "check_until: 2026-10-01", "check_until"),
        ("check_until: 2027-02-01", "check_until: 2028-02-01", "check_until"),
        ("channel: file_drop", "channel: fax", "channel"),
        ("channel: file_drop", "channel: printed", "public_key"),
        (b64encode(PUBLIC).decode(), "AAAA", "public_key"),
        (b64encode(PUBLIC).decode(), b64encode(bytes(32)).decode(), "public_key"),
        ("answers_within_hours: 48", "answers_within_hours: 0", "answers_within_hours"),
        ("hours: Monday", "url: https://example.org\nhours: Monday", "url"),
        ("schema: 1", "- a", "this is not YAML"),
        ("check_until: 2027-02-01", "check_until: 2027-02-30", "there is no such date"),
    ],
)
def test_a_wrong_file_is_left_out_and_named(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    good = GOOD.replace("demo-first-point", "other-one")
    found = read_directory({FILE: GOOD.replace(old, new), f"{FOLDER}/other-one.yaml": good})
    assert list(found.receivers) == ["other-one"]
    [bad] = found.problems
    assert bad.file == FILE
    assert bad.problem.startswith(problem), bad.problem


def test_every_key_of_small_order_is_refused() -> None:
    for point in ("01" + "00" * 31, "ec" + "ff" * 30 + "7f"):
        weak = GOOD.replace(b64encode(PUBLIC).decode(), b64encode(bytes.fromhex(point)).decode())
        assert read_directory({FILE: weak}).receivers == {}


@pytest.mark.parametrize(
    ("today", "usable"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2027, 2, 1), True),
        (date(2027, 2, 2), False),
    ],
)
def test_an_entry_counts_between_its_dates_only(today: date, usable: bool) -> None:
    assert (why_unusable(FIRST_POINT, today) is None) is usable
    directory = read_directory({FILE: GOOD})
    assert bool(directory.usable(today)) is usable


def test_a_channel_that_nobody_tried_is_not_used() -> None:
    untried = replace(FIRST_POINT, tested_on=None)
    assert why_unusable(untried, TODAY) is Unusable.NOT_TESTED
    later = replace(FIRST_POINT, tested_on=date(2026, 12, 1))
    assert why_unusable(later, TODAY) is Unusable.NOT_TESTED


def test_minors_need_somebody_for_them() -> None:
    nobody = replace(FIRST_POINT, minors_contact="")
    assert why_unusable(nobody, TODAY) is None
    assert why_unusable(nobody, TODAY, minor=True) is Unusable.NOT_FOR_MINORS


def test_a_key_has_a_name_that_can_be_said() -> None:
    assert FIRST_POINT.key_id == key_id(PUBLIC)
    assert [len(group) for group in FIRST_POINT.key_id.split()] == [4, 4, 4, 4]


def test_we_ship_no_receiver() -> None:
    assert list((ROOT / FOLDER).glob("*.yaml")) == []
    assert (ROOT / FOLDER / "README.md").is_file()


def test_kinds_and_channels_are_explained() -> None:
    readme = (ROOT / FOLDER / "README.md").read_text(encoding="utf-8")
    for name in (*Kind, *Channel):
        assert f"`{name.value}`" in readme
