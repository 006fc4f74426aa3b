"""Somebody who writes to the chat, over the JSON interface."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession

Json = Any


class Answered(Exception):  # noqa: N818 - an answer that a test may expect
    """The service answered with a refusal."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.error = body.get("error") if isinstance(body, dict) else None


TO_AN_ANSWER = ("yes", "no", "more", "still_more", "children", "adult")
"""Presses from the first screen to an answer about the person, in every language."""


@dataclass
class Person:
    """Keeps what the page would keep: the token, the messages, the question."""

    session: ClientSession
    url: str
    start_id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    token: str = ""
    view: Json = None
    messages: list[Json] = field(default_factory=list)
    new: list[Json] = field(default_factory=list)
    """What the last answer brought."""

    async def opens(self, language: str = "en", country: str | None = None) -> None:
        body = {"id": self.start_id, "language": language, "country": country}
        found = await self._post("/api/start", body)
        self.token = found["token"]
        self._take(found)

    async def presses(self, *choices: str, number: int | None = None) -> None:
        asked = self.question["number"] if number is None else number
        await self.sends({"press": {"number": asked, "choices": list(choices)}})

    async def types(self, words: str) -> None:
        await self.sends({"words": words})

    async def wants(self, action: str) -> None:
        await self.sends({"action": action})

    async def sends(self, what: Json, key: str | None = None) -> Json:
        """One input; the same `key` again repeats it."""
        body = {"id": key or secrets.token_urlsafe(16), "after": self.last, **what}
        found = await self._post("/api/input", body)
        self._take(found)
        return found

    async def looks(self) -> None:
        """Fetches what is new."""
        self._take(await self._post("/api/read", {"after": self.last}))

    @property
    def question(self) -> Json:
        assert self.view["question"] is not None, "nothing is asked"
        return self.view["question"]

    @property
    def asked(self) -> str | None:
        """The key of the question that waits, without its field."""
        question = self.view["question"]
        return question["question"]["key"].removesuffix(".ask") if question else None

    @property
    def choices(self) -> list[str]:
        return [choice["id"] for choice in self.question["choices"]]

    @property
    def last(self) -> int:
        return self.view["last"] if self.view else 0

    def heard(self) -> list[str]:
        """The keys, or words, of what the last answer brought, but the person's own."""
        return [first_of(message) for message in self.new if message["by"] != "person"]

    async def _post(self, path: str, body: Json) -> Json:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.post(self.url + path, json=body, headers=headers) as answer:
            found = await answer.json()
            if answer.status != 200:
                raise Answered(answer.status, found)
            return found

    def _take(self, found: Json) -> None:
        if found.get("erased"):
            self.view = None
            return
        self.view = found
        self.new = [m for m in found["messages"] if m["seq"] not in self._known()]
        self.messages.extend(self.new)

    def _known(self) -> set[int]:
        return {message["seq"] for message in self.messages}


def first_of(message: Json) -> str:
    """What a message is: its block of facts, or the key or words of its first line."""
    if "block" in message:
        return f"block {message['block']}"
    line = message["lines"][0]
    return line.get("key") or line.get("text") or "-"
