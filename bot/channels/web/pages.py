"""The page: one address, which works without JavaScript and grows where there is some.

Every action is a POST that answers with the whole page. The same form sent again is the same
turn, so that loading a page again is safe.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from bot.channels.web.assets import Asset, compressible, load_assets, squeeze
from bot.channels.web.chat import Answered, Chat, ForeignTokenError, ShutError
from bot.channels.web.forms import PageForm, Sent, read_form
from bot.channels.web.headers import CLEARING, PAGE_HEADERS
from bot.channels.web.limits import Limits
from bot.channels.web.lines import Line, hand_over
from bot.channels.web.screens import LIVE_MARK, Ended, Screens, Start, Talk, fresh_id
from bot.channels.web.streams import End, Place, Streams, TooManyStreamsError, soon
from bot.channels.web.voice import preferred
from bot.dialogue.ports import Content, Releases
from bot.dialogue.render import RenderedMessage, RenderedView
from bot.domain.code_word import Shut
from bot.domain.control import Owner
from bot.domain.text import Country, Language, LanguageInfo
from bot.errors import FullError, GoneError, StoreUnavailableError, ViewEndedError

log = logging.getLogger(__name__)

MOST_EARLIER = 200
"""Entries of the log that a page repeats below what is new."""

_NOTES = {"too_large": "too_long", "too_long": "too_long", "broken": "not_readable"}
_STATUS = {"too_large": 413, "too_long": 413, "broken": 400}
_HTML = "text/html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The handlers of the page."""

    chat: Chat
    releases: Releases
    limits: Limits
    streams: Streams
    screens: Screens
    healthy: Callable[[], Awaitable[bool]]

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers listen."""
        assets = load_assets()
        return [
            web.get("/", self._first),
            web.post("/", self._post),
            web.get("/healthz", self._health),
            *(web.get(f"/{name}", self._asset(asset)) for name, asset in assets.items()),
        ]

    def _asset(self, asset: Asset) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def send(request: web.Request) -> web.StreamResponse:
            self.streams.probed(request.query_string)
            return asset.answer(request)

        return send

    async def _health(self, _: web.Request) -> web.Response:
        """Whether the service can keep anything, for whoever watches over it."""
        healthy = await self.healthy()
        return web.Response(text="ok\n" if healthy else "not ok\n", status=200 if healthy else 503)

    async def _first(self, request: web.Request) -> web.StreamResponse:
        try:
            content = self.releases.current()
            page = self.screens.start(content, _languages(content, request, ""), Start())
            plain = page.encode()
            return compressible(request, _HTML, plain, squeeze(plain), PAGE_HEADERS)
        except Exception:
            log.exception("page_failed")
            return _Post(self, request, Sent(PageForm())).nothing_saved(500)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
            # Another site's form must not lead anybody into a conversation that it can read.
            return await self._first(request)
        sent = await read_form(request)
        post = _Post(self, request, sent)
        try:
            return await post.respond()
        except GoneError:
            return post.ended("gone", status=410)
        except (ForeignTokenError, ViewEndedError):
            return post.ended("page_opens_nothing", status=410)
        except StoreUnavailableError:
            return post.nothing_saved(503)
        except ConnectionError:
            raise  # whoever asked has gone
        except Exception:
            # A bug of ours: the person is told so, keeps what they wrote and has numbers to call.
            log.exception("page_failed")
            return post.nothing_saved(500)


class _Post:
    """One form, from what was pressed to the page that answers it."""

    def __init__(self, pages: Pages, request: web.Request, sent: Sent) -> None:
        self.pages = pages
        self.chat = pages.chat
        self.request = request
        self.form = sent.form
        self.trouble = sent.trouble
        self.content: Content = pages.releases.current()
        wanted = sent.form.object if sent.form.verb == "language" else sent.form.language
        self.languages = _languages(self.content, request, wanted)
        self.shown: Answered | None = None
        """What the page shows that is still to be handed over."""

    async def respond(self) -> web.StreamResponse:
        """The page that answers the form, handed over where a lease covers what it shows."""
        try:
            response = await self.answer()
        except BaseException:
            if self.shown:
                await self.chat.delivered(self.shown.delivery, 0)
            raise
        if self.shown is None:
            return response
        return await hand_over(self.chat, self.request, response, self.shown)

    async def answer(self) -> web.StreamResponse:
        """The page that answers the form."""
        if self.trouble is not None:
            response = await self._say_what_was_wrong(self.trouble)
            if self.request.content.exception() is not None:
                response.force_close()  # where the next request would begin, nobody knows
            return response
        match self.form.verb:
            case "start":
                return await self._start()
            case "open":
                return await self._open()
            case "check":
                return await self._check()
            case _ if self._in_conversation:
                return await self._go_on()
            case _:
                return self._outside()

    @property
    def _in_conversation(self) -> bool:
        return bool(self.form.token) and self.form.screen == "chat"

    def _outside(self) -> web.StreamResponse:
        """What needs no conversation: another language, and the numbers of a country."""
        if self.form.verb == "language" and self.form.screen in {"left", "erased", "gone"}:
            return self.ended(self.form.screen)
        return self._first_page(country=self.form.object if self.form.verb == "numbers" else "")

    async def _start(self) -> web.StreamResponse:
        await self.pages.limits.slow_start(self.request)
        country = Country(self.form.country) if self.form.country else None
        start = self.form.id or fresh_id()
        answered = await self.chat.start(start, self.languages[0].language, country)
        return await self._show(answered, first=1)

    async def _open(self) -> web.StreamResponse:
        if not self.pages.limits.may_try_code(self.request):
            known = self.form.code if self.form.word else ""
            return self._first_page(note="code_wait", code=True, known=known, status=429)
        try:
            answered = await self.chat.come_back(self.form.code, self.form.word, self.form.key())
        except ShutError as shut:
            wrong = shut.why is Shut.WRONG_WORD
            return self._first_page(code=True, known=self.form.code, wrong=wrong)
        if answered is None:
            return self._first_page(note="code_unknown", code=True)
        view = answered.view
        first = view.messages[0].seq if view and view.messages else view.last + 1 if view else 1
        return await self._show(answered, first=first)

    async def _check(self) -> web.StreamResponse:
        """Whether an erased conversation can still be opened with what its page knew."""
        try:
            answered = await self.chat.read(self.form.token, self.form.after)
        except (GoneError, ForeignTokenError):
            return self.ended("erased", note="checked_erased")
        return await self._show(answered, first=self.form.first)

    async def _go_on(self) -> web.StreamResponse:
        form, what = self.form, self.form.input()
        if what is None:
            answered = await self.chat.read(form.token, form.after)
            first = 1 if form.verb == "earlier" else form.first
            return await self._show(answered, first=first, draft=form.words)
        try:
            answered = await self.chat.input(form.token, self.form.key(), what, form.after)
        except FullError:
            answered = await self.chat.read(form.token, form.after)
            return await self._show(
                answered, first=form.first, note="conversation_full", draft=form.words, status=409
            )
        if answered.view is None:
            return self.ended("erased")
        if answered.left:
            self.shown = answered
            return self.ended(
                "left",
                code=answered.code,
                word=answered.word,
                messages=_not_own(answered.view),
            )
        draft = "" if form.verb == "send" else form.words
        return await self._show(answered, first=form.first, draft=draft)

    async def _say_what_was_wrong(self, trouble: str) -> web.StreamResponse:
        note, status = _NOTES[trouble], _STATUS[trouble]
        if not self._in_conversation:
            return self._first_page(note=note, status=status)
        answered = await self.chat.read(self.form.token, self.form.after)
        return await self._show(answered, first=self.form.first, note=note, status=status)

    def _first_page(self, *, status: int = 200, **shown: Any) -> web.StreamResponse:  # noqa: ANN401 - fields of `Start`
        page = self.pages.screens.start(self.content, self.languages, Start(**shown))
        return _page(page, status=status)

    def ended(self, screen: str, *, status: int = 200, **shown: Any) -> web.StreamResponse:  # noqa: ANN401 - fields of `Ended`
        """The page after a conversation."""
        ended = Ended(screen=screen, token=self.form.token, **shown)
        page = self.pages.screens.ended(self.content, self.languages, ended)
        return _page(page, status=status, headers=CLEARING)

    def nothing_saved(self, status: int) -> web.StreamResponse:
        """The emergency page, made from memory alone."""
        page = self.pages.screens.emergency(self.content, self.languages, self.form)
        return _page(page, status=status, headers={"Retry-After": "5"})

    async def _show(
        self,
        answered: Answered,
        *,
        first: int,
        note: str = "",
        draft: str = "",
        status: int = 200,
    ) -> web.StreamResponse:
        view, self.shown = answered.view, answered
        if view is None:
            raise GoneError
        after = min(self.form.after, view.last)
        shown_from = max(first - 1, after - MOST_EARLIER)
        talk = Talk(
            view=view,
            token=answered.token,
            new=view.messages,
            earlier=await self._earlier(answered.token, shown_from, after),
            first=first,
            hidden=first > 1,
            country=answered.country,
            code=answered.code,
            word=answered.word,
            draft=draft,
            picked=frozenset(self.form.pick),
            note=note or self._nothing_new(view),
        )
        return await self._send(talk, status)

    def _nothing_new(self, view: RenderedView) -> str:
        return "nothing_new" if self.form.verb == "show" and not view.messages else ""

    async def _earlier(self, token: str, after: int, until: int) -> tuple[RenderedMessage, ...]:
        if after >= until:
            return ()
        return await self.chat.look_back(token, after, until)

    async def _send(self, talk: Talk, status: int) -> web.StreamResponse:
        """The page; it stays open while somebody may write who is not the bot."""
        streams = self.pages.streams
        probe = ""
        if talk.view.owner in {Owner.WAITING, Owner.OPERATOR}:
            probe = streams.probe(talk.token)
        if probe:
            try:
                with streams.place(talk.token) as place:
                    return await self._stay_open(talk, place, probe, status)
            except TooManyStreamsError:
                pass  # the page is whole without it
            finally:
                streams.forget(probe)
        return _page(self.pages.screens.talk(self.content, talk), status=status)

    async def _stay_open(
        self, talk: Talk, place: Place, probe: str, status: int
    ) -> web.StreamResponse:
        screens, streams = self.pages.screens, self.pages.streams
        page = screens.talk(self.content, replace(talk, live=True, probe=probe))
        head, _, tail = page.partition(LIVE_MARK)
        response = web.StreamResponse(status=status, headers=PAGE_HEADERS)
        response.content_type, response.charset = _HTML, "utf-8"
        line = Line(self.request, response)
        try:
            await self._hand_over_head(line, head.encode())
            if await streams.arrives(talk.token, probe):
                writer = _PageWriter(screens, self.content, talk.view)
                await streams.carry(line, place, talk.token, talk.view.last, writer)
            await line.end(soon(), tail.encode())
        except ConnectionError:
            pass  # the page was closed, or is read too slowly: nobody's mistake
        except Exception:
            # No other page can follow on this connection.
            log.exception("page_failed")
            line.abort()
        return response

    async def _hand_over_head(self, line: Line, head: bytes) -> None:
        """Everything that is on the page by now."""
        shown, self.shown, written = self.shown, None, 0
        delivery = shown.delivery if shown else None
        until = delivery.until if delivery else soon()
        try:
            await line.open(until)
            await line.write(head, until)
            written = shown.newest if shown else 0
        finally:
            await self.chat.delivered(delivery, written)


class _PageWriter:
    """Writes list items into a page that stays open."""

    def __init__(self, screens: Screens, content: Content, view: RenderedView) -> None:
        self._screens = screens
        self._content = content
        self._asked = view.question.number if view.question else None

    def news(self, view: RenderedView, *, more: bool) -> bytes:
        """See `Writer`."""
        parts = [self._screens.message(self._content, view.language, m) for m in view.messages]
        asked = view.question.number if view.question else None
        if not more and asked != self._asked:
            self._asked = asked
            parts.append(self._screens.ask_to_look(self._content, view.language))
        return "".join(parts).encode() or self.heartbeat()

    def heartbeat(self) -> bytes:
        """See `Writer`."""
        return b"\n"

    def end(self, why: End) -> bytes:
        """See `Writer`; why, the next page says."""
        del why
        return self.heartbeat()


def _not_own(view: RenderedView) -> tuple[RenderedMessage, ...]:
    return tuple(message for message in view.messages if message.by.value != "person")


def _languages(content: Content, request: web.Request, wanted: str) -> tuple[LanguageInfo, ...]:
    """The offered languages, the page's own first."""
    ordered = preferred(content, request.headers.get("Accept-Language", ""))
    chosen = content.languages.get(Language(wanted))
    return (chosen, *(info for info in ordered if info != chosen)) if chosen else ordered


def _page(
    page: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        text=page,
        status=status,
        content_type=_HTML,
        charset="utf-8",
        headers={**PAGE_HEADERS, **(headers or {})},
    )
