"""With replicas, what was acknowledged is on several servers, also while they change roles."""

import asyncio
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
import secrets
import signal
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from bot.adapters import redis_store
from bot.adapters.redis_codes import RedisCodes
from bot.adapters.redis_connection import connect
from bot.adapters.redis_store import confirm
from bot.domain.ids import ConversationId
from bot.errors import StoreUnavailableError
from bot.settings import Settings
from tests.support.person import Answered, Person
from tests.support.replicated import Replicated, replicated
from tests.support.service import RunningService, running, settings_for
from tests.support.witness import Witness

PEOPLE = 30
INPUTS = 20
MOVES_AT = 0.4
"""After which share of all inputs the primary moves."""


@pytest.mark.timeout(120)
async def test_a_planned_move_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        replicated(tmp_path / "servers") as servers,
        running(with_replicas(servers, tmp_path)) as service,
        ClientSession(timeout=ClientTimeout(total=10)) as session,
    ):
        monkeypatch.setattr(redis_store, "TIMEOUT_SECONDS", 2.0)  # people try again sooner
        witnesses = [
            Witness(Person(session, service.url), random.Random(n), INPUTS)  # noqa: S311
            for n in range(PEOPLE)
        ]
        async with asyncio.TaskGroup() as people:
            for witness in witnesses:
                people.create_task(witness.goes_through())
            while sum(len(one.sent) for one in witnesses) < MOVES_AT * PEOPLE * INPUTS:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            before = await servers.moves_as_planned()
            assert any(len(one.sent) < INPUTS for one in witnesses), "it was in the middle"
        # The old primary still takes what is written over old connections: nobody may rely on it.
        servers.servers[before].process.kill()
        for witness in witnesses:
            await witness.lost_nothing()
    assert sum(one.retries for one in witnesses) > 0, "somebody noticed"


# A replica that does not confirm


@dataclass
class WithOneReplica:
    """A service whose answers one replica must have, and that replica."""

    service: RunningService
    servers: Replicated

    @contextmanager
    def silent_replica(self) -> Generator[None]:
        """The replica is there, and confirms nothing."""
        replica = [*self.servers.servers.values()][-1].process
        replica.send_signal(signal.SIGSTOP)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(redis_store, "TIMEOUT_SECONDS", 1.0)  # nobody waits for long
                yield
        finally:
            replica.send_signal(signal.SIGCONT)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[WithOneReplica]:
    async with (
        replicated(tmp_path / "servers", replicas=1) as servers,
        running(with_replicas(servers, tmp_path)) as service,
    ):
        yield WithOneReplica(service, servers)


def with_replicas(servers: Replicated, folder: Path) -> Settings:
    return settings_for(servers.url, folder).model_copy(update={"replicas": 1})


async def test_what_no_replica_has_is_not_acknowledged_however_often_it_is_sent(
    home: WithOneReplica,
) -> None:
    person = home.service.person()
    await person.opens()
    key, said = secrets.token_urlsafe(16), {"words": "where can I sleep"}
    with home.silent_replica():
        for _ in range(2):  # at the second time the primary has it already
            await is_not_saved(person.sends(said, key=key))
    await person.sends(said, key=key)
    await person.looks()
    words = [line.get("text") for message in person.messages for line in message["lines"]]
    assert words.count("where can I sleep") == 1


async def test_nobody_is_told_yes_for_what_another_connection_wrote(home: WithOneReplica) -> None:
    """WAIT answers for its own connection, and those of the pool are shared by everybody."""
    client: Any = await connect(home.servers.url)
    async with client.client() as writer:
        with home.silent_replica():
            await writer.set("answer", "yes")
            with pytest.raises(StoreUnavailableError):
                await confirm(client, 1, "answer")
        await confirm(client, 1, "answer")
    await client.aclose()


async def test_a_server_confirms_only_what_it_has(home: WithOneReplica) -> None:
    """After a failover another server may be asked than the one that was written to."""
    client: Any = await connect(home.servers.url)
    await client.hset("answers", "one", "yes")
    await confirm(client, 1, "answers", b"one")
    for name, field in (("answers", b"two"), ("others", b"one"), ("others", b"")):
        with pytest.raises(StoreUnavailableError):
            await confirm(client, 1, name, field)
    await client.aclose()


async def test_nothing_is_called_erased_that_a_replica_still_has(home: WithOneReplica) -> None:
    person = home.service.person()
    await person.opens()
    await person.wants("erase")
    key = secrets.token_urlsafe(16)
    press = {"press": {"number": person.question["number"], "choices": ["erase_now"]}}
    with home.silent_replica():
        for _ in range(2):
            await is_not_saved(person.sends(press, key=key))
    with pytest.raises(Answered) as refused:
        await person.sends(press, key=key)
    assert refused.value.error == "gone"


async def test_a_code_that_no_replica_has_is_not_given(home: WithOneReplica) -> None:
    client = await connect(home.servers.url)
    codes = RedisCodes(client, replicas=1)
    with home.silent_replica(), pytest.raises(StoreUnavailableError):
        await codes.put(b"a code", ConversationId("one"))
    await codes.put(b"a code", ConversationId("one"))
    await client.aclose()


async def is_not_saved(act: Awaitable[object]) -> None:
    with pytest.raises(Answered) as refused:
        await act
    assert refused.value.error == "not_saved"
