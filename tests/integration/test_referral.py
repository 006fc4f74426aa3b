"""A referral from the question to the receiver, over the real store and the real folder."""

import asyncio
import json
import subprocess
import sys
import uuid
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from redis.asyncio import Redis

from bot.adapters.redis_referrals import ACTIVE, RedisReferrals
from bot.domain.consent import PackageId, Purpose, Receipt, ReceiptState, ReceiverId, ReferralId
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, InputKey, OperatorId
from bot.errors import GoneError, RefusedError
from bot.referral_command import DEMO, make_demo_receiver
from handoff.permissions import Member, NotAllowedError, Role
from handoff.referral.consent import Missing
from handoff.referral.delivery import LONGEST_PAUSE, Delivery
from handoff.referral.envelope import unseal
from handoff.referral.exit_gate import Drop, HeldBackError
from handoff.referral.file_drop import FileDrop
from handoff.referral.form import Form, Minor
from handoff.referral.package import LegalBasis
from handoff.referral.receivers import Unusable
from handoff.referral.record import Answered, Failure, Referral
from handoff.referral.records import ChangedError
from handoff.referral.referrals import FormError, Referrals
from handoff.referral.schema import NotifyDocument, RetractDocument, read_document
from handoff.referral.sent import SentReferrals
from handoff.referral.states import State
from tests.support.person import Person
from tests.support.referrals import FORM, FULL_FORM
from tests.support.service import RunningService, running, settings_for

OPERATOR = Member(id=OperatorId("op-1"), roles=frozenset({Role.OPERATOR}))
OTHER = Member(id=OperatorId("op-2"), roles=frozenset({Role.OPERATOR}))
EDITOR = Member(id=OperatorId("op-3"), roles=frozenset({Role.EDITOR}))
RECEIVER = ReceiverId(DEMO)
REFERRAL = ReferralId("r-1")
REASON = "May be 15, locked in at night, asks for help."


@dataclass
class World:
    """A service, a person, the operator who answers them, and a receiver's key and folder."""

    running: RunningService
    person: Person
    id: ConversationId
    folder: Path
    redis_url: str
    referral: ReferralId = REFERRAL

    @property
    def referrals(self) -> Referrals:
        return self.running.service.referrals

    @property
    def sent(self) -> SentReferrals:
        return self.running.service.sent

    @property
    def delivery(self) -> Delivery:
        return self.running.service.delivery

    def through(self, drop: Drop) -> Referrals:
        """The same, with another folder for receivers."""
        leaving = self.referrals.leaving
        leaving = replace(leaving, gate=replace(leaving.gate, drop=drop))
        delivery = replace(self.delivery, leaving=leaving)
        return replace(self.referrals, leaving=leaving, delivery=delivery)

    @property
    def drop(self) -> Path:
        return self.folder / "drop" / RECEIVER

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.drop.iterdir()) if self.drop.exists() else []

    def opened(self, name: str) -> NotifyDocument | RetractDocument:
        key = b64decode((self.folder / "receivers" / f"{DEMO}.key").read_bytes())
        private = X25519PrivateKey.from_private_bytes(key)
        envelope = (self.drop / name).read_bytes()
        return read_document(
            unseal(envelope, private, self.referrals.leaving.gate.signer.public_key)
        )

    async def conversation(self) -> Conversation:
        store = self.running.service.store
        return (await store.look(self.id)).conversation

    async def receipt(self) -> Receipt:
        [receipt] = (await self.conversation()).receipts
        return receipt

    async def record(self) -> Referral:
        return await self.referrals.records.load(self.id, self.referral)

    async def begins(self, form: Form = FORM) -> None:
        await self.referrals.begin(self.id, OPERATOR, self.referral, RECEIVER)
        await self.referrals.fill(self.id, OPERATOR, self.referral, form)

    async def asks(self, purpose: Purpose = Purpose.REFERRAL, **how: bool) -> None:
        await self.referrals.ask(self.id, OPERATOR, self.referral, purpose, **how)
        await self.person.looks()

    async def agreed(self, purpose: Purpose = Purpose.REFERRAL) -> None:
        await self.asks(purpose)
        await self.person.presses("agree")

    async def sends(self) -> Referral:
        return await self.referrals.send(self.id, OPERATOR, self.referral)

    async def works_until(self, holds: Callable[[Referral], bool]) -> None:
        """Has the program work until the record is so; what made trouble is left alone a while."""
        for _ in range(2 * LONGEST_PAUSE):
            await self.delivery.work()
            if holds(await self.record()):
                return
        pytest.fail("it does not come to that")

    async def takes_back(self) -> None:
        await self.person.wants("agreed")
        await self.person.presses(RECEIVER)

    async def told(self) -> list[str]:
        await self.person.looks()
        return self.person.heard()


async def waits_for_a_human(person: Person, *, safe: str = "yes") -> None:
    await person.opens(country="MD")
    await person.presses(safe)
    if safe != "yes":
        await person.presses("stay")
    await person.presses("no")
    await person.wants("human")
    while person.asked and not person.asked.startswith("waiting"):
        wanted = [c for c in ("show", "adult", "go_on", "no") if c in person.choices]
        await person.presses(wanted[0] if wanted else person.choices[0])


@pytest.fixture
async def world(redis: Redis, redis_socket: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with entered(redis_socket, tmp_path) as found:
        yield found


class entered:  # noqa: N801 - reads as a function
    """Somebody whom an operator answers."""

    def __init__(self, redis_socket: Path, tmp_path: Path, *, safe: str = "yes") -> None:
        self.socket, self.folder, self.safe = redis_socket, tmp_path, safe

    async def __aenter__(self) -> World:
        make_demo_receiver(self.folder / "receivers", lambda _: None)
        url = f"unix://{self.socket}"
        settings = settings_for(url, self.folder).model_copy(
            update={"receivers": self.folder / "receivers", "drop": self.folder / "drop"}
        )
        self.service = running(settings)
        service = await self.service.__aenter__()
        person = service.person()
        await waits_for_a_human(person, safe=self.safe)
        [waiting] = await service.service.store.queue()
        await service.desk.claim(waiting.id, OPERATOR)
        await person.looks()
        return World(service, person, waiting.id, self.folder, url)

    async def __aexit__(self, *error: Any) -> None:
        await self.service.__aexit__(*error)


# The whole way


async def test_the_person_is_asked_in_their_words_and_the_package_arrives(world: World) -> None:
    await world.begins()
    await world.asks()
    notices = [m for m in world.person.new if m["by"] == "notice"]
    assert notices == world.person.new, "the program speaks for nobody else"
    said = " ".join(line["text"] for message in notices for line in message["lines"])
    assert "Demonstration receiver" in said
    assert "{" not in said
    assert world.person.asked == "consent.may_we"
    assert world.files == []

    await world.person.presses("agree")
    [consent] = (await world.conversation()).consents
    assert (consent.given, consent.receiver, consent.language) == (True, DEMO, "en")
    assert consent.text_version.startswith("en-")
    assert consent.at > 1_700_000_000_000

    sent = await world.sends()
    assert sent.state is State.SENT
    assert world.files == [sent.package]
    document = world.opened(sent.package)
    assert isinstance(document, NotifyDocument)
    assert document.sender == "Test Helpline"
    assert document.x.consent[0].text_version == consent.text_version
    assert document.x.safe_contact is None

    told = await world.told()
    assert told == [
        "referral.sent",
        "referral.held",
        "referral.not_confirmed",
        "referral.how_to_take_back",
    ]
    assert "agreed" in world.person.view["offers"]
    [note] = await world.referrals.records.store.sent()
    assert (note.package, note.receiver, note.digest) == (sent.package, DEMO, sent.digest)


async def test_without_a_yes_nothing_leaves(world: World) -> None:
    await world.begins()
    with pytest.raises(RefusedError) as refused:
        await world.sends()
    assert refused.value.reason is Missing.CONSENT
    await world.asks()
    with pytest.raises(RefusedError):
        await world.sends()
    await world.person.presses("refuse")
    with pytest.raises(RefusedError):
        await world.sends()
    await world.delivery.work()
    assert world.files == []
    with pytest.raises(RefusedError):
        await world.referrals.page(world.id, OPERATOR, world.referral)


async def test_asking_first_answers_nothing_and_can_be_asked_again(world: World) -> None:
    await world.begins()
    await world.asks()
    await world.person.presses("ask_first")
    assert world.person.view["question"] is None
    assert (await world.conversation()).consents == ()
    await world.agreed()
    assert (await world.sends()).state is State.SENT


async def test_who_it_is_needs_a_yes_of_its_own(world: World) -> None:
    await world.begins(FULL_FORM)
    assert (await world.record()).form == FORM, "not even kept"
    with pytest.raises(RefusedError) as refused:
        await world.asks(Purpose.IDENTITY)
    assert refused.value.reason is Missing.CONSENT
    await world.agreed()
    await world.agreed(Purpose.IDENTITY)
    await world.referrals.fill(world.id, OPERATOR, world.referral, FULL_FORM)
    sent = await world.sends()
    document = world.opened(sent.package)
    assert isinstance(document, NotifyDocument)
    assert document.htcds.prs_FirstName == "Zqanary"
    assert "referral.held_identity" in await world.told()


async def test_no_message_is_ever_part_of_it(world: World) -> None:
    await world.person.types("zq-canary-words of mine")
    await world.running.desk.write(
        world.id, OPERATOR, InputKey("k" * 20), "zq-canary-words of the operator"
    )
    await world.begins()
    await world.agreed()
    sent = await world.sends()
    assert "zq-canary" not in world.opened(sent.package).model_dump_json()


async def test_the_receiver_opens_it_with_the_command(world: World) -> None:
    await world.begins()
    await world.agreed()
    sent = await world.sends()
    signer = b64encode(world.referrals.leaving.gate.signer.public_key).decode()
    key = world.folder / "receivers" / f"{DEMO}.key"
    to = world.folder / "opened"
    command = [sys.executable, "-m", "bot", "open-package", str(world.drop / sent.package)]
    done = await run(*command, "--key", str(key), "--sender", signer, "--to", str(to))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in to.iterdir()) == [
        "package.csv",
        "package.json",
        "page.html",
    ]
    assert json.loads((to / "package.json").read_bytes())["package_id"] == sent.package
    assert "WithholdsDocuments;DebtBondage;Other" in (to / "package.csv").read_text()
    page = (to / "page.html").read_text()
    assert "DOCS_HELD: Someone else keeps the person" in page
    assert "{" not in page.split("</style>")[1]

    shown = await run(*command, "--key", str(key), "--sender", signer)
    assert json.loads(shown.stdout)["package_id"] == sent.package

    make_demo_receiver(world.folder / "others", lambda _: None)
    wrong = world.folder / "others" / f"{DEMO}.key"
    refused = await run(*command, "--key", str(wrong), "--sender", signer)
    assert refused.returncode == 1
    assert b"another receiver" in refused.stderr

    envelope = bytearray((world.drop / sent.package).read_bytes())
    envelope[-1] ^= 1
    (world.drop / sent.package).write_bytes(envelope)
    changed = await run(*command, "--key", str(key), "--sender", signer)
    assert changed.returncode == 1
    assert b"changed" in changed.stderr


async def run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return await asyncio.to_thread(
        subprocess.run, command, cwd=Path(__file__).parents[2], capture_output=True, check=False
    )


# Asking


async def test_somebody_who_may_be_watched_is_not_asked(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    async with entered(redis_socket, tmp_path, safe="no") as world:
        await world.begins()
        with pytest.raises(RefusedError) as refused:
            await world.asks()
        assert refused.value.reason.value == "not_safe"
        await world.asks(reads_safely=True)
        assert world.person.asked == "consent.may_we"


async def test_looking_at_numbers_does_not_answer_the_question(world: World) -> None:
    await world.begins()
    await world.asks()
    await world.person.wants("back")
    assert world.person.asked == "consent.may_we"
    await world.person.types("yes yes agree")
    assert (await world.conversation()).consents == ()
    await world.person.presses("agree")
    assert (await world.conversation()).consents[0].given


async def test_in_another_language_all_of_it_is_said_again(world: World) -> None:
    await world.begins()
    await world.asks()
    old = world.person.question["number"]
    await world.person.wants("language")
    await world.person.presses("ro")
    assert world.person.asked == "consent.may_we"
    assert "consent.who" in " ".join(world.person.heard())
    await world.person.presses("agree", number=old)
    assert (await world.conversation()).consents == ()
    await world.person.presses("agree")
    [consent] = (await world.conversation()).consents
    assert consent.language == "ro"
    assert consent.text_version[:3] != "en-"


async def test_only_the_owner_may_do_anything(world: World) -> None:
    await world.begins()
    for member, error in ((OTHER, RefusedError), (EDITOR, NotAllowedError)):
        for act in (
            world.referrals.all_of(world.id, member),
            world.referrals.choosable(world.id, member),
            world.referrals.begin(world.id, member, ReferralId("r-2"), RECEIVER),
            world.referrals.look(world.id, member, world.referral),
            world.referrals.fill(world.id, member, world.referral, FORM),
            world.referrals.ask(world.id, member, world.referral, Purpose.REFERRAL),
            world.referrals.decide(
                world.id, member, world.referral, LegalBasis.IMMINENT_DANGER, REASON
            ),
            world.referrals.send(world.id, member, world.referral),
            world.referrals.give_up(world.id, member, world.referral),
            world.referrals.page(world.id, member, world.referral),
            world.referrals.handed_over(world.id, member, world.referral),
        ):
            with pytest.raises(error):
                await act
    with pytest.raises(NotAllowedError):
        await world.sent.listed(EDITOR)


async def test_every_act_leaves_a_record_without_words(world: World) -> None:
    await world.begins(FULL_FORM)
    await world.agreed()
    await world.sends()
    records = await world.running.service.audit.read(OPERATOR.id)
    acts = [record.what for record in records if record.on == world.id]
    assert [act for act in acts if act.startswith(("referral", "consent"))] == [
        "referral_begin",
        "referral_fill",
        "consent_ask:referral",
        "referral_send",
    ]


async def test_a_form_with_mistakes_is_kept_and_not_sent(world: World) -> None:
    await world.begins(Form(reasons="half of it"))
    await world.agreed()
    with pytest.raises(FormError) as wrong:
        await world.sends()
    assert "country_now" in {mistake.field for mistake in wrong.value.mistakes}
    assert (await world.record()).form.reasons == "half of it"


# Children


async def test_a_child_is_asked_and_a_human_decides(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    async with entered(redis_socket, tmp_path) as world:
        minor = replace(FORM, presumed_minor=Minor.NOT_SURE)
        minor = replace(minor, guardian_needed=True, age_band=None)
        await world.begins(minor)
        await world.agreed()
        with pytest.raises(RefusedError) as refused:
            await world.sends()
        assert refused.value.reason is Missing.DECISION
        await world.delivery.work()
        assert world.files == []
        basis = LegalBasis.CHILD_PROTECTION
        with pytest.raises(ValueError, match="reason"):
            await world.referrals.decide(world.id, OPERATOR, world.referral, basis, "because")
        await world.referrals.decide(world.id, OPERATOR, world.referral, basis, REASON)
        sent = await world.sends()
        document = world.opened(sent.package)
        assert isinstance(document, NotifyDocument)
        assert document.x.legal_basis == "child_protection"
        assert document.htcds.con_Consent is True
        assert REASON not in document.model_dump_json()


async def test_danger_needs_no_yes_but_a_reason(world: World) -> None:
    await world.begins()
    basis = LegalBasis.IMMINENT_DANGER
    await world.referrals.decide(world.id, OPERATOR, world.referral, basis, REASON)
    sent = await world.sends()
    assert sent.state is State.SENT
    document = world.opened(sent.package)
    assert isinstance(document, NotifyDocument)
    assert (document.x.legal_basis, document.htcds.con_Consent) == ("imminent_danger", False)
    assert "referral.sent" in await world.told(), "the person learns of it"
    await world.takes_back()
    await world.delivery.work()
    assert (await world.record()).state is State.RETRACTED


# Taking back


async def test_taken_back_before_sending_nothing_leaves(world: World) -> None:
    await world.begins()
    await world.agreed()
    await world.takes_back()
    assert world.person.heard() == ["referral.taken_back_unsent"]
    with pytest.raises(RefusedError):
        await world.sends()
    await world.delivery.work()
    assert world.files == []


async def test_taken_back_while_it_waits_to_be_sent_nothing_leaves(world: World) -> None:
    await world.begins()
    await world.agreed()
    await world.delivery.work()
    assert (await world.record()).state is State.CONSENTED
    full = world.through(FullDisk())
    queued = await full.send(world.id, OPERATOR, world.referral)
    assert (queued.state, queued.failure) == (State.QUEUED, Failure.DISK)
    await world.takes_back()
    await world.delivery.work()
    assert (await world.record()).state is State.RETRACTED
    package = (await world.record()).package
    assert package not in world.files
    # Whether it had left was not known at that moment: the receiver is told in any case.
    assert [world.opened(name).message_type for name in world.files] == ["retract"]


class FullDisk:
    """A folder on a full disk."""

    def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    def take_back(self, receiver: ReceiverId, name: PackageId) -> None:
        """Nothing is there."""

    def waits(self, receiver: ReceiverId, name: PackageId) -> bool:
        return False


async def test_taken_back_in_the_moment_of_sending_a_retraction_follows(world: World) -> None:
    """The withdrawal commits after the gate looked and before the file is recorded as sent."""
    await world.begins()
    await world.agreed()
    loop = asyncio.get_running_loop()
    drop = FileDrop(world.folder / "drop")

    class SlowDrop(FullDisk):
        def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
            asyncio.run_coroutine_threadsafe(world.takes_back(), loop).result(20)
            drop.put(receiver, name, content)

    slow = world.through(SlowDrop())
    await slow.send(world.id, OPERATOR, world.referral)
    assert (await world.receipt()).retract
    await world.delivery.work()
    record = await world.record()
    assert record.state is State.RETRACTED
    [name] = world.files
    retraction = world.opened(name)
    assert isinstance(retraction, RetractDocument)
    assert retraction.retracts == record.package
    assert (await world.receipt()).state is ReceiptState.RETRACTED


async def test_taken_back_after_sending_the_receiver_is_told_once(world: World) -> None:
    await world.begins()
    await world.agreed()
    sent = await world.sends()
    (world.drop / sent.package).unlink()  # the receiver fetched it
    await world.delivery.work()
    assert (await world.record()).state is State.DELIVERED
    await world.takes_back()
    assert world.person.heard() == ["referral.taken_back_sent"]
    for _ in range(3):
        await world.delivery.work()
    [name] = world.files
    retraction = world.opened(name)
    assert isinstance(retraction, RetractDocument)
    assert (retraction.retracts, retraction.receiver) == (sent.package, DEMO)
    assert await world.told() == ["referral.retracted"]
    assert (await world.record()).form == Form(), "nor is it kept here"
    [note] = await world.referrals.records.store.sent()
    assert note.state == "retracted"
    await world.person.wants("agreed")
    heard = world.person.heard()
    assert {"referral.took_back", "referral.sent", "referral.retracted"} <= set(heard)
    assert world.person.view["question"] is None


async def test_the_receipt_can_be_read_again_with_the_code(world: World) -> None:
    await world.person.wants("leave")
    await world.person.presses("code")
    known = {name: world.person.view[name] for name in ("code", "word")}
    await world.begins()
    answered = await world.person._post("/api/return", {"id": uuid.uuid4().hex, **known})
    world.person.token = answered["token"]
    world.person._take(answered)
    await world.agreed()
    sent = await world.sends()
    again = await world.person._post("/api/return", {"id": uuid.uuid4().hex, **known})
    world.person.token = again["token"]
    world.person._take(again)
    await world.person.wants("agreed")
    texts = " ".join(line.get("text", "") for m in world.person.new for line in m["lines"])
    plain = sent.package.replace("-", "").upper()
    assert f"{plain[:4]}-{plain[4:8]}" in texts
    assert datetime.now(UTC).date().isoformat() in texts  # noqa: TID251 - the day it was sent


# Erasing


async def test_erased_while_queued_nothing_leaves(world: World) -> None:
    await world.begins()
    await world.agreed()
    full = world.through(FullDisk())
    await full.send(world.id, OPERATOR, world.referral)
    await world.person.wants("erase_now")
    await world.delivery.work()
    assert world.files == []
    with pytest.raises(GoneError):
        await world.referrals.records.store.load_all(world.id)


async def test_erased_in_the_moment_of_sending_it_is_taken_out_again(world: World) -> None:
    await world.begins()
    await world.agreed()
    loop = asyncio.get_running_loop()
    drop = FileDrop(world.folder / "drop")

    class SlowDrop(FullDisk):
        def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
            erased = world.person.wants("erase_now")
            asyncio.run_coroutine_threadsafe(erased, loop).result(20)
            drop.put(receiver, name, content)

        def take_back(self, receiver: ReceiverId, name: PackageId) -> None:
            drop.take_back(receiver, name)

    slow = world.through(SlowDrop())
    with suppress(GoneError):
        await slow.send(world.id, OPERATOR, world.referral)
    assert world.files == []


async def test_what_was_sent_is_remembered_without_saying_about_whom(
    world: World, redis: Redis
) -> None:
    await world.begins()
    await world.agreed()
    sent = await world.sends()
    await world.person.wants("erase_now")
    await world.delivery.work()
    [note] = await world.referrals.records.store.sent()
    assert note.package == sent.package
    anything: Any = redis
    fields: dict[bytes, bytes] = await anything.hgetall(f"fp:sent:{sent.package}")
    assert fields.keys() == {b"receiver", b"sent_at", b"digest", b"state"}
    assert world.id.encode() not in b"".join(fields.values())
    left = await redis.pttl(f"fp:sent:{sent.package}")
    day = 24 * 3600 * 1000
    assert 119 * day < left <= 120 * day


# Crashes


async def test_killed_between_the_file_and_the_record(world: World) -> None:
    await world.begins()
    await world.agreed()
    full = world.through(FullDisk())
    queued = await full.send(world.id, OPERATOR, world.referral)
    assert queued.state is State.QUEUED
    died = await run(
        sys.executable,
        "-m",
        "tests.support.killed_sender",
        world.redis_url,
        str(world.folder),
        str(world.folder / "receivers"),
        str(world.folder / "drop"),
    )
    assert died.returncode == -9, died.stderr
    assert world.files == [queued.package]
    assert (await world.record()).state is State.QUEUED
    before = (world.drop / queued.package).read_bytes()

    await world.delivery.work()
    record = await world.record()
    assert record.state is State.SENT
    assert world.files == [queued.package]
    assert (world.drop / queued.package).read_bytes() == before
    assert (await world.told()).count("referral.sent") == 1
    assert len(await world.referrals.records.store.sent()) == 1
    await world.delivery.work()
    assert await world.told() == []


async def test_two_processes_send_at_once_and_it_is_one(world: World) -> None:
    await world.begins()
    await world.agreed()
    full = world.through(FullDisk())
    queued = await full.send(world.id, OPERATOR, world.referral)

    async def works() -> None:
        with suppress(ChangedError):
            await world.delivery.work_on(world.id, world.referral)

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(works())
    await world.delivery.work()
    assert world.files == [queued.package]
    assert (await world.told()).count("referral.sent") == 1
    history = [moved.step.value for moved in (await world.record()).history]
    assert history.count("send") == 1


# Receivers


async def test_past_its_check_date_nothing_is_sent_and_operators_see_it(world: World) -> None:
    await world.begins()
    await world.agreed()
    full = world.through(FullDisk())
    await full.send(world.id, OPERATOR, world.referral)
    entry = world.folder / "receivers" / f"{DEMO}.yaml"
    today = datetime.now(UTC).date()  # noqa: TID251 - entries count by the calendar
    old = entry.read_text()
    late = old.replace(f"check_until: {today + timedelta(days=90)}", f"check_until: {today}")
    past = late.replace(str(today), str(today - timedelta(days=1)))
    entry.write_text(past)
    await world.delivery.work()
    record = await world.record()
    assert (record.state, record.failure) == (State.FAILED, Failure.RECEIVER)
    assert world.files == []
    assert await world.referrals.choosable(world.id, OPERATOR) == ()
    with pytest.raises(RefusedError) as refused:
        await world.referrals.begin(world.id, OPERATOR, ReferralId("r-9"), RECEIVER)
    assert refused.value.reason is Unusable.NOT_CHECKED
    [listed] = await world.sent.listed(OPERATOR)
    assert listed.failure is Failure.RECEIVER
    entry.write_text(old)
    assert (await world.sends()).state is State.SENT


async def test_the_receiver_answers_and_the_person_is_told(world: World, redis: Redis) -> None:
    await world.begins()
    await world.agreed()
    await world.sends()
    await world.told()
    answered = Answered(reference="A-17", contact="duty", answers_by="Monday")
    for state in (State.ACKNOWLEDGED, State.NEEDS_INFO, State.IN_SERVICE, State.CLOSED):
        await world.sent.note_answer(world.id, OTHER, world.referral, state, answered)
    assert await world.told() == ["referral.confirmed"]
    assert (await world.record()).state is State.CLOSED
    with pytest.raises(ChangedError):
        await world.sent.note_answer(world.id, OTHER, world.referral, State.DECLINED)
    day = 24 * 3600 * 1000
    left = await redis.pttl(f"fp:{{{world.id}}}:key")
    assert 29 * day < left <= 30 * day
    assert await redis.zcard(ACTIVE) == 1


async def test_until_it_is_confirmed_the_conversation_is_kept(world: World, redis: Redis) -> None:
    await world.begins()
    await world.agreed()
    await world.sends()
    await world.running.desk.close(world.id, OPERATOR)
    day = 24 * 3600 * 1000
    left = await redis.pttl(f"fp:{{{world.id}}}:key")
    assert 119 * day < left <= 120 * day


# Trouble


async def test_a_receiver_whose_file_cannot_be_read_is_waited_for(world: World) -> None:
    await world.begins()
    await world.agreed()
    await world.through(FullDisk()).send(world.id, OPERATOR, world.referral)
    entry = world.folder / "receivers" / f"{DEMO}.yaml"
    kept = entry.read_text()
    entry.unlink()
    entry.mkdir()
    await world.delivery.work()
    record = await world.record()
    assert (record.state, record.failure) == (State.QUEUED, Failure.DISK)
    [listed] = await world.sent.listed(OTHER)
    assert listed.failure is Failure.DISK, "operators see it"
    entry.rmdir()
    entry.write_text(kept)
    await world.works_until(lambda it: it.failure is None)
    assert (await world.record()).state is State.SENT
    assert (await world.told()).count("referral.sent") == 1


async def test_trouble_is_tried_again_less_and_less_often(world: World, redis: Redis) -> None:
    await world.begins()
    await world.agreed()

    class Counting(FullDisk):
        tries = 0

        def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
            self.tries += 1
            super().put(receiver, name, content)

    drop = Counting()
    full = world.through(drop)
    await full.send(world.id, OPERATOR, world.referral)
    store = RedisReferrals(redis, world.running.service.store._key)
    tried = []
    for _ in range(60):
        before = drop.tries
        await full.delivery.work()
        tried.append(drop.tries > before)
        last = await store.last_round()
        assert last is not None
        assert (last.hanging, last.failing) == (1, 0)
    rounds = [number for number, at in enumerate(tried) if at]
    gaps = [after - before for before, after in pairwise(rounds)]
    assert gaps == [2, 3, 5, 9, 11, 11, 11]
    await world.delivery.work()  # by the folder that is there
    last = await store.last_round()
    assert last is not None
    assert last.hanging == 0


async def test_a_mistake_of_ours_with_one_holds_up_no_other(world: World) -> None:
    """The older of two meets a bug, over and over; the other one arrives."""

    class Broken(FileDrop):
        def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
            if name == first.package:
                raise ZeroDivisionError
            super().put(receiver, name, content)

    await world.begins()
    await world.agreed()
    first = await world.record()
    broken = world.through(Broken(world.folder / "drop"))
    with pytest.raises(ZeroDivisionError):
        await broken.send(world.id, OPERATOR, world.referral)
    world.referral = ReferralId("r-2")
    await world.begins()
    await world.agreed()
    await world.through(FullDisk()).send(world.id, OPERATOR, world.referral)
    await broken.delivery.work()
    assert (await world.record()).state is State.SENT
    assert broken.delivery.failing == {(world.id, first.id)}


# On paper


async def test_a_page_is_printed_handed_over_and_taken_back_by_hand(world: World) -> None:
    entry = world.folder / "receivers" / f"{DEMO}.yaml"
    lines = [line for line in entry.read_text().splitlines() if "public_key" not in line]
    entry.write_text("\n".join(lines).replace("file_drop", "printed"))
    await world.begins()
    with pytest.raises(RefusedError):
        await world.referrals.page(world.id, OPERATOR, world.referral)
    await world.agreed()
    queued = await world.sends()
    assert queued.state is State.QUEUED
    with pytest.raises(ChangedError):
        await world.referrals.handed_over(world.id, OPERATOR, world.referral)
    document = await world.referrals.page(world.id, OPERATOR, world.referral)
    assert document["package_id"] == queued.package
    assert (await world.receipt()).state is ReceiptState.LEAVING
    await world.referrals.handed_over(world.id, OPERATOR, world.referral)
    assert "referral.sent" in await world.told()
    await world.takes_back()
    await world.delivery.work()
    [listed] = await world.sent.listed(OTHER)
    assert listed.by_hand
    page = await world.sent.retraction_page(world.id, OTHER, world.referral)
    assert page["retracts"] == queued.package
    await world.sent.told_by_hand(world.id, OTHER, world.referral)
    assert (await world.receipt()).state is ReceiptState.RETRACTED
    assert world.files == []
    with pytest.raises((HeldBackError, RefusedError)):
        await world.referrals.page(world.id, OPERATOR, world.referral)
