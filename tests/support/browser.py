"""Somebody who uses the web chat with a real browser, with scripts or without."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Playwright, Request

EXIT_PAGE = "https://www.bbc.com/weather"
PHONE = {"width": 320, "height": 640}

# No look for updates, no reports: a test asks nobody but our own service.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)


async def launch(playwright: Playwright, chromium: Path) -> Browser:
    """A Chromium for tests. Root may not use its sandbox."""
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return await playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *root])


@dataclass
class Visitor:
    """A person at a page. Buttons are named by what they do, in every language alike."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def opens(self) -> None:
        await self.page.goto(self.url)

    def button(self, do: str) -> Any:
        return self.page.locator(f'button[value="{do}"]:not(.quiet):visible').first

    async def presses(self, *buttons: str) -> None:
        """Presses one button after another, each as soon as it is there."""
        for do in buttons:
            await self.button(do).click()

    async def sees(self, do: str) -> None:
        """Waits until the button is there."""
        await self.button(do).wait_for()

    async def answers(self, *choices: str) -> None:
        """Answers one question after another, and waits each time for the next one."""
        for choice in choices:
            asked = await self.page.locator(".question").get_attribute("data-number")
            await self.presses(f"choice:{choice}")
            await self.page.wait_for_selector(
                f'.question:not([hidden]):not([data-number="{asked}"])'
            )

    async def writes(self, words: str) -> None:
        await self.page.locator("#words").fill(words)
        await self.presses("send")

    async def reads(self, words: str) -> None:
        """Waits until the words are on the page."""
        await self.page.get_by_text(words).first.wait_for()

    async def starts(self) -> None:
        """Until the menu, for somebody who can read and is not in danger."""
        await self.opens()
        await self.presses("start", "choice:yes")
        await self.sees("choice:doctor")
        await self.presses("choice:no")
        await self.sees("choice:rights")

    async def text(self) -> str:
        return await self.page.locator("body").inner_text()

    async def takes_code(self) -> str:
        found = self.page.locator(".digits:visible")
        await found.wait_for()
        return await found.inner_text()

    async def check_accessible(self) -> None:
        """Refuses any violation that axe-core finds, and scrolling sideways."""
        found = await Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()
        width = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{width} px wider than the screen"

    async def check_traces(self) -> None:
        """Refuses cookies, storage, requests to others and errors of the script."""
        assert await self.page.context.cookies() == []
        stored = (
            "[localStorage.length, sessionStorage.length, (await indexedDB.databases()).length]"
        )
        if self.page.url.startswith(self.url):
            assert await self.page.evaluate(f"(async () => {stored})()") == [0, 0, 0]
            assert self.page.url == self.url, "one address, which never changes"
        foreign = [url for url in self.requests if not url.startswith(self.url)]
        assert set(foreign) <= {EXIT_PAGE}
        assert self.errors == []


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, scripts: bool = True, calm: bool = True, **options: Any
) -> AsyncGenerator[Visitor]:
    """A visitor with a fresh browser profile, who may leave no trace.

    Without `scripts` the page's script is withheld: the same pages then work as where none runs,
    and axe-core can look at them.
    """
    context: BrowserContext = await browser.new_context(
        **{"viewport": PHONE, "reduced_motion": "reduce" if calm else "no-preference", **options}
    )
    context.set_default_timeout(8_000)
    await context.route(EXIT_PAGE, lambda route: route.fulfill(body="<title>Weather</title>"))
    if not scripts:
        await context.route("**/page.js", lambda route: route.abort())
    page = await context.new_page()
    visitor = Visitor(page, url.rstrip("/") + "/")
    context.on("request", _noting(visitor.requests))
    page.on("pageerror", lambda error: visitor.errors.append(str(error)))
    try:
        yield visitor
        await visitor.check_traces()
    finally:
        await context.close()


def _noting(requests: list[str]) -> Callable[[Request], None]:
    def note(request: Request) -> None:
        requests.append(request.url)

    return note
