"""Walking the graph: from a place to the next question, or to a place where the bot waits.

Total on purpose: whatever an author wrote and whatever was stored, a walk ends within
`MOST_STEPS` nodes, and a dead end becomes a sentence with ways out.
"""

from dataclasses import replace

from bot.domain.control import Move, Owner, can_move, moved
from bot.domain.conversation import Answer, Frame, Place, Prompt, Resume, Spot
from bot.domain.indicators import Urgency
from bot.domain.messages import Asked, ChoiceId, Shown, Told
from bot.domain.text import Language, text
from bot.engine.answers import answers_of, signs_present
from bot.engine.assess import assess
from bot.engine.choices import choices_of, place_of
from bot.engine.consents import drop_question, note_answer, sentence, tell_receipts, withdraw
from bot.engine.draft import Draft
from bot.engine.effects import EndView, EraseAll, GiveCode, LookAtLine
from bot.engine.facts import chosen_at, holds
from bot.engine.graph import (
    NO,
    SKIP,
    TOLD,
    YES,
    Do,
    Level,
    Node,
    Option,
    Question,
    Route,
    Source,
)

MOST_STEPS = 200
"""Nodes passed in one turn; the longest real walk passes fewer than forty."""

MOST_FRAMES = 12
MOST_TRAIL = 40
HOME = "home"
_NOTED = (YES,)
_ASKING = (Resume.AGAIN, Resume.CHANGE)


def walk(draft: Draft, place: Place | None, frames: tuple[Frame, ...]) -> None:
    """Go on at `place` until a question is asked or nothing is left to do."""
    for _ in range(MOST_STEPS):
        if place is not None and place.flow == HOME:
            frames = ()
        if place is None and frames:
            frame, frames = frames[-1], frames[:-1]
            if frame.resume in _ASKING and ask_again(
                draft, Spot(frame.place, frames), changing=frame.resume is Resume.CHANGE
            ):
                return
            enters = frame.resume is Resume.ENTER
            place = frame.place if enters else _below(draft, frame.place)
            continue
        if draft.silent and (place is None or place.flow == HOME):
            draft.change(prompt=None)
            return
        place = place or draft.graph.start(HOME)
        node = draft.graph.node(place) if place else None
        if place is None or node is None:
            break
        if not holds(draft, node.only_if) or _passed_over(draft, place, node):
            place = _passing(draft, place, node)
            continue
        if _perform(draft, Spot(place, frames), node):
            return
        if node.visits:
            frames = (*frames, Frame(place, Resume.BELOW))[-MOST_FRAMES:]
            place = node.visits
        elif node.asks and ask(draft, Spot(place, frames)):
            return
        else:
            place = _below(draft, place)
    draft.tell("safe_sentence")
    draft.change(prompt=None)


def ask(draft: Draft, spot: Spot, *, changing: bool = False) -> bool:
    """Ask the question at `spot`; False when there is none or nothing to choose from."""
    node = draft.graph.node(spot.place)
    if node is None or node.asks is None:
        return False
    question = node.asks
    choices = tuple(choices_of(draft, question))
    if not choices:
        return False
    now = draft.conversation
    number = now.asked + 1
    draft.send(
        Asked(
            number=number,
            question=sentence(now, spot.place, "ask"),
            choices=choices,
            pick=question.pick,
            explained=question.explained,
        )
    )
    draft.change(
        prompt=Prompt(
            number=number,
            spot=spot,
            choices=tuple(choice.id for choice in choices),
            pick=question.pick,
            changing=changing,
        ),
        asked=number,
        trail=now.trail[:-1] if now.trail[-1:] == (spot,) else now.trail,
        # What a person asks for while an operator answers must not lose the place to go on at.
        held=now.held if draft.silent else None,
    )
    return True


def ask_again(draft: Draft, spot: Spot, *, changing: bool = False) -> bool:
    """Ask the question at `spot`, unless it has stopped fitting the person since."""
    node = draft.graph.node(spot.place)
    fitting = node is not None and holds(draft, node.only_if)
    if node and node.asks and not changing and not draft.conversation.answer_at(spot.place):
        # They may have told and confirmed it while something else was shown.
        fitting = fitting and _given(draft, spot.place, node.asks) is None
    return fitting and ask(draft, spot, changing=changing)


def _counts(draft: Draft, place: Place, question: Question) -> bool:
    """Whether an answer uses up one of the questions that may be asked before an outcome.

    Those about signs do, and what is asked between them. What comes before the first of them is
    the gate.
    """
    now = draft.conversation
    if not question.recorded or _settled(draft, place, question):
        return False
    between = now.signs_asked > 0 or now.outcome is not None
    return question.asks_sign or (
        between and draft.graph.flows[place.flow].most_questions is not None
    )


def open_flow(draft: Draft, name: str, *others: str) -> None:
    """Go through a flow, and through the others, then return to the question that waits now."""
    now = draft.conversation
    spot = now.prompt.spot if now.prompt else now.held
    frames = frames_back_to(draft, spot)
    inside = [i for i, frame in enumerate(frames) if frame.place.flow == name]
    if inside:
        frames = frames[: inside[0]]
    starts = [start for start in map(draft.graph.start, others) if start]
    enter = tuple(Frame(start, Resume.ENTER) for start in reversed(starts))
    leave_behind(draft)
    walk(draft, draft.graph.start(name), (*frames, *enter)[-MOST_FRAMES:])


def frames_back_to(draft: Draft, spot: Spot | None) -> tuple[Frame, ...]:
    """The way back to a question that is left for a while."""
    if spot is None or draft.silent:
        return ()
    prompt = draft.conversation.prompt
    changing = prompt is not None and prompt.changing
    resume = Resume.CHANGE if changing else Resume.AGAIN
    return (*spot.frames, Frame(spot.place, resume))[-MOST_FRAMES:]


def leave_behind(draft: Draft) -> None:
    """Remember the present question as the way back."""
    prompt = draft.conversation.prompt
    if prompt is not None and not draft.silent and draft.conversation.trail[-1:] != (prompt.spot,):
        draft.change(trail=(*draft.conversation.trail, prompt.spot)[-MOST_TRAIL:])


def answer(draft: Draft, prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> None:
    """Take the person's choice at the question that waits, and go on."""
    place, frames = prompt.spot.place, prompt.spot.frames
    node = draft.graph.node(place)
    if node is None or node.asks is None:
        walk(draft, None, ())
        return
    draft.change(misses=0)
    _record(draft, place, node.asks, chosen)
    if not prompt.changing:
        leave_behind(draft)
    if node.asks.source is Source.ANSWERED:
        back = (*frames, Frame(place, Resume.BELOW))[-MOST_FRAMES:]
        if ask(draft, Spot(place_of(chosen[0]), back), changing=True):
            return
    option = node.asks.option(chosen[0]) if len(chosen) == 1 else None
    if option and option.opens:
        walk(draft, option.opens, (*frames, Frame(place, Resume.AGAIN))[-MOST_FRAMES:])
    elif prompt.changing:
        walk(draft, None, frames)
    else:
        walk(draft, _onward(draft, node, option), frames)


def _passed_over(draft: Draft, place: Place, node: Node) -> bool:
    question = node.asks
    if question is None or not question.recorded or question.source is not None:
        return False
    return _settled(draft, place, question) or _budget_used(draft, place)


def _settled(draft: Draft, place: Place, question: Question) -> bool:
    """Whether the question was answered, and not only put off."""
    given = _given(draft, place, question)
    return given is not None and not question.puts_off(given.choices)


def _given(draft: Draft, place: Place, question: Question) -> Answer | None:
    """What was answered there, or what the person told and confirmed before it was asked."""
    now = draft.conversation
    given = now.answer_at(place)
    if given is not None or place.flow == TOLD or not question.sign or question.reversed:
        return given
    told = [now.answer_at(Place(TOLD, code.lower())) for code in question.sign]
    confirmed = all(answer is not None and answer.choices == (YES,) for answer in told)
    return Answer(place=place, choices=(YES,)) if confirmed else None


def _budget_used(draft: Draft, place: Place) -> bool:
    """Whether everything that may be asked before an outcome was asked.

    Notices before a block of questions are recorded as well: without their block they are not
    shown.
    """
    flow = draft.graph.flows[place.flow]
    return (
        flow.most_questions is not None and draft.conversation.signs_asked >= flow.most_questions
    )


def _passing(draft: Draft, place: Place, node: Node) -> Place | None:
    """Where the walk goes when it does not stop at `place`."""
    flow = draft.graph.flows[place.flow]
    question = node.asks
    if question is None or not holds(draft, node.only_if):
        return _below(draft, place)
    given = _given(draft, place, question)
    if given is None and flow.then is not None:
        return Place(place.flow, flow.then)
    chosen = chosen_at(given) if given else ()
    return _onward(draft, node, question.option(chosen[0]) if len(chosen) == 1 else None)


def _onward(draft: Draft, node: Node, option: Option | None) -> Place | None:
    routes = option.routes if option and option.routes is not None else node.routes
    return _resolve(draft, routes)


def _below(draft: Draft, place: Place) -> Place | None:
    node = draft.graph.node(place)
    return _resolve(draft, node.routes) if node else None


def _resolve(draft: Draft, routes: tuple[Route, ...]) -> Place | None:
    return next((route.target for route in routes if holds(draft, route.condition)), None)


def _perform(draft: Draft, spot: Spot, node: Node) -> bool:
    """Say, show and do what stands at a node; True when the walk stops there."""
    place = spot.place
    for index in range(node.sentences):
        draft.send(Told(sentence(draft.conversation, place, f"say.{index}")))
    for block in node.shows:
        draft.send(Shown(block=block, country=draft.conversation.country, beside=node.shows))
    if node.notes is not None:
        draft.change(facts={**draft.conversation.facts, node.notes: _NOTED})
    return any(_do(draft, do, spot) for do in node.does)


def _do(draft: Draft, do: Do, spot: Spot) -> bool:  # noqa: PLR0912 - a table of actions
    match do:
        case Do.ASSESS:
            judge(draft)
            draft.change(signs_asked=0)
        case Do.REASONS:
            for code in signs_present(draft.graph, draft.conversation):
                draft.send(Told(text(f"reasons.{code}")))
        case Do.QUEUE_WITH_ANSWERS:
            enter_queue(draft, show_answers=True)
        case Do.QUEUE_FRESH:
            enter_queue(draft, show_answers=False)
        case Do.QUEUE_NOW:
            raise_urgency(draft, Urgency.NOW)
            enter_queue(draft, show_answers=draft.conversation.show_answers)
        case Do.LEAVE_QUEUE:
            leave_queue(draft)
        case Do.TELL_WAITING:
            tell_waiting(draft)
        case Do.GIVE_CODE:
            draft.change(
                has_code=True,
                code_word=draft.conversation.code_word or draft.received.code_word,
            )
            draft.do(GiveCode())
        case Do.CONSENT_GIVE:
            note_answer(draft, given=True)
        case Do.CONSENT_REFUSE:
            note_answer(draft, given=False)
        case Do.CONSENT_LATER:
            drop_question(draft)
        case Do.RECEIPTS:
            tell_receipts(draft)
        case Do.ERASE:
            draft.change(prompt=None)
            draft.do(EraseAll())
            return True
        case Do.END_VIEW:
            _end_view(draft, spot)
            return True
    return False


def _end_view(draft: Draft, spot: Spot) -> None:
    """Close the view, and keep where to go on: the question from which the person left."""
    held = draft.conversation.held if draft.silent else _left_from(draft, spot)
    draft.change(
        prompt=None,
        held=held,
        view=draft.conversation.view + 1,
        handover=replace(draft.conversation.handover, away=True),
    )
    draft.do(EndView())


def _left_from(draft: Draft, spot: Spot) -> Spot | None:
    """The question that opened the flow at `spot`, or the first one when nothing came before."""
    frames = spot.frames
    while frames and frames[-1].resume is Resume.BELOW:
        frames = frames[:-1]
    if frames:
        return Spot(frames[-1].place, frames[:-1])
    first = draft.conversation.trail[:1]
    return first[0] if first and first[0].place.flow == spot.place.flow else None


def judge(draft: Draft) -> None:
    """Apply the rule to the stored answers. An urgency once raised is not lowered by it."""
    found = assess(draft.graph.indicators, answers_of(draft.graph, draft.conversation))
    draft.change(outcome=found.outcome, rule_version=found.rule_version)
    raise_urgency(draft, found.urgency)


def _judge_again(draft: Draft) -> None:
    """An answer may be urgent at once; an outcome that was shown follows what is changed."""
    found = assess(draft.graph.indicators, answers_of(draft.graph, draft.conversation))
    raise_urgency(draft, found.urgency)
    if draft.conversation.outcome is not None:
        draft.change(outcome=found.outcome, rule_version=found.rule_version)


def raise_urgency(draft: Draft, urgency: Urgency) -> None:
    """Keep the higher of the present urgency and `urgency`."""
    draft.change(urgency=max(urgency, draft.conversation.urgency))


def enter_queue(draft: Draft, *, show_answers: bool) -> None:
    """Ask for a human; asking again only changes what may be shown."""
    control = draft.conversation.control
    if can_move(control, Move.ASK):
        draft.change(
            control=moved(control, Move.ASK, nonce=draft.received.nonce),
            handover=draft.conversation.handover.asked(draft.length),
        )
    elif draft.silent:
        return
    draft.change(asked_for_person=True, show_answers=show_answers)


def leave_queue(draft: Draft) -> None:
    """Stop waiting for a human."""
    control = draft.conversation.control
    if can_move(control, Move.WITHDRAW):
        draft.change(control=moved(control, Move.WITHDRAW, nonce=draft.received.nonce))


def tell_waiting(draft: Draft) -> None:
    """Say who is there, and the place in line when somebody is. Nothing is promised."""
    if draft.conversation.control.owner is not Owner.WAITING:
        return
    line = draft.received.line
    if line is None:
        draft.do(LookAtLine())
    if not draft.received.staffed:
        draft.tell("waiting_nobody")
        return
    if line is None or not line.busy:
        draft.tell("waiting_somebody")
    else:
        draft.tell("waiting_busy")
    if line is not None and line.position == 1:
        draft.tell("waiting_next")
    elif line is not None:
        draft.send(Told(text("interface.waiting_position", position=line.position)))
    if line is not None and line.minutes is not None:
        draft.send(Told(text("interface.waiting_minutes", minutes=line.minutes)))
    else:
        draft.tell("waiting_minutes_unknown")


def _record(draft: Draft, place: Place, question: Question, chosen: tuple[ChoiceId, ...]) -> None:
    now = draft.conversation
    if question.source is Source.LANGUAGES:
        draft.change(language=Language(chosen[0]))
        if draft.graph.languages.get(draft.conversation.language) is Level.FIRST_HELP:
            draft.tell("first_help")
        return
    if question.source is Source.OFFERED_LANGUAGE and chosen != (NO,):
        draft.change(language=Language(chosen[0]))
        return
    if question.source is Source.AGREED:
        withdraw(draft, chosen[0])
    if not question.recorded:
        return
    given = Answer(place=place, choices=() if chosen == (SKIP,) else chosen)
    # A changed answer keeps its place in the list from which answers are changed.
    kept = tuple(given if answer.place == place else answer for answer in now.answers)
    # Counted here and not when asked: "Why?" and "Back" ask again and use nothing up.
    counted = _counts(draft, place, question)
    draft.change(
        answers=kept if now.answer_at(place) is not None else (*kept, given),
        signs_asked=now.signs_asked + counted,
    )
    if question.remember:
        draft.change(facts={**now.facts, question.remember: chosen})
    _judge_again(draft)
