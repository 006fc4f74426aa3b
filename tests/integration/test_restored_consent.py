"""What was agreed to before a restore allows nothing: it may have been taken back since."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_backup import Restoring
from bot.adapters.redis_connection import connect
from bot.adapters.sealed_file import records
from bot.adapters.sealing import Seal, read_or_make_key
from bot.domain.consent import Purpose
from bot.domain.ids import ConversationId, Milliseconds
from bot.errors import RefusedError
from bot.referral_command import make_demo_receiver
from handoff.referral.consent import Missing
from handoff.referral.package import LegalBasis
from handoff.referral.record import Failure
from handoff.referral.states import State
from tests.integration.test_backup import Place, Running, loses_everything
from tests.integration.test_referral import OPERATOR, FullDisk, World, waits_for_a_human
from tests.support.referrals import FORM, FULL_FORM
from tests.support.service import running, settings_for

REASON = "Locked in at night by somebody who hurts them; asks for help."


@dataclass
class Restorable:
    """Somebody whom an operator answers, in an installation that can be backed up."""

    world: World
    place: Place
    here: Running

    async def is_lost_and_restored(self) -> None:
        await loses_everything(self.here)
        await self.place.restores()
        assert "Brought back: 1 conversations" in self.place.said[0]
        await self.world.delivery.mend()
        await self.world.delivery.work()
        await self.world.person.looks()

    async def queues(self) -> None:
        """Sent by the operator, while the disk of the drop folder is full."""
        full = self.world.through(FullDisk())
        queued = await full.send(self.world.id, OPERATOR, self.world.referral)
        assert queued.state is State.QUEUED

    async def missing(self) -> Missing | None:
        shown = await self.world.referrals.look(self.world.id, OPERATOR, self.world.referral)
        return shown.missing


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Restorable]:
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    async with EmbeddedRedis(tmp_path / "data") as server:
        client = await connect(server.url)
        settings = settings_for(server.url, tmp_path).model_copy(
            update={"receivers": tmp_path / "receivers", "drop": tmp_path / "drop"}
        )
        async with running(settings) as service:
            person = service.person()
            await waits_for_a_human(person)
            [waiting] = await service.service.store.queue()
            await service.desk.claim(waiting.id, OPERATOR)
            await person.looks()
            world = World(service, person, waiting.id, tmp_path, server.url)
            yield Restorable(world, Place(tmp_path), Running(service, client))
        await client.aclose()


async def test_a_consent_taken_back_since_the_backup_sends_nothing(it: Restorable) -> None:
    await it.world.begins()
    await it.world.agreed()
    await it.queues()
    await it.place.backs_up()
    await it.world.takes_back()
    await it.is_lost_and_restored()
    assert it.world.files == []
    record = await it.world.record()
    assert (record.state, record.failure) == (State.FAILED, Failure.RESTORED)
    [listed] = await it.world.sent.listed(OPERATOR)
    assert listed.failure is Failure.RESTORED, "a human sees it"
    with pytest.raises(RefusedError) as refused:
        await it.world.sends()
    assert refused.value.reason is Missing.CONSENT


async def test_the_person_is_asked_again_and_then_it_leaves(it: Restorable) -> None:
    await it.world.begins()
    await it.world.agreed()
    await it.queues()
    await it.place.backs_up()
    await it.is_lost_and_restored()
    assert (await it.world.record()).form == FORM, "nobody has to fill it in again"
    await it.world.agreed()
    sent = await it.world.sends()
    assert sent.state is State.SENT
    assert it.world.files == [sent.package]
    [before, after] = (await it.world.conversation()).consents
    assert before.at < sent.restored_at < after.at


async def test_what_nobody_sent_yet_needs_the_yes_again_too(it: Restorable) -> None:
    await it.world.begins()
    await it.world.agreed()
    await it.world.agreed(Purpose.IDENTITY)
    await it.world.referrals.fill(it.world.id, OPERATOR, it.world.referral, FULL_FORM)
    await it.world.delivery.work()
    assert (await it.world.record()).state is State.CONSENTED
    await it.place.backs_up()
    await it.is_lost_and_restored()
    assert (await it.world.record()).state is State.DRAFT
    assert await it.missing() is Missing.CONSENT
    await it.world.agreed()
    assert await it.missing() is Missing.IDENTITY, "who it is has a yes of its own"
    await it.world.agreed(Purpose.IDENTITY)
    assert (await it.world.sends()).state is State.SENT


async def test_a_decision_of_before_has_to_be_made_again(it: Restorable) -> None:
    """The person may have objected to it since."""
    await it.world.begins()
    decide = it.world.referrals.decide
    await decide(it.world.id, OPERATOR, it.world.referral, LegalBasis.IMMINENT_DANGER, REASON)
    assert await it.missing() is None
    await it.place.backs_up()
    await it.is_lost_and_restored()
    assert await it.missing() is Missing.CONSENT
    await decide(it.world.id, OPERATOR, it.world.referral, LegalBasis.IMMINENT_DANGER, REASON)
    assert (await it.world.sends()).state is State.SENT


async def test_what_was_sent_before_can_still_be_taken_back(it: Restorable) -> None:
    await it.world.begins()
    await it.world.agreed()
    sent = await it.world.sends()
    await it.place.backs_up()
    await it.is_lost_and_restored()
    assert (await it.world.record()).state is State.SENT
    assert it.world.files == [sent.package]
    await it.world.takes_back()
    await it.world.delivery.work()
    assert [it.world.opened(name).message_type for name in it.world.files] == ["retract"]


async def test_a_slow_clock_makes_no_old_yes_count(it: Restorable) -> None:
    await it.world.begins()
    await it.world.agreed()
    await it.place.backs_up()
    await loses_everything(it.here)
    key = read_or_make_key(it.place.settings.key_file)
    data, keys = sorted(it.place.files, key=lambda file: file.suffix)[:2]
    behind = Restoring(it.here.client, {}, Milliseconds(1000))
    await everything(
        behind.bring_back(
            records(data, Seal(key.mark("backup", "data"))),
            records(keys, Seal(key.mark("backup", "keys"))),
        )
    )
    assert await it.missing() is Missing.CONSENT


async def everything(found: AsyncIterator[ConversationId]) -> list[Any]:
    return [id async for id in found]
