"""Sends requests and notes how long each took."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientSession

Step = Callable[[ClientSession], Awaitable[None]]
"""One request of a client, prepared so that only the request itself is timed."""

Work = Sequence[Sequence[Step]]
"""What each client does, one after the other."""


@dataclass
class Sample:
    """Durations of requests, in milliseconds, and how long all of them took together."""

    durations: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Sample") -> None:
        """Take in another sample."""
        self.durations.extend(other.durations)
        self.seconds += other.seconds

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.durations) / self.seconds

    def percentile(self, share: float) -> float:
        """The duration that `share` of the requests do not exceed."""
        ordered = sorted(self.durations)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measure(work: Work) -> Sample:
    """All clients at once, each with its steps one after the other."""
    sample = Sample()
    async with ClientSession() as session:

        async def client(steps: Sequence[Step]) -> None:
            for step in steps:
                begun = time.perf_counter()
                await step(session)
                sample.durations.append((time.perf_counter() - begun) * 1000)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as clients:
            for steps in work:
                clients.create_task(client(steps))
        sample.seconds = time.perf_counter() - begun
    return sample
