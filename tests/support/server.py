"""Redis servers on loopback ports, as a host may run them, from the program we also embed."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.embedded_redis import find_program
from tests.support.waiting import eventually

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")
"""What the documentation asks of a host's server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpServer:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def ask(self, *words: str) -> bytes:
        """The raw answer to one command, the whole of it if it is short."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            writer.write(f"*{len(words)}\r\n{parts}".encode())
            return await reader.read(65536)
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def tcp_server(
    folder: Path, *settings: str, durable: bool = True, port: int | None = None
) -> AsyncGenerator[TcpServer]:
    """A server of its own, gone again at the end."""
    port = port or free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    arguments += [*(DURABLE if durable else ()), *settings]
    async with _process(folder, arguments) as process:
        server = TcpServer(port=port, process=process)
        await eventually(lambda: _answers(server), "the server answers")
        yield server


@asynccontextmanager
async def sentinel(
    folder: Path, primary: TcpServer, name: str, *settings: str
) -> AsyncGenerator[TcpServer]:
    """A Sentinel that watches that server under that name."""
    port = free_port()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {primary.port} 1\n"
        + "".join(f"sentinel {setting}\n" for setting in settings)
    )
    async with _process(folder, [str(configuration), "--sentinel"]) as process:
        server = TcpServer(port=port, process=process)
        await eventually(lambda: _answers(server), "the sentinel answers")
        yield server


@asynccontextmanager
async def _process(folder: Path, arguments: list[str]) -> AsyncGenerator[subprocess.Popen[bytes]]:
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [str(find_program(folder)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _answers(server: TcpServer) -> bool:
    if server.process.poll() is not None:
        raise AssertionError("the server ended while starting")
    return (await server.ask("PING")).startswith((b"+PONG", b"-NOAUTH"))


@asynccontextmanager
async def pretender(answers: Mapping[str, bytes]) -> AsyncGenerator[str]:
    """The address of something that is no Redis: it says `+OK`, or the given answer to a word."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.startswith(b"*"):
                words = [await _read_word(reader) for _ in range(int(line[1:]))]
                writer.write(answers.get(words[0].decode().upper(), b"+OK\r\n"))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _read_word(reader: asyncio.StreamReader) -> bytes:
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2]


def free_port(*, highest: int = 65535) -> int:
    """A port that nobody listened on a moment ago."""
    while True:
        with socket.socket() as test:
            test.bind(("127.0.0.1", 0))
            port = int(test.getsockname()[1])
        if port <= highest:
            return port
