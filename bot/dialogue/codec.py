"""How conversations and messages are written down, and read back.

Written by hand: what is stored outlives the code, so its form must not follow a rename.
`VERSION` goes up with every change of form, and every older form must still load
(`tests/unit/dialogue/states/` keeps one of each).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bot.dialogue.consent_codec import dump_consents, read_consents
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import (
    Answer,
    Conversation,
    Frame,
    Place,
    Prompt,
    Resume,
    Spot,
)
from bot.domain.handover import Alarm, AlarmKind, Handover
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import Outcome, Urgency
from bot.domain.messages import (
    Asked,
    Author,
    Choice,
    ChoiceId,
    Chose,
    Content,
    Message,
    Pick,
    Said,
    Shown,
    Told,
)
from bot.domain.text import Country, Language, Text, TextKey
from bot.errors import CorruptStateError

VERSION = 4
"""2 added what stands between a conversation and the human who answers it (`handover`);
3 which blocks of facts are shown together (`beside`);
4 the word agreed on with the return code (`code_word`, `wrong_words`)."""

_READABLE = range(1, VERSION + 1)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

T = TypeVar("T")

# Parsed JSON. It is checked while it is turned into values: every wrong form ends as
# `CorruptStateError`.
Json = Any


def dump_conversation(conversation: Conversation) -> bytes:
    """The conversation as bytes."""
    return _dump({"version": VERSION, **_conversation(conversation)})


def load_conversation(stored: bytes) -> Conversation:
    """The conversation in `stored`.

    Raises:
        CorruptStateError: these are not the bytes of a conversation that we know.
    """
    return _load(stored, _read_conversation)


def dump_message(message: Message) -> bytes:
    """The message as bytes."""
    kind, fields = _content(message.content)
    return _dump({"version": VERSION, "by": message.by.value, "kind": kind, **fields})


def load_message(stored: bytes) -> Message:
    """The message in `stored`.

    Raises:
        CorruptStateError: these are not the bytes of a message that we know.
    """
    return _load(stored, _read_message)


def _dump(value: Mapping[str, Json]) -> bytes:
    return _ENCODER.encode(value).encode(errors="surrogatepass")


def _load(stored: bytes, read: Callable[[Json], T]) -> T:
    try:
        value = json.loads(stored.decode(errors="surrogatepass"))
        if value["version"] not in _READABLE:
            raise CorruptStateError(f"stored by a version we do not know: {value['version']!r}")
        return read(value)
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise CorruptStateError(type(error).__name__) from None


def _conversation(c: Conversation) -> dict[str, Json]:
    return {
        "release": c.release,
        "language": c.language,
        "control": _control(c.control),
        "prompt": _prompt(c.prompt) if c.prompt else None,
        "asked": c.asked,
        "signs_asked": c.signs_asked,
        "answers": [[*_place(a.place), *a.choices] for a in c.answers],
        "facts": {name: list(values) for name, values in c.facts.items()},
        "trail": [_spot(spot) for spot in c.trail],
        "held": _spot(c.held) if c.held else None,
        "misses": c.misses,
        "outcome": c.outcome.value if c.outcome is not None else None,
        "urgency": c.urgency.value,
        "rule_version": c.rule_version,
        "asked_for_person": c.asked_for_person,
        "show_answers": c.show_answers,
        "handover": _handover(c.handover),
        "has_code": c.has_code,
        "code_word": c.code_word,
        "wrong_words": c.wrong_words,
        "view": c.view,
        **dump_consents(c),
    }


def _read_conversation(v: Json) -> Conversation:
    return Conversation(
        release=int(v["release"]),
        language=Language(v["language"]),
        control=_read_control(v["control"]),
        prompt=_read_prompt(v["prompt"]) if v["prompt"] else None,
        asked=int(v["asked"]),
        signs_asked=int(v["signs_asked"]),
        answers=tuple(
            Answer(place=Place(flow, node), choices=tuple(map(ChoiceId, choices)))
            for flow, node, *choices in v["answers"]
        ),
        facts={str(name): tuple(map(str, values)) for name, values in v["facts"].items()},
        trail=tuple(_read_spot(spot) for spot in v["trail"]),
        held=_read_spot(v["held"]) if v["held"] else None,
        misses=int(v["misses"]),
        outcome=Outcome(v["outcome"]) if v["outcome"] is not None else None,
        urgency=Urgency(v["urgency"]),
        rule_version=v["rule_version"],
        asked_for_person=bool(v["asked_for_person"]),
        show_answers=bool(v["show_answers"]),
        handover=_read_handover(v["handover"]) if "handover" in v else Handover(),
        has_code=bool(v["has_code"]),
        code_word=str(v["code_word"]) if v.get("code_word") is not None else None,
        wrong_words=int(v.get("wrong_words", 0)),
        view=int(v["view"]),
        **read_consents(v),
    )


def _handover(h: Handover) -> dict[str, Json]:
    return {
        "shared_after": h.shared_after,
        "alarms": [[alarm.number, alarm.kind.value] for alarm in h.alarms],
        "alarms_seen": h.alarms_seen,
        "away": h.away,
        "told_long": h.told_long,
    }


def _read_handover(v: Json) -> Handover:
    shared = v["shared_after"]
    return Handover(
        shared_after=int(shared) if shared is not None else None,
        alarms=tuple(Alarm(int(number), AlarmKind(kind)) for number, kind in v["alarms"]),
        alarms_seen=int(v["alarms_seen"]),
        away=bool(v["away"]),
        told_long=bool(v["told_long"]),
    )


def _control(c: Control) -> dict[str, Json]:
    return {
        "owner": c.owner.value,
        "fence": [c.fence.number, c.fence.nonce],
        "operator": c.operator,
        "lease_until": c.lease_until,
        "announced": c.announced,
    }


def _read_control(v: Json) -> Control:
    number, nonce = v["fence"]
    return Control(
        owner=Owner(v["owner"]),
        fence=Fence(int(number), str(nonce)),
        operator=OperatorId(v["operator"]) if v["operator"] is not None else None,
        lease_until=Milliseconds(v["lease_until"]) if v["lease_until"] is not None else None,
        announced=bool(v["announced"]),
    )


def _place(place: Place) -> list[str]:
    return [place.flow, place.node]


def _spot(spot: Spot) -> Json:
    return [_place(spot.place), [[*_place(f.place), f.resume.value] for f in spot.frames]]


def _read_spot(v: Json) -> Spot:
    (flow, node), frames = v
    return Spot(
        Place(flow, node), tuple(Frame(Place(f, n), Resume(resume)) for f, n, resume in frames)
    )


def _prompt(p: Prompt) -> dict[str, Json]:
    return {
        "number": p.number,
        "spot": _spot(p.spot),
        "choices": list(p.choices),
        "pick": p.pick.value,
        "changing": p.changing,
    }


def _read_prompt(v: Json) -> Prompt:
    return Prompt(
        number=int(v["number"]),
        spot=_read_spot(v["spot"]),
        choices=tuple(map(ChoiceId, v["choices"])),
        pick=Pick(v["pick"]),
        changing=bool(v["changing"]),
    )


def _text(sentence: Text) -> Json:
    if not sentence.values:
        return sentence.key
    values = {
        name: {"text": _text(value)} if isinstance(value, Text) else value
        for name, value in sentence.values
    }
    return [sentence.key, values]


def _read_text(v: Json) -> Text:
    if isinstance(v, str):
        return Text(TextKey(v))
    key, values = v
    return Text(
        TextKey(key),
        tuple(
            (str(name), _read_text(value["text"]) if isinstance(value, dict) else value)
            for name, value in values.items()
        ),
    )


def _content(content: Content) -> tuple[str, dict[str, Json]]:
    match content:
        case Told(sentence):
            return "told", {"sentence": _text(sentence)}
        case Shown(block=block, country=country, beside=beside):
            return "shown", {"block": block, "country": country, "beside": list(beside)}
        case Said(words):
            return "said", {"words": words}
        case Chose(labels):
            return "chose", {"labels": [_text(label) for label in labels]}
        case Asked() as asked:
            return "asked", {
                "number": asked.number,
                "question": _text(asked.question),
                "choices": [[choice.id, _text(choice.label)] for choice in asked.choices],
                "pick": asked.pick.value,
                "explained": asked.explained,
            }


def _read_message(v: Json) -> Message:
    return Message(Author(v["by"]), _READ[v["kind"]](v))


def _read_asked(v: Json) -> Asked:
    return Asked(
        number=int(v["number"]),
        question=_read_text(v["question"]),
        choices=tuple(Choice(ChoiceId(i), _read_text(label)) for i, label in v["choices"]),
        pick=Pick(v["pick"]),
        explained=bool(v["explained"]),
    )


def _read_shown(v: Json) -> Shown:
    country = v["country"]
    return Shown(
        block=str(v["block"]),
        country=Country(country) if country else None,
        beside=tuple(map(str, v.get("beside", ()))),
    )


_READ: Mapping[str, Callable[[Json], Content]] = {
    "told": lambda v: Told(_read_text(v["sentence"])),
    "shown": _read_shown,
    "said": lambda v: Said(str(v["words"])),
    "chose": lambda v: Chose(tuple(_read_text(label) for label in v["labels"])),
    "asked": _read_asked,
}
