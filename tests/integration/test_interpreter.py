"""The real interpreter: trained from a few phrases, killed, stopped, and asked rude things.

Needs its own environment (`make setup`), where there is a Python 3.10. Elsewhere the service runs
without it, and so do these tests.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters.interpreter_client import InterpreterClient
from bot.adapters.interpreter_process import (
    INTERPRETER_PYTHON,
    InterpreterProcess,
    environment,
)
from bot.settings import ROOT
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(
        not INTERPRETER_PYTHON.is_file(), reason="there is no Python 3.10 for the interpreter here"
    ),
    pytest.mark.timeout(400),  # Rasa alone takes ten to twenty seconds to be imported
]

ADDRESS = "http://127.0.0.1:38417/model/parse?token=t"
PHRASES = """\
= affirm
yes
yes it is so
that is right
of course
= deny
no
no never
not at all
that is not true
= ask_cost
does it cost anything
is it free
how much do i pay for this
do you want money
= tell
DOCS_HELD | he keeps my passport
DOCS_HELD | my boss took our passports
DOCS_HELD HOURS | she has my papers and i work sixteen hours
HOURS | i work from six until midnight
HOURS | there is never a day off
DEBT | i have to pay back the journey
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of few phrases, trained by the pipeline of the real one."""
    folder = tmp_path_factory.mktemp("interpreter")
    (folder / "phrases" / "en").mkdir(parents=True)
    (folder / "phrases" / "en" / "few.txt").write_text(PHRASES)
    target = folder / "model.tar.gz"
    subprocess.run(
        [
            INTERPRETER_PYTHON,
            *("-m", "nlu.interpreter.train", target),
            *("--phrases", folder / "phrases"),
        ],
        cwd=ROOT,
        env={**environment(ROOT, "-"), "HOME": str(folder)},
        check=True,
        capture_output=True,
        timeout=300,
    )
    return target


@asynccontextmanager
async def running(model: Path) -> AsyncGenerator[tuple[InterpreterProcess, InterpreterClient]]:
    process = InterpreterProcess(python=INTERPRETER_PYTHON, model=model, root=ROOT)
    client = InterpreterClient(process.address, process.token, time.monotonic, deadline=3)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(process.serve(stop))
        try:
            async with asyncio.timeout(90):
                await process.ready.wait()
            yield process, client
        finally:
            stop.set()
            await client.close()


def pids_serving(model: Path) -> list[int]:
    """The processes that serve that model."""
    found = subprocess.run(
        ["/usr/bin/pgrep", "-f", f"interpreter.serve {model}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line) for line in found.stdout.split()]


async def test_it_reads_and_survives(model: Path) -> None:
    """One start for many looks: each takes ten seconds."""
    async with running(model) as (process, client):
        found = await client.interpret("he keeps my passport")
        assert found is not None
        assert max(found.intents, key=lambda name: found.intents[name]) == "tell"
        assert found.tags["DOCS_HELD"] > found.tags["DEBT"]
        cost = await client.interpret("is it free")
        assert cost is not None
        assert max(cost.intents, key=lambda name: cost.intents[name]) == "ask_cost"
        for rude in ("", " ", "\u0000", "😀" * 400, "[x](y)", "{}", "a" * 500, "\ud83d"):
            await client.interpret(rude)
        assert await client.interpret("yes") is not None, "it still answers"

        wrong = InterpreterClient(process.address, "guessed", time.monotonic)
        assert await wrong.interpret("yes") is None, "nobody without the token"
        await wrong.close()

        [pid] = pids_serving(model)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        hanging = InterpreterClient(process.address, process.token, time.monotonic, deadline=0.2)
        assert await hanging.interpret("yes") is None
        assert time.monotonic() - began < 2, "nobody waits for one that hangs"
        await hanging.close()
        os.kill(pid, signal.SIGKILL)

        async def gone() -> bool:
            return process.address() is None

        await eventually(gone, "its end is noticed", 30)
        assert await client.interpret("yes") is None

        async def back() -> bool:
            return process.address() is not None

        await eventually(back, "it is started again", 90)
        assert await client.interpret("yes") is not None
    assert pids_serving(model) == [], "nothing is left running"


def test_it_prints_nothing_of_what_it_reads_and_reaches_nobody(
    model: Path, tmp_path: Path
) -> None:
    script = (
        "import socket, sys, threading, time, json, urllib.request, os\n"
        "from nlu.interpreter import serve\n"
        "def ask():\n"
        "    body = json.dumps({'text': 'CANARY-7431 he keeps my passport'}).encode()\n"
        "    for _ in range(600):\n"
        "        try:\n"
        "            urllib.request.urlopen(sys.argv[3], body)\n"
        "            break\n"
        "        except OSError:\n"
        "            time.sleep(0.1)\n"
        "    else:\n"
        "        os._exit(7)\n"
        "    try:\n"
        "        socket.create_connection(('192.0.2.1', 80), 0.2)\n"
        "    except PermissionError:\n"
        "        os._exit(42)\n"
        "    os._exit(8)\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
        "serve.main(sys.argv[1], sys.argv[2])\n"
    )
    done = subprocess.run(
        [INTERPRETER_PYTHON, "-c", script, model, "38417", ADDRESS],
        cwd=ROOT,
        env={**environment(ROOT, "t"), "HOME": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 42, done.stderr[-2000:]
    assert b"CANARY-7431" not in done.stdout + done.stderr
    kept = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and b"CANARY-7431" in path.read_bytes()
    ]
    assert kept == []


def test_it_ends_with_the_process_that_started_it(model: Path, tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.argv[1], '-m', 'nlu.interpreter.serve', sys.argv[2], '38418'])\n"
        "time.sleep(3)\n"
    )
    subprocess.run(
        [INTERPRETER_PYTHON, "-c", starter, INTERPRETER_PYTHON, model],
        cwd=ROOT,
        env={**environment(ROOT, "t"), "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
        timeout=300,
    )
    until = time.monotonic() + 60
    while pids_serving(model) and time.monotonic() < until:
        pass
    assert pids_serving(model) == []
