"""Sends requests over connections that stay open, and notes how long each took."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

_TICKS = os.sysconf("SC_CLK_TCK")


class Line:
    """One connection to a server.

    As little as HTTP needs: sender and server share the machine, and what the sender costs would
    be taken for the server's.
    """

    def __init__(
        self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = urlsplit(url).netloc
        self._reader = reader
        self._writer = writer

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of the answer, which must be a 200."""
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        found = await self._reader.readexactly(int(_header(answer, "content-length")))
        if not answer.startswith("http/1.1 200 "):
            raise AssertionError(f"{answer.splitlines()[0]}: {found[:200]!r}")
        return found


def _header(head: str, name: str) -> str:
    return head.partition(f"\r\n{name}:")[2].partition("\r\n")[0].strip()


@asynccontextmanager
async def line_to(url: str) -> AsyncGenerator[Line]:
    """An open connection to the server at `url`."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        yield Line(url, reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


class Client(Protocol):
    """Knows what comes next; only `send` is timed."""

    ahead: int
    """How many requests come before the measured ones, so that clients are not in step."""

    def prepare(self) -> bool:
        """Make the next request; False when there is none."""
        ...

    async def send(self, line: Line) -> bytes:
        """Send it."""
        ...

    def take(self, answer: bytes) -> None:
        """Look at the answer."""
        ...


@dataclass
class Sample:
    """Durations of requests in milliseconds, and how long all of them took together."""

    durations: list[float] = field(default_factory=list)
    sent: int = 0
    """How many requests there were with those that came before the measured ones."""

    seconds: float = 0.0
    server_seconds: float = 0.0
    """Time of the processor that the server's process used."""

    def add(self, other: "Sample") -> None:
        """Take in another sample."""
        self.durations.extend(other.durations)
        self.sent += other.sent
        self.seconds += other.seconds
        self.server_seconds += other.server_seconds

    @property
    def count(self) -> int:
        """How many requests were measured."""
        return len(self.durations)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.count / self.seconds

    @property
    def server_ms(self) -> float:
        """Milliseconds of the processor that the server's process used for a request."""
        return 1000 * self.server_seconds / self.count

    def percentile(self, share: float) -> float:
        """The duration that `share` of the requests do not exceed."""
        ordered = sorted(self.durations)
        return ordered[min(self.count - 1, int(share * self.count))]


async def measure(url: str, pid: int, clients: Sequence[Client]) -> Sample:
    """All clients at once, each on a connection of its own, one request after the other.

    `pid` is the server's process.
    """
    sample, start = Sample(), asyncio.Barrier(len(clients) + 1)

    async def send(client: Client, line: Line) -> None:
        begun = time.perf_counter()
        answer = await client.send(line)
        sample.durations.append((time.perf_counter() - begun) * 1000)
        sample.sent += 1
        client.take(answer)

    async def work(client: Client) -> None:
        async with line_to(url) as line:
            for _ in range(client.ahead):
                if client.prepare():
                    await send(client, line)
            await start.wait()
            while client.prepare():
                await send(client, line)

    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(work(client))
        await start.wait()
        sample.durations.clear()
        begun, used = time.perf_counter(), processor_seconds(pid)
    sample.seconds = time.perf_counter() - begun
    sample.server_seconds = processor_seconds(pid) - used
    return sample


def processor_seconds(pid: int) -> float:
    """What a process has used so far, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
