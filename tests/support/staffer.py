"""Somebody of staff, in a browser without scripts: what they see is the page they get."""

import base64
import html
import re
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, CookieJar
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that live for one test
STEP_SECONDS = 30


@dataclass
class Authenticator:
    """The app on a phone."""

    secret: str = ""
    last: int = 0

    def code(self) -> str:
        """A code that was not used before; two in a row work at once."""
        now = time.time()  # noqa: TID251 - a phone has a clock of its own
        self.last = max(int(now) // STEP_SECONDS, self.last + 1)
        return self.code_of(self.last)

    def code_of(self, step: int) -> str:
        key = base64.b32decode(self.secret.replace(" ", ""))
        clock = TOTP(key, 6, SHA1(), STEP_SECONDS)  # noqa: S303 - what authenticators use
        return clock.generate(step * STEP_SECONDS).decode()


@dataclass
class Staffer:
    """Keeps what a browser would keep: cookies and the page."""

    url: str
    session: ClientSession
    name: str = ""
    phone: Authenticator = field(default_factory=Authenticator)
    status: int = 0
    page: str = ""
    path: str = ""

    @classmethod
    def new(cls, url: str) -> "Staffer":
        """A browser of its own."""
        return cls(url, ClientSession(cookie_jar=CookieJar(unsafe=True)))

    async def sets_up(self, link: str, name: str = "", password: str = PASSWORD) -> None:
        await self.opens(link)
        found = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", self.page)
        assert found is not None, self.page
        self.phone.secret = found[1]
        self.name = name or self.name
        await self.sends(
            link,
            name=name,
            password=password,
            again=password,
            code=self.phone.code(),
        )

    async def signs_in(self, password: str = PASSWORD, code: str | None = None) -> None:
        await self.opens("/sign-in")
        await self.sends(
            "/sign-in", name=self.name, password=password, code=code or self.phone.code()
        )

    async def opens(self, path: str) -> None:
        await self._request("GET", path)

    async def sends(self, path: str, *, csrf: str | None = None, **fields: Any) -> None:
        """Sends a form of the present page, as its button would."""
        body = {"csrf": self.csrf if csrf is None else csrf, **fields}
        await self._request("POST", path, data=body)

    async def says(self, words: str, **fields: Any) -> None:
        """Writes to the person of the open conversation."""
        await self.sends(
            f"{self.path}/write",
            **{"words": words, "key": self.hidden("key"), "seen": self.seen, **fields},
        )

    async def lets_go(self, how: str, reason: str) -> None:
        await self.sends(f"{self.path}/{how}", reason=reason, seen=self.seen)

    async def looks(self, **query: Any) -> Any:
        """One request of the script of the open page."""
        where = "/live/queue" if self.path == "/queue" else f"/live{self.path}"
        async with self.session.get(
            self.url + where, params=query, headers={"X-Live": "1"}
        ) as answer:
            self.status = answer.status
            return await answer.json()

    @property
    def csrf(self) -> str:
        return self.hidden("csrf")

    @property
    def seen(self) -> str:
        return self.hidden("seen")

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        return html.unescape(found[1]) if found else ""

    @property
    def text(self) -> str:
        """The words of the page."""
        body = self.page.partition("<body>")[2] or self.page
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def log(self) -> list[tuple[str, str]]:
        """Who wrote what."""
        entries = re.findall(r'<li class="by-(\w+)"[^>]*>(.*?)</li>', self.page, re.DOTALL)
        return [
            (by, " ".join(html.unescape(re.sub(r"<[^>]+>", " ", line)).strip() for line in lines))
            for by, body in entries
            for lines in [re.findall(r'<p class="line"[^>]*>(.*?)</p>', body, re.DOTALL)]
        ]

    async def _request(self, method: str, path: str, **more: Any) -> None:
        where = path if path.startswith("http") else self.url + path
        async with self.session.request(method, where, **more) as answer:
            self.status = answer.status
            self.page = await answer.text()
            if answer.status == 200 or not self.path:
                self.path = answer.url.path
