"""No answer lost, doubled or shifted, no message missing, wherever the process is killed.

200 people answer the questions through HTTP, each sending an input again under its own id until
it is acknowledged, while the service is killed at moments that nothing in it chooses, and its
database as well. Afterwards each log is compared with what its person sent and saw, and with the
turns that the engine makes of the same inputs without any storage.
"""

import asyncio
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.support.person import Person
from tests.support.process import ServiceProcess
from tests.support.witness import Witness

PEOPLE = 200
INPUTS = 14
KILLS = 8


@pytest.mark.timeout(400)
async def test_nothing_is_lost_doubled_or_shifted(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, {"FIRSTPOINT_KEEP_MINUTES": "600"})
    await service.start()
    chance = random.Random(20261122)  # noqa: S311 - for choices, not for secrets
    try:
        async with ClientSession(timeout=ClientTimeout(total=10)) as session:
            witnesses = [
                Witness(Person(session, service.url), random.Random(n), INPUTS)  # noqa: S311
                for n in range(PEOPLE)
            ]
            await _among_crashes(service, witnesses, chance)
            for witness in witnesses:
                await witness.lost_nothing()
    finally:
        await service.stop()
    assert service.lives == KILLS + 1
    assert sum(witness.retries for witness in witnesses) > KILLS


async def _among_crashes(
    service: ServiceProcess, witnesses: list[Witness], chance: random.Random
) -> None:
    total = PEOPLE * INPUTS
    async with asyncio.TaskGroup() as people:
        for witness in witnesses:
            people.create_task(witness.goes_through())
        for kill in range(1, KILLS + 1):
            share = kill / (KILLS + 1) + chance.uniform(-0.04, 0.04)
            while sum(len(witness.sent) for witness in witnesses) < share * total:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            if kill % 3 == 0:
                service.kill_database()
            await service.kill()
            await service.start()
