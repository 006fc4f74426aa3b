"""What hostile, broken, repeated, late and huge input does to the JSON interface."""

import gzip
import json
import logging
import secrets

import pytest

from bot.channels.web.chat import Chat
from bot.channels.web.tokens import Tokens
from bot.dialogue.codes import Codes
from bot.logs import LineFormatter
from tests.support.person import Answered
from tests.support.service import RunningService


def key() -> str:
    return secrets.token_urlsafe(16)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "broken"),
        (b"{", 400, "broken"),
        (b"\xff\xfe", 400, "broken"),
        (b"[]", 400, "broken"),
        (b"null", 400, "broken"),
        (b'{"id": "short", "after": 0, "words": "x"}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": -1, "words": "x"}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": "0", "words": "x"}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "words": ""}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "words": "\xff"}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "words": "\\ud800"}', 400, "broken"),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "words": "x", "more": 1}', 400, "broken"),
        (
            b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "words": "x", "action": "human"}',
            400,
            "broken",
        ),
        (b'{"id": "aaaaaaaaaaaaaaaaaaaa", "after": 0, "action": "explode"}', 400, "broken"),
        (b"[" * 30_000, 400, "broken"),
        (b'{"words": "' + b"x" * 40_000 + b'"}', 413, "too_large"),
    ],
)
async def test_broken_bodies_are_refused_and_nothing_is_lost(
    service: RunningService, body: bytes, status: int, error: str
) -> None:
    person = service.person()
    await person.opens()
    before = person.view
    headers = {"Authorization": f"Bearer {person.token}"}
    async with service.session.post(
        service.url + "/api/input", data=body, headers=headers
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (status, error)
    await person.looks()
    assert person.view["question"] == before["question"]
    assert person.last == before["last"]


@pytest.mark.parametrize(
    "token", ["", "x", "a.1.b", "a.1", "ä.1.x", "a.99999999999.x", "a" * 5000]
)
async def test_foreign_tokens_open_nothing(service: RunningService, token: str) -> None:
    person = service.person()
    await person.opens()
    person.token = token or "none"
    with pytest.raises(Answered) as refused:
        await person.looks()
    assert (refused.value.status, refused.value.error) == (401, "token")


async def test_a_token_of_another_conversation_opens_only_that_one(
    service: RunningService,
) -> None:
    one, other = service.person(), service.person()
    await one.opens()
    await other.opens()
    await one.types("mine")
    one_id, _, rest = one.token.partition(".")
    other_id = other.token.partition(".")[0]
    one.token = f"{other_id}.{rest}"
    with pytest.raises(Answered) as refused:
        await one.looks()
    assert refused.value.error == "token"
    assert one_id != other_id


async def test_a_token_of_a_left_view_opens_nothing(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await person.presses("no")
    await person.presses("close")
    with pytest.raises(Answered) as refused:
        await person.looks()
    assert (refused.value.status, refused.value.error) == (410, "view_ended")
    with pytest.raises(Answered) as late:
        await person.sends({"words": "hello"})
    assert late.value.error == "view_ended"


async def test_unknown_choices_change_nothing(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    for choices in (["nonsense"], ["yes", "no"], ["yes", "yes"], ["__proto__"]):
        await person.presses(*choices)
        assert person.heard() == ["interface.stale_press"]
        assert person.asked == "welcome.safe"


async def test_typed_words_come_back_exactly(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    hostile = "<script>alert(1)</script>\u202e\x00 {organisation} %s \U0001f600 שלום"
    await person.sends({"words": hostile})
    own = [m for m in person.new if m["by"] == "person"]
    assert own[0]["lines"][0]["text"] == hostile


PATHS = ("start", "return", "input", "read", "stream")


@pytest.mark.parametrize("path", [*(f"/api/{path}" for path in PATHS), "/"])
async def test_a_body_that_cannot_be_unpacked_is_broken(
    service: RunningService, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    person = service.person()
    await person.opens()
    headers = {"Authorization": f"Bearer {person.token}", "Content-Encoding": "gzip"}
    for body in (b"no gzip", gzip.compress(b"x" * 5000)[:30] + b"broken"):
        async with service.session.post(service.url + path, data=body, headers=headers) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (400, "no-store")
            told = "could not read your last message" if path == "/" else '{"error":"broken"}'
            assert told in await answer.text()
    await person.looks()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_words_that_are_too_long_are_too_large(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await person.types("x" * 4000)
    with pytest.raises(Answered) as refused:
        await person.types("x" * 4001)
    assert (refused.value.status, refused.value.error) == (413, "too_large")


@pytest.mark.parametrize("path", PATHS)
async def test_a_mistake_of_ours_is_answered_as_not_saved(
    service: RunningService,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    person = service.person()
    await person.opens()

    def fail(*_: object) -> None:
        raise RuntimeError(person.token)

    monkeypatch.setattr(Chat, "speaker", fail)
    monkeypatch.setattr(Tokens, "conversation", fail)
    monkeypatch.setattr(Codes, "find", fail)
    body = {
        "start": {"id": key()},
        "return": {"id": key(), "code": "1"},
        "input": {"id": key(), "after": 0, "words": "x"},
    }.get(path, {"after": 0})
    headers = {"Authorization": f"Bearer {person.token}"}
    url = f"{service.url}/api/{path}"
    async with service.session.post(url, json=body, headers=headers) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (500, "no-store")
        assert await answer.json() == {"error": "not_saved"}
    failed = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in failed] == ["api_failed"]
    assert person.token not in LineFormatter().format(failed[0])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/start"), ("POST", "/no"), ("PUT", "/")]
)
async def test_nobody_may_keep_what_says_that_there_is_nothing(
    service: RunningService, method: str, path: str
) -> None:
    async with service.session.request(method, service.url + path) as answer:
        assert answer.status in {404, 405}
        assert answer.headers["Cache-Control"] == "no-store"


async def test_an_answer_is_json_that_nobody_may_keep(service: RunningService) -> None:
    async with service.session.post(service.url + "/api/start", data=b"{") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert json.loads(await answer.text()) == {"error": "broken"}
