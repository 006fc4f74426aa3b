"""What is printed, stored and answered when something of ours breaks, or a human takes over."""

import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from bot.adapters.redis_codes import RedisCodes, SlowHash
from bot.adapters.sealing import read_or_make_key
from bot.app import build
from bot.channels.web.api import Api
from bot.channels.web.chat import Chat
from bot.channels.web.limits import Limits
from bot.channels.web.streams import Streams
from bot.channels.web.tokens import Tokens
from bot.dialogue.codes import Codes
from bot.dialogue.news import News
from bot.dialogue.ports import Content, Releases
from bot.domain.ids import ConversationId, InputKey, OperatorId
from bot.errors import GoneError
from bot.logs import LineFormatter
from handoff.permissions import Member, Role
from tests.support.opened import opened, raw
from tests.support.person import Answered, Person
from tests.support.service import RunningService, running, settings_for

WORDS = "zqwordsofaperson"
OPERATORS_WORDS = "zqwordsofanoperator"
OPERATOR = Member(id=OperatorId("op-1"), roles=frozenset({Role.OPERATOR}))


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What the process would print."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers, root.level = [handler], logging.DEBUG
    yield stream
    root.handlers, root.level = before


@dataclass(frozen=True)
class Broken:
    """Content with a mistake of ours in it: each typed word is put into an exception."""

    content: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.content, name)

    def heard(self, words: str) -> None:
        raise ValueError(f"cannot understand {words!r}", words)


@dataclass(frozen=True)
class BrokenReleases:
    releases: Releases

    def current(self) -> Content:
        broken: Any = Broken(self.releases.current())
        found: Content = broken
        return found

    async def numbered(self, number: int) -> Content:
        return await self.releases.numbered(number)


@asynccontextmanager
async def with_a_mistake(redis_socket: Path, folder: Path) -> AsyncGenerator[RunningService]:
    """The service, with a mistake in its understanding of typed words."""
    settings = settings_for(f"unix://{redis_socket}", folder)
    async with build(settings) as service:
        key = read_or_make_key(settings.key_file)
        turns = replace(service.turns, releases=BrokenReleases(service.shelf))
        client: Any = service.store._client
        chat = Chat(
            turns=turns,
            store=service.store,
            releases=service.shelf,
            tokens=Tokens(key.mark),
            codes=Codes(RedisCodes(client), key.mark, SlowHash(b"s" * 16)),
        )
        application = web.Application()
        application.add_routes(Api(chat, Limits(), Streams(chat, News())).routes())
        async with TestServer(application) as server, ClientSession() as session:
            yield RunningService(service, str(server.make_url("")).rstrip("/"), session)


async def stored_in_the_clear(redis: Redis) -> bytes:
    return await raw(redis)


async def test_a_mistake_of_ours_tells_nobody_what_was_written(
    redis: Redis, redis_socket: Path, tmp_path: Path, lines: StringIO
) -> None:
    async with with_a_mistake(redis_socket, tmp_path) as service:
        person = service.person()
        await person.opens()
        await person.types(WORDS)
        assert person.heard(), "the person gets a sentence"
    key = read_or_make_key(tmp_path / "installation.key")
    [found] = [one async for one in opened(redis, key)]
    assert "turn_failed" in lines.getvalue()
    assert '"error_type": "ValueError"' in lines.getvalue()
    assert "bot/dialogue/turns.py:" in lines.getvalue()
    assert WORDS not in lines.getvalue()
    assert WORDS.encode() not in await stored_in_the_clear(redis)
    assert len(found.aside) == 1
    assert WORDS.encode() not in b"".join([found.state, *found.aside])


@dataclass
class _Corrupt:
    """Ways in which what is stored can be broken."""

    redis: Redis
    done: list[str] = field(default_factory=list)

    async def state(self, id: str) -> None:
        await self.redis.hset(f"fp:{{{id}}}:c", "state", "\x00" * 40)

    async def log(self, id: str) -> None:
        await self.redis.lset(f"fp:{{{id}}}:log", 0, "b" + "x" * 40)

    async def kind(self, id: str) -> None:
        await self.redis.delete(f"fp:{{{id}}}:log")
        await self.redis.set(f"fp:{{{id}}}:log", "no list")


@pytest.mark.parametrize("how", ["state", "log", "kind"])
async def test_what_cannot_be_read_is_told_to_nobody(
    redis: Redis, redis_socket: Path, tmp_path: Path, lines: StringIO, how: str
) -> None:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as service:
        person = service.person()
        await person.opens()
        await person.types(WORDS)
        id = person.token.partition(".")[0]
        await getattr(_Corrupt(redis), how)(id)
        body = {"id": "k" * 20, "after": 0, "words": WORDS}
        headers = {"Authorization": f"Bearer {person.token}", "User-Agent": WORDS}
        async with service.session.post(
            service.url + "/api/input", json=body, headers=headers
        ) as answer:
            said = await answer.text()
            assert answer.status >= 500
        for secret in (WORDS, id, person.token):
            assert secret not in lines.getvalue()
            assert secret not in said


async def test_a_takeover_leaves_words_in_the_log_of_messages_only(
    redis: Redis, redis_socket: Path, tmp_path: Path, lines: StringIO
) -> None:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as service:
        person = service.person()
        await person.opens()
        await person.wants("human")
        await person.presses("fresh")
        id = ConversationId(person.token.partition(".")[0])
        await service.desk.claim(id, OPERATOR)
        await person.types(WORDS)
        await person.types("help, he is going to kill me")  # an alarm for the operator
        await service.desk.open(id, OPERATOR)
        await service.desk.write(id, OPERATOR, InputKey("w" * 16), OPERATORS_WORDS)
        with pytest.raises(GoneError):
            await service.desk.write(ConversationId("none"), OPERATOR, InputKey("x"), WORDS)
        await service.desk.close(id, OPERATOR)
    clear = await stored_in_the_clear(redis)
    key = read_or_make_key(tmp_path / "installation.key")
    [found] = [one async for one in opened(redis, key)]
    for words in (WORDS, OPERATORS_WORDS):
        assert words not in lines.getvalue()
        assert words.encode() not in clear
        assert words.encode() not in found.state
    assert WORDS.encode() in b"".join(found.log["p"])
    assert OPERATORS_WORDS.encode() in b"".join(found.log["o"])
    assert id not in lines.getvalue()


async def test_a_database_that_is_full_is_an_event_and_no_more(
    redis: Redis, redis_socket: Path, tmp_path: Path, lines: StringIO
) -> None:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as service:
        person: Person = service.person()
        await person.opens()
        await redis.config_set("maxmemory", 1)
        try:
            with pytest.raises(Answered) as refused:
                await person.types(WORDS)
        finally:
            await redis.config_set("maxmemory", 0)
        assert refused.value.error == "not_saved"
        await person.types("and on it goes")
    assert WORDS not in lines.getvalue()
    assert WORDS.encode() not in await stored_in_the_clear(redis)
