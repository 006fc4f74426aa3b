"""Releases: published, followed, never replaced by bad ones; and what production asks for."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import date
from typing import Any

import pytest

from bot.adapters.redis_bundles import RedisBundles
from bot.content.release import _load, read_files
from bot.content.shelf import BadContentError, Shelf
from bot.domain.facts import Mode
from bot.domain.text import Language, text
from bot.settings import ROOT
from tests.unit.content.small_content import in_three_languages

Files = dict[str, str]
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def files() -> Files:
    """Small content: what is tested here does not depend on how much there is."""
    return in_three_languages()


@pytest.fixture(scope="module")
def shipped() -> Files:
    return read_files(ROOT)


@pytest.fixture(autouse=True)
async def _nothing_published(redis: Any) -> AsyncGenerator[None]:
    """These releases are not the content that other tests find published."""
    await redis.delete("fp:release")
    yield
    await redis.delete("fp:release")


def shelf(redis: Any, mode: Mode = Mode.DEMONSTRATION) -> Shelf:
    values: Mapping[str, str] = {"organisation": "Test Helpline"}
    return Shelf(RedisBundles(redis), mode=mode, today=lambda: TODAY, values=values)


async def test_the_same_files_are_one_release(redis: Any, files: Files) -> None:
    one, other = shelf(redis), shelf(redis)
    assert await one.publish(files) == 1
    assert await one.publish(files) == 1
    assert await other.publish(files) == 1
    assert other.current().number == 1


async def test_a_change_is_a_new_release_and_the_old_one_stays(redis: Any, files: Files) -> None:
    here = shelf(redis)
    await here.publish(files)
    first = here.current().release.fingerprint
    changed = {**files, "flows/home.yaml": files["flows/home.yaml"] + "# changed\n"}
    assert await here.publish(changed) == 2
    assert here.current().release.fingerprint != first
    assert (await here.numbered(1)).release.fingerprint == first


async def test_content_that_fails_a_check_is_not_published(redis: Any, files: Files) -> None:
    here = shelf(redis)
    await here.publish(files)
    stale = {
        **files,
        "flows/home.yaml": files["flows/home.yaml"].replace("label: A person", "label: Somebody"),
    }
    with pytest.raises(BadContentError) as refused:
        await here.publish(stale)
    assert {problem.code for problem in refused.value.problems} == {"translation:stale"}
    assert here.current().number == 1


async def test_another_process_follows(redis: Any, files: Files) -> None:
    one, other = shelf(redis), shelf(redis)
    await one.publish(files)
    await other.catch_up()
    assert other.current().number == 1
    await one.publish({**files, "flows/home.yaml": files["flows/home.yaml"] + "\n"})
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(other.follow(stop))
        async with asyncio.timeout(5):
            while other.current().number != 2:  # noqa: ASYNC110 - it follows by looking
                await asyncio.sleep(0.01)
        stop.set()


async def test_bad_content_never_replaces_good_content(redis: Any, files: Files) -> None:
    here = shelf(redis)
    await here.publish(files)
    broken = {**files, "flows/home.yaml": "nodes: ["}
    with pytest.raises(BadContentError) as refused:
        await here.publish(broken)
    assert "flows/home.yaml" in {problem.file for problem in refused.value.problems}
    assert here.current().number == 1
    assert await RedisBundles(redis).newest() == 1


async def test_a_release_nobody_can_read_leaves_the_current_one(redis: Any, files: Files) -> None:
    here = shelf(redis)
    await here.publish(files)
    await RedisBundles(redis).publish(2, {"flows/home.yaml": "nodes: ["})
    await here.catch_up()
    assert here.current().number == 1
    assert (await here.numbered(2)).number == 1, "whoever began with it goes on with this one"


async def test_loading_a_release_holds_nobody_up(redis: Any, shipped: Files) -> None:
    """It takes a second, and the process goes on answering."""
    await RedisBundles(redis).publish(
        1, {**shipped, "flows/home.yaml": shipped["flows/home.yaml"]}
    )
    _load.cache_clear()
    loop, longest = asyncio.get_running_loop(), 0.0
    begun = last = loop.time()
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(shelf(redis).catch_up())
        while not following.done():
            await asyncio.sleep(0)
            longest, last = max(longest, loop.time() - last), loop.time()
    assert longest < (last - begun) / 2


async def test_old_releases_do_not_stay_in_memory(
    redis: Any, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.content.shelf.MOST_KNOWN", 2)
    here, bundles = shelf(redis), RedisBundles(redis)
    for number in (1, 2, 3):
        home = files["flows/home.yaml"] + f"# release {number}\n"
        await bundles.publish(number, {**files, "flows/home.yaml": home})
    await here.catch_up()
    first, current = await here.numbered(1), here.current()
    assert await here.numbered(1) is first, "it is used again"
    assert (await here.numbered(2)).number == 2
    assert here.current() is current, "the current one always stays"
    again = await here.numbered(1)
    assert (again.number, again is first) == (1, False)


async def test_production_offers_only_verified_languages(redis: Any, shipped: Files) -> None:
    here = shelf(redis, Mode.PRODUCTION)
    verified = shipped["locales/ro/language.yaml"].replace("status: draft", "status: verified")
    review = "reviews:\n  - {role: native speaker, on: '2026-11-01', what: everything}\n"
    verified = verified.replace("reviews: []", review)
    await here.publish({**shipped, "locales/ro/language.yaml": verified})
    assert list(here.current().languages) == ["ro"]
    assert list(here.current().graph.languages) == ["ro"]


async def test_production_names_what_is_not_verified(redis: Any, shipped: Files) -> None:
    here = shelf(redis, Mode.PRODUCTION)
    await here.publish(shipped)
    codes = {problem.code for problem in here.unverified()}
    assert "language:none-verified" in codes
    countries = {problem.file for problem in here.unverified()} - {"locales"}
    assert countries == {
        f"flows/countries/{iso}.yaml" for iso in ("DE", "IT", "MD", "RO", "TR", "UA")
    }


async def test_values_are_filled_and_isolated_in_a_right_to_left_sentence(
    redis: Any, shipped: Files
) -> None:
    here = shelf(redis)
    await here.publish(shipped)
    code = text("interface.your_code", code="+889 123 456")
    assert "\u2066+889 123 456\u2069" in here.current().words(code, Language("ar")).words
    assert "\u2066" not in here.current().words(code, Language("en")).words
