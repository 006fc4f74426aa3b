"""No answer lost, doubled or shifted, no message missing, wherever the process is killed.

200 people answer the questions through HTTP, each sending an input again under its own id until
it is acknowledged, while the service is killed at moments that nothing in it chooses, and its
database as well. Afterwards each log is compared with what its person sent and saw, and with the
turns that the engine makes of the same inputs without any storage.
"""

import asyncio
import functools
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.content.release import Release, load, read_files
from bot.domain.conversation import new_conversation
from bot.domain.messages import Asked, ChoiceId, Chose, Message, Shown, Told
from bot.domain.text import Language
from bot.engine.advance import advance
from bot.engine.effects import Send
from bot.engine.received import Action, Input, Pressed, Received, Requested, Started
from bot.settings import ROOT
from tests.support.person import Answered, Json, Person, first_of
from tests.support.process import ServiceProcess
from tests.support.waiting import DEADLINE_SECONDS

PEOPLE = 200
INPUTS = 14
KILLS = 8
ROUTE = {
    "welcome.safe": "yes",
    "welcome.danger": "no",
    "home.menu": "questions",
    "self_identification.code_offer": "no_code",
    "self_identification.may_i": "go_on",
    "self_identification.about_whom": "me",
    "age.age": "adult",
}
"""Where everybody goes; further on each person answers in a way of their own."""


@dataclass
class Witness:
    """A person who keeps trying, and remembers what was acknowledged."""

    person: Person
    chance: random.Random
    sent: list[Input] = field(default_factory=list)
    retries: int = 0

    async def goes_through(self) -> None:
        await self._until_acknowledged(self.person.opens)
        while len(self.sent) < INPUTS:
            await self._one_input()

    async def _one_input(self) -> None:
        key = secrets.token_urlsafe(16)
        question = self.person.view["question"]
        if question is None or self.chance.random() < 0.08:
            action = self.chance.choice(["hotline", "back", "human"])
            body: Json = {"action": action}
            what: Input = Requested(Action(action))
        else:
            choice = self._choice(question)
            body = {"press": {"number": question["number"], "choices": [choice]}}
            what = Pressed(number=question["number"], choices=(ChoiceId(choice),))
        await self._until_acknowledged(lambda: self.person.sends(body, key=key))
        self.sent.append(what)

    def _choice(self, question: Json) -> str:
        offered = [choice["id"] for choice in question["choices"]]
        on_route = ROUTE.get(question["question"]["key"].removesuffix(".ask"))
        if on_route in offered:
            return str(on_route)
        return str(self.chance.choice([c for c in offered if c not in {"close", "erase"}]))

    async def _until_acknowledged(self, act: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(6 * DEADLINE_SECONDS):
            while True:
                try:
                    await act()
                except Answered as refused:
                    if refused.error != "not_saved":
                        raise
                except (ClientError, OSError, TimeoutError):
                    pass
                else:
                    return
                self.retries += 1
                await asyncio.sleep(0.02 + 0.1 * self.chance.random())

    async def reads_all(self) -> list[Json]:
        self.person.view, self.person.messages = None, []
        await self.person.looks()
        return self.person.messages


@pytest.mark.timeout(400)
async def test_nothing_is_lost_doubled_or_shifted(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, {"FIRSTPOINT_KEEP_MINUTES": "600"})
    await service.start()
    chance = random.Random(20261122)  # noqa: S311 - for choices, not for secrets
    try:
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            witnesses = [
                Witness(Person(session, service.url), random.Random(n))  # noqa: S311
                for n in range(PEOPLE)
            ]
            await _among_crashes(service, witnesses, chance)
            logs = [await witness.reads_all() for witness in witnesses]
    finally:
        await service.stop()
    assert service.lives == KILLS + 1
    assert sum(witness.retries for witness in witnesses) > KILLS
    assert sum(len(witness.sent) for witness in witnesses) == PEOPLE * INPUTS
    for witness, log in zip(witnesses, logs, strict=True):
        assert [m["seq"] for m in log] == list(range(1, len(log) + 1))
        assert [_trace(m) for m in log] == _expected(witness.sent)


async def _among_crashes(
    service: ServiceProcess, witnesses: list[Witness], chance: random.Random
) -> None:
    total = PEOPLE * INPUTS
    async with asyncio.TaskGroup() as people:
        for witness in witnesses:
            people.create_task(witness.goes_through())
        for kill in range(1, KILLS + 1):
            share = kill / (KILLS + 1) + chance.uniform(-0.04, 0.04)
            while sum(len(witness.sent) for witness in witnesses) < share * total:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            if kill % 3 == 0:
                service.kill_database()
            await service.kill()
            await service.start()


def _trace(message: Json) -> tuple[str, str]:
    return message["by"], first_of(message)


def _expected(sent: list[Input]) -> list[tuple[str, str]]:
    release = _release()
    conversation = new_conversation(release=1, language=Language("en"), nonce="-", facts={})
    log: list[tuple[str, str]] = []
    for what in (Started(), *sent):
        turn = advance(release.graph, conversation, Received(what=what, nonce="-"))
        conversation = turn.conversation
        log.extend(_named(e.message) for e in turn.effects if isinstance(e, Send))
    return log


@functools.cache
def _release() -> Release:
    release = load(read_files(ROOT)).release
    assert release is not None
    return release


def _named(message: Message) -> tuple[str, str]:
    match message.content:
        case Told(sentence):
            return message.by.value, sentence.key
        case Asked(question=question):
            return message.by.value, question.key
        case Chose(labels):
            return message.by.value, labels[0].key
        case Shown(block=block):
            return message.by.value, f"block {block}"
        case _:
            raise AssertionError(message)
