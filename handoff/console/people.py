"""The queue and the conversations: pages, and what our script is told while they are open."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bot.dialogue.news import News
from bot.dialogue.ports import Releases, View
from bot.domain.handover import Alarm
from bot.domain.ids import ConversationId, InputKey
from bot.domain.indicators import Urgency
from bot.errors import GoneError, RefusedError
from handoff.console.card import findings
from handoff.console.forms import MOST_WORDS, number
from handoff.console.headers import FRAME_HEADERS
from handoff.console.screens import Screens, fresh_id
from handoff.console.signing import acts_of
from handoff.console.stays import Stays
from handoff.console.visits import AGAIN, Visit, answered, go_to, html
from handoff.console.voice import ShownEntry, log_voice
from handoff.desk import Desk, FullDeskError, Owned, Queued
from handoff.staff import Mark

HOLD_SECONDS = 20.0
"""How long a request of our script waits for news. Chained requests are no timers, which
browsers slow down in a window that is not in front."""

LOOK_EVERY_SECONDS = 1.0
_MINUTE = 60_000
_MOST_ID = 64
_QUEUE = "queue"
_DESK = "desk"

REFRESH_QUEUE = 20
REFRESH_LOG = 10
"""Seconds after which a page without our script loads itself again."""

GIVE_BACK_REASONS = ("finished", "wishes_program", "no_answer")
TRANSFER_REASONS = ("shift_ends", "other_language", "other_colleague", "needs_break")
CLOSE_REASONS = ("finished", "no_answer", "not_for_us", "abuse")


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in the queue, as shown."""

    person: Queued
    minutes: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What operators do."""

    desk: Desk
    releases: Releases
    screens: Screens
    news: News
    mark: Mark = field(repr=False)

    @property
    def stays(self) -> Stays:
        """What pages show that look again by themselves."""
        return Stays(self.mark)

    # The queue

    async def show_queue(self, visit: Visit) -> web.StreamResponse:
        """Who waits, and whom one answers already."""
        return await self._queue_page(visit)

    async def claim(self, visit: Visit) -> web.StreamResponse:
        """Take somebody: whoever comes first, or one that was chosen."""
        wanted = visit.form.one("id")
        try:
            if not wanted:
                id = await self.desk.claim_next(visit.member)
                if id is None:
                    return await self._queue_page(visit, "nobody_waits")
            else:
                id = _known_id(wanted)
                beyond = bool(visit.form.one("beyond"))
                await self.desk.claim(id, visit.member, beyond=beyond)
        except FullDeskError as error:
            more = ConversationId(wanted) if error.may_exceed and wanted else None
            return await self._queue_page(visit, "desk_full", beyond=more, status=409)
        except RefusedError:
            if await self._is_theirs(visit, ConversationId(wanted)):
                return go_to(f"/conversation/{wanted}")  # the same button, pressed twice
            return await self._queue_page(visit, "taken_already", status=409)
        except GoneError:
            return await self._queue_page(visit, "person_gone", status=410)
        return go_to(f"/conversation/{id}")

    async def live_queue(self, visit: Visit) -> web.StreamResponse:
        """Answer when the queue looks different from what the page shows."""
        again = self.stays.looked(visit, _QUEUE, await self.desk.now()) is not None

        async def look() -> Mapping[str, object] | None:
            nonlocal again
            owned = await self.desk.here(visit.member)
            rows = await self._rows(visit, again=again)
            again = True
            urgent = tuple(row for row in rows if _is_now(row.person))
            people = self._draw(visit, "people.html", rows=rows)
            parts = {**self._beside(visit, owned, urgent), "people": people}
            seen = _digest(*parts.values())
            if seen == visit.request.query.get("seen"):
                return None
            return {"seen": seen, "parts": parts, "now": self._calls(owned, urgent)}

        async def stay() -> str:
            return await self._ticket(visit, _QUEUE, 0)

        return await self._when(look, stay)

    # Beside every other page

    async def show_desk(self, visit: Visit) -> web.StreamResponse:
        """Who needs one, for a page without our script that shows something else."""
        owned = await self.desk.here(visit.member)
        looked = self.stays.looked(visit, _DESK, await self.desk.now())
        urgent = await self._urgent(visit, again=looked is not None)
        stay = await self._ticket(visit, _DESK, 0)
        page = self._draw(
            visit,
            "desk_frame.html",
            owned=self._named(owned),
            urgent=urgent,
            refresh=f"{REFRESH_QUEUE}; url=/frame/desk?{AGAIN}={stay}",
        )
        return html(page, headers=FRAME_HEADERS)

    async def live_desk(self, visit: Visit) -> web.StreamResponse:
        """Answer when somebody needs one while a page shows something else."""
        again = self.stays.looked(visit, _DESK, await self.desk.now()) is not None

        async def look() -> Mapping[str, object] | None:
            nonlocal again
            owned = await self.desk.here(visit.member)
            urgent = await self._urgent(visit, again=again)
            again = True
            parts = self._beside(visit, owned, urgent)
            seen = _digest(*parts.values())
            if seen == visit.request.query.get("seen"):
                return None
            return {"seen": seen, "parts": parts, "now": self._calls(owned, urgent)}

        async def stay() -> str:
            return await self._ticket(visit, _DESK, 0)

        return await self._when(look, stay)

    def _beside(
        self,
        visit: Visit,
        owned: tuple[Owned, ...],
        urgent: tuple[Row, ...],
        present: ConversationId | None = None,
    ) -> dict[str, str]:
        """What every open page shows beside its own."""
        return {
            "own": self._draw(visit, "own.html", owned=self._named(owned, present)),
            "urgent": self._draw(visit, "urgent.html", urgent=urgent),
        }

    async def _queue_page(
        self,
        visit: Visit,
        note: str = "",
        *,
        beyond: ConversationId | None = None,
        status: int = 200,
    ) -> web.Response:
        owned = await self.desk.here(visit.member)
        looked = self.stays.looked(visit, _QUEUE, await self.desk.now())
        rows = await self._rows(visit, again=looked is not None)
        stay = await self._ticket(visit, _QUEUE, 0)
        page = self._draw(
            visit,
            "queue.html",
            rows=rows,
            owned=self._named(owned),
            note=note,
            beyond=beyond,
            stay=stay,
            refresh=f"{REFRESH_QUEUE}; url=/queue?{AGAIN}={stay}",
        )
        return html(page, status=status)

    async def _rows(self, visit: Visit, *, again: bool) -> tuple[Row, ...]:
        return await self._counted(await self.desk.people(visit.member, again=again))

    async def _urgent(self, visit: Visit, *, again: bool) -> tuple[Row, ...]:
        return await self._counted(await self.desk.urgent(visit.member, again=again))

    async def _counted(self, people: tuple[Queued, ...]) -> tuple[Row, ...]:
        now = await self.desk.now()
        return tuple(
            Row(person, max(0, now - person.since) // _MINUTE, place)
            for place, person in enumerate(people, start=1)
        )

    # A conversation

    async def show(self, visit: Visit) -> web.StreamResponse:
        """A conversation that one answers."""
        return await self._conversation_page(visit, _id_of(visit))

    async def show_log(self, visit: Visit) -> web.StreamResponse:
        """Only the log, for a page without our script."""
        id = _id_of(visit)
        owned = await self.desk.here(visit.member)
        looked = self.stays.looked(visit, id, await self.desk.now())
        view = await self.desk.open(id, visit.member, looked=looked)
        stay = await self._ticket(visit, id, view.length)
        page = self._draw(
            visit,
            "log_frame.html",
            id=id,
            owned=self._named(owned, id),
            urgent=await self._urgent(visit, again=looked is not None),
            entries=await self._entries(visit, view),
            alarms=_alarms(view),
            away=view.conversation.handover.away,
            refresh=f"{REFRESH_LOG}; url=/frame/conversation/{id}?{AGAIN}={stay}",
        )
        return html(page, headers=FRAME_HEADERS)

    async def live_conversation(self, visit: Visit) -> web.StreamResponse:
        """Answer when something is new in a conversation."""
        id, query = _id_of(visit), visit.request.query
        after = number(query.get("after", "")) or 0
        looked = self.stays.looked(visit, id, await self.desk.now())

        async def look() -> Mapping[str, object] | None:
            nonlocal looked
            owned = await self.desk.here(visit.member)
            view = await self.desk.open(id, visit.member, after, looked=looked)
            urgent = await self._urgent(visit, again=looked is not None)
            looked = max(view.length, looked or 0)
            parts = {
                **self._beside(visit, owned, urgent, id),
                "state": self._draw(visit, "state.html", id=id, **self._state(view)),
                "card": self._draw(visit, "card.html", **await self._card(visit, view)),
            }
            seen = _digest(*parts.values())
            if view.length <= after and seen == query.get("seen"):
                return None
            log = self._draw(visit, "log.html", entries=await self._entries(visit, view))
            return {
                "seen": seen,
                "parts": parts,
                "log": log,
                "last": view.length,
                "now": self._calls(owned, urgent),
            }

        async def stay() -> str:
            return await self._ticket(visit, id, looked or 0)

        with self.news.listen(id) as bell:
            return await self._when(look, stay, bell.wait)

    async def write(self, visit: Visit) -> web.StreamResponse:
        """Send what was typed. The same form twice is one message."""
        id, form = _id_of(visit), visit.form
        words, key = form.words.strip(), form.one("key")
        wrong = _wrong_words(words, key)
        if wrong:
            return await self._again(visit, id, wrong, 400)
        try:
            await self.desk.write(id, visit.member, _key(key, words), words, seen=_seen(visit))
        except RefusedError as error:
            return await self._again(visit, id, f"refused_{error.reason.value}", 409)
        return answered(ok=True, key=fresh_id()) if visit.live else go_to(f"/conversation/{id}")

    async def give_back(self, visit: Visit) -> web.StreamResponse:
        """Let the program answer again."""
        return await self._let_go(visit, self.desk.give_back, GIVE_BACK_REASONS)

    async def transfer(self, visit: Visit) -> web.StreamResponse:
        """Put the conversation back into the queue."""
        return await self._let_go(visit, self.desk.transfer, TRANSFER_REASONS)

    async def close(self, visit: Visit) -> web.StreamResponse:
        """End the conversation."""
        return await self._let_go(visit, self.desk.close, CLOSE_REASONS)

    async def see_alarms(self, visit: Visit) -> web.StreamResponse:
        """Say that the alarms were seen."""
        id = _id_of(visit)
        await self.desk.see_alarms(id, visit.member, visit.form.number("number") or 0)
        return answered(ok=True) if visit.live else go_to(f"/conversation/{id}")

    async def _let_go(
        self, visit: Visit, move: Callable[..., Awaitable[None]], reasons: tuple[str, ...]
    ) -> web.StreamResponse:
        id, reason = _id_of(visit), visit.form.one("reason")
        if reason not in reasons:
            return await self._again(visit, id, "reason_missing", 400)
        try:
            await move(id, visit.member, reason=reason, seen=_seen(visit))
        except RefusedError as error:
            return await self._again(visit, id, f"refused_{error.reason.value}", 409)
        return go_to("/")

    async def _again(
        self, visit: Visit, id: ConversationId, wrong: str, status: int
    ) -> web.StreamResponse:
        """The conversation once more, with what is new in it and what was typed."""
        if visit.live:
            return web.json_response(
                {"ok": False, "why": wrong, "text": visit.voice.say(wrong)}, status=status
            )
        return await self._conversation_page(visit, id, wrong, status)

    async def _conversation_page(
        self, visit: Visit, id: ConversationId, wrong: str = "", status: int = 200
    ) -> web.Response:
        owned = await self.desk.here(visit.member)
        view = await self.desk.open(id, visit.member)
        page = self._draw(
            visit,
            "conversation.html",
            id=id,
            urgent=await self._urgent(visit, again=False),
            stay=await self._ticket(visit, id, view.length),
            owned=self._named(owned, id),
            entries=await self._entries(visit, view),
            last=view.length,
            wrong=wrong,
            draft=visit.form.words,
            key=visit.form.one("key") or fresh_id(),
            most_words=MOST_WORDS,
            give_back_reasons=GIVE_BACK_REASONS,
            transfer_reasons=TRANSFER_REASONS,
            close_reasons=CLOSE_REASONS,
            **self._state(view),
            **await self._card(visit, view),
        )
        return html(page, status=status)

    @staticmethod
    def _state(view: View) -> dict[str, object]:
        return {
            "alarms": _alarms(view),
            "away": view.conversation.handover.away,
            "announced": view.conversation.control.announced,
        }

    async def _card(self, visit: Visit, view: View) -> dict[str, object]:
        conversation = view.conversation
        log = await log_voice(self.releases, visit.voice, conversation)
        found = findings(log.pinned.graph, conversation)
        return {
            "language": conversation.language,
            "country": visit.voice.country(conversation.country),
            "urgency": conversation.urgency.value,
            "code_word": conversation.code_word,
            "findings": found,
            "sentence": log.sentence,
        }

    async def _entries(self, visit: Visit, view: View) -> tuple[ShownEntry, ...]:
        log = await log_voice(self.releases, visit.voice, view.conversation)
        return tuple(log.entry(entry) for entry in view.entries)

    # What both share

    async def _is_theirs(self, visit: Visit, id: ConversationId) -> bool:
        return any(one.id == id for one in await self.desk.here(visit.member))

    def _named(
        self, owned: tuple[Owned, ...], present: ConversationId | None = None
    ) -> tuple[tuple[Owned, bool, str], ...]:
        return tuple((one, one.id == present, self._opaque(one.id)) for one in owned)

    def _draw(self, visit: Visit, template: str, **shown: object) -> str:
        return self.screens.draw(
            template,
            visit.voice,
            **{
                "member": visit.member,
                "may": acts_of(visit),
                "csrf": visit.csrf,
                **shown,
            },
        )

    def _calls(self, owned: tuple[Owned, ...], urgent: tuple[Row, ...]) -> list[str]:
        """One for each thing that needs a human at once: the page rings for a new one."""
        waiting = [self._opaque(row.person.id, str(row.person.since)) for row in urgent]
        alarms = [self._opaque(one.id, str(a.number)) for one in owned for a in one.alarms]
        return [*waiting, *alarms]

    def _opaque(self, *what: str) -> str:
        """Lets the page notice what is new, and means nothing elsewhere."""
        return self.mark("console-now", *what).hex()[:16]

    async def _ticket(self, visit: Visit, on: str, looked: int) -> str:
        return self.stays.ticket(visit, on, looked, await self.desk.now())

    async def _when(
        self,
        look: Callable[[], Awaitable[Mapping[str, object] | None]],
        stay: Callable[[], Awaitable[str]],
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> web.StreamResponse:
        """Answer as soon as there is something to show, or after a while with nothing."""
        hold = min(HOLD_SECONDS, self.desk.lease / 3000)
        until = asyncio.get_running_loop().time() + hold
        while True:
            found = await look()
            left = until - asyncio.get_running_loop().time()
            if found is not None or left <= 0 or self.news.closed:
                return answered(ok=True, stay=await stay(), **(found or {}))
            await wait(min(LOOK_EVERY_SECONDS, left))


def _is_now(person: Queued) -> bool:
    return person.urgency is Urgency.NOW


def _alarms(view: View) -> tuple[Alarm, ...]:
    return view.conversation.handover.open_alarms


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _known_id(written: str) -> ConversationId:
    """An id as it may stand in a form or an address.

    Raises:
        GoneError: no conversation has such an id.
    """
    plain = written.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum() and len(written) <= _MOST_ID):
        raise GoneError
    return ConversationId(written)


def _id_of(visit: Visit) -> ConversationId:
    return _known_id(visit.request.match_info["id"])


def _key(key: str, words: str) -> InputKey:
    """The same form twice is one message.

    Words that were changed before sending again are a new one: whether the first one arrived, the
    screen has to have shown by then.
    """
    return InputKey(_digest(key, words))


def _seen(visit: Visit) -> int:
    """The newest entry on the page; a page that does not say has seen nothing."""
    return visit.form.number("seen") or 0


def _wrong_words(words: str, key: str) -> str:
    if not words:
        return "words_missing"
    if len(words) > MOST_WORDS:
        return "words_too_long"
    try:
        words.encode()
    except UnicodeEncodeError:
        return "not_readable"
    return "" if 16 <= len(key) <= _MOST_ID and key.isascii() else "form_old"  # noqa: PLR2004 - a random key
