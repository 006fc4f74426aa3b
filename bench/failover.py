"""What is lost when the primary Redis is killed, and how long nobody's answer is accepted.

A primary and two replicas, watched by one Sentinel, on this machine; people type and send each
input again until it is acknowledged. The primary is ended by SIGKILL in the middle of it, a
replica is promoted, the killed server comes back as a replica, and so again. At the end every
acknowledged input is looked for in what the person can read: once without waiting for replicas,
once with `FIRSTPOINT_REPLICAS=1`.
"""

import asyncio
import random  # noqa: TID251 - the moment of a kill is chosen by nothing in the service
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.support.person import Answered, Person
from tests.support.process import ROOT, ServiceProcess
from tests.support.replicated import DOWN_AFTER_MILLISECONDS, Replicated, replicated
from tests.support.waiting import eventually

KILLS = 8
PEOPLE = 24
BETWEEN_INPUTS_SECONDS = 0.05
BETWEEN_TRIES_SECONDS = 0.05
PATIENCE_SECONDS = 60.0


@dataclass
class Typing:
    """Somebody who types, and notes what was acknowledged and when."""

    person: Person
    name: int
    acknowledged: list[str] = field(default_factory=list)
    last: float = 0.0
    """When the latest acknowledged input had been sent."""

    async def types_until(self, stop: asyncio.Event) -> None:
        """Type one thing after the other, each until it is acknowledged."""
        while not stop.is_set():
            words = f"{self.name} {len(self.acknowledged)}"
            await self._sends(words)
            self.acknowledged.append(words)
            await asyncio.sleep(BETWEEN_INPUTS_SECONDS)

    async def _sends(self, words: str) -> None:
        key = secrets.token_urlsafe(16)
        while True:
            sent = time.perf_counter()
            with suppress(Answered, ClientError, OSError, TimeoutError):
                await self.person.sends({"words": words}, key=key)
                self.last = sent
                return
            await asyncio.sleep(BETWEEN_TRIES_SECONDS)

    async def _finds_more(self) -> bool:
        try:
            await self.person.looks()
        except Answered as refused:
            if refused.error not in {"gone", "not_saved"}:
                raise
            return bool(refused.error == "not_saved")  # over a connection of before the last kill
        return bool(self.person.new)

    async def kept(self) -> Counter[str]:
        """How often each of their inputs stands in the conversation; nothing when it is gone."""
        self.person.view, self.person.messages = None, []
        while await self._finds_more():
            pass
        said = (m["lines"][0]["text"] for m in self.person.messages if m["by"] == "person")
        return Counter(said)


@dataclass
class Figures:
    """What came of all the kills."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    seconds: list[float] = field(default_factory=list)
    """From each kill until an input that was sent after it was acknowledged."""


async def report(folder: Path, kills: int = KILLS) -> None:
    """Measure with and without waiting for a replica, and print it."""
    print(
        f"\nthe primary Redis killed {kills} times under {PEOPLE} people who type; two replicas, "
        f"one Sentinel, down-after-milliseconds {DOWN_AFTER_MILLISECONDS}"
    )
    print(f"{'FIRSTPOINT_REPLICAS':22}{'acknowledged':>13}{'lost':>6}{'twice':>7}", end="")
    print(f"{'accepted again after (median, worst)':>40}")
    for replicas in (0, 1):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            found = await measure(Path(own), replicas, kills)
        typical, worst = statistics.median(found.seconds), max(found.seconds)
        print(f"{replicas:<22}{found.acknowledged:13}{found.lost:6}{found.doubled:7}", end="")
        print(f"{typical:32.1f} s,{worst:4.1f} s", flush=True)


async def measure(folder: Path, replicas: int, kills: int) -> Figures:
    """Kill the primary so often."""
    async with replicated(folder / "redis") as servers:
        settings = {
            "REDIS_URL": servers.url,
            "FIRSTPOINT_REPLICAS": str(replicas),
            "FIRSTPOINT_KEEP_MINUTES": "600",
        }
        service = ServiceProcess(folder, settings)
        await service.start()
        try:
            async with ClientSession(timeout=ClientTimeout(total=10)) as session:
                people = [Typing(Person(session, service.url), n) for n in range(PEOPLE)]
                return await _among_kills(servers, people, kills)
        finally:
            await service.stop()


async def _among_kills(servers: Replicated, people: list[Typing], kills: int) -> Figures:
    found, stop = Figures(), asyncio.Event()
    for one in people:
        await one.person.opens()
    async with asyncio.TaskGroup() as typing:
        for one in people:
            typing.create_task(one.types_until(stop))
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - a moment
            found.seconds.append(await _kill(servers, people))
            await eventually(servers.is_complete, "the killed server is a replica", 60)
        stop.set()
    for one in people:
        kept = await one.kept()
        found.acknowledged += len(one.acknowledged)
        found.lost += sum(words not in kept for words in one.acknowledged)
        found.doubled += sum(kept[words] > 1 for words in one.acknowledged)
    return found


async def _kill(servers: Replicated, people: list[Typing]) -> float:
    """The seconds until an input was acknowledged that was sent after the kill."""
    before = await servers.primary()
    servers.servers[before].process.kill()
    servers.servers[before].process.wait()
    killed = time.perf_counter()

    async def accepted() -> bool:
        return any(one.last > killed for one in people)

    await eventually(accepted, "an answer is accepted again", PATIENCE_SECONDS)
    seconds = time.perf_counter() - killed
    await servers.starts(before, follows=await servers.primary())
    return seconds


async def main() -> None:
    """The measurement alone, with as many kills as the first argument says."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    with tempfile.TemporaryDirectory(dir=ROOT / ".tools") as folder:
        await report(Path(folder), kills)


if __name__ == "__main__":
    asyncio.run(main())
