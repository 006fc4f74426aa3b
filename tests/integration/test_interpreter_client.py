"""The interpreter may be slow, hang, die, or answer nonsense: nobody waits, and nothing breaks."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.adapters.interpreter_client import (
    FAILURES_UNTIL_OPEN,
    MOST_AT_ONCE,
    REST_SECONDS,
    InterpreterClient,
    interpretation_of,
)
from tests.support.waiting import eventually

GOOD = {"intent_ranking": [{"name": "affirm", "confidence": 0.9}], "tags": {"DEBT": 0.2}}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Server:
    """A server in the place of Rasa, which does what a test wants of it."""

    answer: object = field(default_factory=lambda: GOOD)
    status: int = 200
    held: asyncio.Event | None = None
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.asked.append((body["text"], request.query["token"]))
        if self.held is not None:
            await self.held.wait()
        text = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        return web.Response(text=text, status=self.status, content_type="application/json")


@asynccontextmanager
async def serving(server: Server) -> AsyncGenerator[str]:
    application = web.Application()
    application.add_routes([web.post("/model/parse", server.handle)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(
    server: Server, clock: Clock | None = None, deadline: float = 0.3
) -> AsyncGenerator[InterpreterClient]:
    async with serving(server) as address:
        client = InterpreterClient(lambda: address, "secret", clock or Clock(), deadline=deadline)
        try:
            yield client
        finally:
            await client.close()


async def test_it_answers() -> None:
    server = Server()
    async with client_of(server) as client:
        found = await client.interpret("yes of course")
    assert found is not None
    assert found.intents == {"affirm": 0.9}
    assert found.tags == {"DEBT": 0.2}
    assert server.asked == [("yes of course", "secret")]


async def test_nobody_waits_for_a_hanging_one() -> None:
    server = Server(held=asyncio.Event())
    async with client_of(server, deadline=0.05) as client, asyncio.timeout(5):
        assert await client.interpret("x") is None


@pytest.mark.parametrize(
    "answer",
    [
        "not json",
        "[]",
        "null",
        {},
        {"intent_ranking": 5, "tags": {}},
        {"intent_ranking": ["x"], "tags": {}},
        {"intent_ranking": [{"name": 1, "confidence": 0.5}], "tags": {}},
        {"intent_ranking": [], "tags": {"DEBT": "much"}},
        "x" * 200_000,
    ],
)
async def test_nonsense_is_no_answer(answer: object) -> None:
    async with client_of(Server(answer=answer)) as client:
        assert await client.interpret("x") is None


@pytest.mark.parametrize("status", [401, 404, 500, 302])
async def test_an_error_is_no_answer(status: int) -> None:
    async with client_of(Server(status=status)) as client:
        assert await client.interpret("x") is None


async def test_one_that_is_not_there_is_left_alone() -> None:
    client = InterpreterClient(lambda: None, "secret", Clock())
    assert await client.interpret("x") is None
    closed = InterpreterClient(lambda: "http://127.0.0.1:9", "secret", Clock())
    assert await closed.interpret("x") is None
    await closed.close()


async def test_after_failures_it_rests_and_is_tried_again() -> None:
    server, clock = Server(status=500), Clock()
    async with client_of(server, clock) as client:
        for _ in range(FAILURES_UNTIL_OPEN + 5):
            assert await client.interpret("x") is None
        assert len(server.asked) == FAILURES_UNTIL_OPEN, "nobody asks it while it rests"
        clock.now += REST_SECONDS + 1
        assert await client.interpret("x") is None
        assert await client.interpret("x") is None
        assert len(server.asked) == FAILURES_UNTIL_OPEN + 1, "one failure, and it rests again"
        server.status = 200
        clock.now += REST_SECONDS + 1
        assert await client.interpret("x") is not None


async def test_only_a_few_wait_at_once() -> None:
    server = Server(held=asyncio.Event())
    async with client_of(server, deadline=5) as client:
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(client.interpret("x")) for _ in range(MOST_AT_ONCE)]

            async def all_asked() -> bool:
                return len(server.asked) == MOST_AT_ONCE

            await eventually(all_asked, "they wait", 5)
            assert await client.interpret("one too many") is None
            assert server.held is not None
            server.held.set()
        assert all(task.result() is not None for task in waiting)


def test_more_than_we_use_is_left_alone() -> None:
    found = interpretation_of({**GOOD, "text": "x", "entities": [], "intent": None})
    assert found.intents == {"affirm": 0.9}
