"""Old releases go when nobody needs them, and never under somebody's feet."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis_bundles import NEEDED, RELEASES, UNNEEDED_IS_KEPT, RedisBundles
from bot.settings import Settings
from tests.support.person import Person
from tests.support.service import RunningService, running, settings_for
from tests.unit.content.small_content import english


@dataclass
class Years:
    """A service whose content changes often."""

    service: RunningService
    settings: Settings
    client: Any

    @property
    def bundles(self) -> RedisBundles:
        return RedisBundles(self.client)

    async def publishes(self, *numbers: int) -> None:
        for number in numbers:
            assert await self.bundles.publish(number, english())
            await self.service.service.shelf.catch_up()

    async def a_week_goes_by(self) -> None:
        for name, at in (await self.client.hgetall(RELEASES)).items():
            if name.startswith(NEEDED.encode()):
                await self.client.hset(RELEASES, name, int(at) - UNNEEDED_IS_KEPT - 1)

    async def sweeps(self) -> list[int]:
        """The releases that are left after a walk over all conversations."""
        await self.service.service.sweeper.mend()
        names = await self.client.hkeys(RELEASES)
        return sorted(int(name) for name in names if name.isdigit())

    async def somebody_comes(self) -> Person:
        person = self.service.person()
        await person.opens()
        return person


@pytest.fixture
async def years(redis: Any, redis_socket: Path, tmp_path: Path) -> AsyncGenerator[Years]:
    for name, words in english().items():
        (tmp_path / "content" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "content" / name).write_text(words, encoding="utf-8")
    await redis.delete(RELEASES)
    settings = settings_for(f"unix://{redis_socket}", tmp_path, content=tmp_path / "content")
    async with running(settings) as service:
        yield Years(service, settings, redis)
    await redis.delete(RELEASES)  # not the content that other tests find published


async def test_a_conversation_keeps_its_release_and_takes_it_along(years: Years) -> None:
    early = await years.somebody_comes()
    await years.publishes(2)
    later = await years.somebody_comes()
    await years.publishes(3, 4, 5)
    assert await years.sweeps() == [1, 2, 3, 4, 5], "too early for any"
    await years.a_week_goes_by()
    assert await years.sweeps() == [1, 2, 4, 5]

    # A process that has just started has nothing in memory.
    async with running(years.settings) as fresh:
        early.url, early.session = fresh.url, fresh.session
        await early.wants("hotline")
        assert early.new

    early.url, early.session = years.service.url, years.service.session
    await early.wants("erase")
    await early.presses("erase_now")
    await years.a_week_goes_by()
    assert await years.sweeps() == [2, 4, 5]
    await later.wants("hotline")
    assert later.new


async def test_a_walk_that_did_not_see_everybody_removes_nothing(years: Years) -> None:
    """Of a record that cannot be opened nobody knows which release it needs."""
    await years.somebody_comes()
    await years.publishes(2, 3)
    await years.sweeps()
    await years.a_week_goes_by()
    await years.client.hset("fp:{broken}:c", "version", 1)
    await years.client.set("fp:{broken}:key", b"no key")
    await years.sweeps()
    assert await years.bundles.fetch(1) is not None


async def test_a_process_that_cannot_follow_keeps_what_it_serves(years: Years) -> None:
    await years.publishes(2)
    bundles = years.bundles
    for number in (3, 4, 5):
        await bundles.publish(number, {"flows/home.yaml": "nodes: ["})
    shelf = years.service.service.shelf
    await years.sweeps()
    await years.a_week_goes_by()
    await shelf.catch_up()
    assert shelf.current().number == 2
    assert await bundles.remove_unneeded() == (1, 3)
    person = await years.somebody_comes()
    assert person.view["question"] is not None
