"""The JSON interface of the chat. The page with JavaScript and the tests both speak it.

Every input carries an id that its sender made. After any doubt (no answer, a 503) the sender
sends the same input under the same id again: it is one turn, however often it arrives.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.channels.web.chat import Answered, Chat, ForeignTokenError, ShutError
from bot.channels.web.limits import Limits
from bot.channels.web.lines import Line, hand_over
from bot.channels.web.present import Json, view_json
from bot.channels.web.streams import EventWriter, Streams, TooManyStreamsError, soon
from bot.domain.code_word import Shut
from bot.domain.ids import InputKey
from bot.domain.messages import ChoiceId
from bot.domain.text import Country, Language
from bot.engine.received import Action, Input, Pressed, Requested, Typed
from bot.errors import FullError, GoneError, StoreUnavailableError, ViewEndedError

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 32 * 1024
MOST_WORDS = 4000
"""Characters of one typed message; as much as one Telegram message takes."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
After = Annotated[int, Field(ge=0, le=10**9)]

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class StartBody(_Body):
    """Begins a conversation. `id` is random and secret, made by the page."""

    id: Id
    language: Annotated[str, Field(max_length=20)] = "en"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class PressBody(_Body):
    """A press of buttons of the question `number`."""

    number: Annotated[int, Field(ge=0, le=10**9)]
    choices: Annotated[
        list[Annotated[str, Field(max_length=130)]], Field(min_length=1, max_length=100)
    ]


class InputBody(_Body):
    """One input: exactly one of the three."""

    id: Id
    after: After
    press: PressBody | None = None
    words: Annotated[str, Field(min_length=1, max_length=MOST_WORDS)] | None = None
    action: Action | None = None

    def input(self) -> Input | None:
        """What was sent; None unless it is exactly one thing."""
        found: list[Input] = []
        if self.press is not None:
            choices = tuple(map(ChoiceId, self.press.choices))
            found.append(Pressed(number=self.press.number, choices=choices))
        if self.words is not None:
            found.append(Typed(words=self.words))
        if self.action is not None:
            found.append(Requested(self.action))
        return found[0] if len(found) == 1 else None


class ReturnBody(_Body):
    """Opens a conversation with its return code, and the agreed word where it needs one."""

    id: Id
    code: Annotated[str, Field(max_length=64)]
    word: Annotated[str, Field(max_length=64)] = ""


class ReadBody(_Body):
    """Asks for what came after an entry."""

    after: After


Refused = Literal[
    "broken",
    "token",
    "word",
    "word_wrong",
    "code",
    "full",
    "gone",
    "view_ended",
    "too_large",
    "wait",
    "not_saved",
]
_STATUS: dict[Refused, int] = {
    "broken": 400,
    "token": 401,
    "word": 403,
    "word_wrong": 403,
    "code": 404,
    "gone": 410,
    "view_ended": 410,
    "too_large": 413,
    "full": 409,
    "wait": 429,
    "not_saved": 503,
}


class Refusal(Exception):  # noqa: N818 - an expected answer, not an error of ours
    """The request is answered with a short code that the page has a sentence for."""

    def __init__(self, code: Refused) -> None:
        super().__init__(code)
        self.code: Refused = code


class Api:
    """The handlers of the interface."""

    def __init__(self, chat: Chat, limits: Limits, streams: Streams) -> None:
        self._chat = chat
        self._limits = limits
        self._streams = streams

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers listen."""
        return [
            web.post("/api/start", _guarded(self._start)),
            web.post("/api/return", _guarded(self._return)),
            web.post("/api/input", _guarded(self._input)),
            web.post("/api/read", _guarded(self._read)),
            web.post("/api/stream", _guarded(self._stream)),
        ]

    async def _start(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, StartBody)
        await self._limits.slow_start(request)
        country = Country(body.country) if body.country else None
        answered = await self._chat.start(body.id, Language(body.language), country)
        return await self._answer(request, answered)

    async def _return(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, ReturnBody)
        if not self._limits.may_try_code(request):
            raise Refusal("wait")
        answered = await self._chat.come_back(body.code, body.word, InputKey(body.id))
        if answered is None:
            raise Refusal("code")
        return await self._answer(request, answered)

    async def _input(self, request: web.Request) -> web.StreamResponse:
        token = _token(request)
        body = await _body(request, InputBody)
        what = body.input()
        if what is None:
            raise Refusal("broken")
        answered = await self._chat.input(token, InputKey(body.id), what, body.after)
        return await self._answer(request, answered)

    async def _read(self, request: web.Request) -> web.StreamResponse:
        token = _token(request)
        body = await _body(request, ReadBody)
        return await self._answer(request, await self._chat.read(token, body.after))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """What comes after an entry, as it comes: the answer to `read` as events."""
        token = _token(request)
        body = await _body(request, ReadBody)
        # What is wrong with the token is said before the stream begins.
        await self._streams.admit(token)
        response = web.StreamResponse(headers={**_HEADERS, "X-Accel-Buffering": "no"})
        response.content_type, response.charset = "text/event-stream", "utf-8"
        line, writer = Line(request, response), EventWriter()
        with self._streams.place(token) as place:
            try:
                await line.open(soon())
                await line.write(writer.heartbeat(), soon())
                await self._streams.carry(line, place, token, body.after, writer)
                await line.end(soon())
            except ConnectionError:
                pass  # the page connects again
        return response

    async def _answer(self, request: web.Request, answered: Answered) -> web.StreamResponse:
        return await hand_over(self._chat, request, _answer(answered), answered)


def _guarded(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            code = refusal.code
        except ForeignTokenError:
            code = "token"
        except ShutError as shut:
            code = "word" if shut.why is Shut.NO_WORD else "word_wrong"
        except ViewEndedError:
            code = "view_ended"
        except GoneError:
            code = "gone"
        except FullError:
            code = "full"
        except TooManyStreamsError:
            code = "wait"
        except StoreUnavailableError:
            code = "not_saved"
        except ConnectionError:
            raise  # whoever asked has gone: there is nobody to answer
        except Exception:
            # A bug of ours. What became of the input is not known: it may be sent again.
            log.exception("api_failed")
            return _json({"error": "not_saved"}, 500)
        response = _json({"error": code}, _STATUS[code])
        if request.content.exception() is not None:
            response.force_close()  # where the next request would begin, nobody knows
        return response

    return answer


def _answer(answered: Answered) -> web.Response:
    if answered.view is None:
        return _json({"erased": True})
    code: dict[str, Json] = {"code": answered.code, "word": answered.word} if answered.code else {}
    shown = view_json(answered.view)
    return _json(
        {**shown, "token": answered.token, "country": answered.country, "left": answered.left}
        | code
    )


def _token(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer":
        raise Refusal("token")
    return token


async def _body(request: web.Request, model: type[M]) -> M:
    """The request's body as `model`."""
    try:
        return model.model_validate_json(await request.read())
    except web.HTTPRequestEntityTooLarge:
        raise Refusal("too_large") from None
    except ValidationError as error:
        raise Refusal("too_large" if words_too_long(error) else "broken") from None
    except web.RequestPayloadError:
        give_up_reading(request)
        raise Refusal("broken") from None


def words_too_long(error: ValidationError) -> bool:
    """Whether the typed words are too long."""
    return any(
        mistake["type"] == "string_too_long" and mistake["loc"] == ("words",)
        for mistake in error.errors(include_input=False, include_url=False)
    )


def give_up_reading(request: web.Request) -> None:
    """Leave a body alone that cannot be decoded.

    aiohttp would read the rest of it after the answer, and log what it finds as a mistake of ours.
    """
    request.content.feed_eof()


def _json(value: Json, status: int = 200) -> web.Response:
    return web.Response(
        text=_ENCODER.encode(value),
        status=status,
        content_type="application/json",
        headers=_HEADERS,
    )
