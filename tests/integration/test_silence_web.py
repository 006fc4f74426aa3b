"""When a human answers, the program is silent: on the web, with everything that a page speaks.

`test_silence` races ten thousand times over the store. Here it is the running service: streams,
readings and inputs over HTTP, while somebody claims. And each way to write is held up once, to see
that whoever takes over waits for it.
"""

import asyncio
import json
import random  # noqa: TID251 - everybody needs a chance that is the same in each run
import re
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from bot.adapters import redis_store
from bot.channels.web import chat
from bot.dialogue.takeover import announce_takeover
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.messages import Author
from bot.engine.received import Claimed, Input, Transferred, Typed
from tests.support.operator import HOUR
from tests.support.page import Page
from tests.support.person import Person
from tests.support.service import RunningService
from tests.support.waiting import eventually

RACES = 200
AT_ONCE = 20
SEED = 20261122
TAKEOVER = "interface.takeover"
KEPT, LEFT_UNSAID, SHOWN_FIRST = "kept", "left unsaid", "shown first"


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


async def waits(service: RunningService) -> Person:
    """Somebody who waits for a human."""
    person = service.person()
    await person.opens()
    await person.wants("human")
    await person.presses("fresh")
    return person


async def does(service: RunningService, id: ConversationId, what: Input) -> int:
    """Give it its turn, as the desk does; the number of its first entry."""
    turns = service.service.turns
    key = InputKey(secrets.token_hex(8))
    return (await turns.receive(id, key, what, channel_takes=False)).done.first


async def claims(service: RunningService, id: ConversationId, name: str) -> int:
    """Take it over; the number that the next entry then had."""
    until = Milliseconds(await service.service.store.now() + HOUR)
    return await does(service, id, Claimed(operator=OperatorId(name), lease_until=until))


async def announces(service: RunningService, id: ConversationId) -> None:
    """Tell the person, as the desk does."""
    control = (await service.service.store.look(id)).conversation.control
    await announce_takeover(service.service.turns, id, control.fence)


async def says_something_unread(service: RunningService, person: Person) -> None:
    """An operator comes and goes: the program goes on, and nobody is given that yet."""
    id = id_of(person)
    await claims(service, id, "before")
    await announces(service, id)
    await person.looks()
    await does(service, id, Transferred(operator=OperatorId("before")))


# --- Races


@dataclass
class Race:
    """One conversation, and everything that its page was given, in answers and events."""

    person: Person
    chance: random.Random
    given: list[Any] = field(default_factory=list)
    claimed: int = 0

    def of_program(self, *, before_claim: bool) -> set[int]:
        return {
            message["seq"]
            for found in self.given
            if (found["owner"] != "operator") is before_claim
            for message in found["messages"]
            if message["by"] == "bot"
        }


async def race(service: RunningService, number: int) -> Race:
    chance = random.Random(SEED + number)  # noqa: S311 - the same in each run
    found = Race(await waits(service), chance)
    await says_something_unread(service, found.person)
    runs = [
        stream(service, found),
        claim(service, found),
        *(ask(service, found) for _ in range(chance.choice((0, 1, 2)))),
    ]
    chance.shuffle(runs)
    async with asyncio.TaskGroup() as actors:
        for run in runs:
            actors.create_task(run)
    found.given.append(await post(service, found.person, "/api/read", {"after": 0}))
    return found


async def claim(service: RunningService, race: Race) -> None:
    await moments(race.chance)
    id = id_of(race.person)
    race.claimed = await claims(service, id, "now")
    await announces(service, id)


async def stream(service: RunningService, race: Race) -> None:
    """A page that hears what comes until it is told that a human answers."""
    await moments(race.chance)
    url, body = service.url + "/api/stream", {"after": race.person.last}
    async with service.session.post(url, json=body, headers=bearer(race.person)) as answer:
        async for line in answer.content:
            if line.startswith(b"data:"):
                race.given.append(json.loads(line[5:]))
                if TAKEOVER in keys(race.given[-1]):
                    return


async def ask(service: RunningService, race: Race) -> None:
    """The page asks for what is new, or the person does something."""
    await moments(race.chance)
    after = race.chance.choice((0, race.person.last))
    one: dict[str, Any] = race.chance.choice(
        ({}, {"action": "hotline"}, {"action": "home"}, {"words": "hello?"})
    )
    path = "/api/input" if one else "/api/read"
    key = {"id": secrets.token_urlsafe(16)} if one else {}
    race.given.append(await post(service, race.person, path, {"after": after, **one, **key}))


async def moments(chance: random.Random) -> None:
    for _ in range(chance.randint(0, 30)):
        await asyncio.sleep(0)


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


async def post(service: RunningService, person: Person, path: str, body: Any) -> Any:
    async with service.session.post(
        service.url + path, json=body, headers=bearer(person)
    ) as answer:
        assert answer.status == 200
        return await answer.json()


def keys(found: Any) -> list[str]:
    return [line.get("key") for message in found["messages"] for line in message["lines"]]


def outcome(race: Race) -> Iterator[str]:
    before, after = race.of_program(before_claim=True), race.of_program(before_claim=False)
    if any(seq >= race.claimed for seq in before | after):
        yield "the program wrote after the claim"
    elif not after <= before | set(range(race.person.last + 1)):
        yield "a message of the program was handed over after the claim"
    elif keys(race.given[-1]).count(TAKEOVER) != 2:
        yield "the person was not told of each takeover once"
    else:
        yield KEPT
    yield SHOWN_FIRST if any(seq > race.person.last for seq in before) else LEFT_UNSAID


@pytest.mark.timeout(300)
async def test_no_word_of_the_program_reaches_a_page_after_a_claim(
    service: RunningService,
) -> None:
    found: Counter[str] = Counter()
    for first in range(0, RACES, AT_ONCE):
        async with asyncio.TaskGroup() as group:
            batch = [group.create_task(race(service, first + n)) for n in range(AT_ONCE)]
        for one in batch:
            found.update(outcome(one.result()))
    assert {what for what in found if what not in {KEPT, LEFT_UNSAID, SHOWN_FIRST}} == set()
    assert found[KEPT] == RACES
    # The races are close ones: they go both ways, each of them often.
    assert min(found[LEFT_UNSAID], found[SHOWN_FIRST]) > RACES // 10


# --- Whoever takes over waits for what is being written


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that do not end by themselves while a test runs."""
    for module in (chat, redis_store):
        monkeypatch.setattr(module, "DELIVERY_LEASE", Milliseconds(120_000))


def slow(service: RunningService, path: str, kind: str, body: bytes, token: str) -> socket.socket:
    """Asks for something and reads nothing of the answer."""
    address = urlsplit(service.url)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((address.hostname, address.port))
    reader.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    reader.setblocking(False)
    return reader


async def is_held_up(service: RunningService, id: ConversationId) -> None:
    """Wait until one delivery stays open: no more of it is taken, while all others go on."""
    seen: list[Any] = []

    async def stays() -> bool:
        name = f"fp:{{{id}}}:d"
        seen.append(await service.service.store._client.zrange(name, 0, -1))
        return len(seen) > 30 and bool(seen[-1]) and all(one == seen[-1] for one in seen[-30:])

    await eventually(stays, "it is being written")


async def reads_on(reader: socket.socket, is_enough: Callable[[bytes], bool]) -> bytes:
    """What comes until it is enough."""
    found = bytearray()

    async def came() -> bool:
        with suppress(BlockingIOError):
            while part := reader.recv(65536):
                found.extend(part)
        return is_enough(bytes(found))

    await eventually(came, "it has come")
    return bytes(found)


WAYS = ("stream", "read", "input", "page", "page that stays open")


def held_up(service: RunningService, person: Person, way: str) -> socket.socket:
    """One of the ways in which a page is given everything, by somebody who reads nothing."""
    if way.startswith("page"):
        words = "hello" if way == "page" else ""
        form = {
            "do": "send" if words else "earlier",
            "id": secrets.token_urlsafe(24),
            "token": person.token,
            "screen": "chat",
            "words": words,
        }
        kind = "application/x-www-form-urlencoded"
        return slow(service, "/", kind, urlencode(form).encode(), "-")
    body: dict[str, Any] = {"after": 0}
    if way == "input":
        body |= {"id": secrets.token_urlsafe(16), "words": "hello"}
    json_body = json.dumps(body).encode()
    return slow(service, f"/api/{way}", "application/json", json_body, person.token)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("way", WAYS)
async def test_a_takeover_is_told_when_everything_before_it_was_written(
    service: RunningService, way: str
) -> None:
    person = await waits(service)
    id, store = id_of(person), service.service.store
    for _ in range(60):
        await does(service, id, Typed(words="\U0001f343" * 3900))

    async def is_told() -> bool:
        said = (await store.read(id, claimed - 1)).entries
        return any(entry.message.by is Author.NOTICE for entry in said)

    with closing(held_up(service, person, way)) as reader:
        await is_held_up(service, id)
        claimed = await claims(service, id, "now")
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(announces(service, id))
            assert not await is_told()
            assert await store.open_deliveries(id)
            assert not telling.done()
            await reads_on(reader, lambda _: telling.done())
    assert await is_told()


@pytest.mark.usefixtures("patient")
async def test_what_was_not_written_yet_is_left_unsaid(service: RunningService) -> None:
    """A long log comes in parts. Somebody claims while the first ones are being written."""
    person = await waits(service)
    id = id_of(person)
    for _ in range(60):
        await does(service, id, Typed(words="\U0001f343" * 3900))
    await says_something_unread(service, person)

    with closing(held_up(service, person, "stream")) as reader:
        await is_held_up(service, id)
        claimed = await claims(service, id, "now")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(announces(service, id))
            came = await reads_on(reader, lambda came: b'"seq":%d,' % claimed in came)
    assert TAKEOVER.encode() in came
    seqs = [int(n) for n in re.findall(rb'"seq":(\d+),"by":"bot"', came)]
    assert seqs, "it was a whole log"
    assert max(seqs) <= person.last


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("way", ["stream", "read", "input", "page"])
async def test_what_was_written_needs_no_more_waiting(service: RunningService, way: str) -> None:
    person = await waits(service)
    id = id_of(person)
    if way == "stream":
        async with service.session.post(
            service.url + "/api/stream", json={"after": 0}, headers=bearer(person)
        ) as answer:
            await answer.content.readuntil(b"data:")
            await nothing_is_open(service, id)
            await answer.content.readuntil(b"\n\n")
            return
    if way == "page":
        page = Page(service.session, service.url + "/")
        form = {"do": "earlier", "id": secrets.token_urlsafe(24), "token": person.token}
        task = page.sends({**form, "screen": "chat"})
        assert (await task).status == 200
    elif way == "input":
        await person.types("hello")
    else:
        await person.looks()
    await nothing_is_open(service, id)


async def nothing_is_open(service: RunningService, id: ConversationId) -> None:
    async def closed() -> bool:
        return not await service.service.store.open_deliveries(id)

    await eventually(closed, "the delivery has ended")


async def test_a_turn_that_nobody_waits_in_needs_no_lease(service: RunningService) -> None:
    """Nobody can take it over, so its answer costs no step more."""
    person = service.person()
    await person.opens()
    store = service.service.store
    await person.presses("yes")
    name = f"fp:{{{id_of(person)}}}:d"
    assert not await store._client.exists(name)


async def test_what_a_turn_says_to_somebody_who_waits_counts_when_it_is_written(
    service: RunningService,
) -> None:
    person = await waits(service)
    id, turns = id_of(person), service.service.turns
    given, lost = [
        await turns.receive(id, InputKey(secrets.token_hex(8)), Typed(words="hello"))
        for _ in range(2)
    ]
    assert await turns.store.open_deliveries(id) == 2
    assert given.view is not None
    assert lost.view is not None
    last = given.view.entries[-1].seq
    await turns.store.close_delivery(id, lost.view, 0)
    await turns.store.close_delivery(id, given.view, last)
    await claims(service, id, "now")
    left = [e.seq for e in (await turns.store.read(id, 0)).entries if e.message.by is Author.BOT]
    assert max(left) == last
