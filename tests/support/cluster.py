"""A real Redis Cluster of three primaries on loopback ports."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

from tests.support.server import TcpServer, free_port, tcp_server
from tests.support.waiting import eventually

NODES = 3
SLOTS = 16384
_BUS_OFFSET = 10000
"""Nodes talk to each other on the port this much higher."""


@asynccontextmanager
async def cluster(folder: Path, *, replicated: bool = False) -> AsyncGenerator[str]:
    """The address of a cluster that serves all slots, gone again at the end.

    `replicated`: each primary has a replica that is in step.
    """
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(_node(folder / str(n))) for n in range(NODES)]
        await _join(nodes)
        if replicated:
            for n, primary in enumerate(nodes):
                replica = await stack.enter_async_context(_node(folder / f"replica-{n}"))
                await _follow(replica, primary)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        yield f"redis+cluster://{hosts}"


@asynccontextmanager
async def _node(folder: Path) -> AsyncGenerator[TcpServer]:
    folder.mkdir()
    port = free_port(highest=65535 - _BUS_OFFSET)
    settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    at_once = ("--repl-diskless-sync-delay", "0")
    async with tcp_server(folder, *settings, *at_once, port=port) as server:
        yield server


async def _join(nodes: list[TcpServer]) -> None:
    borders = [SLOTS * number // NODES for number in range(NODES + 1)]
    for number, (node, (first, end)) in enumerate(zip(nodes, pairwise(borders), strict=True)):
        await _order(node, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        await _order(node, "CLUSTER", "ADDSLOTS", *(str(slot) for slot in range(first, end)))
        await _order(node, "CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port))
    for node in nodes:
        await eventually(partial(_serves_all, node), "the node knows the whole cluster")


async def _follow(replica: TcpServer, primary: TcpServer) -> None:
    id = (await primary.ask("CLUSTER", "MYID")).split(b"\r\n")[1].decode()
    await _order(replica, "CLUSTER", "MEET", "127.0.0.1", str(primary.port))

    async def follows() -> bool:
        return await replica.ask("CLUSTER", "REPLICATE", id) == b"+OK\r\n"

    async def in_step() -> bool:
        return b"state=online" in await primary.ask("INFO", "replication")

    await eventually(follows, "the replica knows its primary")
    await eventually(in_step, "the replica is in step")


async def _order(node: TcpServer, *words: str) -> None:
    answer = await node.ask(*words)
    assert answer == b"+OK\r\n", answer


async def _serves_all(node: TcpServer) -> bool:
    answer = await node.ask("CLUSTER", "INFO")
    return b"cluster_state:ok" in answer and f"cluster_known_nodes:{NODES}".encode() in answer
