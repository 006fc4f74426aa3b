"""`/healthz` tells whoever watches when nothing can be kept, and costs nothing to ask."""

import asyncio
import shutil
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import redis_store
from bot.adapters.redis_connection import connect
from bot.adapters.redis_store import RedisStore
from bot.adapters.sealing import InstallationKey
from bot.channels.web import health
from bot.errors import StoreUnavailableError
from tests.support.server import TcpServer, tcp_server
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually


@dataclass
class Watched:
    """A service over a server of a host's own."""

    service: RunningService
    server: TcpServer
    client: Any

    async def asked(self) -> tuple[int, str]:
        async with self.service.session.get(self.service.url + "/healthz") as answer:
            return answer.status, await answer.text()


WELL, ILL = (200, "ok\n"), (503, "not ok\n")


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncGenerator[Watched]:
    (tmp_path / "server").mkdir()
    async with tcp_server(tmp_path / "server") as server:
        client = await connect(server.url)
        async with running(settings_for(server.url, tmp_path)) as service:
            yield Watched(service, server, client)
        await client.aclose()


@pytest.fixture
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_IS_GOOD_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (
            ("CONFIG", "SET", "min-replicas-to-write", "1"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
        ),
    ],
    ids=["full", "read-only", "too few replicas"],
)
@pytest.mark.usefixtures("looks_each_time")
async def test_a_server_that_keeps_nothing_is_noticed(
    watched: Watched, breaks: tuple[str, ...], mends: tuple[str, ...]
) -> None:
    assert await watched.asked() == WELL
    await watched.client.execute_command(*breaks)
    assert await watched.client.ping(), "it answers all the same"
    assert await watched.asked() == ILL
    await watched.client.execute_command(*mends)
    assert await watched.asked() == WELL


@pytest.mark.usefixtures("looks_each_time")
async def test_a_server_that_cannot_write_its_files_is_noticed(
    watched: Watched, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "server")
    await watched.client.config_set("save", "3600 1")
    await watched.client.bgsave()

    async def failed() -> bool:
        persistence = await watched.client.info("persistence")
        return bool(persistence["rdb_last_bgsave_status"] == "err")

    await eventually(failed, "the server could not write its file")
    assert await watched.asked() == ILL


@pytest.mark.usefixtures("looks_each_time")
async def test_a_server_that_hangs_is_noticed_in_time(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.1)
    watched.server.process.send_signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(2):
            assert await watched.asked() == ILL
    finally:
        watched.server.process.send_signal(signal.SIGCONT)


async def test_asking_often_looks_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWER_IS_GOOD_SECONDS", 3600.0)
    async with asyncio.TaskGroup() as many:
        asking = [many.create_task(watched.asked()) for _ in range(50)]
    assert {one.result() for one in asking} == {WELL}
    written = await watched.client.keys("fp:tried:*")
    assert len(written) == 1


async def test_replicas_that_do_not_confirm_are_noticed(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "TIMEOUT_SECONDS", 0.1)
    store = RedisStore(watched.client, InstallationKey(b"k" * 32), replicas=1)
    with pytest.raises(StoreUnavailableError):
        await store.try_to_write()
