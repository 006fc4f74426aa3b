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
from bot.errors import GoneError
from handoff.console.card import findings
from handoff.console.forms import MOST_WORDS
from handoff.console.headers import FRAME_HEADERS
from handoff.console.screens import Screens, fresh_id
from handoff.console.signing import acts_of
from handoff.console.visits import Visit, answered, go_to, html
from handoff.console.voice import ShownEntry, log_voice
from handoff.desk import Desk, FullDeskError, Owned, Queued, RefusedError
from handoff.staff import Mark

HOLD_SECONDS = 20.0
"""How long a request of our script waits for news. Chained requests are no timers, which
browsers slow down in a window that is not in front."""

LOOK_EVERY_SECONDS = 1.0
_MINUTE = 60_000
_MOST_ID = 64

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

        async def look() -> Mapping[str, object] | None:
            owned = await self.desk.here(visit.member)
            rows = await self._rows(visit, again=True)
            parts = {
                "own": self._own(visit, owned),
                "people": self._draw(visit, "people.html", rows=rows),
            }
            seen = _digest(*parts.values())
            if seen == visit.request.query.get("seen"):
                return None
            urgent = [self._opaque(row.person) for row in rows if _is_now(row.person)]
            return {"seen": seen, "parts": parts, "now": urgent}

        return await self._when(look)

    async def _queue_page(
        self,
        visit: Visit,
        note: str = "",
        *,
        beyond: ConversationId | None = None,
        status: int = 200,
    ) -> web.Response:
        owned = await self.desk.here(visit.member)
        rows = await self._rows(visit, again=visit.request.method == "POST")
        page = self._draw(
            visit,
            "queue.html",
            rows=rows,
            owned=self._named(owned),
            note=note,
            beyond=beyond,
            refresh=20,
        )
        return html(page, status=status)

    async def _rows(self, visit: Visit, *, again: bool) -> tuple[Row, ...]:
        people = await self.desk.people(visit.member, again=again)
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
        await self.desk.here(visit.member)
        view = await self.desk.open(id, visit.member)
        page = self._draw(
            visit,
            "log_frame.html",
            id=id,
            entries=await self._entries(visit, view),
            alarms=_alarms(view),
            away=view.conversation.handover.away,
            refresh=10,
        )
        return html(page, headers=FRAME_HEADERS)

    async def live_conversation(self, visit: Visit) -> web.StreamResponse:
        """Answer when something is new in a conversation."""
        id, query = _id_of(visit), visit.request.query
        shown = query.get("after", "0")
        after = int(shown) if shown.isascii() and shown.isdigit() else 0
        owned: tuple[Owned, ...] = await self.desk.here(visit.member)

        async def look() -> Mapping[str, object] | None:
            view = await self.desk.open(id, visit.member, after)
            parts = {
                "own": self._own(visit, owned, id),
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
                "alarms": max((alarm.number for alarm in _alarms(view)), default=0),
            }

        with self.news.listen(id) as bell:
            return await self._when(look, bell.wait)

    async def write(self, visit: Visit) -> web.StreamResponse:
        """Send what was typed. The same form twice is one message."""
        id, form = _id_of(visit), visit.form
        words, key = form.words.strip(), form.one("key")
        wrong = _wrong_words(words, key)
        if wrong:
            return await self._again(visit, id, wrong, 400)
        try:
            await self.desk.write(id, visit.member, InputKey(key), words, seen=_seen(visit))
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
            "language": visit.voice.language(conversation.language),
            "country": visit.voice.country(conversation.country),
            "urgency": conversation.urgency.value,
            "findings": found,
            "sentence": log.sentence,
        }

    async def _entries(self, visit: Visit, view: View) -> tuple[ShownEntry, ...]:
        log = await log_voice(self.releases, visit.voice, view.conversation)
        return tuple(log.entry(entry) for entry in view.entries)

    # What both share

    async def _is_theirs(self, visit: Visit, id: ConversationId) -> bool:
        return any(one.id == id for one in await self.desk.here(visit.member))

    def _own(
        self, visit: Visit, owned: tuple[Owned, ...], present: ConversationId | None = None
    ) -> str:
        return self._draw(visit, "own.html", owned=self._named(owned, present))

    def _named(
        self, owned: tuple[Owned, ...], present: ConversationId | None = None
    ) -> tuple[tuple[Owned, bool], ...]:
        return tuple((one, one.id == present) for one in owned)

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

    def _opaque(self, person: Queued) -> str:
        """Lets the page notice that somebody is new, and means nothing elsewhere."""
        return self.mark("console-now", person.id, str(person.since)).hex()[:16]

    async def _when(
        self,
        look: Callable[[], Awaitable[Mapping[str, object] | None]],
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> web.StreamResponse:
        """Answer as soon as there is something to show, or after a while with nothing."""
        hold = min(HOLD_SECONDS, self.desk.lease / 3000)
        until = asyncio.get_running_loop().time() + hold
        while True:
            found = await look()
            left = until - asyncio.get_running_loop().time()
            if found is not None or left <= 0 or self.news.closed:
                return answered(ok=True, **(found or {}))
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
