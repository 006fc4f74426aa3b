"""The table of states: every (state, step), and what must hold of the whole."""

from itertools import product

import pytest

from handoff.referral.states import ENDED, HAS_LEFT, STEPS, IllegalStepError, State, Step, stepped

ALLOWED = {
    State.DRAFT: {Step.CONSENT: State.CONSENTED, Step.CLOSE: State.CLOSED},
    State.CONSENTED: {
        Step.LOSE_CONSENT: State.DRAFT,
        Step.QUEUE: State.QUEUED,
        Step.CLOSE: State.CLOSED,
        Step.RETRACT: State.RETRACTED,
    },
    State.QUEUED: {
        Step.SEND: State.SENT,
        Step.FAIL: State.FAILED,
        Step.RETRACT: State.RETRACTED,
    },
    State.SENT: {
        Step.FETCH: State.DELIVERED,
        Step.ACKNOWLEDGE: State.ACKNOWLEDGED,
        Step.RETRACT: State.RETRACTED,
    },
    State.DELIVERED: {Step.ACKNOWLEDGE: State.ACKNOWLEDGED, Step.RETRACT: State.RETRACTED},
    State.ACKNOWLEDGED: {
        Step.BEGIN_SERVICE: State.IN_SERVICE,
        Step.DECLINE: State.DECLINED,
        Step.ASK_INFO: State.NEEDS_INFO,
        Step.CLOSE: State.CLOSED,
        Step.RETRACT: State.RETRACTED,
    },
    State.IN_SERVICE: {Step.CLOSE: State.CLOSED, Step.RETRACT: State.RETRACTED},
    State.DECLINED: {Step.CLOSE: State.CLOSED, Step.RETRACT: State.RETRACTED},
    State.NEEDS_INFO: {
        Step.BEGIN_SERVICE: State.IN_SERVICE,
        Step.DECLINE: State.DECLINED,
        Step.CLOSE: State.CLOSED,
        Step.RETRACT: State.RETRACTED,
    },
    State.CLOSED: {Step.RETRACT: State.RETRACTED},
    State.RETRACTED: {},
    State.FAILED: {
        Step.TRY_AGAIN: State.QUEUED,
        Step.CLOSE: State.CLOSED,
        Step.RETRACT: State.RETRACTED,
    },
}


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_pair(state: State, step: Step) -> None:
    expected = ALLOWED[state].get(step)
    if expected is None:
        with pytest.raises(IllegalStepError):
            stepped(state, step)
    else:
        assert stepped(state, step) is expected


def test_only_what_was_queued_is_sent_and_only_what_was_allowed_is_queued() -> None:
    assert [state for state, step in STEPS if step is Step.SEND] == [State.QUEUED]
    assert [state for state, step in STEPS if step is Step.QUEUE] == [State.CONSENTED]


def test_whatever_has_left_can_be_retracted() -> None:
    for state in (*HAS_LEFT, State.CLOSED):
        assert stepped(state, Step.RETRACT) is State.RETRACTED


def test_every_state_is_reached_and_ends() -> None:
    reached, ahead = {State.DRAFT}, [State.DRAFT]
    while ahead:
        for target in ALLOWED[ahead.pop()].values():
            if target not in reached:
                reached.add(target)
                ahead.append(target)
    assert reached == set(State)
    assert {state for state in State if not ALLOWED[state]} <= ENDED
