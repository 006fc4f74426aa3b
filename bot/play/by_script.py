"""Plays a file of inputs as JSON Lines, and prints one line of JSON for each.

    {"press": "yes"}                        {"press": ["work", "sex"], "id": "a"}
    {"words": "I want to stop"}             {"action": "human"}
    {"operator": "claims"}                  {"operator_words": "Hello."}

- `press`: the choice of the present question, or several. With `number` it belongs to the
  question of that number instead, as when somebody presses an old button.
- `words`: what a person types. The rules for exits hear it first, as everywhere.
- `action`: `human`, `hotline`, `leave`, `erase`, `erase_now`, `language`, `back`, `why`, `home`,
  `change_answer`, `agreed`, `stop`, `danger`, `self_harm`, or `return` (it is opened by its code).
- `sends`: `photo`, `voice`, `file` or `other`.
- `operator`: `claims`, `gives_back`, `transfers`, `silent` (the claim ran out), `closes` or
  `asks_consent` (to tell an organisation); `operator_words`: what the operator writes.

One of these stands in a line. Beside it may stand `id` (any text, number, truth value or null,
given back as it came) and `staffed` (whether an operator is on shift, from this line on; at first
nobody is). A line is answered by

    {"line": 1, "id": "a", "messages": [{"by": "bot", "key": "home.menu.ask", "text": "..."}],
     "question": {"number": 2, "key": "home.menu.ask", "pick": "one",
                  "choices": [{"id": "rights", "text": "My rights"}]},
     "owner": "bot", "outcome": null, "urgency": "normal",
     "facts": {"age": ["adult"]}, "effects": ["view_ended"]}

- `messages` is everything that the line added to the log, a line of the screen each: `by` is
  `person`, `bot`, `operator` or `notice`; then comes `key`, where the sentence stands in the
  content, or `words`, when somebody typed it; a line of a block of facts has `block` as well. The
  first line that is answered begins with the messages of the first screen.
- `question` is the one that waits now, or null. `facts` and `effects` are left out when empty.
- `effects`: `erased`, `view_ended`, `code_given`, `alarm_danger`, `alarm_self_harm`,
  `alarm_erase_word`, `refused_not_in_this_state`, `refused_not_the_owner`.

A line that cannot be used (not JSON, too long, no such choice, after erasing) is answered in its
place by `{"line", "error"}`, with `id` when that could be read; the others go on, and the exit
code is 2. Only JSON is printed, in ASCII.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn, TextIO, assert_never, cast

from bot.dialogue.render import RenderedLine, RenderedMessage, RenderedQuestion, RenderedText
from bot.domain.consent import Purpose, ReceiverId, ReferralId
from bot.domain.conversation import Conversation
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.messages import ChoiceId
from bot.engine.choices import fits
from bot.engine.effects import (
    Effect,
    EndView,
    EraseAll,
    GiveCode,
    LookAtLine,
    RaiseAlarm,
    Refuse,
    Send,
    StayShut,
)
from bot.engine.received import (
    Action,
    Claimed,
    ClosedByOperator,
    ConsentRequested,
    GaveBack,
    Input,
    LeaseEnded,
    OperatorWrote,
    OtherKind,
    Pressed,
    Requested,
    SentOther,
    TakeoverAnnounced,
    Transferred,
    Typed,
)
from bot.json_lines import MOST_BYTES
from bot.play.walkthrough import BACK, Screen, Walkthrough, plain, quoted

OK, BAD_INPUT = 0, 2

OPERATOR = OperatorId("operator")
LEASE_UNTIL = Milliseconds(60_000)

CONSENT_WISH = ConsentRequested(
    operator=OPERATOR,
    referral=ReferralId("referral"),
    receiver=ReceiverId("receiver"),
    receiver_name="Example Organisation",
    purpose=Purpose.REFERRAL,
    reads_safely=True,
)


class _BadLineError(Exception):
    """What is wrong with a line of a script, in a plain sentence."""


class _Object(dict[str, object]):
    """A JSON object."""


def play_script(walkthrough: Walkthrough, lines: Iterable[bytes], out: TextIO) -> int:
    """Answer each of `lines` on `out`, never raising for what it says; the exit code."""
    code = OK
    earlier = _messages(walkthrough.first)
    for number, line in enumerate(lines, start=1):
        answer: dict[str, object]
        identity: dict[str, object] = {}
        try:
            entry = _object_in(line)
            identity = _identity(entry)
            screen = walkthrough.take(*_inputs_in(entry, walkthrough))
        except _BadLineError as error:
            code = BAD_INPUT
            answer = {**identity, "error": str(error)}
        else:
            answer = {**identity, "messages": earlier + _messages(screen), **_state(screen)}
            earlier = []
        out.write(json.dumps({"line": number, **answer}) + "\n")
        out.flush()  # A program that waits for each answer must not wait for a full buffer.
    return code


def _messages(screen: Screen) -> list[dict[str, object]]:
    return [_entry(message, line) for message in screen.view.messages for line in message.lines]


def _entry(message: RenderedMessage, line: RenderedLine) -> dict[str, object]:
    entry: dict[str, object] = {"by": message.by.value}
    named = line if isinstance(line, RenderedText) else line.label
    if named is not None and named.key is not None:
        entry["key"] = named.key
    elif named is not None:
        entry["words"] = named.words
    if message.block is not None:
        entry["block"] = message.block
    return {**entry, "text": plain(line)}


def _state(screen: Screen) -> dict[str, object]:
    conversation = screen.conversation
    state: dict[str, object] = {
        "question": _question(screen.view.question) if screen.view.question else None,
        "owner": conversation.control.owner.value,
        "outcome": conversation.outcome.value if conversation.outcome is not None else None,
        "urgency": conversation.urgency.value,
    }
    if conversation.facts:
        state["facts"] = {name: list(values) for name, values in conversation.facts.items()}
    effects = [name for name in map(_name, screen.effects) if name]
    return {**state, "effects": effects} if effects else state


def _question(question: RenderedQuestion) -> dict[str, object]:
    return {
        "number": question.number,
        "key": question.question.key,
        "pick": question.pick.value,
        "choices": [{"id": choice.id, "text": choice.label.words} for choice in question.choices],
    }


_NAMES = {EraseAll: "erased", EndView: "view_ended", GiveCode: "code_given"}


def _name(effect: Effect) -> str | None:
    match effect:
        case Send() | LookAtLine():
            return None
        case EraseAll() | EndView() | GiveCode():
            return _NAMES[type(effect)]
        case RaiseAlarm(kind):
            return f"alarm_{kind.value}"
        case Refuse(reason):
            return f"refused_{reason.value}"
        case StayShut(why):
            return f"shut_{why.value}"
        case _ as never:
            assert_never(never)


def _object_in(line: bytes) -> dict[str, object]:
    if len(line.rstrip(b"\r\n")) > MOST_BYTES:
        raise _BadLineError(f"The line is longer than {MOST_BYTES} bytes.")
    try:
        entry: object = json.loads(
            line.decode("utf-8-sig"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_number,
            parse_float=_finite,
        )
    except RecursionError:
        raise _BadLineError("This is nested too deeply.") from None
    except UnicodeDecodeError:
        raise _BadLineError("This is not UTF-8 text.") from None
    except ValueError:
        raise _BadLineError("This is not JSON.") from None
    if not isinstance(entry, _Object):
        raise _BadLineError("A line must be a JSON object.")
    return entry


def _without_repeats(pairs: list[tuple[str, object]]) -> _Object:
    entry = _Object(pairs)
    if len(entry) < len(pairs):
        raise _BadLineError("A key stands here more than once.")
    return entry


def _refuse_number(word: str) -> NoReturn:
    raise _BadLineError(f"{word} is not JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _BadLineError("A number here is too large.")
    return number


def _identity(entry: Mapping[str, object]) -> dict[str, object]:
    if "id" not in entry:
        return {}
    if not isinstance(entry["id"], str | int | float | None):
        raise _BadLineError("`id` must be one text or number.")
    return {"id": entry["id"]}


def _inputs_in(entry: Mapping[str, object], walkthrough: Walkthrough) -> tuple[Input, ...]:
    """The inputs that a line stands for; an operator's claim is two, as in the service."""
    if walkthrough.erased:
        raise _BadLineError("The conversation was erased.")
    kinds = [key for key in entry if key in _READ]
    beside = {"id", "staffed", *(("number",) if kinds == ["press"] else ())}
    for key in entry:
        if key not in _READ and key not in beside:
            raise _BadLineError(f"There is no key {quoted(key)} here.")
    if len(kinds) != 1:
        raise _BadLineError(f"A line needs exactly one of: {', '.join(_READ)}.")
    inputs = _READ[kinds[0]](entry, walkthrough.conversation)
    if "staffed" in entry:
        walkthrough.staffed = _true_or_false(entry["staffed"])
    return inputs


def _true_or_false(value: object) -> bool:
    if not isinstance(value, bool):
        raise _BadLineError("`staffed` must be true or false.")
    return value


def _press(entry: Mapping[str, object], conversation: Conversation) -> tuple[Input, ...]:
    chosen = _choices_in(entry["press"])
    if "number" in entry:
        number = entry["number"]
        if not isinstance(number, int) or isinstance(number, bool):
            raise _BadLineError("`number` must be a whole number.")
        return (Pressed(number=number, choices=chosen),)
    prompt = conversation.prompt
    if prompt is None:
        raise _BadLineError("No question waits for an answer.")
    for choice in chosen:
        if choice not in prompt.choices:
            known = ", ".join(prompt.choices)
            raise _BadLineError(f"There is no choice {quoted(choice)} here, only: {known}.")
    if not fits(prompt, chosen):
        raise _BadLineError("These choices cannot be picked together here.")
    return (Pressed(number=prompt.number, choices=chosen),)


def _choices_in(value: object) -> tuple[ChoiceId, ...]:
    names = cast("list[object]", value) if isinstance(value, list) else [value]
    chosen = tuple(ChoiceId(name) for name in names if isinstance(name, str))
    if not chosen or len(chosen) != len(names):
        raise _BadLineError("`press` must be a choice, or a list of choices.")
    return chosen


def _words(entry: Mapping[str, object], _: Conversation) -> tuple[Input, ...]:
    return (Typed(words=_text_in(entry, "words")),)


def _operator_words(entry: Mapping[str, object], _: Conversation) -> tuple[Input, ...]:
    return (OperatorWrote(operator=OPERATOR, words=_text_in(entry, "operator_words")),)


def _action(entry: Mapping[str, object], _: Conversation) -> tuple[Input, ...]:
    if entry["action"] == "return":
        return (BACK,)
    names = [action.value for action in Action]
    return (Requested(Action(_one_of(entry, "action", (*names, "return")))),)


def _sends(entry: Mapping[str, object], _: Conversation) -> tuple[Input, ...]:
    return (SentOther(OtherKind(_one_of(entry, "sends", [kind.value for kind in OtherKind]))),)


def _operator(entry: Mapping[str, object], conversation: Conversation) -> tuple[Input, ...]:
    lease = conversation.control.lease_until
    moves: Mapping[str, tuple[Input, ...]] = {
        "claims": (Claimed(operator=OPERATOR, lease_until=LEASE_UNTIL), TakeoverAnnounced()),
        "gives_back": (GaveBack(operator=OPERATOR),),
        "transfers": (Transferred(operator=OPERATOR),),
        "silent": (LeaseEnded(lease_until=lease if lease is not None else LEASE_UNTIL),),
        "closes": (ClosedByOperator(operator=OPERATOR),),
        "asks_consent": (CONSENT_WISH,),
    }
    return moves[_one_of(entry, "operator", list(moves))]


_READ: Mapping[str, Callable[[Mapping[str, object], Conversation], tuple[Input, ...]]] = {
    "press": _press,
    "words": _words,
    "action": _action,
    "sends": _sends,
    "operator": _operator,
    "operator_words": _operator_words,
}


def _text_in(entry: Mapping[str, object], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise _BadLineError(f"`{key}` must be a text that is not empty.")
    return value


def _one_of(entry: Mapping[str, object], key: str, names: Sequence[str]) -> str:
    value = entry[key]
    with suppress(TypeError):
        if value in names:
            return str(value)
    raise _BadLineError(f"`{key}` must be one of: {', '.join(names)}.")
