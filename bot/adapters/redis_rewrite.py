"""Removes from the files of the embedded database what is no longer in it.

An append-only file keeps everything that was ever written until it is rewritten, so an erased
key stands in it until then. Design section 9 allows it 15 minutes.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.erasure_journal import ErasureJournal
from bot.adapters.redis_connection import Connection
from bot.adapters.redis_erasures import RedisErasures
from bot.adapters.redis_store import RedisStore, call
from bot.dialogue.stopping import stopped_within
from bot.domain.ids import Milliseconds
from bot.errors import StoreUnavailableError

log = logging.getLogger(__name__)

REWRITTEN = "fp:rewritten"
LONGEST = Milliseconds(15 * 60_000)
"""How long after an erasure, or the end of a key, its bytes may stand in a file."""

EVERY = Milliseconds(10 * 60_000)
"""How often the files are rewritten at most; the rest of `LONGEST` is for doing it, and again."""

_MARGIN = Milliseconds(60_000)
"""An erasure is noted before it is done. One noted so shortly before a rewriting may have been
done after it, and asks for another one."""

_LOOK_EVERY_SECONDS = 20.0
_POLL_SECONDS = 0.05
_LEASE = Milliseconds(120_000)
_LONGEST_SECONDS = 300.0
_AT_THE_END_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class _Last:
    """The last rewriting: when it began, in which life of the server, and what had ended then."""

    at: Milliseconds
    run: str
    ended: int


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Rewrites the files of one embedded server, from one process at a time."""

    client: Connection
    store: RedisStore
    journal: ErasureJournal | None = None
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    async def serve(self, stop: asyncio.Event) -> None:
        """Rewrite when it is due, until `stop`.

        Then once more: nothing shall wait in the files of a service that does not run.
        """
        while not stop.is_set():
            await self._try(EVERY, _LONGEST_SECONDS)
            await stopped_within(stop, _LOOK_EVERY_SECONDS)
        await self._try(Milliseconds(0), _AT_THE_END_SECONDS)
        with suppress(StoreUnavailableError):
            await self.store.let_go("rewriting", self.holder)

    async def _try(self, every: Milliseconds, seconds: float) -> None:
        """One try. Whatever goes wrong is tried again, and seen by `firstpoint doctor`."""
        try:
            async with asyncio.timeout(seconds):
                if await self.store.hold_lease("rewriting", self.holder, _LEASE):
                    await self.rewrite_if_due(every)
        except (StoreUnavailableError, TimeoutError) as error:
            log.warning("files_not_rewritten", extra={"error_type": type(error).__name__})

    async def rewrite_if_due(self, every: Milliseconds = EVERY) -> bool:
        """Rewrite, unless nothing went since the last time, or that was less than `every` ago.

        Raises:
            StoreUnavailableError: the server does not do it, as when the disk is full.
        """
        now = await self.store.now()
        await self._trim(now)
        last = await _last(self.client)
        if last is not None and 0 <= now - last.at < every:
            return False
        this = await _this(self.client, now)
        if not await _something_went(self.client, last, this):
            return False
        await self._rewrite()
        fields = ("at", this.at, "run", this.run, "ended", this.ended)
        await call(self.client, "HSET", REWRITTEN, *fields)
        return True

    async def _trim(self, now: Milliseconds) -> None:
        """Shorten the journal. Trouble with its folder must not keep the files as they are."""
        try:
            if self.journal is not None:
                await asyncio.to_thread(self.journal.trim, now)
        except OSError as error:
            log.warning("journal_not_trimmed", extra={"error_type": type(error).__name__})

    async def _rewrite(self) -> None:
        await self._until_idle()  # one that began by itself may have begun too early
        await call(self.client, "BGREWRITEAOF")
        report = await self._until_idle()
        if report["aof_last_bgrewrite_status"] != "ok":
            raise StoreUnavailableError("the files could not be rewritten")

    async def _until_idle(self) -> dict[str, Any]:
        while True:
            report: dict[str, Any] = await call(self.client, "INFO", "persistence")
            if not report["aof_rewrite_in_progress"] and not report["aof_rewrite_scheduled"]:
                return report
            await self.store.hold_lease("rewriting", self.holder, _LEASE)
            await asyncio.sleep(_POLL_SECONDS)


async def overdue(client: Connection, now: Milliseconds) -> bool:
    """Whether something was erased more than `LONGEST` ago and may still stand in a file."""
    last = await _last(client)
    erased = await RedisErasures(client).all()
    rewritten = last.at if last is not None else 0
    return any(rewritten - _MARGIN < at < now - LONGEST for at in erased.values())


async def _last(client: Connection) -> _Last | None:
    at, run, ended = await call(client, "HMGET", REWRITTEN, "at", "run", "ended")
    if at is None or run is None or ended is None:
        return None
    return _Last(Milliseconds(int(at)), run.decode(), int(ended))


async def _this(client: Connection, now: Milliseconds) -> _Last:
    report: dict[str, Any] = await call(client, "INFO")
    return _Last(now, str(report["run_id"]), int(report["expired_keys"]))


async def _something_went(client: Connection, last: _Last | None, this: _Last) -> bool:
    # In another life of the server keys may have ended of which nobody knows any more.
    if last is None or last.run != this.run or last.ended != this.ended:
        return True
    erased = await RedisErasures(client).newest()
    return erased is not None and erased > last.at - _MARGIN
