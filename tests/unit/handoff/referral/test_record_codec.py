"""What is stored of a referral is read back as it was, in every version that ever was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.ids import Milliseconds
from bot.errors import CorruptStateError
from handoff.referral.form import Form
from handoff.referral.receivers import Channel
from handoff.referral.record import PROGRAM, Answered, Failure, Referral, step
from handoff.referral.record_codec import VERSION, dump_referral, load_referral
from handoff.referral.states import IllegalStepError, State, Step
from tests.support.referrals import (
    AT,
    DERIVED,
    FULL_FORM,
    OPERATOR,
    PACKAGE,
    RECEIVER,
    REFERRAL,
    decision,
)

STORED = Path(__file__).parent / "records"

NEW = Referral(
    id=REFERRAL,
    package=PACKAGE,
    receiver=RECEIVER,
    receiver_name="Demonstration First Point",
    channel=Channel.FILE_DROP,
    state=State.DRAFT,
    created_at=AT,
    created_by=OPERATOR,
    derived=DERIVED,
    form=Form(),
)
FULL = replace(
    step(replace(NEW, state=State.CONSENTED), Step.QUEUE, OPERATOR, AT),
    form=FULL_FORM,
    decision=decision(),
    digest="ab" * 32,
    printed=True,
    failure=Failure.DISK,
    answered=Answered(reference="A-1", contact="M.", answers_by="Monday"),
    retraction_left=True,
)


@pytest.mark.parametrize("referral", [NEW, FULL])
def test_it_is_read_back_as_it_was(referral: Referral) -> None:
    assert load_referral(dump_referral(referral)) == referral


def test_every_version_is_still_read(request: pytest.FixtureRequest) -> None:
    file = STORED / f"version_{VERSION}.json"
    if request.config.getoption("--update"):
        STORED.mkdir(exist_ok=True)
        file.write_bytes(dump_referral(FULL) + b"\n")
    for number in range(1, VERSION + 1):
        stored = (STORED / f"version_{number}.json").read_bytes()
        assert load_referral(stored) == FULL


@pytest.mark.parametrize(
    "broken", [b"", b"{}", b"[]", b"null", b"\xff", b'{"version":99}', b'{"version":1}']
)
def test_what_is_no_record_is_refused(broken: bytes) -> None:
    with pytest.raises(CorruptStateError):
        load_referral(broken)


def test_a_broken_field_is_refused() -> None:
    for name in json.loads(dump_referral(FULL)):
        value = json.loads(dump_referral(FULL))
        del value[name]
        with pytest.raises(CorruptStateError):
            load_referral(json.dumps(value).encode())


def test_a_step_is_noted_with_who_took_it() -> None:
    sent = step(FULL, Step.SEND, PROGRAM, Milliseconds(AT + 1))
    assert (sent.state, sent.sent_at) == (State.SENT, AT + 1)
    assert [(one.step, one.by) for one in sent.history] == [
        (Step.QUEUE, OPERATOR),
        (Step.SEND, PROGRAM),
    ]
    assert NEW.sent_at is None
    with pytest.raises(IllegalStepError):
        step(sent, Step.SEND, PROGRAM, AT)
