"""Every kind of Redis we support, started for the tests of this folder."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from tests.support.cluster import cluster
from tests.support.server import TcpServer, free_port, sentinel, tcp_server

KINDS = ("embedded", "server", "sentinel", "cluster")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[TcpServer]:
    at_once = ("--repl-diskless-sync-delay", "0")
    async with tcp_server(tmp_path_factory.mktemp("server"), *at_once) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def addresses(
    server: TcpServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[dict[str, str]]:
    async with (
        EmbeddedRedis(tmp_path_factory.mktemp("embedded")) as embedded,
        sentinel(tmp_path_factory.mktemp("sentinel"), server, "ours") as watcher,
        cluster(tmp_path_factory.mktemp("cluster")) as nodes,
    ):
        yield {
            "embedded": embedded.url,
            "server": server.url,
            "sentinel": f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{watcher.port}/ours",
            "cluster": nodes,
        }


@pytest_asyncio.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, addresses: dict[str, str]) -> AsyncGenerator[Any]:
    connection = await connect(addresses[request.param])
    yield connection
    await connection.aclose()
