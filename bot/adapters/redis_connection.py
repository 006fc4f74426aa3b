"""Connections to the Redis the service keeps everything in, and whether that one may be trusted.

One address names a single server, a Sentinel or a Cluster:

    unix:///path/redis.sock
    redis://[[user]:password@]host:port[/database]          rediss:// with TLS
    redis+sentinel://[…@]host:port,host:port/service[?database=0]   rediss+sentinel://
    redis+cluster://[…@]host:port,host:port                 rediss+cluster://
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from bot.errors import StartError

Connection = Redis | RedisCluster

TROUBLE = (RedisError, RedisClusterException, OSError)
"""What redis-py raises when it cannot do its work; the cluster's is in no family."""

OLDEST_VERSION = (6, 2)
"""The oldest server whose commands are the ones we use."""

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
"""How long an answer may take. A command that blocks must block for clearly less."""

_START_SECONDS = 15.0
MOST_CONNECTIONS = 1000
"""Of one process, to one server. When all are busy the next command waits for one."""

POOL_SECONDS = 4.0
"""How long it waits before it counts as not done."""

_DEFAULT_PORT = 6379
_DEFAULT_SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Several servers that are one, taken apart."""

    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    service: str
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    options: Mapping[str, str] = field(repr=False)


async def connect(url: str) -> Connection:
    """A connection that works: it has been tried.

    Cancellation: closes what was opened.

    Raises:
        StartError: The address is not one, or nobody there lets us in.
    """
    connection = open_connection(url)
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _ask(connection, "PING")
    except BaseException as error:
        await connection.aclose()
        if isinstance(error, TROUBLE):
            raise StartError(_why_not(error)) from error
        raise
    return connection


def open_connection(url: str) -> Connection:
    """A connection that is made when it is first used.

    Raises:
        StartError: The address is not one.
    """
    scheme = urlsplit(url).scheme
    try:
        if scheme in {"unix", "redis", "rediss"}:
            pool = _untyped(BlockingConnectionPool).from_url(
                url, timeout=POOL_SECONDS, **_settings()
            )
            client: Redis = _untyped(Redis).from_pool(pool)
            return client
        if scheme in {"redis+sentinel", "rediss+sentinel"}:
            return _behind_sentinel(read_address(url, _DEFAULT_SENTINEL_PORT))
        if scheme in {"redis+cluster", "rediss+cluster"}:
            return _cluster(read_address(url, _DEFAULT_PORT))
    except (ValueError, *TROUBLE):
        pass  # what they say may repeat the address, and so a password
    raise StartError(
        "REDIS_URL is not an address we know. It starts with unix://, redis://, rediss://, "
        "redis+sentinel:// or redis+cluster://."
    )


def _untyped(thing: object) -> Any:  # noqa: ANN401 - redis-py gives types to some of itself only
    return thing


async def _ask(connection: Connection, *words: str, **options: object) -> Any:  # noqa: ANN401 - as above
    return await _untyped(connection).execute_command(*words, **options)


def read_address(url: str, default_port: int) -> Address:
    """Takes an address of several servers apart.

    Raises:
        ValueError: It is not one.
    """
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    scheme, _, kind = parts.scheme.partition("+")
    return Address(
        kind=kind,
        tls=scheme == "rediss",
        hosts=tuple(_read_host(host, default_port) for host in hosts.split(",")),
        service=unquote(parts.path.strip("/")),
        username=unquote(username) or None,
        password=unquote(password) or None,
        options={name: values[-1] for name, values in parse_qs(parts.query).items()},
    )


def _read_host(text: str, default_port: int) -> tuple[str, int]:
    host = urlsplit(f"//{text}")
    if not host.hostname:
        raise ValueError("a host is missing")
    return host.hostname, host.port or default_port


def _settings() -> dict[str, Any]:
    return {
        # Version 3 of the protocol changes the shape of answers (streams become maps) and lets
        # servers push messages; version 2 is the same on every server from 6.2 on.
        "protocol": 2,
        "decode_responses": False,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "health_check_interval": 30,
        "client_name": "firstpoint",
        "max_connections": MOST_CONNECTIONS,
        # A command whose answer was lost may have been done. Only the caller knows whether it may
        # be done twice, so nothing is sent again behind its back.
        "retry": Retry(NoBackoff(), 0),
    }


class _RedisBehindSentinel(Redis):
    """A client that also closes its connections to the sentinels, which nobody else knows of."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes all connections."""
        await super().aclose(close_connection_pool)
        await _untyped(self.connection_pool).sentinel_manager.aclose()


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Finds the primary server, and lets a command wait when all connections are busy."""


def _behind_sentinel(address: Address) -> Redis:
    """The server that the sentinels say is the primary one, whichever that is at the time."""
    if not address.service:
        raise ValueError("the name of the service is missing")
    options = address.options
    sentinel = _untyped(Sentinel)(
        address.hosts,
        sentinel_kwargs={
            "protocol": 2,
            "socket_timeout": CONNECT_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "retry": Retry(NoBackoff(), 0),  # a sentinel that does not answer: ask the next one
            "username": options.get("sentinel_username"),
            "password": options.get("sentinel_password"),
            "ssl": address.tls,
        },
    )
    client: Redis = sentinel.master_for(
        address.service,
        redis_class=_RedisBehindSentinel,
        connection_pool_class=_SentinelPool,
        **_settings(),
        timeout=POOL_SECONDS,
        username=address.username,
        password=address.password,
        db=int(options.get("database", "0")),
        ssl=address.tls,
    )
    return client


def _cluster(address: Address) -> RedisCluster:
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        **_settings(),
        username=address.username,
        password=address.password,
        ssl=address.tls,
    )


def _why_not(error: BaseException) -> str:
    """A sentence about a connection that cannot be made; it must not repeat the address."""
    if isinstance(error, AuthenticationError | NoPermissionError):
        return "Redis does not accept the name or password in REDIS_URL."
    if isinstance(error, RedisClusterException):
        return "No node of the Redis Cluster in REDIS_URL answers, or it is not a cluster."
    if isinstance(error, MasterNotFoundError):
        return "No sentinel in REDIS_URL knows a primary server of that name."
    if isinstance(error, ResponseError):
        return "What answers at REDIS_URL is not a Redis that we can use."
    return "Redis does not answer. Check that it runs and that REDIS_URL is right."


# May it be trusted?


async def check_durable(client: Connection, embedded: bool) -> None:
    """Refuses a server that could forget what it acknowledged.

    Only INFO is asked of a server of the host's own: others may forbid CONFIG.

    Raises:
        StartError: It could forget, or is too old, or is not the one to write to.
    """
    try:
        async with asyncio.timeout(_START_SECONDS):
            reports = await _reports(client)
            fsync = await _fsync(client) if embedded else None
    except NoPermissionError as error:
        raise StartError("Redis must allow us the command INFO.") from error
    except TROUBLE as error:
        raise StartError(_why_not(error)) from error
    for report in reports:
        _check_report(report, clustered=isinstance(client, RedisCluster))
    if fsync not in {None, "always"}:
        raise StartError(
            "The embedded database does not write each answer to the disk at once. "
            "Stop it and start again."
        )


async def connected_replicas(client: Connection) -> int:
    """How many replicas are up to date enough to confirm a write; the fewest of any primary."""
    reports = await _reports(client)
    return min(_online_replicas(report) for report in reports if report.get("role") == "master")


Report = Mapping[str, Any]


async def _reports(client: Connection) -> list[Report]:
    """What INFO says, of every server."""
    if not isinstance(client, RedisCluster):
        return [await _ask(client, "INFO")]
    await _untyped(client).initialize()
    return [await _ask(client, "INFO", target_nodes=node) for node in client.get_nodes()]


async def _fsync(client: Connection) -> str:
    answer: dict[str, str] = await _ask(client, "CONFIG GET", "appendfsync")
    return answer["appendfsync"]


def _check_report(report: Report, *, clustered: bool) -> None:
    if _version(report) < OLDEST_VERSION:
        major, minor = OLDEST_VERSION
        raise StartError(
            f"Redis {report['redis_version']} is too old: {major}.{minor} or newer is needed."
        )
    if report.get("aof_enabled") != 1:
        raise StartError(
            "Redis keeps no append-only file, so answers could get lost. "
            "Set `appendonly yes` there."
        )
    if report.get("maxmemory_policy") != "noeviction":
        raise StartError(
            "Redis may throw answers away when its memory is full. "
            "Set `maxmemory-policy noeviction` there."
        )
    if clustered:
        return
    if report.get("cluster_enabled") == 1:
        raise StartError(
            "This Redis is part of a cluster. Start REDIS_URL with redis+cluster:// instead."
        )
    if report.get("role") != "master":
        raise StartError("This Redis is a replica and takes no answers. Name the primary one.")


def _version(report: Report) -> tuple[int, int]:
    # Valkey gives its own version elsewhere; this one says which commands it knows.
    major, minor, *_ = str(report["redis_version"]).split(".")
    return int(major), int(minor)


def _online_replicas(report: Report) -> int:
    replicas = (report.get(f"slave{number}", {}) for number in range(report["connected_slaves"]))
    return sum(replica.get("state") == "online" for replica in replicas)
