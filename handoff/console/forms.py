"""What a page of the console sends. What cannot be read is refused, and given back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from aiohttp import web

MOST_BYTES = 128 * 1024
MOST_WORDS = 4000
"""Characters of one message to a person."""

_MOST_FIELDS = 300
_MOST_DIGITS = 15
"""As many as a time in milliseconds and more than any log has; few enough for every store."""

_KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class SentForm:
    """The fields of a form."""

    fields: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]], repr=False
    )

    def one(self, name: str) -> str:
        """The first value of a field; empty when there is none."""
        return self.many(name)[0] if self.many(name) else ""

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return self.fields.get(name, ())

    def number(self, name: str) -> int | None:
        """A field as a number; None when it is none."""
        return number(self.one(name))

    @property
    def words(self) -> str:
        """What was typed for the person."""
        return self.one("words").replace("\r\n", "\n")

    @property
    def typed(self) -> str:
        """Everything that somebody took time to write, to be given back when it was not kept."""
        written = (value for name in _LONG for value in self.many(name))
        return "\n\n".join(value.replace("\r\n", "\n") for value in written if value.strip())


_LONG = ("words", "reasons", "decision_reason")
"""Fields of several lines: of the conversation, and of a referral."""


def number(value: str) -> int | None:
    """A number as our pages write it; None when it is none."""
    digits = value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS
    return int(value) if digits else None


class BadFormError(Exception):
    """Not a form that a page of ours sends; `kept` is what could be read of it."""

    def __init__(self, why: Literal["too_large", "not_readable"], kept: SentForm) -> None:
        super().__init__(why)
        self.why = why
        self.kept = kept


async def read_form(request: web.Request) -> SentForm:
    """The form in the body of `request`.

    Raises:
        BadFormError: the body is too large, or holds what is no text.
    """
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > MOST_BYTES:
                raise BadFormError("too_large", _patient(bytes(body[:MOST_BYTES])))
    except web.RequestPayloadError:  # compressed by somebody, and broken
        raise BadFormError("not_readable", _patient(bytes(body))) from None
    if body and request.content_type != _KIND:
        raise BadFormError("not_readable", SentForm())
    try:
        return _parsed(bytes(body), "strict")
    except ValueError:
        raise BadFormError("not_readable", _patient(bytes(body))) from None


def _patient(body: bytes) -> SentForm:
    try:
        return _parsed(body, "replace")
    except ValueError:
        return SentForm()


def _parsed(body: bytes, errors: Literal["strict", "replace"]) -> SentForm:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(
        body.decode("ascii", errors),
        keep_blank_values=True,
        errors=errors,
        max_num_fields=_MOST_FIELDS,
    ):
        found[name] = (*found.get(name, ()), value)
    return SentForm(found)
