"""Very much from one place is slowed, and loses nothing."""

import asyncio
import secrets

import pytest

from bot.channels.web import limits
from tests.support.page import Page
from tests.support.service import RunningService


async def test_a_thousand_new_sessions_from_one_place_all_get_a_conversation(
    service: RunningService,
) -> None:
    many = asyncio.Semaphore(200)

    async def start(tokens: set[str]) -> None:
        body = {"id": secrets.token_urlsafe(24), "language": "en"}
        async with many, service.session.post(service.url + "/api/start", json=body) as answer:
            assert answer.status == 200
            tokens.add((await answer.json())["token"])

    tokens: set[str] = set()
    async with asyncio.TaskGroup() as people:
        for _ in range(1000):
            people.create_task(start(tokens))
    assert len(tokens) == 1000


async def test_the_page_is_slowed_by_the_same_share_and_never_refused(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STARTS_AT_ONCE", 2)
    monkeypatch.setattr(limits, "SLOWED_SECONDS", 0.01)
    page = Page(service.session, service.url + "/")
    for _ in range(5):
        gate = await (await page.opens()).presses("start")
        assert (gate.status, "choice:yes" in gate.buttons()) == (200, True)


def test_a_share_is_used_up_and_fills_again() -> None:
    bucket = limits.Bucket(size=2, every_seconds=10)
    assert [bucket.take(b"one", 0) for _ in range(3)] == [True, True, False]
    assert bucket.take(b"other", 0), "each address has a share of its own"
    assert not bucket.take(b"one", 9)
    assert bucket.take(b"one", 11)


def test_a_crowd_of_addresses_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 3)
    bucket = limits.Bucket(size=1, every_seconds=10)
    for number in range(10):
        assert bucket.take(bytes([number]), 0)
    assert len(bucket.filled) == 3
