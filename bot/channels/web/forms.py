"""What a page without JavaScript sends, read with patience.

A body may be too long, or hold bytes that are no text. Whatever can be trusted of it is still
used, so that the person sees their conversation and is told what was not kept.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.channels.web.api import MOST_WORDS, After, Id, give_up_reading, words_too_long
from bot.domain.ids import InputKey
from bot.domain.messages import ChoiceId
from bot.engine.received import Action, Input, Pressed, Requested, Typed

MOST_FORM_BYTES = 64 * 1024
"""4000 characters of three bytes each, percent-encoded, and the rest of the form."""

_MOST_FIELDS = 200

Trouble = Literal["too_large", "too_long", "broken"]
Screen = Literal["start", "chat", "left", "erased", "gone"]


class PageForm(BaseModel):
    """The fields of every form of the page."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    do: Annotated[str, Field(max_length=200)] = "show"
    """What was pressed: a word, or a word, a colon and its object."""

    again: Annotated[str, Field(max_length=200)] = ""
    """What `do` was before nothing could be saved; sent with `do=again`."""

    id: Id | None = None
    token: Annotated[str, Field(max_length=300)] = ""
    after: After = 0
    """The newest entry that the page shows."""

    first: Annotated[int, Field(ge=1, le=10**9)] = 1
    """The oldest entry that it may show."""

    number: After = 0
    screen: Screen = "start"
    language: Annotated[str, Field(max_length=20)] = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    words: Annotated[str, Field(max_length=MOST_WORDS, repr=False)] = ""
    pick: Annotated[tuple[Annotated[str, Field(max_length=130)], ...], Field(max_length=100)] = ()
    code: Annotated[str, Field(max_length=64, repr=False)] = ""
    word: Annotated[str, Field(max_length=64, repr=False)] = ""

    @property
    def verb(self) -> str:
        """What to do."""
        return self.do.partition(":")[0]

    @property
    def object(self) -> str:
        """To what."""
        return self.do.partition(":")[2]

    def input(self) -> Input | None:
        """The input of the conversation that was made; None when there was none."""
        match self.verb:
            case "choice" if self.object:
                return Pressed(number=self.number, choices=(ChoiceId(self.object),))
            case "done" if self.pick:
                return Pressed(number=self.number, choices=tuple(map(ChoiceId, self.pick)))
            case "send" if self.words.strip():
                return Typed(words=self.words)
            case "action" if self.object in _ACTIONS:
                return Requested(Action(self.object))
            case _:
                return None

    def key(self) -> InputKey:
        """The same for the same form sent again, another one for another press on the same page.

        Nothing can be guessed from it: the form's id is random and stands nowhere else.
        """
        said = self.words if self.verb == "send" else ""
        made = "\0".join((self.do, str(self.number), *self.pick, said, self.code, self.word))
        secret = (self.id or "").encode()
        return InputKey(hashlib.blake2b(made.encode(), key=secret, digest_size=16).hexdigest())


_ACTIONS = frozenset(action.value for action in Action)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form, and what was wrong with it."""

    form: PageForm = field(repr=False)
    trouble: Trouble | None = None


async def read_form(request: web.Request) -> Sent:
    """The form of the request; of a bad one what can be trusted, and what is wrong."""
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > MOST_FORM_BYTES:
                kept = bytes(body[:MOST_FORM_BYTES])
                return Sent(_trusted(kept[: kept.rfind(b"&") + 1]), "too_large")
    except web.RequestPayloadError:
        give_up_reading(request)
        return Sent(_trusted(bytes(body[: body.rfind(b"&") + 1])), "broken")
    return parse_form(bytes(body))


def parse_form(body: bytes) -> Sent:
    """The form that `body` is."""
    try:
        form = PageForm.model_validate(_fields(body, "strict"))
    except (ValueError, ValidationError) as error:
        return Sent(_trusted(body), _trouble(error))
    lines = form.words.replace("\r\n", "\n")
    return Sent(form.model_copy(update={"words": lines, **_repeated(form)}))


def _repeated(form: PageForm) -> dict[str, str]:
    """What the emergency page asks for: the same again, there with another country or language."""
    changed = {"country": "country", "language": "language"}.get(form.verb)
    if form.again and changed:
        return {"do": form.again, changed: form.object}
    return {"do": form.again or "show"} if form.do == "again" else {}


def _fields(body: bytes, errors: Literal["strict", "replace"]) -> dict[str, object]:
    pairs = parse_qsl(
        body.decode("ascii", errors),
        keep_blank_values=True,
        errors=errors,
        max_num_fields=_MOST_FIELDS,
    )
    found: dict[str, object] = {}
    picks: list[str] = []
    for name, value in pairs:
        if name == "pick":
            picks.append(value)
        else:
            found[name] = value
    return {**found, "pick": tuple(picks)}


_KEPT = ("id", "token", "after", "first", "screen", "language", "country")


def _trusted(body: bytes) -> PageForm:
    """What stands in a bad form about the page it comes from. Nothing is done with it."""
    try:
        fields = _fields(body, "replace")
    except ValueError:
        return PageForm()
    kept: dict[str, object] = {}
    for name in _KEPT:
        if name in fields:
            try:
                PageForm.model_validate({name: fields[name]})
            except ValidationError:
                continue
            kept[name] = fields[name]
    return PageForm.model_validate(kept)


def _trouble(error: ValueError) -> Trouble:
    if isinstance(error, ValidationError) and words_too_long(error):
        return "too_long"
    return "broken"
