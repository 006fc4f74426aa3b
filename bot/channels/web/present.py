"""A rendered view as JSON."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bot.dialogue.render import (
    RenderedLine,
    RenderedLink,
    RenderedMessage,
    RenderedPhone,
    RenderedQuestion,
    RenderedText,
    RenderedView,
)

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


def view_json(view: RenderedView) -> dict[str, Json]:
    """What the page needs to show a view. See docs/interface.md for its form."""
    return {
        "messages": [_message(message) for message in view.messages],
        "last": view.last,
        "question": _question(view.question) if view.question else None,
        "language": view.language.language,
        "direction": view.language.direction.value,
        "owner": view.owner.value,
        "offers": [action.value for action in view.offers],
    }


def _message(message: RenderedMessage) -> Json:
    extra: dict[str, Json] = {}
    if message.asked is not None:
        extra["asked"] = message.asked
    if message.block is not None:
        extra["block"] = message.block
    return {
        "seq": message.seq,
        "by": message.by.value,
        "lines": [_line(line) for line in message.lines],
        **extra,
    }


def _text(text: RenderedText) -> dict[str, Json]:
    found: dict[str, Json] = {"text": text.words}
    if text.language is not None:
        found["lang"] = text.language
    if text.key is not None:
        found["key"] = text.key
    return found


def _line(line: RenderedLine) -> Json:
    match line:
        case RenderedText():
            return _text(line)
        case RenderedPhone():
            return {
                "label": _text(line.label) if line.label else None,
                "phone": {"name": line.name, "number": line.number, "dial": line.dial},
            }
        case RenderedLink():
            return {
                "label": _text(line.label) if line.label else None,
                "link": {"name": line.name, "url": line.url},
            }


def _question(question: RenderedQuestion) -> Json:
    return {
        "number": question.number,
        "question": _text(question.question),
        "choices": [{"id": choice.id, **_text(choice.label)} for choice in question.choices],
        "pick": question.pick.value,
        "explained": question.explained,
    }
