"""Answers that stay open: nothing is lost, repeated or shown too late."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from aiohttp import ClientResponse
from redis.asyncio import Redis

from bot.adapters import redis_connection
from bot.channels.web import chat, streams
from bot.channels.web.streams import MOST_OF_ONE, PART_CHARACTERS
from bot.domain.ids import Milliseconds
from tests.support.operator import Operator
from tests.support.page import Page, past_the_gate
from tests.support.person import Person
from tests.support.proxy import buffering_proxy
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually


@pytest.fixture
def operator(service: RunningService) -> Operator:
    return Operator(service)


class Stream:
    """What a page reads from its stream."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer
        self.seqs: list[int] = []

    async def event(self) -> Any:
        """The next event; heartbeats are passed over."""
        async with asyncio.timeout(10):
            while True:
                line = await self.answer.content.readline()
                if not line:
                    raise EOFError
                if line.startswith(b"data:"):
                    found = json.loads(line[5:])
                    self.seqs += [m["seq"] for m in found.get("messages", ())]
                    return found


@asynccontextmanager
async def listening(
    service: RunningService, person: Person, after: int | None = None
) -> AsyncIterator[Stream]:
    body = {"after": person.last if after is None else after}
    headers = {"Authorization": f"Bearer {person.token}"}
    async with service.session.post(
        service.url + "/api/stream", json=body, headers=headers
    ) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield Stream(answer)


async def waiting_person(service: RunningService) -> Person:
    person = service.person()
    await person.opens()
    await person.wants("human")
    await person.presses("fresh")
    return person


async def test_news_comes_without_asking(service: RunningService, operator: Operator) -> None:
    person = await waiting_person(service)
    async with listening(service, person) as stream:
        assert (await stream.event())["owner"] == "waiting"
        await operator.takes_over()
        await operator.writes("Hello, I am here.")
        said: list[str] = []
        event: Any = None
        while "Hello, I am here." not in said:
            event = await stream.event()
            said += [m["lines"][0]["text"] for m in event["messages"]]
        assert event["owner"] == "operator"


async def test_a_stream_goes_on_where_the_last_one_stopped(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await person.types("one")
    async with listening(service, person, after=0) as stream:
        await stream.event()
        seen = max(stream.seqs)
    await person.types("two")
    async with listening(service, person, after=seen) as stream:
        await stream.event()
    assert stream.seqs == list(range(seen + 1, person.last + 1))


async def test_a_long_log_comes_in_parts_and_whole(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    for number in range(6):
        await person.types(f"{number}" * (PART_CHARACTERS // 2))
    async with listening(service, person, after=0) as stream:
        parts = 1
        while "question" not in await stream.event():
            parts += 1
    assert parts > 2
    assert stream.seqs == list(range(1, person.last + 1))


@pytest.mark.parametrize(("how", "error"), [("erase", "gone"), ("leave", "view_ended")])
async def test_a_stream_ends_with_its_page(service: RunningService, how: str, error: str) -> None:
    person = service.person()
    await person.opens()
    await person.wants(how)
    async with listening(service, person) as stream:
        await stream.event()
        await person.presses("erase_now" if how == "erase" else "leave_now")
        event = await stream.event()
        while "error" not in event:
            event = await stream.event()
        assert event == {"error": error}
        with pytest.raises(EOFError):
            await stream.event()


async def test_what_is_wrong_with_a_token_is_said_before_the_stream(
    service: RunningService,
) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    async with service.session.post(
        service.url + "/api/stream", json={"after": 0}, headers=headers
    ) as answer:
        assert (answer.status, await answer.json()) == (401, {"error": "token"})


async def test_too_many_streams_are_told_to_ask_instead(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    person = service.person()
    await person.opens()
    headers = {"Authorization": f"Bearer {person.token}"}
    more = service.session.post(service.url + "/api/stream", json={"after": 0}, headers=headers)
    async with listening(service, person), more as answer:
        assert (answer.status, await answer.json()) == (429, {"error": "wait"})
    await person.looks()


async def test_of_one_conversation_only_the_newest_streams_stay(
    service: RunningService, operator: Operator
) -> None:
    other = await waiting_person(service)
    async with AsyncExitStack() as opened:
        theirs = await opened.enter_async_context(listening(service, other))
        assert (await theirs.event())["owner"] == "waiting"
        person = service.person()
        await person.opens()
        all_own = []
        for _ in range(MOST_OF_ONE + 2):
            own = await opened.enter_async_context(listening(service, person))
            assert "owner" in await own.event()
            all_own.append(own)
        for old in all_own[:2]:
            assert await old.event() == {"error": "wait"}
            with pytest.raises(EOFError):
                await old.event()
        await person.types("hello")
        for new in all_own[2:]:
            assert (await new.event())["messages"]
        await operator.takes_over()
        while not (await theirs.event())["messages"]:
            pass  # nobody else's has ended


async def test_a_page_without_scripts_that_must_end_is_whole(service: RunningService) -> None:
    page = await past_the_gate(Page(service.session, service.url + "/"))
    body = (await page.presses("action:human")).body("choice:fresh")
    async with AsyncExitStack() as opened, service.session.post(page.url, data=body) as answer:
        html = ""
        while 'role="log"' not in html:
            html += (await answer.content.readany()).decode()
        style = html.split('href="/page.css', 1)[1].split('"', 1)[0]
        await (await service.session.get(f"{service.url}/page.css{style}")).read()
        person = service.person()
        person.token = html.split('name="token" value="', 1)[1].split('"', 1)[0]
        await person.looks()
        for _ in range(MOST_OF_ONE):
            await (await opened.enter_async_context(listening(service, person, 0))).event()
        html += (await answer.content.read()).decode()
    assert html.rstrip().endswith("</html>")


async def test_when_everybody_is_woken_at_once_the_store_is_not_swamped(
    redis: Redis, redis_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "READS_AT_ONCE", 3)
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as service:
        pool: Any = service.service.store._client.connection_pool  # type: ignore[union-attr]
        async with AsyncExitStack() as opened:
            all_open = []
            for _ in range(40):
                person = service.person()
                await person.opens()
                all_open.append(await opened.enter_async_context(listening(service, person)))
                await all_open[-1].event()
            # A subscription that was cut off: when it is back, everybody looks for news.
            await redis.client_kill_filter(_type="pubsub")
            looked, most = 0, 0

            async def everybody_has_looked() -> bool:
                nonlocal looked, most
                busy = 0
                for _ in range(200):
                    busy = len(pool._in_use_connections)
                    looked, most = looked + (busy > 2), max(most, busy)
                    await asyncio.sleep(0)
                return looked > 0 and busy <= 1

            await eventually(everybody_has_looked, "everybody has looked")
            assert most <= 3 + 3, "the streams', the subscription's, and who kills it"


async def test_more_commands_than_connections_wait_for_one(
    redis_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_connection, "MOST_CONNECTIONS", 2)
    client: Any = await redis_connection.connect(f"unix://{redis_socket}")
    try:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(client.ping()) for _ in range(100)]
        assert all(one.result() for one in asked)
        monkeypatch.setattr(client.connection_pool, "timeout", 0.05)
        held = [await client.connection_pool.get_connection() for _ in range(2)]
        with pytest.raises(redis_connection.TROUBLE):
            await client.ping()
        for one in held:
            await client.connection_pool.release(one)
        assert await client.ping()
    finally:
        await client.aclose()


async def test_a_slow_reader_loses_the_connection_and_no_delivery_stays_open(
    service: RunningService, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "DELIVERY_LEASE", Milliseconds(400))
    person = await waiting_person(service)
    reader = _slow_reader(service, person)
    try:
        id = await operator.takes_over()
        for _ in range(60):
            await operator.writes("x" * 3900)

        async def let_go() -> bool:
            return not await service.service.store.open_deliveries(id)

        await eventually(let_go, "no delivery is open")
        await eventually(lambda: _aborted(reader), "the connection was given up")
    finally:
        reader.close()
    async with listening(service, person) as stream:
        while len(stream.seqs) < 60:
            await stream.event()
    assert stream.seqs == sorted(set(stream.seqs)), "nothing lost, nothing repeated"


def _slow_reader(service: RunningService, person: Person) -> socket.socket:
    """Asks for the stream and reads nothing of it."""
    return _asks(service, "/api/stream", json.dumps({"after": person.last}), person.token)


def _opens_page(service: RunningService, token: str) -> socket.socket:
    """Asks for the page of a conversation, and reads nothing of it."""
    form = {"do": "earlier", "id": "a" * 32, "token": token, "screen": "chat"}
    return _asks(service, "/", urlencode(form), "-")


def _asks(service: RunningService, path: str, body: str, token: str) -> socket.socket:
    address = urlsplit(service.url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((address.hostname, address.port))
    reader.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    reader.setblocking(False)
    return reader


async def _aborted(reader: socket.socket) -> bool:
    try:
        return not reader.recv(4096)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


async def test_a_page_without_scripts_stays_open_while_it_is_read(
    service: RunningService, operator: Operator
) -> None:
    page = await past_the_gate(Page(service.session, service.url + "/"))
    body = (await page.presses("action:human")).body("choice:fresh")
    async with service.session.post(page.url, data=body) as answer:
        html = ""
        while 'role="log"' not in html:
            html += (await answer.content.readany()).decode()
        assert "<form" in html, "the input stands before what comes later"
        style = html.split('href="/page.css', 1)[1].split('"', 1)[0]
        async with service.session.get(f"{service.url}/page.css{style}") as asked:
            assert asked.status == 200
        await operator.takes_over()
        await operator.writes("Hello from a person")
        while "Hello from a person" not in html:
            html += (await answer.content.readany()).decode()
        assert "</html>" not in html


async def test_a_page_that_was_closed_while_it_was_held_open_is_nobodys_mistake(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    person = await waiting_person(service)
    with closing(_opens_page(service, person.token)) as reader:
        reader.setblocking(True)
        html = ""
        while 'role="log"' not in html:
            html += (await asyncio.to_thread(reader.recv, 65536)).decode()
        style = html.split('href="/page.css', 1)[1].split('"', 1)[0]
        await (await service.session.get(f"{service.url}/page.css{style}")).read()
        assert not await _has_room(service, person)
    await person.types("hello")
    await eventually(lambda: _has_room(service, person), "the page has ended")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_page_whose_beginning_nobody_reads_counts_and_ends(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    monkeypatch.setattr(chat, "DELIVERY_LEASE", Milliseconds(2_000))
    person = await waiting_person(service)
    for _ in range(60):
        await person.types("x" * 3900)
    with closing(_opens_page(service, person.token)) as reader:

        async def is_full() -> bool:
            return not await _has_room(service, person)

        await eventually(is_full, "the page counts")
        await eventually(lambda: _has_room(service, person), "it was given up")
        await eventually(lambda: _aborted(reader), "the connection was ended")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def _has_room(service: RunningService, person: Person) -> bool:
    """Whether one more connection is held open."""
    body, headers = {"after": person.last}, {"Authorization": f"Bearer {person.token}"}
    url = service.url + "/api/stream"
    async with service.session.post(url, json=body, headers=headers) as answer:
        return answer.status == 200


async def test_behind_a_buffering_proxy_the_page_is_whole_and_the_button_shows_news(
    service: RunningService, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PROBE_SECONDS", 0.05)
    async with buffering_proxy(service.url) as url:
        page = await past_the_gate(Page(service.session, url + "/"))
        waits = await (await page.presses("action:human")).presses("choice:fresh")
        assert "</html>" in waits.html
        assert "show" in waits.buttons()
        await operator.takes_over()
        await operator.writes("Hello from a person")
        news = await waits.presses("show")
        assert news.text.count("Hello from a person") == 1
        assert "Nothing new yet." in (await news.presses("show")).text
        answer = await news.presses("send", words="Good that you are here")
        assert "Good that you are here" in answer.text
        assert "Hello from a person" in answer.text, "it stands in the log"


async def test_open_answers_end_when_the_process_does(service: RunningService) -> None:
    person = await waiting_person(service)
    async with listening(service, person) as stream:
        await stream.event()
        await service.service.web.shutdown()
        assert await stream.answer.content.read() is not None
        assert stream.answer.content.at_eof()


async def test_an_answer_leaves_out_nothing_that_came_before_it(service: RunningService) -> None:
    """Else it could come after the notice that a human answers (docs/who-answers.md)."""
    person = service.person()
    await person.opens()
    other = replace(person, messages=list(person.messages))
    await other.types("from another tab")
    await person.types("from this one")
    seqs = [message["seq"] for message in person.messages]
    assert seqs == list(range(1, person.last + 1))
    said = [message["lines"][0]["text"] for message in person.new if message["by"] == "person"]
    assert said == ["from another tab", "from this one"]
