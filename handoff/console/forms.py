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
_KIND = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
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
        value = self.one(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None  # noqa: PLR2004 - more than any log has

    @property
    def words(self) -> str:
        """What was typed for the person."""
        return self.one("words").replace("\r\n", "\n")


class BadFormError(Exception):
    """Not a form that a page of ours sends; `kept` is what could be read of it."""

    def __init__(self, why: Literal["too_large", "not_readable"], kept: Form) -> None:
        super().__init__(why)
        self.why = why
        self.kept = kept


async def read_form(request: web.Request) -> Form:
    """The form in the body of `request`.

    Raises:
        BadFormError: the body is too large, or holds what is no text.
    """
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise BadFormError("too_large", _patient(bytes(body[:MOST_BYTES])))
    if body and request.content_type != _KIND:
        raise BadFormError("not_readable", Form())
    try:
        return _parsed(bytes(body), "strict")
    except ValueError:
        raise BadFormError("not_readable", _patient(bytes(body))) from None


def _patient(body: bytes) -> Form:
    try:
        return _parsed(body, "replace")
    except ValueError:
        return Form()


def _parsed(body: bytes, errors: Literal["strict", "replace"]) -> Form:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(
        body.decode("ascii", errors),
        keep_blank_values=True,
        errors=errors,
        max_num_fields=_MOST_FIELDS,
    ):
        found[name] = (*found.get(name, ()), value)
    return Form(found)
