"""The page on which administrators manage accounts."""

from dataclasses import dataclass

from aiohttp import web

from bot.domain.text import Language
from handoff.console.screens import Screens
from handoff.console.signing import acts_of, sorted_roles
from handoff.console.visits import Visit, html
from handoff.permissions import Role
from handoff.staff import Account, Staff, StaffError, Wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Adds, changes, recovers and disables accounts."""

    staff: Staff
    screens: Screens
    secure: bool

    async def show(self, visit: Visit) -> web.StreamResponse:
        """All accounts."""
        return await self._page(visit)

    async def change(self, visit: Visit) -> web.StreamResponse:
        """Do what the form says with an account."""
        form, who = visit.form, visit.session.account.id
        name, link = form.one("name"), ""
        try:
            match form.one("do"):
                case "invite":
                    roles, language = _roles(form.many("role")), _language(visit)
                    account, link = await self.staff.invite(who, name, roles, language)
                    name = account.name
                case "roles":
                    await self.staff.set_roles(who, name, _roles(form.many("role")))
                case "reset":
                    link = await self.staff.reset(who, name)
                case "disable":
                    await self.staff.disable(who, name)
                case _:
                    return await self._page(visit, wrong="form_old", status=400)
        except StaffError as error:
            return await self._page(visit, wrong=error.wrong.value, status=409)
        return await self._page(visit, done=form.one("do"), name=name, link=link)

    async def _page(  # noqa: PLR0913 - what the page says about what was done
        self,
        visit: Visit,
        *,
        wrong: str = "",
        done: str = "",
        name: str = "",
        link: str = "",
        status: int = 200,
    ) -> web.Response:
        scheme = "https" if self.secure else visit.request.scheme
        page = self.screens.draw(
            "accounts.html",
            visit.voice,
            member=visit.member,
            may=acts_of(visit),
            csrf=visit.csrf,
            accounts=[(account, _state(account)) for account in await self.staff.accounts()],
            all_roles=tuple(Role),
            sorted_roles=sorted_roles,
            languages=list(visit.voice.content.languages.values()),
            wrong=wrong,
            done=done,
            name=name,
            link=f"{scheme}://{visit.request.host}/set-up/{link}" if link else "",
        )
        return html(page, status=status)


def _roles(names: tuple[str, ...]) -> frozenset[Role]:
    known = {role.value: role for role in Role}
    if not set(names) <= known.keys():
        raise StaffError(Wrong.ROLES)
    return frozenset(known[name] for name in names)


def _language(visit: Visit) -> Language:
    wanted = Language(visit.form.one("language"))
    return wanted if wanted in visit.voice.content.languages else visit.voice.info.language


def _state(account: Account) -> str:
    if account.disabled:
        return "state_disabled"
    return "state_ready" if account.ready else "state_invited"
