"""The embedded server: what it keeps, who shares it, and what it refuses."""

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters import embedded_redis
from bot.adapters.embedded_redis import (
    EmbeddedRedis,
    State,
    explain,
    find_program,
    probe,
    program_version,
    socket_path_for,
)
from bot.adapters.redis_connection import connect
from bot.errors import StartError
from tests.support.waiting import eventually

NOBODY = 65534


@asynccontextmanager
async def client_of(server: EmbeddedRedis) -> AsyncGenerator[Any]:
    client = await connect(server.url)
    yield client
    await client.aclose()


async def process_of(server: EmbeddedRedis) -> int:
    async with client_of(server) as client:
        return int((await client.info("server"))["process_id"])


async def kill(process: int, folder: Path) -> None:
    """As `kill -9` does, until it is gone."""
    os.kill(process, signal.SIGKILL)
    await eventually(lambda: is_gone(folder), "the server is gone")


async def is_gone(folder: Path) -> bool:
    return await EmbeddedRedis(folder)._is_gone()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


# What it keeps


async def test_keeps_what_was_written_over_an_orderly_end(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("answer", "yes")
    assert await is_gone(folder)
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        assert await client.get("answer") == b"yes"


async def test_keeps_what_was_written_before_kill_9(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server:
        async with client_of(server) as client:
            for number in range(100):
                await client.rpush("answers", number)
        await kill(await process_of(server), folder)
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        assert await client.lrange("answers", 0, -1) == [b"%d" % n for n in range(100)]


async def test_survives_a_write_cut_short(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("answer", "yes")
    with written_last(folder).open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$6\r\nans")
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        assert await client.get("answer") == b"yes"


async def test_says_why_when_the_data_is_damaged(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("answer", "yes")
    file = written_last(folder)
    file.write_bytes(b"not a command\r\n" + file.read_bytes())
    with pytest.raises(StartError, match="could not start: Bad file format") as refusal:
        await EmbeddedRedis(folder).__aenter__()
    assert str(folder / "server.log") in str(refusal.value)


def written_last(folder: Path) -> Path:
    # Before version 7 it was one file.
    (file,) = [*folder.glob("appendonlydir/*.incr.aof"), *folder.glob("appendonly.aof")]
    return file


async def test_what_was_erased_is_nowhere_in_the_files(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("key", "marker" * 100)
        assert files_with(folder, b"marker" * 100)
        await client.delete("key")
        await client.bgrewriteaof()
        await eventually(lambda: nothing_holds(folder, b"marker"), "the files are rewritten")


async def nothing_holds(folder: Path, text: bytes) -> bool:
    return not files_with(folder, text)


def files_with(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_is_started_again_when_it_dies(folder: Path) -> None:
    stop = asyncio.Event()

    async def is_back() -> bool:
        return await probe(server.socket_path) is State.READY

    async with EmbeddedRedis(folder) as server, asyncio.TaskGroup() as services:
        services.create_task(server.serve(stop))
        async with client_of(server) as client:
            await client.set("answer", "yes")
            await kill(await process_of(server), folder)
            await eventually(is_back, "the server is back")
            assert await client.get("answer") == b"yes"
        stop.set()


async def test_goes_on_trying_to_start_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embedded_redis, "_WATCH_SECONDS", 0.05)
    program, away, stop = tmp_path / "server", tmp_path / "away", asyncio.Event()
    program.symlink_to(find_program(folder))

    async def was_tried() -> bool:
        return "database_not_restarted" in caplog.messages

    async def is_back() -> bool:
        return await probe(server.socket_path) is State.READY

    async with EmbeddedRedis(folder, program=program) as server, asyncio.TaskGroup() as services:
        services.create_task(server.serve(stop))
        process = await process_of(server)
        program.rename(away)
        await kill(process, folder)
        await eventually(was_tried, "it was tried in vain")
        away.rename(program)
        await eventually(is_back, "the server is back")
        stop.set()


# Who can reach it


async def test_listens_on_a_private_socket_only(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        assert (await client.info("server"))["tcp_port"] == 0
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o600


async def test_settings_that_protect_what_people_say(folder: Path) -> None:
    wanted = {
        "aof-use-rdb-preamble": "no",
        "appendfsync": "always",
        "appendonly": "yes",
        "crash-log-enabled": "no",
        "maxmemory-policy": "noeviction",
        "save": "",
        "slowlog-log-slower-than": "-1",
    }
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        assert {name: (await client.config_get(name))[name] for name in wanted} == wanted


async def test_nobody_else_can_read_the_files(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("answer", "yes")
        assert stat.S_IMODE(written_last(folder).stat().st_mode) & 0o077 == 0


async def test_does_not_get_our_secrets(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    program = fake_server(tmp_path, "curious-server", f"$(env | tee {tmp_path}/seen)")
    with pytest.raises(StartError):
        await EmbeddedRedis(folder, program=program).__aenter__()
    assert "LC_ALL=C" in (tmp_path / "seen").read_text()
    assert "hunter2" not in (tmp_path / "seen").read_text()


async def test_does_not_get_our_signals(folder: Path) -> None:
    async with EmbeddedRedis(folder) as server:
        assert os.getsid(await process_of(server)) != os.getsid(0)


async def test_long_paths_get_a_short_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    async with EmbeddedRedis(folder) as server, client_of(server) as client:
        await client.set("answer", "yes")
        at = server.socket_path.parent
        assert at.parent != folder
        assert len(os.fsencode(server.socket_path)) <= 103
        assert stat.S_IMODE(at.stat().st_mode) == 0o700
    assert not at.exists()


async def test_refuses_a_folder_for_the_socket_that_others_may_enter(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    hostile = socket_path_for(folder).parent
    hostile.mkdir()
    try:
        hostile.chmod(0o777)
        with pytest.raises(StartError, match="made by somebody else"):
            await EmbeddedRedis(folder).__aenter__()
        hostile.rmdir()
        hostile.symlink_to(tmp_path)
        with pytest.raises(StartError, match="made by somebody else"):
            await EmbeddedRedis(folder).__aenter__()
    finally:
        hostile.unlink() if hostile.is_symlink() else hostile.rmdir()


# Who shares it


async def test_is_shared_and_stopped_by_the_last(folder: Path) -> None:
    async with EmbeddedRedis(folder) as first:
        async with EmbeddedRedis(folder) as second:
            assert await process_of(first) == await process_of(second)
        assert await process_of(first)
    assert await is_gone(folder)


async def test_the_one_who_started_it_may_leave_first(folder: Path) -> None:
    first, second = EmbeddedRedis(folder), EmbeddedRedis(folder)
    async with first:
        await second.__aenter__()
    assert await process_of(second)
    await second.__aexit__()
    assert await is_gone(folder)


async def test_processes_that_start_together_share_one(folder: Path) -> None:
    programs = [start_program(folder) for _ in range(4)]
    served = {read_process(program) for program in programs}
    for program in programs:
        program.kill()
        program.communicate()
    assert len(served) == 1
    async with EmbeddedRedis(folder):
        pass


async def test_is_adopted_after_our_kill_9_and_then_stopped(folder: Path) -> None:
    program = start_program(folder)
    orphan = read_process(program)
    program.kill()
    program.communicate()
    async with EmbeddedRedis(folder) as server:
        assert await process_of(server) == orphan
    assert await is_gone(folder)


def start_program(folder: Path) -> subprocess.Popen[str]:
    """A process of its own that uses the server until it is killed."""
    code = (
        "import asyncio, pathlib, sys\n"
        "from bot.adapters.embedded_redis import EmbeddedRedis\n"
        "from tests.unit.adapters.test_embedded_redis import process_of\n"
        "async def main():\n"
        "    async with EmbeddedRedis(pathlib.Path(sys.argv[1])) as server:\n"
        "        print(await process_of(server), flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def read_process(program: subprocess.Popen[str]) -> int:
    assert program.stdout is not None
    return int(program.stdout.readline())


# What it sees


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"+PONG\r\n", State.READY),
        (b"-LOADING Valkey is loading the dataset in memory\r\n", State.LOADING),
        (b"-ERR max number of clients reached\r\n", State.READY),
        (b"", State.ABSENT),
        (None, State.SILENT),
    ],
)
async def test_probe(
    answer: bytes | None, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "_ANSWER_SECONDS", 0.3)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        if answer is None:
            await reader.read()  # until the other side gives up
        else:
            writer.write(answer)
        writer.close()

    at = tmp_path / "redis.sock"
    async with await asyncio.start_unix_server(talk, at):
        assert await probe(at) is state
    assert await probe(at) is State.ABSENT


# What it refuses


async def test_never_starts_a_second_server_in_the_same_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EmbeddedRedis(folder) as server:
        process = await process_of(server)
        server.socket_path.unlink()
        monkeypatch.setattr(embedded_redis, "_START_SECONDS", 0.2)
        with pytest.raises(StartError, match=r"does not answer.*server\.pid"):
            await EmbeddedRedis(folder).__aenter__()
        assert (folder / "server.pid").read_text().strip() == str(process)
        os.kill(process, signal.SIGTERM)
        await eventually(lambda: is_gone(folder), "the server is gone")


async def test_refuses_a_server_that_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with EmbeddedRedis(folder) as server:
        process = await process_of(server)
        os.kill(process, signal.SIGSTOP)
        monkeypatch.setattr(embedded_redis, "_ANSWER_SECONDS", 0.2)
        try:
            with pytest.raises(StartError, match="does not answer"):
                await EmbeddedRedis(folder).__aenter__()
        finally:
            os.kill(process, signal.SIGCONT)


async def test_refuses_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StartError, match="it is a file"):
        await EmbeddedRedis(tmp_path / "data").__aenter__()
    with pytest.raises(StartError, match="part of its path is a file"):
        await EmbeddedRedis(tmp_path / "data/more").__aenter__()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_refuses_a_full_disk(folder: Path) -> None:
    folder.mkdir()
    (folder / "room.test").symlink_to("/dev/full")
    with pytest.raises(StartError, match="the disk is full"):
        await EmbeddedRedis(folder).__aenter__()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
async def test_refuses_a_folder_of_another_account(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(StartError, match="another account"):
        await EmbeddedRedis(folder).__aenter__()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EROFS, "can only be read"),
        (errno.EACCES, "may not write"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_explains(number: int, reason: str) -> None:
    assert reason in explain(OSError(number, "whatever"), Path("/data"))


async def test_says_when_the_program_cannot_be_run(folder: Path) -> None:
    with pytest.raises(StartError, match="/nonexistent/server cannot be run"):
        await EmbeddedRedis(folder, program=Path("/nonexistent/server")).__aenter__()


async def test_says_when_the_program_ends_at_once(folder: Path, tmp_path: Path) -> None:
    program = fake_server(tmp_path, "broken-server", "Can't do that.")
    with pytest.raises(StartError, match=r"could not start: Can't do that\. More"):
        await EmbeddedRedis(folder, program=program).__aenter__()


# Which program


def fake_server(folder: Path, name: str, says: str) -> Path:
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{says}"\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_prefers_the_server_of_the_machine(machine: Path, folder: Path) -> None:
    program = fake_server(machine, "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    assert find_program(folder) == program


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=0:0", "no server at all"])
def test_passes_over_a_server_that_will_not_do(machine: Path, folder: Path, says: str) -> None:
    fake_server(machine, "redis-server", says)
    assert find_program(folder).name == "valkey-server"
    assert program_version(find_program(folder)) == (9, 1)


def test_passes_over_a_server_that_would_not_see_the_data(machine: Path, folder: Path) -> None:
    program = fake_server(machine, "redis-server", "Redis server v=6.2.14 sha=0:0")
    assert find_program(folder) == program
    (folder / "appendonlydir").mkdir(parents=True)
    assert find_program(folder) != program


def test_says_when_there_is_no_server(
    machine: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "find_spec", lambda name: None)
    with pytest.raises(StartError, match=r"version 6\.2 or newer was found"):
        find_program(folder)
