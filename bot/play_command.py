"""`firstpoint play`: walk the content in a terminal, without any server.

By hand, it shows what a person would see, and reads one line at a time: numbers of choices
(`2`, or `1 3` where several may be picked), one of the keys under the question, or any words.

`--script FILE` plays a file of JSON Lines instead, and prints one line of JSON for each:

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

The conversation is written down and read back between every two turns, as in the service.
"""

import asyncio
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NoReturn, TextIO, assert_never, cast

from bot.assess_command import MOST_BYTES, bounded_lines
from bot.content.release import load, read_files
from bot.content.shelf import PublishedContent, published
from bot.content.show import show_problems
from bot.dialogue.codec import dump_conversation, dump_message, load_conversation, load_message
from bot.dialogue.ports import Entry, View
from bot.dialogue.render import (
    RenderedLine,
    RenderedLink,
    RenderedMessage,
    RenderedPhone,
    RenderedQuestion,
    RenderedText,
    RenderedView,
    render,
)
from bot.dialogue.understand import understand
from bot.domain.consent import Purpose, ReceiverId, ReferralId
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, Facts, new_conversation
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.messages import Author, ChoiceId, Message, Pick, Told
from bot.domain.text import Language, Text, text
from bot.engine.advance import advance
from bot.engine.choices import fits
from bot.engine.draft import Draft
from bot.engine.effects import (
    Effect,
    EndView,
    EraseAll,
    GiveCode,
    LookAtLine,
    RaiseAlarm,
    Refuse,
    Send,
    Turn,
)
from bot.engine.received import (
    Action,
    Claimed,
    ClosedByOperator,
    ConsentRequested,
    GaveBack,
    Input,
    LeaseEnded,
    Line,
    OperatorWrote,
    OtherKind,
    Pressed,
    Received,
    Requested,
    Returned,
    SentOther,
    Started,
    TakeoverAnnounced,
    Transferred,
    Typed,
)
from bot.engine.walk import walk
from bot.settings import read_settings

OK, BAD_INPUT = 0, 2

CODE = "0712 3456 7890 1234"
"""Shown in the place of a return code, which only the service can make."""

OPERATOR = OperatorId("operator")
LEASE_UNTIL = Milliseconds(60_000)
NEXT_IN_LINE = Line(busy=False, position=1)
"""There is one conversation here, so nobody waits before it."""

CONSENT_WISH = ConsentRequested(
    operator=OPERATOR,
    referral=ReferralId("referral"),
    receiver=ReceiverId("receiver"),
    receiver_name="Example Organisation",
    purpose=Purpose.REFERRAL,
    reads_safely=True,
)

KEYS: Mapping[str, Action] = {
    "h": Action.HUMAN,
    "e": Action.HOTLINE,
    "l": Action.LEAVE,
    "x": Action.ERASE,
    "g": Action.LANGUAGE,
    "b": Action.BACK,
    "w": Action.WHY,
    "m": Action.HOME,
    "c": Action.CHANGE_ANSWER,
    "a": Action.AGREED,
}
"""The buttons beside the question. `q` quits."""

_MOST_QUOTED = 40


class _UnknownNameError(Exception):
    """What was asked for on the command line is not in the content; a plain sentence."""


class _BadLineError(Exception):
    """What is wrong with a line of a script, in a plain sentence."""


class _Object(dict[str, object]):
    """A JSON object."""


def play(
    folder: Path, *, language: str, country: str | None, flow: str | None, script: Path | None
) -> int:
    """Walk the content in `folder`, by hand or by `script`; the exit code.

    Raises:
        StartError: a setting is not possible.
    """
    loaded = load(read_files(folder))
    if loaded.release is None:
        show_problems(loaded.problems, sys.stderr)
        return BAD_INPUT
    settings = read_settings()
    values: dict[str, str | Text] = {
        "organisation": settings.organisation or text("interface.organisation_unnamed"),
        "keep_minutes": str(settings.keep_minutes),
        "keep_waiting_hours": str(settings.keep_waiting_hours),
        "keep_code_days": str(settings.keep_code_days),
    }
    content = published(loaded.release, settings.mode, _today, values)
    try:
        walkthrough = begin(content, language=language, country=country, flow=flow)
        if script is None:
            return play_by_hand(walkthrough, _typed_lines(), sys.stdout)
        with script.open("rb") as lines:
            return play_script(walkthrough, bounded_lines(lines), sys.stdout)
    except _UnknownNameError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"The file {script} cannot be read: {error.strerror}.\n")
    return BAD_INPUT


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - facts are shown until a date


def _typed_lines() -> Iterator[str]:
    return (line.decode(errors="replace") for line in sys.stdin.buffer)


# --- The conversation ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Screen:
    """What one or more turns added, and what stands there now."""

    conversation: Conversation
    view: RenderedView
    effects: tuple[Effect, ...]

    @property
    def erased(self) -> bool:
        """Whether the conversation is gone."""
        return any(isinstance(effect, EraseAll) for effect in self.effects)

    @property
    def left(self) -> bool:
        """Whether the view was closed."""
        return any(isinstance(effect, EndView) for effect in self.effects)


@dataclass(frozen=True, slots=True)
class _OneRelease:
    """The release that is walked, where the dialogue expects all of them."""

    content: PublishedContent

    def current(self) -> PublishedContent:
        return self.content

    async def numbered(self, number: int) -> PublishedContent:  # noqa: ARG002 - there is one
        return self.content


@dataclass(slots=True)
class Walkthrough:
    """One conversation, kept between two turns as the service keeps it."""

    content: PublishedContent
    first: Screen = field(init=False)
    stored: bytes = field(default=b"", repr=False)
    staffed: bool = False
    erased: bool = False
    turns: int = 0

    def begin(self, conversation: Conversation, flow: str | None) -> None:
        """Show the first screen: of `flow`, or the welcome."""
        if flow is None:
            turn = self._advance(conversation, Started())
        else:
            draft = Draft(self.content.graph, self._received(Started()), conversation)
            walk(draft, self.content.graph.start(flow), ())
            turn = draft.turn()
        self.first = self._keep([turn])

    @property
    def conversation(self) -> Conversation:
        """Where the conversation stands."""
        return load_conversation(self.stored)

    def take(self, *inputs: Input) -> Screen:
        """Give each input its turn."""
        turns: list[Turn] = []
        for what in inputs:
            before = turns[-1].conversation if turns else self.conversation
            turns.append(
                self._advance(before, understand(self.content, self.content, before, what))
            )
        return self._keep(turns)

    def _advance(self, conversation: Conversation, what: Input) -> Turn:
        return advance(self.content.graph, conversation, self._received(what))

    def _received(self, what: Input) -> Received:
        self.turns += 1
        return Received(
            what=what, nonce=f"play-{self.turns}", staffed=self.staffed, line=NEXT_IN_LINE
        )

    def _keep(self, turns: Sequence[Turn]) -> Screen:
        self.stored = dump_conversation(turns[-1].conversation)
        effects = tuple(effect for turn in turns for effect in turn.effects)
        messages = tuple(
            load_message(dump_message(message))
            for turn in turns
            for effect in turn.effects
            for message in _seen(effect, turn.conversation)
        )
        view = View(
            conversation=self.conversation,
            version=self.turns,
            length=len(messages),
            entries=tuple(Entry(seq, message) for seq, message in enumerate(messages, start=1)),
        )
        rendered = asyncio.run(render(_OneRelease(self.content), view))
        screen = Screen(self.conversation, rendered, effects)
        self.erased = self.erased or screen.erased
        return screen


def begin(
    content: PublishedContent, *, language: str, country: str | None, flow: str | None
) -> Walkthrough:
    """A conversation at its first screen.

    Raises:
        _UnknownNameError: the content has no such language, country or flow.
    """
    _known("language", language, content.languages)
    _known("country", country, content.graph.countries)
    _known("flow", flow, content.graph.flows)
    facts: Facts = {"country": (country,)} if country else {}
    walkthrough = Walkthrough(content)
    walkthrough.begin(
        new_conversation(
            release=content.number, language=Language(language), nonce="play-0", facts=facts
        ),
        flow,
    )
    return walkthrough


def _known(kind: str, name: str | None, names: Iterable[str]) -> None:
    known = sorted(names)
    if name is not None and name not in known:
        raise _UnknownNameError(
            f"There is no {kind} {_quoted(name)} here, only: {', '.join(known)}."
        )


def _seen(effect: Effect, conversation: Conversation) -> Iterator[Message]:
    """What a person sees of an effect; what channels say of it included."""
    silent = conversation.control.owner in (Owner.OPERATOR, Owner.CLOSED)

    def told(item: str, **values: str) -> Message:
        author = Author.NOTICE if silent else Author.BOT
        return Message(author, Told(text(f"interface.{item}", **values)))

    match effect:
        case Send(message):
            yield message
        case GiveCode():
            yield told("your_code", code=CODE)
        case EraseAll():
            yield told("erased_confirm")
            yield told("erased_remains")
        case EndView():
            yield told("left")
        case RaiseAlarm() | Refuse() | LookAtLine():
            return
        case _ as never:
            assert_never(never)


# --- By hand ------------------------------------------------------------------------------------


def play_by_hand(walkthrough: Walkthrough, lines: Iterable[str], out: TextIO) -> int:
    """Show a screen, read a line, and so on until the end; the exit code."""
    screen = walkthrough.first
    typed = iter(lines)
    while True:
        _show(walkthrough.content, screen, out)
        if screen.erased or (screen.left and not screen.conversation.has_code):
            return OK
        if screen.left:
            out.write("\nEnter: come back with the code.  q: quit.\n")
        out.write("> ")
        out.flush()
        line = next(typed, "q").strip()
        if line == "q":
            return OK
        screen = walkthrough.take(Returned() if screen.left else _input_in(line, screen.view))


def _input_in(line: str, view: RenderedView) -> Input:
    """What a typed line stands for: a key, numbers of choices, or words."""
    if line in KEYS:
        return Requested(KEYS[line])
    question = view.question
    numbers = line.replace(",", " ").split()
    if question and numbers and all(map(_is_number, numbers)):
        by_number = dict(enumerate((choice.id for choice in question.choices), start=1))
        chosen = tuple(by_number[int(n)] for n in numbers if int(n) in by_number)
        if len(chosen) == len(numbers) and (len(chosen) == 1 or question.pick is Pick.MANY):
            return Pressed(number=question.number, choices=chosen)
    return Typed(words=line)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < len("100")


def _show(content: PublishedContent, screen: Screen, out: TextIO) -> None:
    def words(item: str) -> str:
        return content.words(text(f"interface.{item}"), screen.conversation.language).words

    # The question that waits follows at the end.
    said = (message for message in screen.view.messages if message.asked is None)
    for author, messages in groupby(said, key=attrgetter("by")):
        out.write(f"\n{words(_SPEAKER[author])}\n")
        for message in messages:
            out.writelines(f"    {_line(line)}\n" for line in message.lines)
    if screen.erased or screen.left:
        return
    if screen.view.question:
        _show_question(screen.view.question, words, out)
    buttons = {*screen.view.offers, Action.HOME, Action.CHANGE_ANSWER}
    offered = (f"{key} {words(a.value)}" for key, a in KEYS.items() if a in buttons)
    out.write(f"\n[{' | '.join(offered)} | q quit]\n")


_SPEAKER = {
    Author.PERSON: "from_you",
    Author.BOT: "from_program",
    Author.OPERATOR: "from_person",
    Author.NOTICE: "notice_asked",
}


def _show_question(question: RenderedQuestion, words: Callable[[str], str], out: TextIO) -> None:
    out.write(f"\n  {question.question.words}\n")
    if question.pick is Pick.MANY:
        out.write(f"  ({words('pick_many_hint')})\n")
    for number, choice in enumerate(question.choices, start=1):
        out.write(f"  {number:2}  {choice.label.words}\n")


def _line(line: RenderedLine) -> str:
    match line:
        case RenderedText(words=words):
            return words
        case RenderedPhone(label=label, name=name, number=value):
            return _labelled(label, name, value)
        case RenderedLink(label=label, name=name, url=value):
            return _labelled(label, name, value)
        case _ as never:
            assert_never(never)


def _labelled(label: RenderedText | None, name: str, value: str) -> str:
    before = ", ".join(part for part in (label.words if label else "", name) if part)
    return f"{before}: {value}" if before else value


# --- By script ----------------------------------------------------------------------------------


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
    return {**entry, "text": _line(line)}


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


def _name(effect: Effect) -> str | None:
    match effect:
        case Send() | LookAtLine():
            return None
        case EraseAll():
            return "erased"
        case EndView():
            return "view_ended"
        case GiveCode():
            return "code_given"
        case RaiseAlarm(kind):
            return f"alarm_{kind.value}"
        case Refuse(reason):
            return f"refused_{reason.value}"
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
            raise _BadLineError(f"There is no key {_quoted(key)} here.")
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
            raise _BadLineError(f"There is no choice {_quoted(choice)} here, only: {known}.")
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
        return (Returned(),)
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


def _quoted(name: str) -> str:
    return f"`{name[:_MOST_QUOTED]}{'…' if len(name) > _MOST_QUOTED else ''}`"
