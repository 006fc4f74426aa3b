"""The pages of the console on which referrals are made, and answers to them noted.

Every button sends the whole form, so nothing that was typed is lost by pressing another one.
"""

import uuid
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.domain.consent import Purpose, ReceiverId, ReferralId, reference
from bot.domain.ids import ConversationId
from bot.domain.text import text
from bot.errors import RefusedError
from handoff.console.headers import PAGE_HEADERS
from handoff.console.signing import acts_of
from handoff.console.visits import Visit, VisitRoute, go_to, html
from handoff.console.voice import Voice
from handoff.permissions import Act
from handoff.referral.consent import LEAST_REASON, MOST_REASON
from handoff.referral.exit_gate import HeldBackError
from handoff.referral.form import MOST_REASONS, MOST_SHORT, ContactBy, Mistake
from handoff.referral.form_fields import fields_of, read_form, value_name
from handoff.referral.htcds import Json
from handoff.referral.package import LegalBasis
from handoff.referral.printable import Reader, printable, style
from handoff.referral.record import Answered, Failure
from handoff.referral.records import ChangedError
from handoff.referral.referrals import FormError, Referrals, Shown
from handoff.referral.sent import SentReferrals
from handoff.referral.states import State

TEXTS = "referral_form"
_MOST_ID = 64

_ENVIRONMENT = Environment(
    loader=ChoiceLoader([PackageLoader("handoff.referral"), PackageLoader("handoff.console")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_PAPER_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{b64encode(sha256(style().encode()).digest()).decode()}'"
    ),
}
"""A page for the printer has its style in itself, so that it can be kept as one file."""

_ANSWERS = (
    State.ACKNOWLEDGED,
    State.IN_SERVICE,
    State.DECLINED,
    State.NEEDS_INFO,
    State.CLOSED,
)

Handler = Callable[[Visit, ConversationId, ReferralId], Awaitable[web.StreamResponse]]


def routes(
    referrals: Referrals, sent: SentReferrals, *, demonstration: bool
) -> tuple[VisitRoute, ...]:
    """What the console mounts."""
    pages = Pages(referrals=referrals, sent=sent, demonstration=demonstration)
    all_of = "/conversation/{id}/referrals"
    one = all_of + "/{referral}"
    return (
        VisitRoute("GET", all_of, Act.REFER, pages.show_all),
        VisitRoute("POST", all_of, Act.REFER, pages.begin),
        VisitRoute("GET", one, Act.REFER, pages.show),
        VisitRoute("POST", one, Act.REFER, pages.act),
        VisitRoute("GET", "/referrals", Act.REFER, pages.show_sent),
        VisitRoute("POST", "/referrals", Act.REFER, pages.act_on_sent),
    )


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence on top of a page; `bad` when something was not done."""

    name: str
    bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """What operators see and press."""

    referrals: Referrals
    sent: SentReferrals
    demonstration: bool

    # One conversation

    async def show_all(self, visit: Visit) -> web.StreamResponse:
        """The referrals of somebody, and to whom one can be begun."""
        return await self._list(visit, _id(visit))

    async def begin(self, visit: Visit) -> web.StreamResponse:
        """Begin a referral. The same form twice is one."""
        id, referral = _id(visit), _referral(visit.form.one("referral"))
        receiver = ReceiverId(visit.form.one("receiver")[:_MOST_ID])
        try:
            await self.referrals.begin(id, visit.member, referral, receiver)
        except RefusedError as refused:
            return await self._list(visit, id, Note(_reason(refused), bad=True), status=409)
        return go_to(f"/conversation/{id}/referrals/{referral}")

    async def show(self, visit: Visit) -> web.StreamResponse:
        """One referral."""
        id, referral = _id(visit), _referral(visit.request.match_info["referral"])
        try:
            shown = await self.referrals.look(id, visit.member, referral)
        except RefusedError as refused:
            return self._plain(visit, Note(_reason(refused), bad=True), 409)
        except ChangedError:
            return self._plain(visit, Note("changed", bad=True), 404)
        return self._page(visit, id, shown)

    async def act(self, visit: Visit) -> web.StreamResponse:
        """Save the form, and do what the button says."""
        id, referral = _id(visit), _referral(visit.request.match_info["referral"])
        handler = self._handlers().get(visit.form.one("do"), self._save)
        try:
            unreadable = await self._keep(visit, id, referral)
            if unreadable:
                shown = await self.referrals.look(id, visit.member, referral)
                return self._page(visit, id, shown, unreadable=unreadable, status=422)
            return await handler(visit, id, referral)
        except FormError as wrong:
            shown = await self.referrals.look(id, visit.member, referral)
            return self._page(visit, id, shown, unreadable=wrong.mistakes, status=422)
        except (RefusedError, HeldBackError) as refused:
            return await self._again(visit, id, referral, _reason(refused))
        except ChangedError:
            return await self._again(visit, id, referral, "changed")

    def _handlers(self) -> Mapping[str, Handler]:
        """What each button does."""
        return {
            "save": self._save,
            "ask_referral": self._ask,
            "ask_identity": self._ask,
            "decide": self._decide,
            "send": self._send,
            "give_up": self._give_up,
            "print": self._print,
            "handed_over": self._handed_over,
        }

    async def _keep(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> tuple[Mistake, ...]:
        """Save what was filled in; what could not be read."""
        if not visit.form.one("filled"):
            return ()
        read = read_form(visit.form)
        await self.referrals.fill(id, visit.member, referral, read.form)
        return read.mistakes

    async def _save(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        shown = await self.referrals.look(id, visit.member, referral)
        return self._page(visit, id, shown, note=Note("saved"))

    async def _ask(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        await self.referrals.ask(
            id,
            visit.member,
            referral,
            Purpose(visit.form.one("do").removeprefix("ask_")),
            interpreter=bool(visit.form.one("interpreter")),
            reads_safely=bool(visit.form.one("reads_safely")),
        )
        return self._back(id, referral)

    async def _decide(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        try:
            basis = LegalBasis(visit.form.one("basis"))
            reason = visit.form.one("decision_reason")
            await self.referrals.decide(id, visit.member, referral, basis, reason)
        except ValueError:
            return await self._again(visit, id, referral, "decide_reason", status=422)
        return self._back(id, referral)

    async def _send(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        await self.referrals.send(id, visit.member, referral)
        return self._back(id, referral)

    async def _give_up(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        await self.referrals.give_up(id, visit.member, referral)
        return go_to(f"/conversation/{id}/referrals")

    async def _handed_over(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        await self.referrals.handed_over(id, visit.member, referral)
        return self._back(id, referral)

    async def _print(
        self, visit: Visit, id: ConversationId, referral: ReferralId
    ) -> web.StreamResponse:
        shown = await self.referrals.look(id, visit.member, referral)
        document = await self.referrals.page(id, visit.member, referral)
        page = printable(document, _reader(visit.voice), shown.indicators)
        return html(page, headers=_PAPER_HEADERS)

    @staticmethod
    def _back(id: ConversationId, referral: ReferralId) -> web.Response:
        return go_to(f"/conversation/{id}/referrals/{referral}")

    # What was sent

    async def show_sent(self, visit: Visit) -> web.StreamResponse:
        """Everything that has left, whatever needs a human first."""
        return await self._sent(visit)

    async def act_on_sent(self, visit: Visit) -> web.StreamResponse:
        """Note an answer, or that the receiver was told by hand."""
        form = visit.form
        id = ConversationId(form.one("conversation")[:_MOST_ID])
        referral = _referral(form.one("referral"))
        try:
            match form.one("do"):
                case "told_by_hand":
                    await self.sent.told_by_hand(id, visit.member, referral)
                case "print":
                    return self._paper(
                        visit, await self.sent.retraction_page(id, visit.member, referral)
                    )
                case _:
                    await self.sent.note_answer(
                        id, visit.member, referral, _state(form.one("state")), _answered(visit)
                    )
        except (ChangedError, ValueError):
            return await self._sent(visit, Note("changed", bad=True), status=409)
        except (RefusedError, HeldBackError) as refused:
            return await self._sent(visit, Note(_reason(refused), bad=True), status=409)
        except OSError:
            note = Note(f"failure_{Failure.DISK.value}", bad=True)
            return await self._sent(visit, note, status=503)
        return go_to("/referrals")

    @staticmethod
    def _paper(visit: Visit, document: Json) -> web.Response:
        return html(printable(document, _reader(visit.voice)), headers=_PAPER_HEADERS)

    # Pages

    async def _list(
        self, visit: Visit, id: ConversationId, note: Note | None = None, *, status: int = 200
    ) -> web.Response:
        try:
            found = await self.referrals.all_of(id, visit.member)
            receivers = await self.referrals.choosable(id, visit.member)
        except RefusedError as refused:
            return self._plain(visit, Note(_reason(refused), bad=True), 409)
        page = self._draw(
            visit,
            "referrals.html",
            id=id,
            note=note,
            referrals=found,
            receivers=receivers,
            fresh=str(uuid.uuid4()),
        )
        return html(page, status=status)

    async def _again(
        self,
        visit: Visit,
        id: ConversationId,
        referral: ReferralId,
        why: str,
        *,
        status: int = 409,
    ) -> web.Response:
        try:
            shown = await self.referrals.look(id, visit.member, referral)
        except (RefusedError, ChangedError):
            return self._plain(visit, Note(why, bad=True), status)
        return self._page(visit, id, shown, note=Note(why, bad=True), status=status)

    def _page(  # noqa: PLR0913 - what a page says beside the referral
        self,
        visit: Visit,
        id: ConversationId,
        shown: Shown,
        *,
        note: Note | None = None,
        unreadable: tuple[Mistake, ...] = (),
        status: int = 200,
    ) -> web.Response:
        identity = shown.basis.answer(Purpose.IDENTITY)
        # Also without a problem of its own a new form shows nothing red.
        wrong: dict[str, str] = {}
        for mistake in unreadable:
            wrong.setdefault(mistake.field, mistake.problem)
        page = self._draw(
            visit,
            "referral.html",
            id=id,
            shown=shown,
            it=shown.referral,
            editable=shown.referral.state in (State.DRAFT, State.CONSENTED, State.FAILED),
            fields=fields_of(shown.referral.form, shown.indicators),
            wrong=wrong,
            note=note,
            ways=tuple(ContactBy),
            purposes=tuple((one, shown.basis.answer(one)) for one in Purpose),
            with_identity=identity is not None and identity.stands,
            bases=(LegalBasis.CHILD_PROTECTION, LegalBasis.IMMINENT_DANGER),
            decided_here=shown.basis.decision is not None,
            most_reasons=MOST_REASONS,
            most_short=MOST_SHORT,
            least_reason=LEAST_REASON,
            most_reason=MOST_REASON,
        )
        return html(page, status=status)

    async def _sent(
        self, visit: Visit, note: Note | None = None, *, status: int = 200
    ) -> web.Response:
        found = await self.sent.listed(visit.member)
        page = self._draw(visit, "sent.html", note=note, found=found, answers=_ANSWERS)
        return html(page, status=status)

    def _plain(self, visit: Visit, note: Note, status: int) -> web.Response:
        return html(self._draw(visit, "note.html", note=note), status=status)

    def _draw(self, visit: Visit, template: str, **shown: Any) -> str:  # noqa: ANN401 - the template's
        voice = visit.voice
        return _ENVIRONMENT.get_template(template).render(
            t=voice.mark,
            p=voice.say,
            f=_words(voice),
            fp=_plain_words(voice),
            value=value_name,
            reference=reference,
            lang=voice.info.language,
            dir=voice.info.direction.value,
            demonstration=self.demonstration,
            member=visit.member,
            may=acts_of(visit),
            csrf=visit.csrf,
            refresh=None,
            **shown,
        )


def _words(voice: Voice) -> Callable[[str], Markup]:
    def words(name: str) -> Markup:
        return voice.marked(voice.find(text(f"{TEXTS}.{name}")))

    return words


def _plain_words(voice: Voice) -> Callable[[str], str]:
    """Where no markup can stand; a name without words comes back itself."""

    def words(name: str) -> str:
        return voice.find(text(f"{TEXTS}.{name}")).words or name

    return words


def _reader(voice: Voice) -> Reader:
    return Reader(
        language=voice.info.language,
        direction=voice.info.direction.value,
        label=_plain_words(voice),
    )


def _id(visit: Visit) -> ConversationId:
    return ConversationId(visit.request.match_info["id"][:_MOST_ID])


def _referral(written: str) -> ReferralId:
    """An id that one of our pages made."""
    try:
        return ReferralId(str(uuid.UUID(written)))
    except ValueError:
        raise web.HTTPNotFound from None


def _state(written: str) -> State:
    state = State(written)
    if state not in _ANSWERS:
        raise ChangedError
    return state


def _answered(visit: Visit) -> Answered | None:
    form = visit.form
    found = Answered(
        reference=form.one("answer_reference").strip()[:MOST_SHORT],
        contact=form.one("answer_contact").strip()[:MOST_SHORT],
        answers_by=form.one("answer_by").strip()[:MOST_SHORT],
    )
    return None if found == Answered() else found


def _reason(error: RefusedError | HeldBackError) -> str:
    """The name of the sentence that says why."""
    kind = type(error.reason).__name__
    prefix = {"Missing": "missing", "Unusable": "unusable", "Refusal": "refused"}.get(kind)
    return f"{prefix}_{error.reason.value}" if prefix else "changed"
