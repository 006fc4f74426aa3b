"""People who answer the questions until each input is acknowledged, whatever breaks meanwhile.

Afterwards the log of each is compared with what its person sent and saw, and with the turns that
the engine makes of the same inputs without any storage.
"""

import asyncio
import functools
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import ClientError

from bot.content.release import Release, load, read_files
from bot.domain.conversation import new_conversation
from bot.domain.messages import Asked, ChoiceId, Chose, Message, Shown, Told
from bot.domain.text import Language
from bot.engine.advance import advance
from bot.engine.effects import Send
from bot.engine.received import Action, Input, Pressed, Received, Requested, Started
from bot.settings import ROOT
from tests.support.person import Answered, Json, Person, first_of
from tests.support.waiting import DEADLINE_SECONDS

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
    inputs: int
    """How many inputs they send."""

    sent: list[Input] = field(default_factory=list)
    retries: int = 0

    async def goes_through(self) -> None:
        await self._until_acknowledged(self.person.opens)
        while len(self.sent) < self.inputs:
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
        await self._until_acknowledged(self.person.looks)
        return self.person.messages

    async def lost_nothing(self) -> None:
        """Expects every input once, in its place, with its answer, and nothing else."""
        log = await self.reads_all()
        assert len(self.sent) == self.inputs
        assert [m["seq"] for m in log] == list(range(1, len(log) + 1))
        assert [_trace(m) for m in log] == _expected(self.sent)


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
