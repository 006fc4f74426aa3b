"""Talks to the interpreter on loopback: a deadline, a short queue, and a circuit breaker.

Whatever the interpreter does (killed, hanging, slow, answering nonsense), nobody waits for it
longer than the deadline, and after a few failures it is left alone for a while.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import cast

import aiohttp

from bot.dialogue.reading import Interpretation

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 1.0
MOST_AT_ONCE = 8
"""It answers one after the other, a few milliseconds each: more would only miss the deadline."""

FAILURES_UNTIL_OPEN = 3
REST_SECONDS = 10.0
"""How long it is left alone after it failed again and again; then one request tries."""

_MOST_BYTES = 64 * 1024


class InterpreterClient:
    """Asks the interpreter at `address`, which is known only once it runs."""

    def __init__(
        self,
        address: Callable[[], str | None],
        token: str,
        clock: Callable[[], float],
        *,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self._address, self._token, self._clock = address, token, clock
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None
        self._at_once = 0
        self._failures = 0
        self._rests_until = 0.0

    async def interpret(self, text: str) -> Interpretation | None:
        """What `text` means; None when it cannot be told in time. Never raises."""
        address = self._address()
        if address is None or self._at_once >= MOST_AT_ONCE or self._clock() < self._rests_until:
            return None
        self._at_once += 1
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._ask(address, text)
            found = interpretation_of(answer)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            self._failed(error)
            return None
        finally:
            self._at_once -= 1
        self._failures = 0
        return found

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            with suppress(aiohttp.ClientError):
                await self._session.close()

    async def _ask(self, address: str, text: str) -> object:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        request = self._session.post(
            f"{address}/model/parse",
            params={"token": self._token},
            json={"text": text},
            allow_redirects=False,
        )
        async with request as response:
            if response.status != HTTPStatus.OK:
                raise ValueError(f"status {response.status}")
            content = await response.content.read(_MOST_BYTES)
        return json.loads(content)

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        if self._failures >= FAILURES_UNTIL_OPEN:
            self._rests_until = self._clock() + REST_SECONDS
            self._failures = FAILURES_UNTIL_OPEN - 1  # one more failure, and it rests again
            log.warning("interpreter_rests", extra={"error_type": type(error).__name__})


def interpretation_of(answer: object) -> Interpretation:
    """The answer of the server, as far as we use it.

    Raises:
        ValueError: it is not what such a server answers.
    """
    found = _table(answer)
    ranking, tags = found.get("intent_ranking"), found.get("tags")
    if not isinstance(ranking, list):
        raise ValueError("no ranking")  # noqa: TRY004 - callers expect one kind of error
    many = [_table(one) for one in cast("list[object]", ranking)]
    return Interpretation(
        intents=_chances((one.get("name"), one.get("confidence")) for one in many),
        tags=_chances(_table(tags).items()),
    )


def _table(one: object) -> dict[str, object]:
    if not isinstance(one, dict):
        raise ValueError("not a table")  # noqa: TRY004
    return cast("dict[str, object]", one)


def _chances(pairs: Iterable[tuple[object, object]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, chance in pairs:
        if not isinstance(name, str) or not isinstance(chance, int | float):
            raise ValueError("not a chance")  # noqa: TRY004
        found[name] = float(chance)
    return found
