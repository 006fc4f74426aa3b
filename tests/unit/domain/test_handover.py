from bot.domain.handover import MOST_ALARMS, Alarm, AlarmKind, Handover


def test_alarms_are_counted_on_and_the_newest_are_kept() -> None:
    handover = Handover()
    for _ in range(MOST_ALARMS + 3):
        handover = handover.raised(AlarmKind.DANGER)
    assert len(handover.alarms) == MOST_ALARMS
    assert handover.alarms[-1].number == MOST_ALARMS + 3


def test_an_alarm_is_open_until_it_was_seen() -> None:
    handover = Handover().raised(AlarmKind.DANGER).raised(AlarmKind.SELF_HARM)
    assert handover.seen(1).open_alarms == (Alarm(2, AlarmKind.SELF_HARM),)
    assert handover.seen(2).seen(1).open_alarms == ()


def test_nobody_can_have_seen_an_alarm_that_was_not_raised() -> None:
    handover = Handover().raised(AlarmKind.DANGER).seen(10**9)
    assert handover.raised(AlarmKind.DANGER).open_alarms == (Alarm(2, AlarmKind.DANGER),)


def test_asking_again_begins_a_new_wait_and_keeps_alarms() -> None:
    handover = Handover(told_long=True, shared_after=3).raised(AlarmKind.DANGER).asked(9)
    assert (handover.shared_after, handover.told_long) == (9, False)
    assert handover.open_alarms
