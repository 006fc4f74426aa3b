"""A referral seen by both sides: the person on a phone, the operator at the console."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from bot.adapters.redis_connection import connect
from bot.referral_command import DEMO, make_demo_receiver
from handoff.permissions import Role
from tests.integration.test_referral_pages import FORM, Desk
from tests.support.browser import Visitor, visiting
from tests.support.person import Person
from tests.support.service import RunningService, running, settings_for
from tests.support.staffer import Staffer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL, LARGE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}


@pytest_asyncio.fixture(loop_scope="session")
async def referring(redis_socket: Path, tmp_path: Path) -> AsyncGenerator[RunningService]:
    connection = await connect(f"unix://{redis_socket}")
    await connection.flushall()
    await connection.aclose()
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    settings = settings_for(f"unix://{redis_socket}", tmp_path).model_copy(
        update={"receivers": tmp_path / "receivers", "drop": tmp_path / "drop"}
    )
    async with running(settings) as found:
        yield found


async def waits(visitor: Visitor) -> None:
    await visitor.starts()
    await visitor.presses("choice:human", "choice:fresh")
    await visitor.sees("action:human")


async def answered(service: RunningService) -> Staffer:
    staff = await service.staffer("ana", Role.OPERATOR)
    await staff.opens("/queue")
    await staff.sends("/claim")
    assert "/conversation/" in staff.path, staff.text
    return staff


async def test_the_person_is_asked_gets_a_receipt_and_takes_it_back(
    referring: RunningService, browser: Browser, tmp_path: Path
) -> None:
    async with visiting(browser, referring.url) as visitor:
        await waits(visitor)
        staff = await answered(referring)
        desk = Desk(referring, Person(referring.session, ""), staff, tmp_path / "drop" / DEMO)
        await desk.begins()
        await desk.presses("ask_referral", **FORM)
        await visitor.sees("choice:agree")
        await visitor.reads("would like to tell Demonstration receiver about you")
        await visitor.check_accessible()
        assert not await visitor.button("action:agreed").is_visible()
        await visitor.presses("choice:agree")
        await visitor.reads("I noted your yes")
        await desk.presses("send", **FORM)
        assert len(desk.files) == 1
        await visitor.reads("has not confirmed yet")
        await visitor.sees("action:agreed")
        await visitor.presses("action:agreed", f"choice:{DEMO}")
        await visitor.reads("You took it back")
        await visitor.check_accessible()
        await referring.service.delivery.work()
        await visitor.reads("asked them to delete it")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["phone", "desktop"])
async def test_the_pages_can_be_used_by_everybody(
    referring: RunningService, browser: Browser, tmp_path: Path, size: dict[str, int]
) -> None:
    async with visiting(browser, referring.url) as visitor:
        await waits(visitor)
        staff = await answered(referring)
        desk = Desk(referring, Person(referring.session, ""), staff, tmp_path / "drop" / DEMO)
        await desk.begins()
        page = await opened(browser, staff, size)
        for path in (staff.path, staff.path.rsplit("/", 1)[0], "/referrals"):
            await page.goto(staff.url + path)
            await check(page, path)
        await desk.presses("send", **{**FORM, "wants": ""})
        await page.set_content(desk.staff.page.replace('href="/', f'href="{staff.url}/'))
        await page.wait_for_load_state()
        assert await page.locator("[aria-invalid=true]").count() == 1
        assert await page.locator('[role=alert] a[href="#wants"]').count() == 1, "said on top too"
        await desk.presses("ask_referral", **FORM)
        await visitor.presses("choice:agree")
        await visitor.reads("I noted your yes")
        await desk.presses("send", **FORM)
        await page.goto(staff.url + staff.path)
        await page.get_by_role("button", name="Print this page").click()
        await page.wait_for_selector("dl")
        await check(page, "paper")
        for sheet in ("A4", "Letter"):
            assert sheets_of(await page.pdf(format=sheet)) == 1, sheet
        await page.context.close()


def sheets_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


async def opened(browser: Browser, staff: Staffer, size: dict[str, int]) -> Page:
    """A browser that is signed in as `staff`."""
    context = await browser.new_context(viewport=size)  # type: ignore[arg-type]
    cookies = [
        {"name": cookie.key, "value": cookie.value, "url": staff.url}
        for cookie in staff.session.cookie_jar
    ]
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    return await context.new_page()


async def check(page: Page, name: str) -> None:
    """Refuses what axe-core finds, and scrolling sideways."""
    # The banner belongs to every page of the console, and is looked at with those.
    found = await Axe().run(page, context={"exclude": [[".banner"]]})
    assert found.violations_count == 0, found.generate_report()
    width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, f"{name}: {width} px wider than the screen"
