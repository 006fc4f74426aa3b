"""`make bench`: what a turn costs, next to the least that any durable answer can cost.

Both sides run in one run on one machine: the service, as `firstpoint run` starts it, and a bare
aiohttp handler that makes one Redis round trip with one write, against a server with the same
fsync policy. The ratio is the figure; the absolute numbers belong to the machine.

Everybody is brought to the first question before anything is measured: how fast conversations
may begin is a limit of the service and not its speed.

Then what a Redis with replicas loses when its primary is killed (`bench/failover.py`).
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from bench import failover
from bench.bare import Bare, BareClient, bare_handler
from bench.load import Sample, measure
from bench.people import Answering, Questionnaire, people_at_the_first_question
from bench.redis_figures import Figures, figures_of
from tests.support.process import ROOT, ServiceProcess

ROUNDS = 5
CLIENTS = 16
PEOPLE_A_CLIENT = 5
"""In each round. A person is asked some sixteen questions, so p99 stands on dozens of turns."""

WARM_UP = 20
"""Requests of each client to the bare handler before those that are measured."""


async def main() -> int:
    """Run everything and print the table."""
    # Beside the checkout: what lies in /tmp may be memory, where an fsync costs nothing.
    tools = ROOT / ".tools"
    tools.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools) as folder:
        service = ServiceProcess(Path(folder) / "service")
        service.folder.mkdir()
        await service.start()
        try:
            memory = _memory(service)
            async with (
                bare_handler(Path(folder) / "bare") as bare,
                figures_of(service.data) as ours,
                figures_of(Path(folder) / "bare") as theirs,
            ):
                await _check_the_same_policy(ours, theirs)
                await _report(service, bare, ours, theirs)
            print(f"memory of the process (RSS): {memory} MB at start, {_memory(service)} MB now")
        finally:
            await service.stop()
        await failover.report(Path(folder))
    return 0


async def _report(service: ServiceProcess, bare: Bare, ours: Figures, theirs: Figures) -> None:
    count = ROUNDS * CLIENTS * PEOPLE_A_CLIENT
    people = await people_at_the_first_question(service.url, count)
    scripts = (await ours.calls())["evalsha"]
    turns, answers = await _rounds(service, bare, people)
    scripts = (await ours.calls())["evalsha"] - scripts
    writes = (await theirs.calls())["set"]
    if writes != answers.sent:
        raise AssertionError(f"{answers.sent} bare answers made {writes} writes")
    print(
        f"{CLIENTS} clients at once, {ROUNDS} rounds, interleaved; "
        f"{turns.count} turns, {answers.count} bare answers"
    )
    _table(turns, answers)
    print(
        f"Redis, both with appendfsync always: {scripts / turns.sent:.2f} scripts for a turn "
        f"(what runs beside it included), {writes / answers.sent:.2f} writes for a bare answer"
    )
    stored = await ours.bytes_of(people[0].conversation)
    print(f"bytes in Redis for a conversation of {people[0].turns} turns: {stored}")


async def _check_the_same_policy(ours: Figures, theirs: Figures) -> None:
    policy, other = await ours.policy(), await theirs.policy()
    if policy != other or policy.append_only != "yes" or policy.fsync != "always":
        raise AssertionError(f"not the same: {policy}, {other}")


async def _rounds(
    service: ServiceProcess, bare: Bare, people: list[Answering]
) -> tuple[Sample, Sample]:
    ours, theirs = Sample(), Sample()
    for number in range(ROUNDS):
        clients = [
            Questionnaire(people[number * CLIENTS + client :: ROUNDS * CLIENTS], ahead=client)
            for client in range(CLIENTS)
        ]
        turns = await measure(service.url, _pid(service), clients)
        each = turns.count // CLIENTS
        requests = [BareClient(each, ahead=WARM_UP) for _ in range(CLIENTS)]
        ours.add(turns)
        theirs.add(await measure(bare.url, bare.pid, requests))
    return ours, theirs


def _table(ours: Sample, theirs: Sample) -> None:
    print(f"{'':22}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for name, sample in (("questionnaire turns", ours), ("bare handler", theirs)):
        print(f"{name:22}{sample.rate:10.0f}{''.join(f'{ms:9.2f}' for ms in _columns(sample))}")
    ratios = (mine / least for mine, least in zip(_columns(ours), _columns(theirs), strict=True))
    print(f"{'ratio':22}{ours.rate / theirs.rate:10.2f}{''.join(f'{r:9.2f}' for r in ratios)}")


def _columns(sample: Sample) -> tuple[float, ...]:
    return (*(sample.percentile(share) for share in (0.50, 0.95, 0.99)), sample.server_ms)


def _pid(service: ServiceProcess) -> int:
    if service.process is None:
        raise AssertionError("the service runs while it is measured")
    return service.process.pid


def _memory(service: ServiceProcess) -> int:
    status = Path(f"/proc/{_pid(service)}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
