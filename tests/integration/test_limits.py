"""Very much from one place is slowed, and loses nothing."""

import asyncio
import secrets
from ipaddress import ip_network
from pathlib import Path

import pytest

from bot.channels.web import limits
from tests.support.page import Page
from tests.support.service import RunningService, running, settings_for


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


async def test_more_starts_from_one_place_are_slowed_and_never_refused(
    redis_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page and the interface use up the same share."""
    monkeypatch.setattr(limits, "STARTS_AT_ONCE", 2)
    monkeypatch.setattr(limits, "STARTS_EVERY_SECONDS", 3600.0)
    monkeypatch.setattr(limits, "SLOWED_SECONDS", 0.5)
    loop = asyncio.get_running_loop()
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as service:
        page = Page(service.session, service.url + "/")
        for turn in range(6):
            start = await page.opens()
            began = loop.time()
            if turn % 2:
                gate = await start.presses("start")
                assert (gate.status, "choice:yes" in gate.buttons()) == (200, True)
            else:
                await service.person().opens()
            assert turn < 2 or loop.time() - began >= 0.5


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


async def tries_a_code(service: RunningService, said: str) -> int:
    body = {"id": secrets.token_urlsafe(24), "code": "+889 123 456 789 0123"}
    headers = {"X-Forwarded-For": said}
    url = service.url + "/api/return"
    async with service.session.post(url, json=body, headers=headers) as answer:
        return answer.status


async def test_behind_a_trusted_proxy_each_person_has_a_share(
    redis_socket: Path, tmp_path: Path
) -> None:
    proxy = {"trusted_proxies": (ip_network("127.0.0.1"),)}
    settings = settings_for(f"unix://{redis_socket}", tmp_path).model_copy(update=proxy)
    async with running(settings) as service:
        assert [await tries_a_code(service, "203.0.113.7") for _ in range(6)] == [404] * 5 + [429]
        # With another address in front of their own, nobody gets another share.
        assert await tries_a_code(service, "198.51.100.9, 203.0.113.7") == 429
        assert await tries_a_code(service, "203.0.113.8") == 404
        page = Page(service.session, service.url + "/")
        start = await page.opens()
        body = start.body("open", code="1")
        refused = await start.sends(body, **{"X-Forwarded-For": "203.0.113.7"})
        other = await start.sends(body, **{"X-Forwarded-For": "203.0.113.9"})
        assert (refused.status, other.status) == (429, 200)


async def test_without_one_nobody_gets_a_share_by_a_header(service: RunningService) -> None:
    statuses = [await tries_a_code(service, f"203.0.113.{number}") for number in range(6)]
    assert statuses == [404] * 5 + [429]
