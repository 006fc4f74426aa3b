"""The real process, and a browser at an address of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from bot.referral_command import make_demo_receiver
from tests.support.canary import ADDRESS, Browser, Markers
from tests.support.process import ServiceProcess


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[ServiceProcess]:
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    settings = {
        "FIRSTPOINT_TRUSTED_PROXIES": ADDRESS,
        "FIRSTPOINT_RECEIVERS": str(tmp_path / "receivers"),
        "FIRSTPOINT_DROP": str(tmp_path / "drop"),
    }
    found = ServiceProcess(tmp_path, settings)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def browser(service: ServiceProcess) -> AsyncGenerator[Browser]:
    connector = TCPConnector(local_addr=(ADDRESS, 0), force_close=True)
    async with ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=15),
        skip_auto_headers=("User-Agent",),
    ) as session:
        yield Browser(service.url, session, Markers())
