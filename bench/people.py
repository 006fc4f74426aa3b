"""People who answer the questionnaire as fast as the service lets them."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, TCPConnector

from bench.load import Line
from tests.support.person import Person

FIRST_QUESTION = "self_identification.about_whom"
FLOWS = ("self_identification", "age")
"""Where the questions stand that are measured: from the gate to the last one before an outcome."""

WAY_THERE = ("yes", "no", "questions", "no_code", "go_on")
ANSWERS = ("me", "adult", "sometimes", "dont_know", "skip")
"""Whichever of these is offered first is what everybody answers."""


@dataclass
class Answering:
    """Somebody in the middle of the questionnaire."""

    token: str
    view: Any
    turns: int
    """How many turns the conversation has had."""

    @property
    def conversation(self) -> str:
        """Its id."""
        return self.token.partition(".")[0]

    @property
    def asked(self) -> bool:
        """Whether a question of the questionnaire waits."""
        question = self.view["question"]
        return question is not None and question["question"]["key"].startswith(FLOWS)

    def answer(self) -> bytes:
        """The body of the next request."""
        question = self.view["question"]
        offered = {choice["id"] for choice in question["choices"]}
        chosen = next(choice for choice in ANSWERS if choice in offered)
        press = {"number": question["number"], "choices": [chosen]}
        body = {"id": secrets.token_urlsafe(16), "after": self.view["last"], "press": press}
        return json.dumps(body).encode()


async def people_at_the_first_question(url: str, count: int) -> list[Answering]:
    """So many people who were asked the first question.

    They all come at once from one address, so the service lets most of them wait for a moment:
    that is its limit at work, and is not measured.
    """
    async with ClientSession(connector=TCPConnector(limit=0)) as session, asyncio.TaskGroup() as t:
        tasks = [t.create_task(_goes_there(Person(session, url))) for _ in range(count)]
    return [task.result() for task in tasks]


async def _goes_there(person: Person) -> Answering:
    await person.opens()
    for choice in WAY_THERE:
        await person.presses(choice)
    if person.asked != FIRST_QUESTION:
        raise AssertionError(f"the way leads to {person.asked}: change WAY_THERE")
    return Answering(person.token, person.view, 1 + len(WAY_THERE))


class Questionnaire:
    """A client: one person after the other answers all questions."""

    def __init__(self, people: Sequence[Answering], ahead: int) -> None:
        self.ahead = ahead
        self._people = [*people]
        self._body = b""

    def prepare(self) -> bool:
        """See `bench.load.Client`."""
        while self._people and not self._people[-1].asked:
            self._people.pop()
        if not self._people:
            return False
        self._body = self._people[-1].answer()
        return True

    async def send(self, line: Line) -> bytes:
        """See `bench.load.Client`."""
        token = {"Authorization": f"Bearer {self._people[-1].token}"}
        return await line.post("/api/input", self._body, token)

    def take(self, answer: bytes) -> None:
        """See `bench.load.Client`."""
        person = self._people[-1]
        person.view = json.loads(answer)
        person.turns += 1
