"""The exit: no byte leaves without a basis, whatever state, consent and decision come together.

The expectation is written here once more in plain terms, from the referral standard and from
design section 8, and compared over all combinations.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handoff.referral
from bot.domain.consent import (
    Consent,
    PackageId,
    Purpose,
    Receipt,
    ReceiptState,
    ReceiverId,
    ReferralId,
)
from bot.domain.ids import Milliseconds
from bot.errors import GoneError
from handoff.referral.consent import Decision, Missing
from handoff.referral.envelope import unseal
from handoff.referral.exit_gate import (
    ExitGate,
    HeldBack,
    HeldBackError,
    Left,
    Parcel,
    Situation,
    Way,
)
from handoff.referral.form import Form
from handoff.referral.package import LegalBasis, Retraction
from handoff.referral.receivers import Channel, Receiver, Unusable
from handoff.referral.schema import NotifyDocument, read_document
from handoff.referral.states import State
from tests.support.graphs import shipped
from tests.support.referrals import (
    AT,
    BOTH,
    DAY,
    DERIVED,
    FIRST_POINT,
    FORM,
    FULL_FORM,
    HEADER,
    PACKAGE,
    RECEIVER,
    RECEIVER_KEY,
    SIGNER,
    TODAY,
    MemoryDrop,
    basis,
    consent,
    decision,
)

INDICATORS = shipped().graph.indicators
EARLIER, LATER = Milliseconds(AT - DAY), Milliseconds(AT + DAY)
OTHER = replace(FIRST_POINT, id=ReceiverId("other-place"))


def parcel(form: Form = FORM, state: State = State.QUEUED) -> Parcel:
    return Parcel(header=HEADER, state=state, derived=DERIVED, form=form, indicators=INDICATORS)


def receipt(**changes: object) -> Receipt:
    noted = Receipt(
        package=PACKAGE,
        referral=ReferralId("r-1"),
        receiver=RECEIVER,
        receiver_name="x",
        with_identity=False,
        state=ReceiptState.SENT,
        at=AT,
    )
    return replace(noted, **changes)  # type: ignore[arg-type]


@dataclass
class Trial:
    """One attempt to let something out."""

    what: Parcel | Retraction
    situation: Situation
    receiver: Receiver = FIRST_POINT
    channel: Channel = Channel.FILE_DROP
    today: date = TODAY

    def __post_init__(self) -> None:
        self.drop = MemoryDrop()

    async def run(self) -> Left | HeldBackError:
        async def look() -> Situation:
            return self.situation

        way = Way(channel=self.channel, receiver=self.receiver, today=self.today)
        try:
            return await ExitGate(self.drop, SIGNER).let_out(self.what, way, look)
        except HeldBackError as held:
            return held

    def document(self) -> NotifyDocument:
        [envelope] = self.drop.files.values()
        found = read_document(unseal(envelope, RECEIVER_KEY, SIGNER.public_key))
        assert isinstance(found, NotifyDocument)
        return found


def allowed(*consents: Consent, **changes: object) -> Situation:
    return Situation(basis=basis(*consents, **changes), receipts=())  # type: ignore[arg-type]


async def test_what_is_allowed_leaves_sealed_for_the_receiver() -> None:
    trial = Trial(parcel(), allowed(consent()))
    left = await trial.run()
    assert isinstance(left, Left)
    assert left.document is None
    assert trial.document().package_id == PACKAGE
    assert list(trial.drop.files) == [(RECEIVER, PACKAGE)]


async def test_again_is_the_same_file() -> None:
    trial = Trial(parcel(), allowed(consent()))
    first, again = await trial.run(), await trial.run()
    assert isinstance(first, Left)
    assert isinstance(again, Left)
    assert first.digest == again.digest
    assert len(trial.drop.files) == 1


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("channel", Channel)
async def test_only_what_an_operator_queued_leaves(state: State, channel: Channel) -> None:
    trial = Trial(parcel(state=state), allowed(consent()), channel=channel)
    left = await trial.run()
    again = {State.SENT, State.DELIVERED} if channel is Channel.PRINTED else set[State]()
    if state in {State.QUEUED, *again}:
        assert isinstance(left, Left)
    else:
        assert isinstance(left, HeldBackError)
        assert left.reason is HeldBack.STATE
        assert trial.drop.puts == 0


@pytest.mark.parametrize(
    ("receiver", "today", "minor", "reason"),
    [
        (FIRST_POINT, FIRST_POINT.check_until + timedelta(1), False, Unusable.NOT_CHECKED),
        (FIRST_POINT, FIRST_POINT.checked_on - timedelta(1), False, Unusable.NOT_CHECKED),
        (replace(FIRST_POINT, tested_on=None), TODAY, False, Unusable.NOT_TESTED),
        (replace(FIRST_POINT, minors_contact=""), TODAY, True, Unusable.NOT_FOR_MINORS),
        (OTHER, TODAY, False, HeldBack.RECEIVER),
        (
            replace(FIRST_POINT, channel=Channel.PRINTED, public_key=None),
            TODAY,
            False,
            HeldBack.RECEIVER,
        ),
    ],
)
async def test_a_receiver_that_cannot_be_used_gets_nothing(
    receiver: Receiver, today: date, minor: bool, reason: object
) -> None:
    situation = allowed(consent(), minor=minor, decided=decision() if minor else None)
    trial = Trial(parcel(), situation, receiver=receiver, today=today)
    held = await trial.run()
    assert isinstance(held, HeldBackError)
    assert held.reason is reason
    assert trial.drop.puts == 0


async def test_an_incomplete_form_does_not_leave() -> None:
    held = await Trial(parcel(Form()), allowed(consent())).run()
    assert isinstance(held, HeldBackError)
    assert held.reason is HeldBack.FORM


async def test_what_was_taken_back_while_it_was_leaving_does_not_leave() -> None:
    situation = Situation(basis=basis(consent()), receipts=(receipt(retract=True),))
    held = await Trial(parcel(), situation).run()
    assert isinstance(held, HeldBackError)
    assert held.reason is HeldBack.TAKEN_BACK


async def test_nothing_of_an_erased_conversation_leaves() -> None:
    drop = MemoryDrop()

    async def look() -> Situation:
        raise GoneError

    way = Way(channel=Channel.FILE_DROP, receiver=FIRST_POINT, today=TODAY)
    with pytest.raises(GoneError):
        await ExitGate(drop, SIGNER).let_out(parcel(), way, look)
    assert drop.puts == 0


async def test_the_page_leaves_by_the_same_exit() -> None:
    left = await Trial(parcel(), allowed(consent()), channel=Channel.PRINTED).run()
    assert isinstance(left, Left)
    assert left.document is not None
    assert left.document["package_id"] == PACKAGE
    held = await Trial(parcel(), allowed(), channel=Channel.PRINTED).run()
    assert isinstance(held, HeldBackError)
    assert held.reason is Missing.CONSENT


# All combinations


CONSENTS = st.lists(
    st.builds(
        consent,
        purpose=st.sampled_from(Purpose),
        referral=st.sampled_from([ReferralId("r-1")] * 4 + [ReferralId("r-2")]),
        receiver=st.sampled_from([RECEIVER] * 4 + [OTHER.id]),
        given=st.booleans(),
        withdrawn_at=st.sampled_from([None, None, None, EARLIER, LATER]),
        at=st.sampled_from([EARLIER, AT, LATER]),
        text_version=st.sampled_from(["v1", "v1", "v1", ""]),
    ),
    max_size=4,
).map(tuple)
DECISIONS = st.none() | st.builds(
    decision, st.sampled_from([LegalBasis.CHILD_PROTECTION, LegalBasis.IMMINENT_DANGER])
)


def last(consents: tuple[Consent, ...], purpose: Purpose) -> Consent | None:
    ours = [
        one
        for one in consents
        if one.referral == "r-1" and one.receiver == RECEIVER and one.purpose is purpose
    ]
    return ours[-1] if ours else None


def yes(answer: Consent | None) -> bool:
    return answer is not None and answer.given and answer.withdrawn_at is None


def objected(consents: tuple[Consent, ...]) -> bool:
    """The person said no or took something back when, or after, the human had decided at `AT`."""
    for one in consents:
        if one.referral == "r-1" and one.receiver == RECEIVER:
            when = one.withdrawn_at if one.given else one.at
            if when is not None and when >= AT:
                return True
    return False


def may_leave(
    consents: tuple[Consent, ...], decided: Decision | None, *, minor: bool, identity: bool
) -> bool:
    """In plain terms."""
    asked = last(consents, Purpose.REFERRAL)
    named = last(consents, Purpose.IDENTITY)
    if decided is None:
        fine = yes(asked) and not minor
    elif decided.basis is LegalBasis.CHILD_PROTECTION:
        fine = minor and asked is not None and not objected(consents)
    else:
        fine = not objected(consents)
    used = [answer for answer in (asked, named) if answer is not None]
    proved = all(answer.text_version for answer in used)
    return fine and proved and (yes(named) or not identity)


@settings(max_examples=400)
@given(
    consents=CONSENTS,
    decided=DECISIONS,
    minor=st.booleans(),
    form=st.sampled_from([FORM, FULL_FORM]),
    state=st.sampled_from([State.QUEUED] * 5 + list(State)),
    channel=st.sampled_from(Channel),
)
async def test_no_byte_leaves_without_a_basis(  # noqa: PLR0913, PLR0917 - all combinations
    consents: tuple[Consent, ...],
    decided: Decision | None,
    minor: bool,
    form: Form,
    state: State,
    channel: Channel,
) -> None:
    situation = Situation(basis=basis(*consents, decided=decided, minor=minor), receipts=())
    trial = Trial(parcel(form, state), situation, channel=channel)
    left = await trial.run()
    again = {State.SENT, State.DELIVERED} if channel is Channel.PRINTED else set[State]()
    identity = form is FULL_FORM
    expected = state in {State.QUEUED, *again} and may_leave(
        consents, decided, minor=minor, identity=identity
    )
    assert isinstance(left, Left) is expected
    if not expected:
        assert trial.drop.puts == 0
    elif channel is Channel.FILE_DROP:
        document = trial.document()
        assert (document.x.safe_contact is not None) is identity
        assert document.x.legal_basis == (decided.basis.value if decided else "consent")


# Retractions


def retraction(**changes: object) -> Retraction:
    made = Retraction(
        package_id=PackageId("7b0c1234-5678-4abc-8def-0123456789ff"),
        retracts=PACKAGE,
        sender="Test Helpline",
        receiver=RECEIVER,
        created_at=AT,
        sent_at=AT,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("receipts", "what", "leaves"),
    [
        ((receipt(retract=True),), retraction(), True),
        ((receipt(retract=True, state=ReceiptState.LEAVING),), retraction(), True),
        ((), retraction(), False),
        ((receipt(),), retraction(), False),
        ((receipt(retract=True, receiver=OTHER.id),), retraction(), False),
        ((receipt(retract=True),), retraction(retracts=PackageId("x")), False),
        ((receipt(retract=True),), retraction(receiver=OTHER.id), False),
    ],
)
async def test_a_retraction_follows_only_what_may_have_left(
    receipts: tuple[Receipt, ...], what: Retraction, leaves: bool
) -> None:
    trial = Trial(what, Situation(basis=basis(), receipts=receipts))
    left = await trial.run()
    assert isinstance(left, Left) is leaves
    assert trial.drop.puts == int(leaves)
    if not leaves:
        assert isinstance(left, HeldBackError)
        assert left.reason is HeldBack.NOT_SENT


async def test_a_retraction_takes_along_what_was_not_fetched() -> None:
    situation = Situation(basis=basis(), receipts=(receipt(retract=True),))
    trial = Trial(retraction(), situation)
    trial.drop.put(RECEIVER, PACKAGE, b"the package")
    await trial.run()
    assert list(trial.drop.files) == [(RECEIVER, retraction().package_id)]


async def test_a_retraction_leaves_also_past_the_check_date() -> None:
    situation = Situation(basis=basis(), receipts=(receipt(retract=True),))
    late = FIRST_POINT.check_until + timedelta(400)
    assert isinstance(await Trial(retraction(), situation, today=late).run(), Left)


def test_both_consents_are_really_needed_for_everything() -> None:
    assert may_leave(BOTH, None, minor=False, identity=True)


# Nothing else can write


FOLDER = Path(handoff.referral.__file__).parent
WRITERS = {"file_drop.py"}
NOT_ELSEWHERE = {
    *("open", "write_bytes", "write_text", "rename", "unlink", "mkdir", "touch", "symlink_to"),
    *("create_connection", "open_connection", "urlopen", "request", "put"),
}


def calls(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name
                case _:
                    continue


def names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr


def test_only_the_file_drop_touches_files_and_only_the_exit_uses_it() -> None:
    for file in FOLDER.glob("*.py"):
        if file.name not in WRITERS:
            assert NOT_ELSEWHERE.isdisjoint(calls(file)), file.name
        if file.name not in {*WRITERS, "exit_gate.py"}:
            assert "put" not in set(names(file)), file.name
            assert "seal" not in set(calls(file)) or file.name == "envelope.py", file.name


def test_the_contract_of_imports_names_every_module() -> None:
    settings = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [
        one
        for one in settings["tool"]["importlinter"]["contracts"]
        if one["name"] == "One exit: no other way out of a referral"
    ]
    modules = {f"handoff.referral.{file.stem}" for file in FOLDER.glob("*.py")}
    outside = {"handoff.referral.__init__", "handoff.referral.file_drop"}
    assert set(contract["source_modules"]) == modules - outside


def test_the_combinations_are_not_all_one_sided() -> None:
    found = {
        may_leave(consents, decided, minor=minor, identity=identity)
        for consents, decided, minor, identity in product(
            [(), BOTH], [None, decision()], [False, True], [False, True]
        )
    }
    assert found == {True, False}
