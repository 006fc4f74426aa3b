"""The real service in this process, over the real Redis of the test session."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiohttp.web import AppRunner

from bot.adapters.redis_staffing import RedisStaffing
from bot.app import Service, build
from bot.domain.text import Language
from bot.settings import ROOT, Settings
from handoff.permissions import Role
from tests.support.person import Person
from tests.support.staffer import Staffer


def settings_for(redis_url: str, folder: Path, *, content: Path = ROOT) -> Settings:
    """Settings of a service that keeps its key in `folder`."""
    return Settings.model_construct(
        **{
            **Settings().model_dump(),
            "interpreter": "off",  # half a gigabyte; its own tests start it
            "redis_url": redis_url,
            "key_file": folder / "installation.key",
            "erased_folder": folder / "erased",
            "drop": folder / "drop",
            "content": content,
            "organisation": "Test Helpline",
        }
    )


class RunningService:
    """A service with its HTTP side, and drivers for who uses it."""

    def __init__(
        self, service: Service, url: str, session: ClientSession, console_url: str = ""
    ) -> None:
        self.service = service
        self.console_url = console_url
        self._browsers: list[Staffer] = []
        self.desk = service.desk
        self.url = url
        self.session = session

    def browser(self) -> Staffer:
        """A browser of a member of staff, in which nobody has signed in yet."""
        self._browsers.append(Staffer.new(self.console_url))
        return self._browsers[-1]

    async def staffer(self, name: str, *roles: Role, language: str = "en") -> Staffer:
        """Somebody of staff who is signed in."""
        browser = self.browser()
        browser.name = name
        staff = self.service.staff
        _, token = await staff.invite("terminal", name, roles, Language(language))
        await browser.sets_up(f"/set-up/{token}")
        return browser

    async def forget_everybody(self) -> None:
        """As if the service had just been set up: nobody has been here, nobody works here."""
        await self.close()
        store, staffing = self.service.store, self.service.turns.staffing
        client: Any = store._client
        async for name in client.scan_iter(match="*", count=500):
            if name != b"fp:release":
                await client.delete(name)
        assert isinstance(staffing, RedisStaffing)
        staffing._asked_at = float("-inf")

    async def close(self) -> None:
        """Close the browsers."""
        for browser in self._browsers:
            await browser.session.close()
        self._browsers.clear()

    def person(self) -> Person:
        """Somebody who has not opened the chat yet."""
        return Person(self.session, self.url)


class _Server(TestServer):
    """Listens as the real one does: a handler goes on when whoever asked has gone."""

    __test__ = False

    async def _make_runner(self, **options: Any) -> AppRunner:
        options |= {"handler_cancellation": False, "access_log": None, "shutdown_timeout": 5.0}
        return AppRunner(self.app, **options)


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[RunningService]:
    """The service of `settings`, listening on a free port."""
    async with (
        build(settings) as service,
        _Server(service.web) as server,
        _Server(service.console) as console,
        ClientSession() as session,
    ):
        found = RunningService(
            service,
            str(server.make_url("")).rstrip("/"),
            session,
            str(console.make_url("")).rstrip("/"),
        )
        try:
            yield found
        finally:
            await found.close()
