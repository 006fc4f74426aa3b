"""Who looks at a page of the console, whether they may, and whether the form is ours."""

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.dialogue.ports import Releases
from bot.engine.effects import Refusal
from bot.errors import GoneError, RefusedError, StoreError
from handoff.console.forms import BadFormError, SentForm, read_form
from handoff.console.headers import FRAME_HEADERS, PAGE_HEADERS
from handoff.console.screens import Screens
from handoff.console.voice import Voice, voice_for
from handoff.permissions import Act, Member, NotAllowedError, check_may
from handoff.staff import Mark, Session, Staff

log = logging.getLogger(__name__)

SESSION_COOKIE = "fp_session"
VISIT_COOKIE = "fp_visit"
"""Binds the sign-in form to the browser that loaded it."""

DEVICE_COOKIE = "fp_device"
DEVICE_SECONDS = 180 * 24 * 3600

LIVE_HEADER = "X-Live"
"""Sent by our script: it wants a short answer instead of a page."""

LIVE_PATH = "/live/"
"""Where our script waits for news. Such a request is no sign that a human is there, unless it
says that somebody moved."""

FRAME_PATH = "/frame/"
"""Parts of pages without our script. They load themselves again and again."""

AGAIN = "stay"
"""In the address of what a page loads by itself. No human asked for it either."""

_AGAIN_IN = 10
"""Seconds until a part of a page without our script tries again."""

_STATUS = {"too_large": 413, "not_readable": 400}
_FORM = web.RequestKey("form", SentForm)
_VOICE = web.RequestKey("voice", Voice)


class ForeignFormError(Exception):
    """No page of ours made this form for this visitor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in and may do what they ask for."""

    request: web.Request
    session: Session
    voice: Voice
    csrf: str = field(repr=False)
    form: SentForm = field(default_factory=SentForm, repr=False)

    @property
    def member(self) -> Member:
        """Who it is, for the desk."""
        return self.session.account.member

    @property
    def live(self) -> bool:
        """Whether our script asks."""
        return LIVE_HEADER in self.request.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of somebody who need not be signed in."""

    request: web.Request
    voice: Voice
    csrf: str = field(repr=False)
    fresh: str | None = field(default=None, repr=False)
    """What the browser has to be given so that its form is known as ours."""

    form: SentForm = field(default_factory=SentForm, repr=False)


VisitHandler = Callable[[Visit], Awaitable[web.StreamResponse]]
CallHandler = Callable[[Call], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class VisitRoute:
    """An address for those only who may do its act."""

    method: str
    path: str
    act: Act
    handler: VisitHandler = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallRoute:
    """An address for everybody."""

    method: str
    path: str
    handler: CallHandler = field(repr=False)


Route = VisitRoute | CallRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Lets requests in."""

    staff: Staff
    releases: Releases
    screens: Screens
    mark: Mark = field(repr=False)
    secure: bool

    def signed_in(self, act: Act, handler: VisitHandler) -> Handler:
        """A handler for those only whose role has `act`."""

        async def handle(request: web.Request) -> web.StreamResponse:
            form, trouble = await self._form(request)
            visit = await self._visit(request, form)
            if visit is None:
                return await self._sign_in_first(request, form)
            request[_VOICE] = visit.voice
            check_may(visit.member, act)
            if trouble is not None:
                return self._unread(request, visit.voice, trouble, form)
            if request.method == "POST" and not self._is_ours(request, form, visit.csrf):
                raise ForeignFormError
            return await handler(visit)

        return handle

    def open_to_all(self, handler: CallHandler) -> Handler:
        """A handler for everybody, as for signing in."""

        async def handle(request: web.Request) -> web.StreamResponse:
            form, trouble = await self._form(request)
            call = self._call(request, form)
            if trouble is not None:
                return self._unread(request, call.voice, trouble, SentForm())
            is_new = call.fresh is not None
            if request.method == "POST" and (
                is_new or not self._is_ours(request, form, call.csrf)
            ):
                raise ForeignFormError
            return await handler(call)

        return handle

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever happens, a page that says so. What was typed is given back."""
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - `_explained` logs what is a mistake of ours
            item, status = _explained(error)
            form: SentForm = request.get(_FORM, SentForm())
            voice: Voice = request.get(_VOICE) or self._first_voice()
            return self.told(request, voice, item, status, form)

    def told(
        self, request: web.Request, voice: Voice, item: str, status: int, form: SentForm
    ) -> web.Response:
        """A page with one sentence, and what was typed, so that it is not lost."""
        if LIVE_HEADER in request.headers or request.path.startswith(LIVE_PATH):
            return web.json_response(
                {"ok": False, "why": item, "text": voice.say(item)},
                status=status,
                headers=PAGE_HEADERS,
            )
        if request.path.startswith(FRAME_PATH):
            page = self.screens.draw("message_frame.html", voice, item=item, refresh=_AGAIN_IN)
            return html(page, status=status, headers=FRAME_HEADERS)
        page = self.screens.draw("message.html", voice, item=item, kept=form.typed)
        return html(page, status=status)

    def _unread(
        self, request: web.Request, voice: Voice, trouble: str, form: SentForm
    ) -> web.Response:
        response = self.told(request, voice, trouble, _STATUS[trouble], form)
        response.force_close()  # where the next request on this connection begins is not known
        return response

    def csrf(self, secret: str) -> str:
        """What a form must carry that was made for whoever holds `secret`."""
        return self.mark("console-form", secret).hex()[:32]

    def set_cookie(
        self, response: web.Response, name: str, value: str, seconds: int | None = None
    ) -> None:
        """Give the browser a cookie that no script reads and no other site sends."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            httponly=True,
            samesite="Strict",
            secure=self.secure,
            path="/",
        )

    async def _form(self, request: web.Request) -> tuple[SentForm, str | None]:
        if request.method != "POST":
            return SentForm(), None
        try:
            form, trouble = await read_form(request), None
        except BadFormError as error:
            form, trouble = error.kept, error.why
        request[_FORM] = form
        return form, trouble

    async def _visit(self, request: web.Request, form: SentForm) -> Visit | None:
        token = request.cookies.get(SESSION_COOKIE, "")
        session = await self.staff.session(token, active=not _by_itself(request))
        if session is None:
            return None
        voice = voice_for(self.releases.current(), session.account.language)
        return Visit(
            request=request, session=session, voice=voice, csrf=self.csrf(token), form=form
        )

    def _call(self, request: web.Request, form: SentForm) -> Call:
        known = request.cookies.get(VISIT_COOKIE, "")
        secret = known or secrets.token_urlsafe(24)
        return Call(
            request=request,
            voice=self._first_voice(),
            csrf=self.csrf(secret),
            fresh=None if known else secret,
            form=form,
        )

    def _is_ours(self, request: web.Request, form: SentForm, csrf: str) -> bool:
        """A form that one of our pages made for this very visitor."""
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        sent = form.one("csrf").encode(errors="replace")
        return site in {"same-origin", "none"} and hmac.compare_digest(csrf.encode(), sent)

    async def _sign_in_first(self, request: web.Request, form: SentForm) -> web.StreamResponse:
        """The session has ended. What was typed is given back."""
        scripted = LIVE_HEADER in request.headers or request.path.startswith(LIVE_PATH)
        if scripted or form.typed or request.path.startswith(FRAME_PATH):
            return self.told(request, self._first_voice(), "session_ended", 401, form)
        where = "/sign-in?ended=1" if AGAIN in request.query else "/sign-in"
        raise web.HTTPSeeOther(where, headers=PAGE_HEADERS)

    def _first_voice(self) -> Voice:
        """Before we know who it is: English, in which every sentence exists."""
        content = self.releases.current()
        english = next((one for one in content.languages if one == "en"), None)
        return voice_for(content, english or next(iter(content.languages)))


def _by_itself(request: web.Request) -> bool:
    """Whether a page asks without anybody having done something."""
    if request.path.startswith(LIVE_PATH):
        return "active" not in request.query
    return request.path.startswith(FRAME_PATH) or AGAIN in request.query


def _explained(error: Exception) -> tuple[str, int]:
    """Which sentence says it, and the status."""
    for kind, item, status in _SENTENCES:
        if isinstance(error, kind):
            return item, status
    match error:
        case web.HTTPException() if error.status < HTTPStatus.BAD_REQUEST:
            raise error
        case web.HTTPException():
            return "page_unknown", error.status
        case RefusedError(reason=Refusal() as reason):
            return f"refused_{reason.value}", 409
        case RefusedError():  # a part of the desk with sentences of its own has not said it
            return "refused", 409
        case _:
            log.error("console_failed", exc_info=error)
            return "went_wrong", 500


_SENTENCES: tuple[tuple[type[Exception], str, int], ...] = (
    (ForeignFormError, "form_old", 403),
    (NotAllowedError, "not_allowed", 403),
    (GoneError, "person_gone", 410),
    (StoreError, "not_saved", 503),
)


def html(page: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A page."""
    return web.Response(
        text=page, status=status, content_type="text/html", headers=headers or PAGE_HEADERS
    )


def go_to(path: str) -> web.Response:
    """After something was done: load the page that shows it."""
    return web.Response(status=303, headers={**PAGE_HEADERS, "Location": path})


def answered(**found: Any) -> web.Response:  # noqa: ANN401 - JSON
    """A short answer for our script."""
    return web.json_response(found, headers=PAGE_HEADERS)
