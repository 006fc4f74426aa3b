"""Every (state, role, act), against a table that was typed a second time, from the design."""

from itertools import product

import pytest

from bot.domain.control import Control, Fence, Owner
from bot.domain.ids import Milliseconds, OperatorId
from handoff.permissions import (
    ALLOWED,
    Act,
    Member,
    NotAllowedError,
    Role,
    can,
    check_may,
    may,
)

ME, OTHER = OperatorId("op-me"), OperatorId("op-other")

ANSWERS = {"operator", "lead"}
ROLES_OF = {
    "see_queue": ANSWERS,
    "claim": ANSWERS,
    "claim_beyond": {"lead"},
    "open": ANSWERS,
    "write": ANSWERS,
    "give_back": ANSWERS,
    "transfer": ANSWERS,
    "close": ANSWERS,
    "refer": ANSWERS,
    "manage_staff": {"admin"},
    "own_account": {"operator", "lead", "editor", "reviewer", "admin"},
}
ONLY_WHEN = {
    "claim": {"waiting"},
    "open": {"mine"},
    "write": {"mine"},
    "give_back": {"mine"},
    "transfer": {"mine"},
    "close": {"mine"},
    "refer": {"mine"},
}
"""States in which an act is possible; acts that are not here need no conversation."""

STATES = ("bot", "waiting", "mine", "somebody_elses", "closed")


def control(state: str) -> Control:
    if state not in {"mine", "somebody_elses"}:
        return Control(owner=Owner(state), fence=Fence(1, "n"))
    return Control(
        owner=Owner.OPERATOR,
        fence=Fence(1, "n"),
        operator=ME if state == "mine" else OTHER,
        lease_until=Milliseconds(1),
    )


def member(*roles: Role) -> Member:
    return Member(id=ME, roles=frozenset(roles))


def test_the_table_names_every_act_and_role() -> None:
    assert set(ROLES_OF) == {act.value for act in Act}
    assert set(ALLOWED) == set(Role)


@pytest.mark.parametrize(("role", "act"), list(product(Role, Act)))
def test_who_may(role: Role, act: Act) -> None:
    assert may(member(role), act) == (role.value in ROLES_OF[act.value])


@pytest.mark.parametrize(("state", "role", "act"), list(product(STATES, Role, Act)))
def test_who_can_now(state: str, role: Role, act: Act) -> None:
    expected = role.value in ROLES_OF[act.value] and state in ONLY_WHEN.get(act.value, STATES)
    assert can(member(role), act, control(state)) == expected


def test_several_roles_add_up_and_none_is_nothing() -> None:
    both = member(Role.EDITOR, Role.ADMIN)
    assert may(both, Act.MANAGE_STAFF)
    assert not may(both, Act.OPEN)
    for act in Act:
        with pytest.raises(NotAllowedError):
            check_may(member(), act)
