"""Signing in and out, setting up an account, and one's own account."""

from dataclasses import dataclass

from aiohttp import web

from bot.domain.text import Language
from handoff.console.screens import Screens
from handoff.console.visits import (
    DEVICE_COOKIE,
    DEVICE_SECONDS,
    SESSION_COOKIE,
    VISIT_COOKIE,
    Call,
    Door,
    Visit,
    go_to,
    html,
)
from handoff.desk import Desk
from handoff.permissions import Act, Role, may
from handoff.staff import SignedIn, Staff, StaffError, Wrong

_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The pages around an account."""

    staff: Staff
    desk: Desk
    door: Door
    screens: Screens

    async def show_sign_in(self, call: Call) -> web.StreamResponse:
        """The form for signing in."""
        ended = "session_ended" if "ended" in call.request.query else ""
        return self._sign_in_page(call, ended)

    async def sign_in(self, call: Call) -> web.StreamResponse:
        """Begin a session."""
        form = call.form
        device = call.request.cookies.get(DEVICE_COOKIE, "")
        try:
            signed = await self.staff.sign_in(
                form.one("name"), form.one("password"), form.one("code"), device
            )
        except StaffError as error:
            status = _TOO_MANY if error.wrong is Wrong.WAIT else 403
            return self._sign_in_page(call, error.wrong.value, status)
        return self._signed_in(signed)

    async def show_set_up(self, call: Call) -> web.StreamResponse:
        """The form that a one-time link opens."""
        return await self._set_up_page(call)

    async def set_up(self, call: Call) -> web.StreamResponse:
        """Choose a password and show that the authenticator works."""
        form = call.form
        try:
            signed = await self.staff.set_up(
                call.request.match_info["token"],
                form.one("name"),
                (form.one("password"), form.one("again")),
                form.one("code"),
            )
        except StaffError as error:
            return await self._set_up_page(call, error.wrong.value)
        return self._signed_in(signed)

    async def sign_out(self, visit: Visit) -> web.StreamResponse:
        """End the session. Whoever is still being answered goes back to the queue."""
        if may(visit.member, Act.CLAIM):
            await self.desk.leave(visit.member)
        await self.staff.sign_out(visit.session)
        response = go_to("/sign-in")
        response.del_cookie(SESSION_COOKIE, path="/")
        return response

    async def show_account(self, visit: Visit) -> web.StreamResponse:
        """One's own account."""
        return self._account_page(visit)

    async def change_account(self, visit: Visit) -> web.StreamResponse:
        """Choose the language of the console."""
        language = Language(visit.form.one("language"))
        if language in visit.voice.content.languages:
            account = visit.session.account
            await self.staff.set_language(account.id, account.name, language)
        return go_to("/account")

    def _account_page(self, visit: Visit) -> web.Response:
        account = visit.session.account
        return html(
            self.screens.draw(
                "account.html",
                visit.voice,
                member=visit.member,
                may=acts_of(visit),
                csrf=visit.csrf,
                account=account,
                roles=sorted_roles(account.roles),
                languages=list(visit.voice.content.languages.values()),
            )
        )

    def _sign_in_page(self, call: Call, wrong: str = "", status: int = 200) -> web.Response:
        page = self.screens.draw(
            "sign_in.html",
            call.voice,
            csrf=call.csrf,
            wrong=wrong,
            name=call.form.one("name"),
        )
        return self._given(call, html(page, status=status))

    async def _set_up_page(self, call: Call, wrong: str = "") -> web.Response:
        token = call.request.match_info["token"]
        invitation = await self.staff.invitation(token)
        if invitation is None:
            return self.door.told(call.request, call.voice, "link_wrong", 410, call.form)
        page = self.screens.draw(
            "set_up.html",
            call.voice,
            csrf=call.csrf,
            wrong=wrong,
            invitation=invitation,
            token=token,
            name=call.form.one("name"),
        )
        return self._given(call, html(page, status=400 if wrong else 200))

    def _given(self, call: Call, response: web.Response) -> web.Response:
        if call.fresh is not None:
            self.door.set_cookie(response, VISIT_COOKIE, call.fresh)
        return response

    def _signed_in(self, signed: SignedIn) -> web.Response:
        response = go_to("/")
        self.door.set_cookie(response, SESSION_COOKIE, signed.token)
        self.door.set_cookie(response, DEVICE_COOKIE, signed.device, DEVICE_SECONDS)
        response.del_cookie(VISIT_COOKIE, path="/")
        return response


def acts_of(visit: Visit) -> frozenset[str]:
    """What the one who looks may do, by name, for the pages."""
    return frozenset(act.value for act in Act if may(visit.member, act))


def sorted_roles(roles: frozenset[Role]) -> list[Role]:
    """Roles in a fixed order."""
    return sorted(roles, key=lambda role: role.value)
