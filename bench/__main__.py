"""`make bench`: what a turn costs, next to the least that any durable answer can cost.

Both sides run in one run on one machine: the service, as `firstpoint run` starts it, and a bare
aiohttp handler that makes one Redis round trip with one write, against a server with the same
fsync policy. The ratio is the figure; the absolute numbers belong to the machine.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from aiohttp import ClientSession

from bench.bare import bare_handler, post
from bench.load import Sample, Step, measure
from bench.people import bytes_a_conversation, turns
from tests.support.process import ServiceProcess

ROUNDS = 3
CLIENTS = 16
PER_CLIENT = 120


async def main() -> int:
    """Run everything and print the table."""
    print(f"{CLIENTS} clients at once, {PER_CLIENT} requests each, {ROUNDS} rounds, interleaved")
    with tempfile.TemporaryDirectory() as folder:
        service = ServiceProcess(Path(folder) / "service")
        service.folder.mkdir()
        await service.start()
        try:
            async with bare_handler(Path(folder) / "bare") as bare:
                ours, theirs = await _rounds(service, bare)
            _table(ours, theirs)
            print(f"memory of the process after the load: {_memory(service):.0f} MB (RSS)")
            stored = await bytes_a_conversation(service)
            print(f"bytes in Redis for a conversation of {stored.turns} turns: {stored.count}")
        finally:
            await service.stop()
    return 0


async def _rounds(service: ServiceProcess, bare: str) -> tuple[Sample, Sample]:
    ours, theirs = Sample(), Sample()
    for _ in range(ROUNDS):
        ours.add(await measure(turns(service.url, CLIENTS, PER_CLIENT)))
        theirs.add(await measure(bare_requests(bare)))
    return ours, theirs


def bare_requests(url: str) -> list[list[Step]]:
    """The same number of requests of about the same size, for the bare handler."""

    async def request(session: ClientSession) -> None:
        await post(session, url, b"x" * 120)

    return [[request] * PER_CLIENT for _ in range(CLIENTS)]


def _table(ours: Sample, theirs: Sample) -> None:
    print(f"{'':26}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for name, sample in (("questionnaire turns", ours), ("bare handler", theirs)):
        print(
            f"{name:26}{sample.rate:10.0f}"
            + "".join(f"{sample.percentile(share):9.1f}" for share in (0.50, 0.95, 0.99))
        )
    print(
        f"{'ratio':26}{ours.rate / theirs.rate:10.2f}"
        + "".join(
            f"{ours.percentile(share) / theirs.percentile(share):9.2f}"
            for share in (0.50, 0.95, 0.99)
        )
    )


def _memory(service: ServiceProcess) -> float:
    if service.process is None:
        raise AssertionError("the service runs while it is measured")
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
