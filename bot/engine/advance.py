"""One turn: what was received, to a new conversation and what should happen.

Pure, total and deterministic: the same conversation and the same input give the same turn, and
no input raises.
"""

from dataclasses import replace
from typing import assert_never

from bot.domain.code_word import Shut, shut_for
from bot.domain.control import Move, Owner, announced, can_move, moved, renewed
from bot.domain.conversation import Conversation, Frame, Place, Prompt, Resume, Spot
from bot.domain.handover import AlarmKind
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import IndicatorCode, Urgency
from bot.domain.messages import Author, ChoiceId, Chose, Said
from bot.domain.text import Language, Text
from bot.engine.answers import signs_present
from bot.engine.choices import OFFERED_LANGUAGE, fits, labels_of
from bot.engine.consents import (
    CONSENT,
    consent_place,
    drop_question,
    note_leaving,
    note_news,
    note_question,
    note_wording,
    same_wording,
    why_not_ask,
)
from bot.engine.draft import Draft
from bot.engine.effects import (
    EndView,
    EraseAll,
    RaiseAlarm,
    Refusal,
    Refuse,
    StayShut,
    Turn,
)
from bot.engine.graph import TOLD, WELCOME, Graph, Level, text_key
from bot.engine.received import (
    Action,
    AlarmsSeen,
    Claimed,
    ClosedByOperator,
    ConsentRequested,
    Failed,
    GaveBack,
    LeaseEnded,
    LeaseRenewed,
    OperatorWrote,
    OwnerInput,
    PersonInput,
    Pressed,
    Received,
    ReferralInput,
    ReferralLeaving,
    ReferralNews,
    Requested,
    Returned,
    SentOther,
    Started,
    TakeoverAnnounced,
    Transferred,
    Typed,
    WaitedLong,
)
from bot.engine.walk import (
    HOME,
    answer,
    ask,
    ask_again,
    leave_behind,
    open_flow,
    raise_urgency,
    tell_waiting,
    walk,
)

AGREED = "agreed"
CAME_BACK = "came_back"
CHECK_SAFETY = "check_safety"
LANGUAGE_OFFER = "language_offer"
AGE = "age"
_NOTHING_BEGUN = (WELCOME, HOME)
"""Their questions tell nothing about the person, so they are simply asked again."""

_FLOWS = {
    Action.HUMAN: "human",
    Action.HOTLINE: "hotlines",
    Action.LEAVE: "leave",
    Action.ERASE: "erase",
    Action.LANGUAGE: "language",
    Action.CHANGE_ANSWER: "change_answer",
    Action.DANGER: "danger",
    Action.SELF_HARM: "self_harm",
    Action.AGREED: AGREED,
}
ENGINE_FLOWS = frozenset(
    {WELCOME, HOME, CONSENT, CAME_BACK, CHECK_SAFETY, LANGUAGE_OFFER, *_FLOWS.values()}
)
"""Flows that every release must have, because the engine opens them by name."""

OPENED_IF_THERE = frozenset({TOLD})
"""Flows that the engine opens where a release has them."""

WAYS_OUT = frozenset({CONSENT, CAME_BACK, *_FLOWS.values()}) - {_FLOWS[Action.CHANGE_ANSWER]}
"""Flows in which a person decides about themselves: they work also when nothing else does."""

_WHILE_SILENT = {
    Action.HOTLINE: "hotlines",
    Action.LEAVE: "leave",
    Action.ERASE: "erase",
    Action.LANGUAGE: "language",
    Action.AGREED: AGREED,
    # They get numbers to call, and no offer of a human: one answers already.
    Action.DANGER: "hotlines",
    Action.SELF_HARM: "hotlines",
}
"""What a person can still ask the program for while an operator owns the conversation."""

_ALARMS = {
    Action.DANGER: AlarmKind.DANGER,
    Action.SELF_HARM: AlarmKind.SELF_HARM,
    Action.ERASE: AlarmKind.ERASE_WORD,
}
_SAFETY_ASKED = "safety_asked"
_QUESTIONS_BETWEEN_CHECKS = 8
"""Questions that must have been asked before the question about danger is asked again."""

_MOST_ANSWERS = 2
_MOST_TOLD = 2
"""What one message is answered with: more at once nobody reads in fear."""

_URGENT = frozenset({Action.DANGER, Action.SELF_HARM})
_SOFT_MISSES = ("not_understood_once", "not_understood_buttons")
_MISSES_UNTIL_HUMAN = len(_SOFT_MISSES) + 1


def advance(graph: Graph, conversation: Conversation, received: Received) -> Turn:
    """The turn that `received` leads to."""
    draft = Draft(graph, received, conversation)
    match received.what:
        case Claimed() | TakeoverAnnounced() | LeaseEnded() as move:
            _change_owner(draft, move)
        case (
            OperatorWrote()
            | LeaseRenewed()
            | GaveBack()
            | Transferred()
            | ClosedByOperator()
            | AlarmsSeen()
            | ConsentRequested() as act
        ):
            _act_as_owner(draft, act)
        case WaitedLong():
            _say_that_it_takes_long(draft)
        case ReferralLeaving() | ReferralNews() as news:
            _note_referral(draft, news)
        case Returned(word=word) if shut_for(conversation, word) is not None:
            _stay_shut(draft, word)
        case other:
            _hear_person(draft, other)
            _keep_asking(draft)
    return draft.turn()


def on_a_way_out(conversation: Conversation) -> bool:
    """Whether the question that waits belongs to a way out, or was opened from one."""
    if conversation.prompt is None:
        return False
    spot = conversation.prompt.spot
    return not WAYS_OUT.isdisjoint({spot.place.flow, *(f.place.flow for f in spot.frames)})


def _hear_person(draft: Draft, what: PersonInput | Failed) -> None:
    if draft.conversation.handover.away:
        draft.change(handover=replace(draft.conversation.handover, away=False))
    match what:
        case Started():
            walk(draft, draft.graph.start(WELCOME), ())
        case Returned():
            _return(draft)
        case Pressed() as pressed:
            _press(draft, pressed)
        case Requested(action):
            _request(draft, action)
            if not draft.effects:
                # A flow that says nothing: whoever asks gets an answer all the same.
                draft.tell("safe_sentence")
        case Typed() as typed:
            _type(draft, typed)
        case SentOther():
            draft.tell("media_not_possible")
        case Failed():
            draft.tell("safe_sentence")
        case _ as never:
            assert_never(never)


def _change_owner(draft: Draft, move: Claimed | TakeoverAnnounced | LeaseEnded) -> None:
    match move:
        case Claimed(operator=operator, lease_until=until):
            _claim(draft, operator, until)
        case TakeoverAnnounced():
            _announce(draft)
        case LeaseEnded(lease_until=until):
            _end_lease(draft, until)
        case _ as never:
            assert_never(never)


def _act_as_owner(draft: Draft, act: OwnerInput) -> None:
    """What only the operator who owns the conversation may do."""
    control = draft.conversation.control
    if control.owner is not Owner.OPERATOR:
        draft.do(Refuse(Refusal.NOT_IN_THIS_STATE))
        return
    if control.operator != act.operator:
        draft.do(Refuse(Refusal.NOT_THE_OWNER))
        return
    if _is_stale(draft, act):
        draft.do(Refuse(Refusal.STALE_SCREEN))
        return
    match act:
        case OperatorWrote(words=words):
            draft.send(Said(words), by=Author.OPERATOR)
        case LeaseRenewed(lease_until=until):
            draft.change(control=renewed(control, until))
        case GaveBack():
            _hand(draft, Move.GIVE_BACK, "back_to_program")
        case Transferred():
            _hand(draft, Move.TRANSFER, "back_to_queue")
        case ClosedByOperator():
            _close(draft)
        case ConsentRequested() as wish:
            _ask_consent(draft, wish)
        case AlarmsSeen(number=number):
            draft.change(handover=draft.conversation.handover.seen(number))
        case _ as never:
            assert_never(never)


def _is_stale(draft: Draft, act: OwnerInput) -> bool:
    """Whether something was written that the operator had not seen when they acted."""
    match act:
        case OperatorWrote() | GaveBack() | Transferred() | ClosedByOperator():
            return act.seen is not None and act.seen < draft.received.length
        case _:
            return False


def _say_that_it_takes_long(draft: Draft) -> None:
    """Once, so that nobody sits and waits in danger."""
    handover = draft.conversation.handover
    if draft.conversation.control.owner is Owner.WAITING and not handover.told_long:
        draft.change(handover=replace(handover, told_long=True))
        draft.tell("waiting_long")


def _ask_consent(draft: Draft, what: ConsentRequested) -> None:
    refusal = why_not_ask(draft, what)
    if refusal is not None:
        _refuse(draft, refusal)
        return
    note_question(draft, what)
    _show_consent(draft)


def _show_consent(draft: Draft) -> None:
    """Say all of it and ask: what was shown is what the answer belongs to."""
    note_wording(draft)
    walk(draft, draft.graph.start(CONSENT), ())


def _keep_asking(draft: Draft) -> None:
    """Ask once more what is still open, when the person looked at something else meanwhile."""
    now = draft.conversation
    gone = any(isinstance(effect, EraseAll | EndView) for effect in draft.effects)
    if now.consent_question is None or now.prompt is not None or gone or not draft.silent:
        return
    place = consent_place(draft.graph)
    if place is None or not same_wording(draft) or not ask(draft, Spot(place)):
        _show_consent(draft)


def _note_referral(draft: Draft, what: ReferralInput) -> None:
    """What the referral service does: noted here, so that the person can see it and object."""
    match what:
        case ReferralLeaving() as leaving:
            _refuse(draft, note_leaving(draft, leaving))
        case ReferralNews() as news:
            _refuse(draft, note_news(draft, news))
        case _ as never:
            assert_never(never)


def _refuse(draft: Draft, refusal: Refusal | None) -> None:
    if refusal is not None:
        draft.do(Refuse(refusal))


def _press(draft: Draft, pressed: Pressed) -> None:
    prompt = draft.conversation.prompt
    if prompt is None or prompt.number != pressed.number or not fits(prompt, pressed.choices):
        draft.tell("stale_press")
        if prompt is None and not draft.silent:
            _resume(draft)
        return
    if prompt.spot.place.flow == CONSENT and not same_wording(draft):
        # They read other words than those that stand there now: nobody agreed to these.
        _show_consent(draft)
        return
    _answer(draft, prompt, pressed.choices)


def _answer(draft: Draft, prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> None:
    labels: tuple[Text, ...] = labels_of(draft, prompt, chosen)
    draft.send(Chose(labels), by=Author.PERSON)
    answer(draft, prompt, chosen)


def _request(draft: Draft, action: Action) -> None:
    if action is Action.ERASE_NOW:
        draft.change(prompt=None)
        draft.do(EraseAll())
    elif draft.silent:
        _request_notice(draft, action)
    elif action is Action.BACK:
        _go_back(draft)
    elif action is Action.WHY:
        _explain(draft)
    elif action is Action.STOP:
        _fall_silent(draft)
    elif action is Action.HOME:
        leave_behind(draft)
        walk(draft, draft.graph.start(HOME), ())
    else:
        if action in _URGENT:
            _alarm(draft, action)
        open_flow(draft, _FLOWS[action])


def _request_notice(draft: Draft, action: Action) -> None:
    """While somebody else answers, the program shows only what the person asks it for."""
    closed = draft.conversation.control.owner is Owner.CLOSED
    if action in _URGENT and not closed:
        _alarm(draft, action)
    if action in _WHILE_SILENT:
        open_flow(draft, _WHILE_SILENT[action])
    elif action is Action.WHY:
        _explain(draft)
    else:
        draft.change(prompt=None)
        draft.tell("conversation_closed" if closed else "person_answers")


def _alarm(draft: Draft, action: Action) -> None:
    """Tell the operator, and let it count for the queue should this operator go silent."""
    if action in _URGENT:
        raise_urgency(draft, Urgency.NOW)
    draft.change(handover=draft.conversation.handover.raised(_ALARMS[action]))
    draft.do(RaiseAlarm(_ALARMS[action]))


def _type(draft: Draft, typed: Typed) -> None:
    draft.send(Said(typed.words), by=Author.PERSON)
    owner = draft.conversation.control.owner
    if owner in (Owner.BOT, Owner.WAITING):
        raise_urgency(draft, typed.urgency)
    prompt = draft.conversation.prompt
    if typed.heard is Action.ERASE_NOW:
        # An exact command, not a word: like the button, it works whoever answers.
        _request(draft, typed.heard)
    elif owner is Owner.OPERATOR:
        if typed.heard in _ALARMS:
            _alarm(draft, typed.heard)
    elif owner is Owner.CLOSED and typed.heard not in _WHILE_SILENT:
        draft.tell("conversation_closed")
    elif typed.heard is not None:
        draft.change(misses=0)
        _request(draft, typed.heard)
    elif typed.check_safety and _may_check_safety(draft):
        _check_safety(draft)
    elif prompt is not None and fits(prompt, typed.meant):
        answer(draft, prompt, typed.meant)
    elif _open_what_is_wanted(draft, typed):
        draft.change(misses=0)
    elif owner is Owner.WAITING:
        shown = draft.conversation.show_answers
        draft.tell("waiting_text_shown" if shown else "waiting_text_kept")
    elif prompt is None:
        # Nothing was asked, so nothing was misunderstood: after silence any word goes on.
        _resume(draft)
    else:
        _miss(draft, prompt)


def _may_check_safety(draft: Draft) -> bool:
    """Whether it is long enough ago that the person was asked; never in the middle of danger."""
    now = draft.conversation
    asked = now.facts.get(_SAFETY_ASKED, ())
    lately = bool(asked) and now.asked - int(asked[0]) < _QUESTIONS_BETWEEN_CHECKS
    urgent = (CHECK_SAFETY, _FLOWS[Action.DANGER], _FLOWS[Action.SELF_HARM])
    return not lately and not (now.prompt and now.prompt.spot.place.flow in urgent)


def _check_safety(draft: Draft) -> None:
    now = draft.conversation
    draft.change(misses=0, facts={**now.facts, _SAFETY_ASKED: (str(now.asked),)})
    open_flow(draft, CHECK_SAFETY)


def _open_what_is_wanted(draft: Draft, typed: Typed) -> bool:
    """Answer what the person asks, and offer back what they tell; False when there is nothing.

    Somebody who waits for a human writes to the human: they are answered, and not questioned.
    """
    now = draft.conversation
    flows = [name for name in typed.asks if name in draft.graph.flows][:_MOST_ANSWERS]
    if now.control.owner is Owner.BOT:
        if typed.child and "age" not in now.facts:
            flows.append(AGE)
        told = tuple(code for code in typed.told if _is_new(draft, code))[:_MOST_TOLD]
        if told and now.language in _full(draft):
            draft.change(facts={**now.facts, TOLD: (*now.facts.get(TOLD, ()), *told)})
            flows.append(TOLD)
    if typed.writes is not None and typed.writes not in now.facts.get(OFFERED_LANGUAGE, ()):
        offered = (*now.facts.get(OFFERED_LANGUAGE, ()), typed.writes)
        draft.change(facts={**draft.conversation.facts, OFFERED_LANGUAGE: offered})
        flows.append(LANGUAGE_OFFER)
    if flows:
        open_flow(draft, *dict.fromkeys(flows))
    return bool(flows)


def _full(draft: Draft) -> frozenset[Language]:
    """The languages in which questions can be asked."""
    levels = draft.graph.languages.items()
    return frozenset(language for language, level in levels if level is Level.FULL)


def _is_new(draft: Draft, code: str) -> bool:
    """Whether nobody has asked about this sign yet, and there is a question for it."""
    place = Place(TOLD, code.lower())
    asked = draft.conversation.facts.get(TOLD, ())
    present = signs_present(draft.graph, draft.conversation)
    known = draft.graph.node(place) is not None
    return known and code not in asked and IndicatorCode(code) not in present


def _miss(draft: Draft, prompt: Prompt) -> None:
    """Typed words that nothing understood: ask once, then buttons, then a human. Never a loop."""
    misses = draft.conversation.misses + 1
    draft.change(misses=misses)
    if misses == _MISSES_UNTIL_HUMAN:
        draft.tell("not_understood_human")
        open_flow(draft, _FLOWS[Action.HUMAN])
        return
    draft.tell(_SOFT_MISSES[min(misses, len(_SOFT_MISSES)) - 1])
    ask(draft, prompt.spot, changing=prompt.changing)


def _go_back(draft: Draft) -> None:
    prompt, trail = draft.conversation.prompt, draft.conversation.trail
    if prompt is None and draft.conversation.held is not None:
        _resume(draft)
        return
    while trail:
        spot, trail = trail[-1], trail[:-1]
        draft.change(trail=trail)
        if ask_again(draft, spot):
            return
    if prompt is None or not ask(draft, prompt.spot, changing=prompt.changing):
        walk(draft, draft.graph.start(HOME), ())


def _explain(draft: Draft) -> None:
    prompt = draft.conversation.prompt
    node = draft.graph.node(prompt.spot.place) if prompt else None
    if prompt is None or node is None or node.asks is None or not node.asks.explained:
        draft.tell("nothing_to_explain")
        return
    draft.tell_text(text_key(prompt.spot.place, "why"))
    ask(draft, prompt.spot, changing=prompt.changing)


def _fall_silent(draft: Draft) -> None:
    prompt = draft.conversation.prompt
    draft.tell("silent")
    draft.change(prompt=None, held=prompt.spot if prompt else draft.conversation.held)


def _resume(draft: Draft) -> None:
    """Go on where the conversation was held up, or at the menu."""
    held = draft.conversation.held
    draft.change(held=None)
    walk(draft, None, (*held.frames, Frame(held.place, Resume.AGAIN)) if held else ())


def _stay_shut(draft: Draft, word: str) -> None:
    """Somebody has the code and not the word: nothing happens, but a wrong word is counted."""
    now = draft.conversation
    if shut_for(now, word) is Shut.WRONG_WORD:
        draft.change(wrong_words=now.wrong_words + 1)
    why = shut_for(draft.conversation, word)
    if why is not None:
        draft.do(StayShut(why))


def _return(draft: Draft) -> None:
    """Ask before going on: somebody else may be looking at the screen, or have the code."""
    draft.tell("welcome_back")
    draft.change(view=draft.conversation.view + 1)
    if draft.silent:
        return
    tell_waiting(draft)
    prompt = draft.conversation.prompt
    left_at = prompt.spot if prompt else draft.conversation.held
    if left_at is not None and left_at.place.flow not in _NOTHING_BEGUN:
        open_flow(draft, CAME_BACK)
    elif left_at is None or not ask_again(draft, left_at):
        walk(draft, draft.graph.start(HOME), ())


def _claim(draft: Draft, operator: OperatorId, until: Milliseconds) -> None:
    control = draft.conversation.control
    if not can_move(control, Move.CLAIM):
        draft.do(Refuse(Refusal.NOT_IN_THIS_STATE))
        return
    prompt, handover = draft.conversation.prompt, draft.conversation.handover
    if handover.shared_after is None:
        handover = handover.asked(draft.received.length)
    draft.change(
        handover=handover,
        control=moved(
            control,
            Move.CLAIM,
            nonce=draft.received.nonce,
            operator=operator,
            lease_until=until,
        ),
        held=prompt.spot if prompt else draft.conversation.held,
        prompt=None,
    )


def _announce(draft: Draft) -> None:
    control = draft.conversation.control
    if control.owner is not Owner.OPERATOR or control.announced:
        return
    draft.change(control=announced(control))
    draft.notify("takeover")


def _hand(draft: Draft, move: Move, news: str) -> None:
    """The operator lets go; the conversation goes on at the question where it was held."""
    control = draft.conversation.control
    drop_question(draft)
    draft.change(control=moved(control, move, nonce=draft.received.nonce), prompt=None)
    draft.notify(news)
    _resume(draft)


def _end_lease(draft: Draft, until: Milliseconds) -> None:
    control = draft.conversation.control
    if control.owner is not Owner.OPERATOR or control.lease_until != until:
        draft.do(Refuse(Refusal.NOT_IN_THIS_STATE))
        return
    _hand(draft, Move.LEASE_ENDED, "operator_silent")


def _close(draft: Draft) -> None:
    control = draft.conversation.control
    drop_question(draft)
    draft.change(
        control=moved(control, Move.CLOSE, nonce=draft.received.nonce), prompt=None, held=None
    )
    draft.notify("operator_closed")
