"""From the claim to the moment in which the person is told who answers."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.dialogue.ports import DELIVERY_LEASE
from bot.domain.control import Owner
from bot.domain.ids import ConversationId, OperatorId
from bot.domain.messages import Told
from bot.domain.text import text
from handoff.permissions import Member, Role
from tests.support.killed_claimer import OPERATOR
from tests.support.person import Person
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
NOTICE = Told(text("interface.takeover"))


@pytest.fixture
async def service(
    redis: Any, redis_socket: Path, tmp_path: Path
) -> AsyncGenerator[RunningService]:
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as found:
        yield found


async def waiting(service: RunningService) -> Person:
    person = service.person()
    await person.opens(country="MD")
    await person.wants("human")
    await person.presses("fresh")
    return person


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


async def test_the_person_is_told_when_everything_open_has_been_written(
    service: RunningService,
) -> None:
    store, id = service.service.store, id_of(await waiting(service))
    delivery = await store.read(id, 0, DELIVERY_LEASE)
    assert delivery.delivery is not None

    async def is_claimed() -> bool:
        return (await store.look(id)).conversation.control.owner is Owner.OPERATOR

    async def told() -> bool:
        entries = (await store.read(id, 0)).entries
        return any(entry.message.content == NOTICE for entry in entries)

    async with asyncio.TaskGroup() as tasks:
        claiming = tasks.create_task(service.desk.claim(id, ANNA))
        await eventually(is_claimed, "the claim is committed")
        for _ in range(100):  # far more steps than telling takes
            assert not await told()
        assert not claiming.done()
        await store.close_delivery(id, delivery, delivery.length)
    assert await told()


async def test_killed_between_the_claim_and_the_news_of_it(
    service: RunningService, redis_socket: Path, tmp_path: Path
) -> None:
    person = await waiting(service)
    died = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.killed_claimer",
        f"unix://{redis_socket}",
        str(tmp_path),
    )
    assert await died.wait() == -9
    await person.looks()
    assert person.view["owner"] == "operator", "the claim was committed"
    assert person.heard() == [], "and nobody told them"
    await person.types("hello?")
    assert person.heard() == [], "the program is silent all the same"

    await service.service.sweeper.mend()
    await person.looks()
    assert person.heard() == ["interface.takeover"]
    await service.service.sweeper.mend()
    await person.looks()
    assert person.heard() == []
    [owned] = await service.desk.here(OPERATOR)
    assert owned.id == id_of(person), "whoever claimed it finds it at their desk"
