"""Every kind of Redis we support keeps the same promises; one that cannot is refused."""

from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import NoScriptError

from bot.adapters.redis_connection import (
    Connection,
    check_durable,
    connect,
    connected_replicas,
)
from bot.errors import StartError
from tests.support.server import DURABLE, TcpServer, free_port, pretender, tcp_server
from tests.support.waiting import eventually


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["client"])


async def test_durable(client: Connection, kind: str) -> None:
    await check_durable(client, embedded=kind == "embedded")


async def test_counts_replicas(client: Connection) -> None:
    assert await connected_replicas(client) == 0


async def test_values_are_bytes(client: Any) -> None:
    await client.set("{values}a", "ș")
    assert await client.get("{values}a") == "ș".encode()


async def test_script_runs_by_its_digest(client: Any) -> None:
    source = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
    with pytest.raises(NoScriptError):
        await client.evalsha("0" * 40, 1, "{script}a", 5)
    await client.delete("{script}a")
    digest = await client.script_load(source)
    assert await client.evalsha(digest, 1, "{script}a", 5) == 5
    assert await client.evalsha(digest, 1, "{script}a", 2) == 7


async def test_stream_delivers_again_what_was_not_acknowledged(client: Any) -> None:
    await client.delete("{stream}a")
    await client.xgroup_create("{stream}a", "group", id="0", mkstream=True)
    first = await client.xadd("{stream}a", {"n": "1"})
    taken = await client.xreadgroup("group", "one", {"{stream}a": ">"})
    assert taken == [[b"{stream}a", [(first, {b"n": b"1"})]]]
    _, again, *_ = await client.xautoclaim("{stream}a", "group", "two", min_idle_time=0)
    assert again == [(first, {b"n": b"1"})]
    assert await client.xack("{stream}a", "group", first) == 1


async def test_lists_and_hashes(client: Any) -> None:
    await client.delete("{shapes}list", "{shapes}hash")
    await client.rpush("{shapes}list", "1", "2")
    assert await client.lrange("{shapes}list", 0, -1) == [b"1", b"2"]
    await client.hset("{shapes}hash", mapping={"a": "1"})
    assert await client.hincrby("{shapes}hash", "a", 2) == 3
    assert await client.hgetall("{shapes}hash") == {b"a": b"3"}


async def test_transaction_in_one_slot(client: Any) -> None:
    async with client.pipeline(transaction=True) as pipeline:
        pipeline.set("{slot}a", "1")
        pipeline.incr("{slot}a")
        assert await pipeline.execute() == [True, 2]


async def test_counts_a_replica_once_it_is_in_step(server: TcpServer, tmp_path: Path) -> None:
    client = await connect(server.url)
    follow = ("--replicaof", "127.0.0.1", str(server.port))

    async def is_counted() -> bool:
        return await connected_replicas(client) == 1

    try:
        async with tcp_server(tmp_path, *follow) as replica:
            await eventually(is_counted, "the replica is counted")
            await refused(replica.url, "is a replica")
    finally:
        await client.aclose()


async def test_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    port = free_port()
    async with tcp_server(tmp_path, port=port) as first:
        client: Any = await connect(first.url)
        await client.set("a", "1")
    async with tcp_server(tmp_path, port=port):
        assert await client.get("a") == b"1"
    await client.aclose()


# Refusals


async def start_with(url: str) -> None:
    """What the application does first."""
    client = await connect(url)
    try:
        await check_durable(client, embedded=False)
    finally:
        await client.aclose()


async def refused(url: str, reason: str) -> None:
    """Expects that a server is refused with a sentence that gives the reason and no secret."""
    with pytest.raises(StartError) as refusal:
        await start_with(url)
    assert reason in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ((), "appendonly yes"),
        ((*DURABLE, "--maxmemory-policy", "allkeys-lru"), "maxmemory-policy noeviction"),
        ((*DURABLE, "--requirepass", "hunter2"), "name or password"),
        ((*DURABLE, "--cluster-enabled", "yes"), "redis+cluster://"),
    ],
)
async def test_refuses(settings: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    port = free_port(highest=55535)
    async with tcp_server(tmp_path, *settings, durable=False, port=port) as server:
        await refused(server.url, reason)


@pytest.mark.parametrize(("forbidden", "is_needed"), [("-config", False), ("-info", True)])
async def test_asks_only_what_hosts_allow(
    forbidden: str, is_needed: bool, server: TcpServer
) -> None:
    await server.ask("ACL", "SETUSER", "app", "reset", "on", ">hunter2", "~*", "+@all", forbidden)
    url = f"redis://app:hunter2@127.0.0.1:{server.port}/0"
    if is_needed:
        await refused(url, "INFO")
    else:
        await start_with(url)


async def test_embedded_must_write_every_answer_at_once(server: TcpServer) -> None:
    client = await connect(server.url)
    with pytest.raises(StartError, match="at once"):
        await check_durable(client, embedded=True)
    await client.aclose()


async def test_refuses_an_old_server() -> None:
    report = "redis_version:6.0.16\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"
    info = f"${len(report)}\r\n{report}\r\n".encode()
    async with pretender({"INFO": info, "PING": b"+PONG\r\n"}) as url:
        await refused(url, "6.0.16 is too old: 6.2")


async def test_refuses_what_is_no_redis() -> None:
    async with pretender({"PING": b"-ERR what?\r\n"}) as url:
        await refused(url, "not a Redis")


@pytest.mark.parametrize(
    "address",
    [
        "redis://:hunter2@127.0.0.1:{port}",
        "redis+cluster://:hunter2@127.0.0.1:{port}",
        "redis+sentinel://:hunter2@127.0.0.1:{port}/ours",
        "unix:///nonexistent/redis.sock",
    ],
)
async def test_says_when_nobody_answers(address: str) -> None:
    await refused(address.format(port=free_port()), "REDIS_URL")


async def test_says_when_the_sentinel_knows_no_such_service(addresses: dict[str, str]) -> None:
    await refused(addresses["sentinel"].replace("/ours", "/theirs"), "sentinel")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:6379",
        "https://:hunter2@localhost",
        "redis+sentinel://:hunter2@localhost:26379",
        "redis+sentinel://localhost:hunter2/ours",
        "redis+cluster://",
        "redis://:hunter2@localhost:port",
    ],
)
async def test_refuses_what_is_no_address(address: str) -> None:
    await refused(address, "REDIS_URL is not an address")
