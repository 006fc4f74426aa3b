"""Walking the graph: from a place to the next question, or to a place where the bot waits.

Total on purpose: whatever an author wrote and whatever was stored, a walk ends within
`MOST_STEPS` nodes, and a dead end becomes a sentence with ways out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.domain.control import Move, Owner, can_move, moved
from bot.domain.conversation import Answer, Frame, Place, Prompt, Resume, Spot
from bot.domain.indicators import Outcome, Urgency
from bot.domain.messages import Asked, Choice, ChoiceId, Pick, Shown, Told
from bot.domain.text import Language, Text, text
from bot.engine.answers import (
    DONT_KNOW,
    NO,
    NOT_SURE,
    SKIP,
    SOMETIMES,
    YES,
    answers_of,
    signs_present,
)
from bot.engine.assess import assess
from bot.engine.consents import (
    consent_facts,
    drop_question,
    note_answer,
    sentence,
    take_back_choices,
    tell_receipts,
    withdraw,
)
from bot.engine.draft import Draft
from bot.engine.effects import EndView, EraseAll, GiveCode, LookAtLine
from bot.engine.graph import (
    UNSET,
    Condition,
    Do,
    Graph,
    Level,
    Node,
    Option,
    Question,
    Route,
    Source,
    text_key,
)

MOST_STEPS = 200
"""Nodes passed in one turn; the longest real walk passes fewer than forty."""

MOST_FRAMES = 12
MOST_TRAIL = 40
HOME = "home"
TOPICS_LEFT = "topics_left"
"""An engine fact that is dear to find out: only conditions that ask for it pay for it."""

OTHER_COUNTRY = ChoiceId("other")


def walk(draft: Draft, place: Place | None, frames: tuple[Frame, ...]) -> None:
    """Go on at `place` until a question is asked or nothing is left to do."""
    for _ in range(MOST_STEPS):
        if place is not None and place.flow == HOME:
            frames = ()
        if place is None and frames:
            frame, frames = frames[-1], frames[:-1]
            if frame.resume is not Resume.BELOW and ask_again(
                draft, Spot(frame.place, frames), changing=frame.resume is Resume.CHANGE
            ):
                return
            place = _below(draft, frame.place)
            continue
        if draft.silent and (place is None or place.flow == HOME):
            draft.change(prompt=None)
            return
        place = place or draft.graph.start(HOME)
        node = draft.graph.node(place) if place else None
        if place is None or node is None:
            break
        if not _holds(draft, node.only_if) or _passed_over(draft, place, node):
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
    fitting = node is not None and _holds(draft, node.only_if)
    return fitting and ask(draft, spot, changing=changing)


def _counts(draft: Draft, place: Place, question: Question) -> bool:
    """Whether an answer uses up one of the questions that may be asked before an outcome.

    Those about signs do, and what is asked between them. What comes before the first of them is
    the gate.
    """
    now = draft.conversation
    if not question.recorded or now.answer_at(place) is not None:
        return False
    between = now.signs_asked > 0 or now.outcome is not None
    return question.asks_sign or (
        between and draft.graph.flows[place.flow].most_questions is not None
    )


def open_flow(draft: Draft, name: str) -> None:
    """Go through a flow, then return to the question that waits now."""
    now = draft.conversation
    spot = now.prompt.spot if now.prompt else now.held
    frames = frames_back_to(draft, spot)
    inside = [i for i, frame in enumerate(frames) if frame.place.flow == name]
    if inside:
        frames = frames[: inside[0]]
    leave_behind(draft)
    walk(draft, draft.graph.start(name), frames)


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
        if ask(draft, Spot(_place_of(chosen[0]), back), changing=True):
            return
    option = node.asks.option(chosen[0]) if len(chosen) == 1 else None
    if option and option.opens:
        walk(draft, option.opens, (*frames, Frame(place, Resume.AGAIN))[-MOST_FRAMES:])
    elif prompt.changing:
        walk(draft, None, frames)
    else:
        walk(draft, _onward(draft, node, option), frames)


def facts_for(draft: Draft) -> Mapping[str, tuple[str, ...]]:
    """What conditions can ask for: what flows remembered, and what the engine knows."""
    now, graph = draft.conversation, draft.graph
    level = graph.languages.get(now.language)
    return {
        **now.facts,
        "outcome": (now.outcome.value if now.outcome is not None else UNSET,),
        "urgency": (now.urgency.value,),
        "owner": (now.control.owner.value,),
        "level": (level.value if level is not None else "full",),
        "code": ("yes" if now.has_code else "no",),
        "staffed": ("yes" if draft.received.staffed else "no",),
        "person_asked": ("yes" if now.asked_for_person else "no",),
        **consent_facts(now),
    }


def _holds(draft: Draft, condition: Condition) -> bool:
    facts = facts_for(draft)
    if condition.asks(TOPICS_LEFT):
        facts = {**facts, TOPICS_LEFT: ("yes" if _sign_left(draft, facts) else "no",)}
    return condition.holds(facts)


def _sign_left(draft: Draft, facts: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a question about a sign could still be asked to this person."""
    for flow in draft.graph.flows.values():
        if flow.most_questions is None:
            continue
        seen: set[Place] = set()
        ahead: list[Place] = [flow.start]
        while ahead:
            place = ahead.pop()
            node = draft.graph.node(place)
            if place in seen or place.flow != flow.name or node is None:
                continue
            seen.add(place)
            open_now = node.only_if.holds(facts)
            asks = open_now and node.asks is not None and node.asks.asks_sign
            if asks and draft.conversation.answer_at(place) is None:
                return True
            ahead.extend(_targets(draft, place, node, facts, open_now=open_now))
    return False


def _targets(
    draft: Draft,
    place: Place,
    node: Node,
    facts: Mapping[str, tuple[str, ...]],
    *,
    open_now: bool,
) -> Iterator[Place]:
    below = _route(node.routes, facts)
    if below:
        yield below
    if not open_now or node.asks is None:
        return
    given = draft.conversation.answer_at(place)
    for option in node.asks.options:
        if option.routes is not None and (given is None or option.id in _chosen(given)):
            target = _route(option.routes, facts)
            if target:
                yield target


def _passed_over(draft: Draft, place: Place, node: Node) -> bool:
    question = node.asks
    if question is None or not question.recorded or question.source is not None:
        return False
    return draft.conversation.answer_at(place) is not None or _budget_used(draft, place)


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
    if question is None or not _holds(draft, node.only_if):
        return _below(draft, place)
    given = draft.conversation.answer_at(place)
    if given is None and flow.then is not None:
        return Place(place.flow, flow.then)
    chosen = _chosen(given) if given else ()
    return _onward(draft, node, question.option(chosen[0]) if len(chosen) == 1 else None)


def _chosen(given: Answer) -> tuple[ChoiceId, ...]:
    """The buttons of an answer; a skipped question is kept as an empty one."""
    return given.choices or (SKIP,)


def _onward(draft: Draft, node: Node, option: Option | None) -> Place | None:
    routes = option.routes if option and option.routes is not None else node.routes
    return _resolve(draft, routes)


def _below(draft: Draft, place: Place) -> Place | None:
    node = draft.graph.node(place)
    return _resolve(draft, node.routes) if node else None


def _resolve(draft: Draft, routes: tuple[Route, ...]) -> Place | None:
    return next((route.target for route in routes if _holds(draft, route.condition)), None)


def _route(routes: tuple[Route, ...], facts: Mapping[str, tuple[str, ...]]) -> Place | None:
    return next((route.target for route in routes if route.condition.holds(facts)), None)


def _perform(draft: Draft, spot: Spot, node: Node) -> bool:
    """Say, show and do what stands at a node; True when the walk stops there."""
    place = spot.place
    for index in range(node.sentences):
        draft.send(Told(sentence(draft.conversation, place, f"say.{index}")))
    for block in node.shows:
        draft.send(Shown(block=block, country=draft.conversation.country))
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
            draft.change(has_code=True)
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
    draft.tell("waiting_minutes_unknown")


def _record(draft: Draft, place: Place, question: Question, chosen: tuple[ChoiceId, ...]) -> None:
    now = draft.conversation
    if question.source is Source.LANGUAGES:
        draft.change(language=Language(chosen[0]))
        if draft.graph.languages.get(draft.conversation.language) is Level.FIRST_HELP:
            draft.tell("first_help")
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


def choices_of(draft: Draft, question: Question) -> Iterator[Choice]:
    """The buttons of a question for this person now."""
    match question.source:
        case Source.LANGUAGES:
            for language in draft.graph.languages:
                yield Choice(ChoiceId(language), text(f"language.{language}"))
        case Source.COUNTRIES:
            for country in draft.graph.countries:
                yield Choice(ChoiceId(country), text(f"country.{country}.name"))
            yield Choice(OTHER_COUNTRY, text("interface.other_country"))
            yield Choice(SKIP, _label(SKIP))
        case Source.ANSWERED:
            yield from _answered_choices(draft)
        case Source.AGREED:
            yield from take_back_choices(draft.conversation)
        case None:
            yield from _written_choices(question)


def _written_choices(question: Question) -> Iterator[Choice]:
    written = {option.id for option in question.options}
    yield from (Choice(option.id, option.label) for option in question.options)
    standard = (YES, SOMETIMES, NO) if question.sign else ()
    # "I am not sure" written by the author already is an "I don't know".
    unsure = () if NOT_SURE in written else (DONT_KNOW,)
    extra = (*unsure, SKIP) if question.recorded else ()
    for choice in (*standard, *extra):
        if choice not in written:
            yield Choice(choice, _label(choice))


def _label(choice: ChoiceId) -> Text:
    return text(f"interface.{choice}")


def _answered_choices(draft: Draft) -> Iterator[Choice]:
    """The questions with an answer that still fit the person, never those that were skipped."""
    for given in draft.conversation.answers:
        node = draft.graph.node(given.place)
        if not given.choices or node is None or node.asks is None:
            continue
        if not _holds(draft, node.only_if):
            continue
        labels = {choice.id: choice.label for choice in _written_choices(node.asks)}
        first = labels.get(given.choices[0])
        if first is None:
            continue
        label = text("interface.answered", question=text_key(given.place, "ask"), answer=first)
        yield Choice(ChoiceId(f"{given.place.flow}.{given.place.node}"), label)


def labels_of(draft: Draft, prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> tuple[Text, ...]:
    """The labels of the buttons that were pressed."""
    node = draft.graph.node(prompt.spot.place)
    if node is None or node.asks is None:
        return ()
    labels = {choice.id: choice.label for choice in choices_of(draft, node.asks)}
    return tuple(labels[choice] for choice in chosen if choice in labels)


def _place_of(choice: ChoiceId) -> Place:
    flow, _, node = choice.partition(".")
    return Place(flow, node)


def exclusive(choice: ChoiceId) -> bool:
    """Whether a choice cannot be picked together with others."""
    return choice in (DONT_KNOW, SKIP)


def fits(prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> bool:
    """Whether a press names choices of the question that waits."""
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(prompt.choices):
        return False
    if len(chosen) == 1:
        return True
    return prompt.pick is Pick.MANY and not any(exclusive(choice) for choice in chosen)


def flagged(outcome: Outcome | None, urgency: Urgency, *, person_asked: bool) -> bool:
    """Whether a human is offered (design section 4)."""
    signs = outcome is not None and outcome >= Outcome.SIGNS
    return signs or urgency is not Urgency.NORMAL or person_asked


def conditions_can_ask(graph: Graph) -> frozenset[str]:
    """Every fact name that a condition may use in this release."""
    remembered = {
        node.asks.remember
        for flow in graph.flows.values()
        for node in flow.nodes.values()
        if node.asks and node.asks.remember
    }
    engine = {
        "outcome",
        "urgency",
        "owner",
        "level",
        "code",
        "staffed",
        "person_asked",
        "topics_left",
        "consent_for",
        "consented",
    }
    return frozenset(remembered | engine)
