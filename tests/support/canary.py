"""Markers that a browser sends in every field it has, and where to look for them."""

import asyncio
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession

from tests.support.person import Json

ADDRESS = "127.77.88.99" if sys.platform == "linux" else "127.0.0.1"
"""Somebody's address, which no program mentions by itself. Only Linux has all of them."""

BEHIND = "203.0.113.199"
"""Whom the trusted proxy at that address was asked by."""

HEADERS = (
    "Accept",
    "Accept-Charset",
    "Accept-Language",
    "Authorization",
    "Baggage",
    "CF-Connecting-IP",
    "Cookie",
    "DNT",
    "Forwarded",
    "From",
    "If-None-Match",
    "Last-Event-ID",
    "Origin",
    "Referer",
    "Save-Data",
    "Sec-CH-UA",
    "Sec-CH-UA-Model",
    "Sec-CH-UA-Platform",
    "Traceparent",
    "True-Client-IP",
    "User-Agent",
    "Via",
    "X-Client-Data",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Name",
    "X-Real-IP",
    "X-Request-ID",
    "X-Requested-With",
)


@dataclass
class Markers:
    """Unique words, each with the place in which it was sent."""

    of: dict[str, str] = field(default_factory=dict)

    def new(self, place: str) -> str:
        marker = f"zq{len(self.of):03}{secrets.token_hex(6)}"
        self.of[marker] = place
        return marker

    def in_(self, *stored: bytes) -> list[str]:
        """Where the markers were sent that stand in `stored`."""
        whole = b"\n".join(stored)
        return [place for marker, place in self.of.items() if marker.encode() in whole]


@dataclass
class Browser:
    """Sends markers, and keeps what it gets."""

    url: str
    session: ClientSession
    markers: Markers
    answers: list[bytes] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def marked_headers(self) -> dict[str, str]:
        marked = {name: self.markers.new(f"header {name}") for name in HEADERS}
        return marked | {"X-Forwarded-For": f"{marked['X-Forwarded-For']}, {BEHIND}"}

    async def sends(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> bytes:
        """A request with markers in all headers but `headers`, and in its query."""
        query = f"?{self.markers.new('query name')}={self.markers.new('query value')}"
        given = {**self.marked_headers(), **{k.replace("_", "-"): v for k, v in headers.items()}}
        try:
            async with self.session.request(
                method, self.url + path + query, data=body, headers=given, allow_redirects=False
            ) as answer:
                found = await answer.content.read(200_000)
                self.headers += [f"{name}: {value}" for name, value in answer.headers.items()]
        except (ClientError, TimeoutError, OSError):
            return b""
        self.answers.append(found)
        return found

    async def posts(self, path: str, body: Json, token: str = "") -> Json:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        stored = json.dumps(body).encode()
        answer = await self.sends("POST", path, stored, Content_Type="application/json", **given)
        with suppress(ValueError):
            return json.loads(answer)
        return None

    async def submits(self, fields: dict[str, str]) -> bytes:
        form = "application/x-www-form-urlencoded"
        return await self.sends("POST", "/", urlencode(fields).encode(), Content_Type=form)

    async def says_nonsense(self, line: bytes) -> None:
        """What no HTTP library sends."""
        host, port = self.url.removeprefix("http://").split(":")
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(
                    host, int(port), local_addr=(ADDRESS, 0)
                )
                writer.write(line)
                writer.write_eof()
                self.answers.append(await reader.read())
                writer.close()


def written_files(folder: Path) -> Iterator[bytes]:
    """Everything that the process and its database wrote, and how the files are called."""
    for file in sorted(folder.rglob("*")):
        yield str(file.relative_to(folder)).encode()
        if file.is_file():
            yield file.read_bytes()
