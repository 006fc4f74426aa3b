"""Puts the console together."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from aiohttp import web

from bot.dialogue.news import News
from bot.dialogue.ports import Releases
from handoff.console.accounts import Accounts
from handoff.console.headers import ASSET_HEADERS
from handoff.console.people import People
from handoff.console.screens import Screens
from handoff.console.signing import Signing
from handoff.console.visits import CallRoute, Door, Handler, Route, Visit, VisitRoute, go_to
from handoff.desk import Desk
from handoff.permissions import Act, may
from handoff.staff import Mark, Staff

_KINDS = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


ROUTES = web.AppKey("routes", tuple[Route, ...])
"""Where the application keeps its addresses, each with its act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Everything that staff see."""

    desk: Desk
    staff: Staff
    releases: Releases
    news: News
    mark: Mark = field(repr=False)
    demonstration: bool
    secure: bool
    """Whether cookies are for encrypted connections only."""

    @property
    def door(self) -> Door:
        """Who may come in."""
        return Door(
            staff=self.staff,
            releases=self.releases,
            screens=self.screens,
            mark=self.mark,
            secure=self.secure,
        )

    @property
    def screens(self) -> Screens:
        """What pages look like."""
        return Screens(demonstration=self.demonstration)

    def routes(self) -> tuple[Route, ...]:
        """Every address, and the act that it takes."""
        people = People(
            desk=self.desk,
            releases=self.releases,
            screens=self.screens,
            news=self.news,
            mark=self.mark,
        )
        signing = Signing(staff=self.staff, desk=self.desk, door=self.door, screens=self.screens)
        accounts = Accounts(staff=self.staff, screens=self.screens, secure=self.secure)
        one = "/conversation/{id}"
        return (
            CallRoute("GET", "/sign-in", signing.show_sign_in),
            CallRoute("POST", "/sign-in", signing.sign_in),
            CallRoute("GET", "/set-up/{token}", signing.show_set_up),
            CallRoute("POST", "/set-up/{token}", signing.set_up),
            VisitRoute("GET", "/", Act.OWN_ACCOUNT, show_first_page),
            VisitRoute("POST", "/sign-out", Act.OWN_ACCOUNT, signing.sign_out),
            VisitRoute("GET", "/account", Act.OWN_ACCOUNT, signing.show_account),
            VisitRoute("POST", "/account", Act.OWN_ACCOUNT, signing.change_account),
            VisitRoute("GET", "/accounts", Act.MANAGE_STAFF, accounts.show),
            VisitRoute("POST", "/accounts", Act.MANAGE_STAFF, accounts.change),
            VisitRoute("GET", "/queue", Act.SEE_QUEUE, people.show_queue),
            VisitRoute("POST", "/claim", Act.CLAIM, people.claim),
            VisitRoute("GET", one, Act.OPEN, people.show),
            VisitRoute("GET", "/frame" + one, Act.OPEN, people.show_log),
            VisitRoute("POST", one + "/write", Act.WRITE, people.write),
            VisitRoute("POST", one + "/alarms", Act.WRITE, people.see_alarms),
            VisitRoute("POST", one + "/give-back", Act.GIVE_BACK, people.give_back),
            VisitRoute("POST", one + "/transfer", Act.TRANSFER, people.transfer),
            VisitRoute("POST", one + "/close", Act.CLOSE, people.close),
            VisitRoute("GET", "/frame/desk", Act.SEE_QUEUE, people.show_desk),
            VisitRoute("GET", "/live/desk", Act.SEE_QUEUE, people.live_desk),
            VisitRoute("GET", "/live/queue", Act.SEE_QUEUE, people.live_queue),
            VisitRoute("GET", "/live" + one, Act.OPEN, people.live_conversation),
        )

    def application(self, more: Sequence[Route] = ()) -> web.Application:
        """The application; `more` are addresses of other parts of the desk."""
        door = self.door

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await door.guard(request, handler)

        application = web.Application(middlewares=[guard])
        application[ROUTES] = (*self.routes(), *more)
        for route in application[ROUTES]:
            application.router.add_route(route.method, route.path, _let_in(door, route))
        for name, kind in _KINDS.items():
            application.router.add_get(f"/static/{name}", _asset(name, kind))
        return application


async def show_first_page(visit: Visit) -> web.StreamResponse:
    """Where somebody's work is."""
    if may(visit.member, Act.SEE_QUEUE):
        return go_to("/queue")
    return go_to("/accounts" if may(visit.member, Act.MANAGE_STAFF) else "/account")


def _let_in(door: Door, route: Route) -> Handler:
    match route:
        case VisitRoute(act=act, handler=handler):
            return door.signed_in(act, handler)
        case CallRoute(handler=handler):
            return door.open_to_all(handler)


def _asset(name: str, kind: str) -> Handler:
    plain = (files("handoff.console") / "static" / name).read_bytes()
    small = gzip.compress(plain, mtime=0)

    async def answer(request: web.Request) -> web.StreamResponse:
        compressed = "gzip" in request.headers.get("Accept-Encoding", "")
        encoding = {"Content-Encoding": "gzip"} if compressed else {}
        return web.Response(
            body=small if compressed else plain,
            content_type=kind,
            charset="utf-8",
            headers={**ASSET_HEADERS, **encoding},
        )

    return answer
