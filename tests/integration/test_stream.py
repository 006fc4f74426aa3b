"""Answers that stay open: nothing is lost, repeated or shown too late."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse

from bot.channels.web import streams
from bot.channels.web.streams import PART_CHARACTERS
from tests.support.operator import Operator
from tests.support.page import Page, past_the_gate
from tests.support.person import Person
from tests.support.proxy import buffering_proxy
from tests.support.service import RunningService
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


async def test_a_slow_reader_loses_the_connection_and_no_delivery_stays_open(
    service: RunningService, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams.Streams, "_deadline", lambda _: _in(0.3))
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


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _slow_reader(service: RunningService, person: Person) -> socket.socket:
    """Asks for the stream and reads nothing of it."""
    address = urlsplit(service.url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((address.hostname, address.port))
    body = json.dumps({"after": person.last})
    reader.sendall(
        f"POST /api/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n"
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
