"""After erasing, nothing of it is left in Redis, and within 15 minutes nothing in a file."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.adapters import redis_rewrite
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.erasure_journal import DAY, KEPT_DAYS, ErasureJournal
from bot.adapters.redis_connection import connect
from bot.adapters.redis_rewrite import EVERY, LONGEST, REWRITTEN, Rewriting, overdue
from bot.adapters.redis_store import ERASURES
from bot.domain.ids import ConversationId, Milliseconds
from tests.support.person import Person
from tests.support.process import ServiceProcess
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually


@dataclass
class Home:
    """A service with an embedded database of its own."""

    service: RunningService
    client: Any
    data: Path
    rewriting: Rewriting

    async def sealed(self, person: Person) -> list[bytes]:
        return await sealed(self.client, person)

    def in_files(self, found: list[bytes]) -> list[str]:
        return in_files(self.data, found)


async def sealed(client: Any, person: Person) -> list[bytes]:
    """The wrapped key and everything sealed that the database holds of a conversation."""
    id = person.token.partition(".")[0]
    wrapped = await client.get(f"fp:{{{id}}}:key")
    state = await client.hget(f"fp:{{{id}}}:c", "state")
    entries = await client.lrange(f"fp:{{{id}}}:log", 0, -1)
    assert wrapped
    assert state
    assert entries
    return [wrapped, state, *(entry[1:] for entry in entries)]


def in_files(data: Path, found: list[bytes]) -> list[str]:
    """The files of the data folder in which any of `found` stands."""
    return [
        file.name
        for file in sorted(data.rglob("*"))
        if file.is_file() and any(part in file.read_bytes() for part in found)
    ]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    data = tmp_path / "data"
    async with EmbeddedRedis(data) as server:
        client = await connect(server.url)
        async with running(settings_for(server.url, tmp_path)) as service:
            rewriting = Rewriting(client, service.service.store)
            yield Home(service, client, data, rewriting)
        await client.aclose()


async def erases(person: Person) -> None:
    await person.wants("erase")
    await person.presses("erase_now")


async def test_what_was_erased_stands_in_no_file_after_the_rewriting(home: Home) -> None:
    person, other = home.service.person(), home.service.person()
    for somebody in (person, other):
        await somebody.opens()
        await somebody.types("words that are erased")
    gone, kept = await home.sealed(person), await home.sealed(other)
    assert home.in_files(gone), "the search must be able to find something"
    await erases(person)
    assert await home.rewriting.rewrite_if_due()

    async def gone_from_files() -> bool:
        return not home.in_files(gone)

    await eventually(gone_from_files, "the old file is removed")
    assert home.in_files(kept)
    await other.looks()
    assert other.view["question"]


async def test_trouble_with_the_journal_keeps_nothing_in_the_files(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "journal" / "1.erased").mkdir(parents=True)  # an old day that cannot be removed
    rewriting = replace(home.rewriting, journal=ErasureJournal(tmp_path / "journal"))
    person = home.service.person()
    await person.opens()
    gone = await home.sealed(person)
    await erases(person)
    assert await rewriting.rewrite_if_due()

    async def gone_from_files() -> bool:
        return not home.in_files(gone)

    await eventually(gone_from_files, "the old file is removed")


async def test_what_ended_by_its_time_goes_as_well(home: Home) -> None:
    person = home.service.person()
    await person.opens()
    gone = await home.sealed(person)
    assert await home.rewriting.rewrite_if_due()
    assert not await home.rewriting.rewrite_if_due(Milliseconds(0)), "nothing went since"
    id = person.token.partition(".")[0]
    for name in await home.client.keys(f"fp:{{{id}}}:*"):
        await home.client.pexpire(name, 1)

    async def rewritten() -> bool:
        return await home.rewriting.rewrite_if_due(Milliseconds(0))

    await eventually(rewritten, "the server has noticed, and a rewriting follows")

    async def gone_from_files() -> bool:
        return not home.in_files(gone)

    await eventually(gone_from_files, "the old file is removed")


async def test_rewritings_are_batched(home: Home) -> None:
    await home.service.service.store.erase(ConversationId("one"))
    assert await home.rewriting.rewrite_if_due()
    await home.service.service.store.erase(ConversationId("two"))
    assert not await home.rewriting.rewrite_if_due(), "too soon after the last one"
    await made_earlier(home, EVERY)
    assert await home.rewriting.rewrite_if_due()
    assert EVERY < LONGEST


async def test_an_erasure_at_the_very_moment_of_a_rewriting_asks_for_another(home: Home) -> None:
    """It is noted before it is done: the rewriting may have come in between."""
    await home.service.service.store.erase(ConversationId("one"))
    assert await home.rewriting.rewrite_if_due()
    assert await home.rewriting.rewrite_if_due(Milliseconds(0))


async def test_another_life_of_the_server_is_followed_by_a_rewriting(home: Home) -> None:
    assert await home.rewriting.rewrite_if_due()
    assert not await home.rewriting.rewrite_if_due(Milliseconds(0))
    await home.client.hset(REWRITTEN, "run", "an earlier one")
    assert await home.rewriting.rewrite_if_due(Milliseconds(0))


async def test_the_service_rewrites_when_it_begins_and_when_it_ends(home: Home) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(home.rewriting.serve(stop))

        async def rewritten() -> Any:
            return await home.client.hget(REWRITTEN, "at")

        await eventually(rewritten, "rewritten at the beginning")
        person = home.service.person()
        await person.opens()
        gone = await home.sealed(person)
        await erases(person)
        stop.set()

    async def gone_from_files() -> bool:
        return not home.in_files(gone)

    await eventually(gone_from_files, "rewritten at the end")
    assert not await home.client.exists("fp:lease:rewriting")


async def test_two_processes_do_not_both_rewrite(home: Home) -> None:
    assert await home.service.service.store.hold_lease("rewriting", "other", Milliseconds(60_000))
    await home.rewriting._try(Milliseconds(0), 5)
    assert await home.client.hget(REWRITTEN, "at") is None


async def test_it_is_noticed_when_no_rewriting_comes(home: Home) -> None:
    now = await home.service.service.store.now()
    assert not await overdue(home.client, now)
    await home.service.service.store.erase(ConversationId("one"))
    assert not await overdue(home.client, now)
    late = Milliseconds(now + LONGEST + redis_rewrite._MARGIN)
    assert await overdue(home.client, late)
    await home.rewriting.rewrite_if_due()
    await made_earlier(home, Milliseconds(-2 * redis_rewrite._MARGIN))
    assert not await overdue(home.client, late)


async def made_earlier(home: Home, by: Milliseconds) -> None:
    """As if the last rewriting had been that much earlier."""
    at = int(await home.client.hget(REWRITTEN, "at"))
    await home.client.hset(REWRITTEN, "at", at - by)


async def test_an_erasure_is_noted_where_the_loss_of_the_database_does_not_reach(
    home: Home, tmp_path: Path
) -> None:
    person = home.service.person()
    await person.opens()
    await erases(person)
    id = ConversationId(person.token.partition(".")[0])
    assert [member async for member, _ in home.client.zscan_iter(ERASURES)] == [id.encode()]
    assert list(ErasureJournal(tmp_path / "erased").read()) == [id]


async def test_an_erasure_that_cannot_be_noted_in_a_file_is_done(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "erased").write_text("a file where the folder should be")
    person = home.service.person()
    await person.opens()
    gone = await home.sealed(person)
    await erases(person)
    assert not await home.client.exists(f"fp:{{{person.token.partition('.')[0]}}}:key")
    assert gone


async def test_old_days_leave_the_journal(tmp_path: Path) -> None:
    journal = ErasureJournal(tmp_path / "erased")
    await journal.note(ConversationId("old"), Milliseconds(20_000 * DAY))
    await journal.note(ConversationId("new"), Milliseconds(20_001 * DAY))
    with (tmp_path / "erased" / "20001.erased").open("ab") as cut_short_by_a_crash:
        cut_short_by_a_crash.write(b"17280864000")
    journal.trim(Milliseconds((20_001 + KEPT_DAYS) * DAY))
    assert journal.read() == {ConversationId("new"): 20_001 * DAY}


async def test_a_process_that_was_stopped_leaves_nothing_of_what_was_erased(
    tmp_path: Path,
) -> None:
    process = ServiceProcess(tmp_path)
    await process.start()
    client = await connect(EmbeddedRedis(process.data).url)
    async with ClientSession() as session:
        person, other = Person(session, process.url), Person(session, process.url)
        await person.opens()
        await other.opens()
        gone, kept = await sealed(client, person), await sealed(client, other)
        assert in_files(process.data, gone)
        await erases(person)
    await client.aclose()
    await process.stop()
    assert in_files(process.data, kept)
    assert not in_files(process.data, gone)
