"""The pages of a referral, in a browser without scripts."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.referral_command import DEMO, make_demo_receiver
from handoff.permissions import Role
from tests.integration.test_referral import waits_for_a_human
from tests.support.person import Person
from tests.support.service import RunningService, running, settings_for
from tests.support.staffer import Staffer

FORM: dict[str, Any] = {
    "filled": "1",
    "indicators": ["DOCS_HELD", "HURT"],
    "methods": ["HURT:PhysicalAbuse"],
    "exploitation_forms": ["labour"],
    "status_decided_by": "NGO",
    "presumed_minor": "no",
    "age_band": "18-24",
    "interpreter_needed": "yes",
    "country_now": "md",
    "citizenship": "RO, MD",
    "movement_Transit": "RO UA",
    "still_in_situation": "yes",
    "needs": ["shelter", "legal"],
    "wants": "support",
    "risks": ["threat"],
    "reasons": "Somebody keeps her papers.\r\nShe owes <b>money</b>.",
}


class Desk:
    """A person, an operator in a browser, and where packages go."""

    def __init__(self, service: RunningService, person: Person, staff: Staffer, drop: Path):
        self.service, self.person, self.staff, self.drop = service, person, staff, drop

    @property
    def files(self) -> list[str]:
        return sorted(p.name for p in self.drop.iterdir()) if self.drop.exists() else []

    async def begins(self) -> None:
        link = re.search(r'href="(/conversation/[^"]+/referrals)"', self.staff.page)
        assert link is not None
        await self.staff.opens(link[1])
        await self.staff.sends(link[1], referral=self.staff.hidden("referral"), receiver=DEMO)
        assert self.staff.status == 200, self.staff.text
        assert "/referrals/" in self.staff.path

    async def presses(self, do: str, **fields: Any) -> None:
        await self.staff.sends(self.staff.path, do=do, **fields)


@pytest.fixture
async def desk(redis: Redis, redis_socket: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    settings = settings_for(f"unix://{redis_socket}", tmp_path).model_copy(
        update={"receivers": tmp_path / "receivers", "drop": tmp_path / "drop"}
    )
    async with running(settings) as service:
        person = service.person()
        await waits_for_a_human(person)
        staff = await service.staffer("ana", Role.OPERATOR)
        await staff.opens("/queue")
        await staff.sends("/claim")
        await person.looks()
        yield Desk(service, person, staff, tmp_path / "drop" / DEMO)


async def test_from_the_conversation_to_the_receiver(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("save", **FORM)
    assert desk.staff.status == 200, desk.staff.text
    assert "Saved." in desk.staff.text
    assert 'value="RO MD"' in desk.staff.page
    assert "&lt;b&gt;money&lt;/b&gt;" in desk.staff.page
    assert "The person did not agree that we say who they are." in desk.staff.text

    await desk.presses("ask_referral", **FORM)
    assert "The person is being asked now." in desk.staff.text
    await desk.person.looks()
    await desk.person.presses("agree")
    await desk.staff.opens(desk.staff.path)
    assert "The person agreed." in desk.staff.text

    await desk.presses("send", **FORM)
    assert "Sent, not confirmed" in desk.staff.text
    assert len(desk.files) == 1

    await desk.staff.opens("/referrals")
    assert "Sent, not confirmed" in desk.staff.text
    await desk.staff.sends(
        "/referrals",
        do="answer",
        conversation=desk.staff.hidden("conversation"),
        referral=desk.staff.hidden("referral"),
        state="acknowledged",
        answer_reference="A-17",
    )
    assert "Confirmed" in desk.staff.text
    await desk.person.looks()
    assert "referral.confirmed" in desk.person.heard()


async def test_what_is_wrong_stands_beside_its_field(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("send", **{**FORM, "country_now": "Moldova", "wants": ""})
    assert desk.staff.status == 422
    assert "Use two capital letters" in desk.staff.text
    assert 'id="wants-problem"' in desk.staff.page
    assert 'aria-describedby="country_now-problem"' in desk.staff.page
    assert 'value="MOLDOVA"' in desk.staff.page, "nothing that was typed is lost"
    assert desk.files == []


async def test_what_no_page_of_ours_sends_is_not_taken(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("save", **{**FORM, "gender": "<script>", "needs": ["shelter", "gold"]})
    assert desk.staff.status == 422
    assert "This could not be read." in desk.staff.text
    assert "<script>alert" not in desk.staff.page
    await desk.presses("decide", basis="consent", decision_reason="x" * 30)
    assert desk.staff.status == 422
    await desk.presses("decide", basis="imminent_danger", decision_reason="short")
    assert desk.staff.status == 422
    await desk.staff.opens("/conversation/nobody/referrals/not-an-id")
    assert desk.staff.status == 404


async def test_without_a_yes_the_button_sends_nothing(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("send", **FORM)
    assert desk.staff.status == 409
    assert "The person did not agree to this receiver." in desk.staff.text
    await desk.presses("print")
    assert desk.staff.status == 409
    assert desk.files == []


async def test_who_it_is_is_asked_for_last(desk: Desk) -> None:
    who = {"contact_by": "phone", "contact_address": "+373 600 00 000", "first_name": "Zqanary"}
    await desk.begins()
    await desk.presses("save", **FORM, **who)
    assert "Zqanary" not in desk.staff.page
    for purpose in ("referral", "identity"):
        await desk.presses(f"ask_{purpose}", **FORM)
        await desk.person.looks()
        await desk.person.presses("agree")
    await desk.staff.opens(desk.staff.path)
    assert 'name="first_name"' in desk.staff.page
    await desk.presses("save", **FORM, **{**who, "birth_date": "2001-02-31"})
    assert desk.staff.status == 422
    await desk.presses("save", **FORM, **who)
    assert 'value="Zqanary"' in desk.staff.page
    await desk.presses("send", **FORM, **who)
    assert len(desk.files) == 1


async def test_a_page_for_the_printer_has_its_style_and_nothing_else(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("ask_referral", **FORM)
    await desk.person.looks()
    await desk.person.presses("agree")
    await desk.presses("send", **FORM)
    path = desk.staff.path
    async with desk.staff.session.post(
        desk.staff.url + path, data={"csrf": desk.staff.csrf, "do": "print"}
    ) as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    assert "Demonstration" not in policy
    assert "style-src 'sha256-" in policy
    assert "default-src 'none'" in policy
    assert "She owes &lt;b&gt;money&lt;/b&gt;" in page
    assert "<script" not in page
    assert "PhysicalAbuse" in page


async def test_a_form_of_another_browser_changes_nothing(desk: Desk) -> None:
    await desk.begins()
    await desk.staff.sends(desk.staff.path, csrf="0" * 32, do="send", **FORM)
    assert desk.staff.status == 403
    assert desk.files == []


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.ADMIN])
async def test_who_may_not_refer_sees_nothing(desk: Desk, role: Role) -> None:
    await desk.begins()
    path = desk.staff.path
    other = await desk.service.staffer("ben", role)
    for where in (path, path.rsplit("/", 1)[0], "/referrals"):
        await other.opens(where)
        assert other.status == 403
        assert "papers" not in other.page


async def test_another_operator_sees_no_form(desk: Desk) -> None:
    await desk.begins()
    await desk.presses("save", **FORM)
    path = desk.staff.path
    other = await desk.service.staffer("ben", Role.OPERATOR)
    for where in (path, path.rsplit("/", 1)[0]):
        await other.opens(where)
        assert other.status == 409
        assert "papers" not in other.page
