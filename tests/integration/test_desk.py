"""What operators can do, what they may see, and what is recorded of it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.adapters.redis_staffing import RedisStaffing
from bot.dialogue.sweeper import Sweeper
from bot.domain.control import Owner
from bot.domain.handover import AlarmKind
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.indicators import Urgency
from bot.domain.messages import Author, Said
from bot.engine.effects import Refusal
from bot.errors import GoneError, RefusedError, StoreUnavailableError
from handoff.desk import CAPACITY, HARD_LIMIT, FullDeskError
from handoff.permissions import Member, NotAllowedError, Role
from tests.support.person import TO_AN_ANSWER, Answered, Person
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
BORIS = Member(id=OperatorId("op-boris"), roles=frozenset({Role.OPERATOR}))
LEAD = Member(id=OperatorId("op-lead"), roles=frozenset({Role.LEAD}))
EDITOR = Member(id=OperatorId("op-editor"), roles=frozenset({Role.EDITOR, Role.ADMIN}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_service(
    redis_socket: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningService]:
    folder = tmp_path_factory.mktemp("desk")
    async with running(settings_for(f"unix://{redis_socket}", folder)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def service(one_service: RunningService) -> RunningService:
    """The same service for all tests here, in which nobody has been before."""
    await one_service.forget_everybody()
    return one_service


def fresh() -> InputKey:
    return InputKey(secrets.token_urlsafe(16))


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


async def waiting(service: RunningService, how: str = "fresh", *first: str) -> Person:
    """Somebody who answered a few questions and then asked for a human."""
    person = service.person()
    await person.opens(country="MD")
    for choice in first:
        await person.presses(choice)
    await person.wants("human")
    await person.presses(how)
    return person


async def claimed(service: RunningService, how: str = "fresh", *first: str) -> Person:
    person = await waiting(service, how, *first)
    await service.desk.claim(id_of(person), ANNA)
    await person.looks()
    return person


# --- The queue


async def test_the_queue_shows_no_more_than_the_person_agreed_to(service: RunningService) -> None:
    shown = await waiting(service, "show", *TO_AN_ANSWER)
    kept = await waiting(service, "fresh", "yes")
    danger = await waiting(service, "fresh")
    await danger.types("help me he has a knife")
    people = {one.id: one for one in await service.desk.people(ANNA)}
    assert next(iter(people)) == id_of(danger)
    assert people[id_of(shown)].rank == 3
    assert people[id_of(kept)].rank is None
    assert people[id_of(danger)].rank == 0
    assert people[id_of(danger)].urgency is Urgency.NOW
    assert {one.country for one in people.values()} == {"MD"}


async def test_of_many_who_take_somebody_one_gets_them(service: RunningService) -> None:
    person = await waiting(service)
    crowd = [Member(id=OperatorId(f"op-{n}"), roles=frozenset({Role.OPERATOR})) for n in range(12)]
    tries = await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(service.desk.claim(id_of(person), one) for one in crowd), return_exceptions=True
    )
    assert [one for one in tries if one is None] == [None]
    assert all(isinstance(one, RefusedError) for one in tries if one is not None)
    # Who lost the race keeps no seat.
    held = [await service.desk.seats.held(one.id) for one in crowd]
    assert sum(map(len, held)) == 1


async def test_the_next_person_is_the_most_urgent_one(service: RunningService) -> None:
    await waiting(service)
    danger = await waiting(service)
    await danger.types("help me he has a knife")
    assert await service.desk.claim_next(ANNA) == id_of(danger)


async def test_nobody_waits(service: RunningService) -> None:
    assert await service.desk.claim_next(ANNA) is None


# --- Capacity


async def test_two_at_once_and_a_third_is_refused(service: RunningService) -> None:
    people = [await waiting(service) for _ in range(CAPACITY + 1)]
    for person in people[:CAPACITY]:
        await service.desk.claim(id_of(person), ANNA)
    with pytest.raises(FullDeskError) as full:
        await service.desk.claim(id_of(people[-1]), ANNA)
    assert not full.value.may_exceed
    await service.desk.close(id_of(people[0]), ANNA, reason="finished")
    await service.desk.claim(id_of(people[-1]), ANNA)


async def test_two_clicks_at_once_do_not_exceed_it(service: RunningService) -> None:
    people = [await waiting(service) for _ in range(6)]
    await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(service.desk.claim(id_of(person), ANNA) for person in people), return_exceptions=True
    )
    assert len(await service.desk.here(ANNA)) == CAPACITY


async def test_with_somebody_in_danger_one_is_enough(service: RunningService) -> None:
    danger = await waiting(service)
    await danger.types("help me he has a knife")
    other = await waiting(service)
    await service.desk.claim(id_of(danger), ANNA)
    with pytest.raises(FullDeskError):
        await service.desk.claim(id_of(other), ANNA)


async def test_danger_may_exceed_it_on_purpose_up_to_the_hard_limit(
    service: RunningService,
) -> None:
    people = [await waiting(service) for _ in range(HARD_LIMIT + 1)]
    for person in people[CAPACITY:]:
        await person.types("help me he has a knife")
    for person in people[:CAPACITY]:
        await service.desk.claim(id_of(person), ANNA)
    with pytest.raises(FullDeskError) as full:
        await service.desk.claim(id_of(people[CAPACITY]), ANNA)
    assert full.value.may_exceed
    await service.desk.claim(id_of(people[CAPACITY]), ANNA, beyond=True)
    with pytest.raises(FullDeskError) as hard:
        await service.desk.claim(id_of(people[-1]), ANNA, beyond=True)
    assert not hard.value.may_exceed


async def test_a_lead_may_exceed_it_and_an_operator_not(service: RunningService) -> None:
    people = [await waiting(service) for _ in range(CAPACITY + 1)]
    for person in people[:CAPACITY]:
        await service.desk.claim(id_of(person), LEAD)
    await service.desk.claim(id_of(people[-1]), LEAD, beyond=True)
    for person in people[:CAPACITY]:
        await service.desk.transfer(id_of(person), LEAD)
        await service.desk.claim(id_of(person), ANNA)
    await service.desk.transfer(id_of(people[-1]), LEAD)
    with pytest.raises(FullDeskError):
        await service.desk.claim(id_of(people[-1]), ANNA, beyond=True)


# --- What may be seen


async def test_starting_fresh_hides_everything_from_before(service: RunningService) -> None:
    person = await waiting(service, "fresh", "yes")
    await person.types("after I asked")
    await service.desk.claim(id_of(person), ANNA)
    await person.types("now you are here")
    view = await service.desk.open(id_of(person), ANNA)
    said = [e.message.content for e in view.entries if e.message.by is Author.PERSON]
    assert said == [Said("after I asked"), Said("now you are here")]
    assert Author.BOT not in {entry.message.by for entry in view.entries}
    assert view.conversation.answers == ()
    assert set(view.conversation.facts) == {"country"}
    assert view.conversation.outcome is None


async def test_with_their_yes_everything_is_shown(service: RunningService) -> None:
    person = await claimed(service, "show", *TO_AN_ANSWER)
    view = await service.desk.open(id_of(person), ANNA)
    assert [entry.seq for entry in view.entries] == list(range(1, view.length + 1))
    assert view.conversation.answers != ()


async def test_asking_again_with_a_fresh_start_hides_what_was_shown(
    service: RunningService,
) -> None:
    person = await claimed(service, "show", *TO_AN_ANSWER)
    await service.desk.give_back(id_of(person), ANNA)
    await person.looks()
    await person.wants("human")
    await person.presses("fresh")
    await service.desk.claim(id_of(person), BORIS)
    view = await service.desk.open(id_of(person), BORIS)
    assert [e for e in view.entries if e.message.by in {Author.PERSON, Author.BOT}] == []


async def test_nobody_else_can_open_it(service: RunningService) -> None:
    person = await waiting(service)
    with pytest.raises(RefusedError):
        await service.desk.open(id_of(person), ANNA)
    await service.desk.claim(id_of(person), ANNA)
    with pytest.raises(RefusedError):
        await service.desk.open(id_of(person), BORIS)
    with pytest.raises(NotAllowedError):
        await service.desk.open(id_of(person), EDITOR)
    await service.desk.give_back(id_of(person), ANNA)
    with pytest.raises(RefusedError):
        await service.desk.open(id_of(person), ANNA)


async def test_reading_at_the_desk_hands_nothing_to_the_person(service: RunningService) -> None:
    """What an operator looks at must not count as given to the person at the next takeover."""
    person = await claimed(service)
    last = person.last
    await service.desk.write(id_of(person), ANNA, fresh(), "one")
    await service.desk.open(id_of(person), ANNA)
    handed = await service.service.store._client.hget(f"fp:{{{id_of(person)}}}:c", "handed")
    assert handed is not None
    assert int(handed) <= last


# --- Writing


async def test_the_same_message_twice_is_one(service: RunningService) -> None:
    person = await claimed(service)
    key = fresh()
    for _ in range(3):
        await service.desk.write(id_of(person), ANNA, key, "once")
    await person.looks()
    assert [m["by"] for m in person.new] == ["operator"]


async def test_a_screen_that_is_behind_sends_and_changes_nothing(service: RunningService) -> None:
    person = await claimed(service)
    id = id_of(person)
    seen = (await service.desk.open(id, ANNA)).length
    await person.types("wait, there is more")
    for act in (
        service.desk.write(id, ANNA, fresh(), "too early", seen=seen),
        service.desk.give_back(id, ANNA, seen=seen),
        service.desk.transfer(id, ANNA, seen=seen),
        service.desk.close(id, ANNA, seen=seen),
    ):
        with pytest.raises(RefusedError) as refused:
            await act
        assert refused.value.reason is Refusal.STALE_SCREEN
    view = await service.desk.open(id, ANNA)
    assert view.conversation.control.owner is Owner.OPERATOR
    await service.desk.write(id, ANNA, fresh(), "now", seen=view.length)


async def test_a_message_sent_again_counts_although_the_screen_moved_on(
    service: RunningService,
) -> None:
    person = await claimed(service)
    key, seen = fresh(), (await service.desk.open(id_of(person), ANNA)).length
    await service.desk.write(id_of(person), ANNA, key, "once", seen=seen)
    await service.desk.write(id_of(person), ANNA, key, "once", seen=seen)


async def test_words_go_both_ways(service: RunningService) -> None:
    person = await claimed(service)
    await service.desk.write(id_of(person), ANNA, fresh(), "Hello, I am here. ș مرحبا")
    await person.looks()
    assert person.heard() == ["Hello, I am here. ș مرحبا"]
    await person.types("Привет")
    view = await service.desk.open(id_of(person), ANNA)
    assert view.entries[-1].message.content == Said("Привет")


# --- Alarms, leaving, erasing


async def test_words_of_danger_raise_an_alarm_that_stays_until_it_is_seen(
    service: RunningService,
) -> None:
    person = await claimed(service)
    await person.types("help me he has a knife")
    await person.types("delete everything")
    assert person.heard() == []
    view = await service.desk.open(id_of(person), ANNA)
    alarms = view.conversation.handover.open_alarms
    assert [alarm.kind for alarm in alarms] == [AlarmKind.DANGER, AlarmKind.ERASE_WORD]
    assert view.conversation.urgency is Urgency.NOW
    await service.desk.see_alarms(id_of(person), ANNA, alarms[0].number)
    [owned] = await service.desk.here(ANNA)
    assert [alarm.kind for alarm in owned.alarms] == [AlarmKind.ERASE_WORD]


async def test_an_alarm_from_before_waits_for_whoever_comes(service: RunningService) -> None:
    person = await waiting(service)
    await person.types("help me he has a knife")
    await service.desk.claim(id_of(person), ANNA)
    [owned] = await service.desk.here(ANNA)
    assert [alarm.kind for alarm in owned.alarms] == [AlarmKind.DANGER]


async def test_the_operator_is_told_that_the_person_left_and_came_back(
    service: RunningService,
) -> None:
    person = await claimed(service)
    await person.wants("leave")
    while person.view["question"]:
        await person.presses(next(c for c in person.choices if c not in {"stay", "back"}))
    [owned] = await service.desk.here(ANNA)
    assert owned.away


async def test_erasing_takes_it_from_the_operator_too(service: RunningService) -> None:
    person = await claimed(service)
    await person.types("/erase")
    with pytest.raises(GoneError):
        await service.desk.open(id_of(person), ANNA)
    assert await service.desk.here(ANNA) == ()
    await service.desk.claim(id_of(await waiting(service)), ANNA)


# --- Leases and shifts


async def test_a_claim_that_is_not_renewed_falls_back_and_the_person_is_told(
    service: RunningService,
) -> None:
    desk = service.desk
    person = await waiting(service)
    short = type(desk)(
        desk.turns, desk.index, desk.seats, desk.presence, desk.audit, lease=Milliseconds(1)
    )
    await short.claim(id_of(person), ANNA)
    await person.looks()
    await eventually(desk.index.leases_ended, "the lease has ended")
    await service.service.sweeper.end_leases()
    await person.looks()
    assert person.heard()[0] == "interface.operator_silent"
    assert person.view["owner"] == "waiting"
    assert [one.id for one in await desk.people(BORIS)] == [id_of(person)]
    assert await desk.here(ANNA) == ()
    with pytest.raises(RefusedError):
        await desk.write(id_of(person), ANNA, fresh(), "too late")


async def test_being_there_renews_every_claim(service: RunningService) -> None:
    desk = service.desk
    person = await waiting(service)
    short = type(desk)(
        desk.turns, desk.index, desk.seats, desk.presence, desk.audit, lease=Milliseconds(3000)
    )
    await short.claim(id_of(person), ANNA)
    first = (await desk.seats.held(ANNA.id))[0][2]
    await desk.renew(id_of(person), ANNA)
    assert (await desk.seats.held(ANNA.id))[0][2] > first
    assert [one.id for one in await desk.here(ANNA)] == [id_of(person)]


async def test_leaving_the_desk_hands_everybody_over(service: RunningService) -> None:
    person = await claimed(service)
    await service.desk.leave(ANNA)
    await person.looks()
    assert person.heard()[0] == "interface.back_to_queue"
    assert person.view["owner"] == "waiting"


# --- The truth about waiting


async def test_who_waits_hears_whether_somebody_is_there(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await person.wants("human")
    await person.presses("fresh")
    assert "interface.waiting_nobody" in person.heard()
    assert not [said for said in person.heard() if "position" in said or "next" in said]


async def test_who_waits_hears_their_place(service: RunningService) -> None:
    await service.desk.here(ANNA)
    first = await waiting(service)
    assert first.heard()[:2] == ["interface.waiting_somebody", "interface.waiting_next"]
    second = await waiting(service)
    assert "interface.waiting_position" in second.heard()
    [place] = [
        line["text"]
        for message in second.new
        for line in message["lines"]
        if line.get("key") == "interface.waiting_position"
    ]
    assert place.endswith("2.")
    await service.desk.claim(id_of(first), ANNA)
    await second.wants("human")
    assert second.heard()[:2] == ["interface.waiting_somebody", "interface.waiting_next"]


async def test_who_waits_hears_that_all_are_busy(service: RunningService) -> None:
    await service.desk.here(ANNA)
    for _ in range(CAPACITY):
        await service.desk.claim(id_of(await waiting(service)), ANNA)
    await service.desk.here(ANNA)
    person = await waiting(service)
    assert person.heard()[0] == "interface.waiting_busy"


async def taken_after(service: RunningService, minutes: float, *words: str) -> None:
    """Somebody is taken who has waited for so long."""
    person = await waiting(service)
    for one in words:
        await person.types(one)
    store, record = service.service.store, f"fp:{{{id_of(person)}}}:c"
    await store._client.hset(record, "since", int(await store.now() - minutes * 60_000))
    await store.project(id_of(person))
    await service.desk.claim(id_of(person), ANNA, beyond=True)
    await service.desk.transfer(id_of(person), ANNA)
    await service.desk.claim(id_of(person), ANNA)  # taken twice, and counted once
    await service.desk.close(id_of(person), ANNA)


async def duty(service: RunningService, *, begins: bool) -> None:
    """Somebody comes or goes, and it is believed at once."""
    await (service.desk.here(ANNA) if begins else service.desk.leave(ANNA))
    staffing = service.service.turns.staffing
    assert isinstance(staffing, RedisStaffing)
    staffing._asked_at = float("-inf")


async def test_who_waits_hears_a_guess_when_enough_were_taken_lately(
    service: RunningService,
) -> None:
    for minutes in (1, 6, 7, 9):
        await taken_after(service, minutes)
    await taken_after(service, 0, "help me he has a knife")
    await duty(service, begins=True)
    unknown = await waiting(service)
    assert "interface.waiting_minutes_unknown" in unknown.heard(), "danger does not count"
    await unknown.types("/erase")
    await taken_after(service, 300)
    await duty(service, begins=False)
    alone = await waiting(service)
    assert not [said for said in alone.heard() if "minutes" in said], "nobody is on duty"
    await alone.types("/erase")
    await duty(service, begins=True)
    first = await waiting(service)
    assert "interface.waiting_minutes_unknown" not in first.heard()
    assert "about 10 minutes" in str(first.new), "7, rounded up"
    second = await waiting(service)
    assert "about 15 minutes" in str(second.new), "twice 7, rounded up"
    far_behind = [await waiting(service) for _ in range(7)][-1]
    assert "interface.waiting_minutes_unknown" in far_behind.heard(), "longer than an hour"


async def test_who_leaves_a_line_behind_counts_for_a_place_in_it(service: RunningService) -> None:
    await service.desk.here(ANNA)
    behind = [await waiting(service) for _ in range(3)]
    for _ in range(5):
        await taken_after(service, 40)
    for person in behind:
        await person.types("/erase")
    person = await waiting(service)
    assert "about 10 minutes" in str(person.new)


async def test_of_the_waiting_nothing_is_kept_but_seconds(service: RunningService) -> None:
    client = service.service.store._client
    for _ in range(25):
        await taken_after(service, 2)
    assert set(await client.lrange("fp:waits", 0, -1)) <= {b"120", b"121", b"122"}
    assert await client.llen("fp:waits") == 20
    assert 0 < await client.pttl("fp:waits") <= 12 * 3600 * 1000


async def test_danger_comes_before_who_waited_longer(service: RunningService) -> None:
    await service.desk.here(ANNA)
    await waiting(service)
    person = service.person()
    await person.opens()
    await person.types("help me he has a knife")
    while person.asked != "danger.offer":
        await person.wants("back")
    await person.presses("human")
    assert "interface.waiting_next" in person.heard()


async def test_after_long_waiting_nobody_has_to_sit_and_wait(service: RunningService) -> None:
    sweeper = service.service.sweeper
    person = await waiting(service)
    await sweeper.tell_long_waits()
    await person.looks()
    assert person.heard() == []
    sweeper.long_wait = Milliseconds(0)
    for _ in range(3):
        await sweeper.tell_long_waits()
    await person.looks()
    assert person.heard() == ["interface.waiting_long"]
    another = Sweeper(sweeper.turns, sweeper.index, sweeper.archive, long_wait=Milliseconds(0))
    await another.tell_long_waits()
    await person.looks()
    assert person.heard() == []


async def test_a_page_that_looks_during_a_claim_leaves_its_seat(service: RunningService) -> None:
    person = await waiting(service)
    id, desk = id_of(person), service.desk

    async def seat(left: float) -> bool:
        """Whether a seat that was taken a while ago, and no claim, outlives a look."""
        until = Milliseconds(await desk.now() + round(desk.lease * left))
        await desk.seats.take(ANNA.id, id, until, heavy=False, most=2, most_heavy=1)
        assert await desk.here(ANNA) == ()
        return bool(await desk.seats.held(ANNA.id))

    assert await seat(1)
    assert not await seat(0.5)
    await desk.claim(id, ANNA)
    assert [one.id for one in await desk.here(ANNA)] == [id]


# --- Records


async def test_every_look_and_every_change_is_recorded_and_no_word(
    service: RunningService,
) -> None:
    desk, audit = service.desk, service.service.audit
    person = await claimed(service)
    id = id_of(person)
    seen = (await desk.open(id, ANNA)).length
    await desk.write(id, ANNA, fresh(), "zq-canary", seen=seen)
    await desk.open(id, ANNA, after=seen)
    await desk.open(id, ANNA, after=seen + 1)  # nothing new, but the card is there to be read
    await desk.open(id, ANNA, after=seen + 1, looked=seen + 1)  # the same look goes on
    with pytest.raises(RefusedError):
        await desk.close(id, ANNA, reason="finished", seen=seen)
    await desk.close(id, ANNA, reason="finished")
    records = await audit.read(ANNA.id)
    assert [record.what for record in records] == [
        "claim",
        f"look:1-{seen}",
        "write",
        f"look:{seen + 1}-{seen + 1}",
        "look",
        "close:finished",
        "close:finished:refused:stale_screen",
        "close:finished",
    ]
    assert {record.on for record in records} == {id}
    await audit.sign_head()
    assert (await audit.verify()).problems == ()
    assert not [r for r in await audit.trail.records(ANNA.id) if b"canary" in r]


async def test_what_cannot_be_recorded_is_not_done(service: RunningService) -> None:
    person = await waiting(service)
    client = service.service.store._client
    await client.set(f"fp:audit:of:{ANNA.id}", "not a list")
    with pytest.raises(StoreUnavailableError):
        await service.desk.claim(id_of(person), ANNA)
    await person.looks()
    assert person.view["owner"] == "waiting"


async def test_nobody_without_the_role_moves_anything(service: RunningService) -> None:
    person = await waiting(service)
    id, desk = id_of(person), service.desk
    for act in (
        desk.people(EDITOR),
        desk.here(EDITOR),
        desk.claim(id, EDITOR),
        desk.claim_next(EDITOR),
        desk.renew(id, EDITOR),
        desk.open(id, EDITOR),
        desk.write(id, EDITOR, fresh(), "hello"),
        desk.see_alarms(id, EDITOR, 1),
        desk.give_back(id, EDITOR),
        desk.transfer(id, EDITOR),
        desk.close(id, EDITOR),
    ):
        with pytest.raises(NotAllowedError):
            await act
    await person.looks()
    assert person.heard() == []
    assert await service.service.audit.read(EDITOR.id) == ()


async def test_an_erased_conversation_cannot_be_taken(service: RunningService) -> None:
    person = await waiting(service)
    id = id_of(person)
    await person.types("/erase")
    with pytest.raises(GoneError):
        await service.desk.claim(id, ANNA)
    with pytest.raises(Answered):
        await person.looks()
