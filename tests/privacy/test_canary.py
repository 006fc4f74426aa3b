"""Markers in everything that a browser can send. None of them is kept.

The real process is used, with the real database behind it. Afterwards the markers are looked for
in what the process printed, in every file that it wrote, in Redis, in all answers; and again in
everything that is stored, decrypted. Only typed words are there, and only in the log of messages.
"""

import json
import secrets
import socket
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from bot.adapters.sealing import read_or_make_key
from tests.support.canary import ADDRESS, BEHIND, Browser, Markers, written_files
from tests.support.opened import Opened, opened, raw
from tests.support.person import Json
from tests.support.process import ServiceProcess


async def uses_the_json_interface(browser: Browser, words: Markers) -> Json:
    """A conversation, with a marker in each field that is text. Gives the last answer."""
    new = browser.markers.new
    for body in (
        {"id": new("start id") + "a" * 16, "language": new("language"), "country": None},
        {"id": secrets.token_urlsafe(24), "language": "en", new("field of start"): 1},
        {"id": secrets.token_urlsafe(24), "country": new("country")},
    ):
        started = await browser.posts("/api/start", body)
    started = await browser.posts("/api/start", {"id": new("start id") + "b" * 16})
    token, number = started["token"], started["question"]["number"]
    after = started["last"]
    for what in (
        {"press": {"number": number, "choices": [new("choice")]}},
        {"press": {"number": number, "choices": ["yes"]}},
        {"words": f"my words {words.new('words')}"},
        {"words": words.new("words that are the danger exit") + " help me he has a knife"},
        {"words": f"/{words.new('a command')}"},
        {"words": words.new("half a surrogate") + "\ud800"},
        {"words": words.new("too long") + "x" * 5000},
        {"action": new("action")},
        {new("field of input"): 1, "words": words.new("with an unknown field")},
        {"action": "human"},
        {"press": {"number": 10**8, "choices": [new("choice")]}},
    ):
        body = {"id": new("input id") + "c" * 16, "after": after, **what}
        await browser.posts("/api/input", body, token)
    await browser.posts("/api/input", {"id": "d" * 20, "after": 0}, new("token"))
    body = {"id": new("return id") + "e" * 16, "code": new("code"), "word": new("return word")}
    await browser.posts("/api/return", body)
    return await browser.posts("/api/read", {"after": 0}, token)


async def uses_the_page(browser: Browser, words: Markers) -> None:
    new = browser.markers.new
    await browser.sends("GET", "/")
    for fields in (
        {"do": "start", "id": new("form id") + "a" * 16, "language": new("form language")},
        {"do": "start", "country": new("form country")},
        {"do": new("do")},
        {"do": "send", "words": words.new("words without a token"), "token": new("form token")},
        {"do": "check", "code": new("form code")},
        {"do": "open", "code": new("form code"), "word": new("form word"), "id": "b" * 20},
        {"do": "open", "id": new("form id") + "b" * 16},
        {new("form field"): new("form value")},
    ):
        await browser.submits(fields)
    page = await browser.submits({"do": "start", "id": new("form id") + "c" * 16})
    token = page.decode().split('name="token" value="')[1].split('"')[0]
    chat = {"screen": "chat", "token": token, "id": new("form id") + "d" * 16}
    await browser.submits(
        {**chat, "do": "send", "words": f"on the page {words.new('page words')}"}
    )
    await browser.submits({**chat, "do": f"choice:{new('form choice')}", "number": "1"})


async def breaks_things(browser: Browser) -> None:
    new = browser.markers.new
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        await browser.sends(method, f"/{new('path')}/{new('path')}")
    await browser.sends("GET", "/healthz")
    for path in ("/api/start", "/api/input", "/api/read", "/api/return", "/"):
        await browser.sends("POST", path, b'{"id": "' + new("broken body").encode())
        await browser.sends("POST", path, new("not UTF-8").encode() + b"\xff\xfe")
        await browser.sends("POST", path, new("huge").encode() * 10_000)
        await browser.sends("POST", path, new("gzip").encode(), Content_Encoding="gzip")
    for line in (
        f"{new('method')} / HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /{new('raw path')}\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET / {new('version')}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{new('broken header')}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nX-A: {new('broken value')}\x00\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {new('length')}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{new('chunk')}\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {new('long header') * 2000}\r\n\r\n",
        f"\x16\x03\x01{new('not HTTP at all')}",
    ):
        await browser.says_nonsense(line.encode())


async def breaks_the_store(
    service: ServiceProcess, browser: Browser, words: Markers, client: Any
) -> None:
    """Something unreadable in a conversation, and a database that goes away in the middle."""
    started = await browser.posts("/api/start", {"id": secrets.token_urlsafe(24)})
    id = started["token"].partition(".")[0]
    await client.hset(f"fp:{{{id}}}:c", "state", b"not sealed by anybody")
    body = {"id": "f" * 20, "after": 0, "words": words.new("words at a broken state")}
    await browser.posts("/api/input", body, started["token"])
    await client.delete(f"fp:{{{id}}}:c", f"fp:{{{id}}}:key", f"fp:{{{id}}}:log")
    other = await browser.posts("/api/start", {"id": secrets.token_urlsafe(24)})
    service.kill_database()
    body = {"id": "g" * 20, "after": 0, "words": words.new("words without a database")}
    await browser.posts("/api/input", body, other["token"])
    form = {"screen": "chat", "token": other["token"], "id": "h" * 20, "do": "send"}
    await browser.submits({**form, "words": words.new("page words without a database")})


@pytest.mark.timeout(180)
async def test_no_marker_is_kept_but_typed_words_where_they_belong(
    service: ServiceProcess, browser: Browser
) -> None:
    words = Markers()
    database = EmbeddedRedis(service.data)
    client = await connect(database.url)
    read = await uses_the_json_interface(browser, words)
    await uses_the_page(browser, words)
    await breaks_things(browser)
    await breaks_the_store(service, browser, words, client)
    await client.aclose()
    await service.stop()
    await service.start()  # the database may still have been gone
    client = await connect(database.url)
    stored = await raw(client)
    key = read_or_make_key(service.folder / "installation.key")
    conversations = [found async for found in opened(client, key)]
    await client.aclose()
    await service.stop()

    files = list(written_files(service.folder))
    address = (ADDRESS.encode(), socket.inet_aton(ADDRESS))
    behind = (BEHIND.encode(), socket.inet_aton(BEHIND))
    for place in (stored, *files):
        assert browser.markers.in_(place) == []
        assert words.in_(place) == [], "typed words stand nowhere in the clear"
        assert not any(form in place for form in address) or ADDRESS == "127.0.0.1"
        assert not any(form in place for form in behind)
    assert len(conversations) >= 4
    assert_decrypted(browser, words, conversations)
    # The search finds what is there: the answers hold the words, and the log of the process lines.
    assert "my words" in json.dumps(read)
    assert b'"event"' in service.log.read_bytes()
    assert_answers_say_nothing(browser)


def assert_decrypted(browser: Browser, words: Markers, conversations: list[Opened]) -> None:
    for found in conversations:
        everything = [found.state, *found.aside, *chain(*found.log.values())]
        assert browser.markers.in_(*everything) == []
        assert ADDRESS.encode() not in b"".join(everything) or ADDRESS == "127.0.0.1"
        assert BEHIND.encode() not in b"".join(everything)
        others = [said for letter, all_ in found.log.items() if letter != "p" for said in all_]
        assert words.in_(found.state, *found.aside, *others) == []
    said = [entry for found in conversations for entry in found.log.get("p", [])]
    assert {"words", "page words", "words that are the danger exit"} <= set(words.in_(*said))
    assert not {"too long", "half a surrogate", "with an unknown field"} & set(words.in_(*said))


def assert_answers_say_nothing(browser: Browser) -> None:
    """No cookie, no name of a program, and nothing of what was in a header."""
    names = {header.partition(":")[0].lower() for header in browser.headers}
    assert not names & {"set-cookie", "server", "x-powered-by", "via"}
    assert browser.markers.in_(*(header.encode() for header in browser.headers)) == []
    sent_in_headers = [p for p in browser.markers.in_(*browser.answers) if p.startswith("header ")]
    assert sent_in_headers == []
    assert ADDRESS.encode() not in b"".join(browser.answers) or ADDRESS == "127.0.0.1"
    assert BEHIND.encode() not in b"".join(browser.answers)


async def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """The test above must be able to fail."""
    markers = Markers()
    marker = markers.new("somewhere")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text(f"x{marker}y")
    assert markers.in_(*written_files(tmp_path)) == ["somewhere"]
