"""A conversation goes on, and can be erased, when its release cannot be read any more."""

import zlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis_bundles import RELEASES, RedisBundles
from bot.content.release import read_files
from bot.content.shelf import BadContentError
from bot.domain.ids import ConversationId, OperatorId
from bot.settings import Settings
from handoff.permissions import Member, Role
from tests.support.person import Answered, Person
from tests.support.service import RunningService, running, settings_for
from tests.unit.content.small_content import english

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
DAMAGE = ("bytes", "no json", "other json", "older schema", "removed")


@pytest.fixture
async def settings(redis: Any, redis_socket: Path, tmp_path: Path) -> AsyncGenerator[Settings]:
    write(tmp_path / "content", english())
    await redis.delete(RELEASES)
    yield settings_for(f"unix://{redis_socket}", tmp_path, content=tmp_path / "content")
    await redis.delete(RELEASES)  # not the content that other tests find published


def write(folder: Path, files: dict[str, str]) -> None:
    for name, words in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words, encoding="utf-8")


async def damage(redis: Any, settings: Settings, number: int, how: str) -> None:
    """The release of that number becomes one that this program cannot read."""
    files = dict(read_files(settings.content))
    match how:
        case "bytes":
            await redis.hset(RELEASES, number, b"x")
        case "no json":
            await redis.hset(RELEASES, number, zlib.compress(b"{"))
        case "other json":
            await redis.hset(RELEASES, number, zlib.compress(b"[1]"))
        case "older schema":
            old = files["flows/home.yaml"].replace("schema: 1", "schema: 0", 1)
            newest = await redis.hget(RELEASES, "newest")
            await redis.hdel(RELEASES, number)
            await RedisBundles(redis).publish(number, {**files, "flows/home.yaml": old})
            await redis.hset(RELEASES, "newest", newest)
        case _:
            await redis.hdel(RELEASES, number)


async def begun(service: RunningService, redis: Any, settings: Settings, how: str) -> Person:
    """Somebody who waits for a human, whose release is damaged; there is a newer one."""
    person = service.person()
    await person.opens()
    await person.wants("human")
    await person.presses("fresh")
    assert person.view["owner"] == "waiting"
    await RedisBundles(redis).publish(2, read_files(settings.content))
    await damage(redis, settings, 1, how)
    return person


@pytest.mark.parametrize("how", DAMAGE)
async def test_the_conversation_goes_on_with_the_current_release(
    settings: Settings, redis: Any, how: str
) -> None:
    async with running(settings) as before:
        person = await begun(before, redis, settings, how)
    # A process that has just started has nothing in memory.
    async with running(settings) as service:
        assert service.service.shelf.current().number == 2
        person.url, person.session = service.url, service.session
        await person.looks()
        await person.types("are you there")
        assert person.new
        looked = await service.service.store.look(ConversationId(person.token.partition(".")[0]))
        assert looked.conversation.release == 2, "from now on it belongs there"
        await person.wants("hotline")
        assert person.heard()
        id = await service.desk.claim_next(ANNA)
        assert id == ConversationId(person.token.partition(".")[0])
        assert (await service.desk.open(id, ANNA)).length
        await service.desk.give_back(id, ANNA)
        await person.looks()
        assert "interface.back_to_program" in person.heard()
        await person.wants("erase")
        await person.presses("erase_now")
        assert person.view is None


@pytest.mark.parametrize("how", ["button", "/erase", "/stop"])
async def test_erasing_needs_neither_content_nor_an_intact_state(
    settings: Settings, redis: Any, how: str
) -> None:
    async with running(settings) as before:
        person = await begun(before, redis, settings, "bytes")
    id = person.token.partition(".")[0]
    async with running(settings) as service:
        person.url, person.session = service.url, service.session
        await redis.hset(f"fp:{{{id}}}:c", "state", b"damaged")
        await (person.wants("erase_now") if how == "button" else person.types(how))
        assert person.view is None
        assert not await redis.exists(f"fp:{{{id}}}:c", f"fp:{{{id}}}:key")
        with pytest.raises(Answered) as gone:
            await person._post("/api/read", {"after": 0})
        assert gone.value.error == "gone"
        with pytest.raises(Answered) as again:
            await person.wants("erase_now")
        assert again.value.error == "gone"


async def test_an_old_page_erases_nothing(settings: Settings) -> None:
    """Its view was left: whoever finds it must not be able to do anything with it."""
    async with running(settings) as service:
        person = service.person()
        await person.opens()
        old = person.token
        await person.wants("leave")
        await person.presses("close")
        person.token = old
        with pytest.raises(Answered) as refused:
            await person.wants("erase_now")
        assert refused.value.error == "view_ended"


@pytest.mark.parametrize("how", DAMAGE)
async def test_a_service_starts_with_its_folder_when_the_newest_release_is_damaged(
    settings: Settings, redis: Any, how: str
) -> None:
    async with running(settings):
        pass
    await damage(redis, settings, 1, how)
    async with running(settings) as service:
        assert service.service.shelf.current().number == 2
        person = service.person()
        await person.opens()
        assert person.view["question"] is not None


async def test_a_release_that_only_an_older_program_could_read_is_said_to_be_so(
    settings: Settings, redis: Any
) -> None:
    """The folder holds the very same files, so that there is nothing to publish."""
    home = (settings.content / "flows/home.yaml").read_text()
    old = home.replace("schema: 1", "schema: 0", 1)
    (settings.content / "flows/home.yaml").write_text(old)
    await RedisBundles(redis).publish(1, read_files(settings.content))
    with pytest.raises(BadContentError) as bad:
        async with running(settings):
            pass
    assert bad.value.problems
