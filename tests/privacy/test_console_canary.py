"""Markers of a person's browser, looked for in everything that staff see, store and send.

An operator signs in, looks at every page, answers, refers and prints, while the person's browser
sends a marker in every field it has. What the person wrote before they asked for a human is shown
nowhere; what they wrote to the human stands in the conversation and nowhere else. The operator's
own browser sends markers too: an address of staff is nobody's business either.
"""

import asyncio
import json
import secrets
import sys
from base64 import b64decode
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, CookieJar, TCPConnector
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from bot.adapters.redis_staff import RedisVault
from bot.adapters.sealing import InstallationKey, read_or_make_key
from bot.domain.ids import ConversationId
from bot.referral_command import DEMO
from handoff.referral.envelope import Signer, unseal
from tests.integration.test_referral_pages import FORM
from tests.privacy.test_canary import breaks_things, uses_the_json_interface, uses_the_page
from tests.support.canary import ADDRESS, BEHIND, HEADERS, Browser, Markers, written_files
from tests.support.opened import Opened, opened, raw
from tests.support.person import Json
from tests.support.process import ROOT, ServiceProcess
from tests.support.staffer import Staffer

OF_STAFF = "127.66.55.44" if sys.platform == "linux" else "127.0.0.1"
"""Where the operator's browser is."""

_MEANT = {"Cookie", "Origin", "Accept-Language"}
"""Headers by which the console knows its own pages, or how to speak."""


@dataclass
class Watched(Staffer):
    """Somebody of staff who keeps every answer, with the address that gave it."""

    seen_pages: list[tuple[str, bytes]] = field(default_factory=list)
    seen_headers: list[str] = field(default_factory=list)

    async def looks(self, **query: Any) -> Any:
        found = await super().looks(**query)
        self.seen_pages.append((f"/live{self.path}", json.dumps(found).encode()))
        return found

    async def _request(self, method: str, path: str, **more: Any) -> None:
        where = path if path.startswith("http") else self.url + path
        async with self.session.request(method, where, **more) as answer:
            self.status = answer.status
            self.page = await answer.text()
            if answer.status == 200 or not self.path:
                self.path = answer.url.path
            self.seen_pages.append((answer.url.path, self.page.encode()))
            self.seen_headers += [f"{name}: {value}" for name, value in answer.headers.items()]

    def in_(self, markers: Markers, *, but_at: tuple[str, ...] = ()) -> set[tuple[str, str]]:
        """Where markers were seen, and which."""
        return {
            (path, place)
            for path, page in self.seen_pages
            if not path.startswith(but_at) or "/referrals" in path
            for place in markers.in_(page)
        }


@dataclass
class Told:
    """The markers of what was typed, by who may read it."""

    before: Markers = field(default_factory=Markers)
    """What the person wrote to the program."""

    after: Markers = field(default_factory=Markers)
    """What the person wrote to the operator."""

    answered: Markers = field(default_factory=Markers)
    """What the operator wrote to the person."""

    form: Markers = field(default_factory=Markers)
    """What the operator wrote into the referral."""

    staff: Markers = field(default_factory=Markers)
    """What the operator's browser said of itself."""

    @property
    def all(self) -> tuple[Markers, ...]:
        return (self.before, self.after, self.answered, self.form, self.staff)


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def operator(service: ServiceProcess, told: Told) -> AsyncGenerator[Watched]:
    marked = {name: told.staff.new(f"staff {name}") for name in HEADERS if name not in _MEANT}
    async with ClientSession(
        cookie_jar=CookieJar(unsafe=True),
        connector=TCPConnector(local_addr=(OF_STAFF, 0)),
        timeout=ClientTimeout(total=30),
        headers=marked,
    ) as session:
        found = Watched(f"http://127.0.0.1:{service.console_port}", session)
        await found.sets_up(await service.first_link(), name="anna")
        roles = [("csrf", found.csrf), ("do", "roles"), ("name", "anna")]
        given = [*roles, ("role", "admin"), ("role", "operator")]
        await found._request("POST", "/accounts", data=given)
        assert found.status == 200
        yield found


@dataclass
class Writing:
    """A conversation in the marked browser."""

    browser: Browser
    view: Json
    token: str

    @classmethod
    async def begins(cls, browser: Browser) -> "Writing":
        started = await browser.posts("/api/start", {"id": secrets.token_urlsafe(24)})
        return cls(browser, started, started["token"])

    @property
    def id(self) -> ConversationId:
        return ConversationId(self.token.partition(".")[0])

    async def sends(self, what: Json) -> None:
        body = {"id": self.browser.markers.new("input id") + "m" * 16, "after": 0, **what}
        self.view = await self.browser.posts("/api/input", body, self.token)
        assert "question" in self.view, self.view

    async def presses(self, choice: str) -> None:
        self.view = await self.browser.posts("/api/read", {"after": 0}, self.token)
        number = self.view["question"]["number"]
        await self.sends({"press": {"number": number, "choices": [choice]}})


async def asks_for_a_human(browser: Browser, told: Told) -> Writing:
    person = await Writing.begins(browser)
    await person.sends({"words": f"he took {told.before.new('words to the program')}"})
    await person.sends({"action": "human"})
    await person.presses("fresh")
    return person


async def look_at_everything(operator: Watched, person: Writing, told: Told) -> None:
    """Every page of the console, while the person and the operator write."""
    await operator.opens("/queue")
    await operator.looks()
    await operator.sends("/claim")
    assert operator.path == f"/conversation/{person.id}", operator.text
    conversation = operator.path
    await person.sends({"words": f"I write {told.after.new('words to the operator')}"})
    alarming = f"he has a knife {told.after.new('words of danger')}"
    await person.sends({"words": alarming})
    await operator.opens(conversation)
    await operator.looks()
    await operator.opens(f"/frame{conversation}")
    await operator.opens(conversation)
    await operator.says(f"I am here {told.answered.new('an answer')}")
    assert operator.status == 200
    await operator.sends(f"{conversation}/alarms", seen=operator.seen)
    for page in ("/queue", "/account", "/accounts", "/nowhere", conversation):
        await operator.opens(page)


async def refers(operator: Watched, person: Writing, told: Told) -> None:
    """A referral with a marker in each field of text, sent and printed."""
    new = told.form.new
    form = {
        **FORM,
        "reasons": f"Somebody keeps her papers. {new('reasons')}",
        "contact_by": "phone",
        "contact_address": new("contact"),
        "contact_when": new("when"),
        "contact_never_say": new("never say"),
    }
    all_of = f"/conversation/{person.id}/referrals"
    await operator.opens(all_of)
    await operator.sends(all_of, referral=operator.hidden("referral"), receiver=DEMO)
    one = operator.path
    await operator.sends(one, do="ask_referral", reads_safely="1", **form)
    assert operator.status == 200, operator.text
    await person.presses("agree")
    await operator.opens(one)
    await operator.sends(one, do="send", **form)
    assert operator.status == 200, operator.text
    await operator.sends(one, do="print")
    assert told.form.in_(operator.page.encode()), "the printed page holds what was filled in"
    await operator.opens("/referrals")
    await operator.opens(all_of)


async def spoken(service: ServiceProcess, *words: str) -> bytes:
    """What a command of ours says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *words,
        cwd=ROOT,
        env=service.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert said
    return said


@dataclass
class Stored:
    """Everything that is left behind, as it lies there and decrypted."""

    in_the_clear: list[bytes]
    audit: bytes
    conversations: list[Opened]
    accounts: list[bytes]
    packages: list[bytes]


async def everything_stored(service: ServiceProcess) -> Stored:
    key = read_or_make_key(service.folder / "installation.key")
    client: Any = await connect(EmbeddedRedis(service.data).url)
    said = [await spoken(service, "doctor"), await spoken(service, "audit", "verify")]
    stored, audit = await raw(client), b""
    async for name in client.scan_iter(match="fp:audit:of:*"):
        audit += b"\n".join(await client.lrange(name, 0, -1))
    conversations = [found async for found in opened(client, key)]
    accounts = [account for account, _ in (await RedisVault(client, key).all()).values()]
    await client.aclose()
    await service.stop()
    files = list(written_files(service.folder))
    return Stored([stored, *said, *files], audit, conversations, accounts, packages(service, key))


def packages(service: ServiceProcess, key: InstallationKey) -> list[bytes]:
    """What the receiver reads."""
    private = X25519PrivateKey.from_private_bytes(
        b64decode((service.folder / "receivers" / f"{DEMO}.key").read_bytes())
    )
    sender = Signer.from_seed(key.mark("referral")).public_key
    files = (service.folder / "drop" / DEMO).iterdir()
    return [unseal(file.read_bytes(), private, sender) for file in files]


@pytest.mark.timeout(180)
async def test_staff_see_what_was_told_to_them_and_nothing_of_the_browser(
    service: ServiceProcess, browser: Browser, operator: Watched, told: Told
) -> None:
    await uses_the_json_interface(browser, told.before)
    await uses_the_page(browser, told.before)
    await breaks_things(browser)
    person = await asks_for_a_human(browser, told)
    await look_at_everything(operator, person, told)
    await refers(operator, person, told)
    await operator.sends("/sign-out")
    stored = await everything_stored(service)

    assert_seen_where_it_belongs(operator, browser, person, told)
    for place in (*stored.in_the_clear, stored.audit):
        assert browser.markers.in_(place) == []
        assert [markers.in_(place) for markers in told.all] == [[], [], [], [], []]
        assert not any(address.encode() in place for address in addresses())
    assert b'"what": "look' in stored.audit, "who looked is noted"
    assert_opened(stored, browser, told)


def addresses() -> list[str]:
    return [address for address in (ADDRESS, BEHIND, OF_STAFF) if address != "127.0.0.1"]


def assert_seen_where_it_belongs(
    operator: Watched, browser: Browser, person: Writing, told: Told
) -> None:
    here = f"/conversation/{person.id}"
    conversation = (here, f"/live{here}", f"/frame{here}")
    assert operator.in_(browser.markers) == set()
    assert operator.in_(told.before) == set(), "nobody agreed to show that"
    assert operator.in_(told.staff) == set()
    for markers in (told.after, told.answered):
        assert operator.in_(markers, but_at=conversation) == set()
        assert {path for path, _ in operator.in_(markers)} >= {here}, "the search finds it"
    assert {f"/live{here}", f"/frame{here}"} <= {path for path, _ in operator.in_(told.after)}
    filled_in = {path for path, _ in operator.in_(told.form)}
    assert filled_in
    assert all("/referrals" in path for path in filled_in)
    headers = "\n".join(operator.seen_headers).encode()
    for markers in (browser.markers, *told.all):
        assert markers.in_(headers) == []
    pages = b"".join(page for _, page in operator.seen_pages)
    assert not any(address.encode() in pages for address in addresses())


def assert_opened(stored: Stored, browser: Browser, told: Told) -> None:
    """The same in everything that is sealed, opened."""
    assert len(stored.packages) == 1
    assert told.form.in_(*stored.packages), "the search finds what is there"
    records = [record for found in stored.conversations for record in found.referrals]
    assert told.form.in_(*records)
    states = [found.state for found in stored.conversations]
    aside = [one for found in stored.conversations for one in found.aside]
    for markers in (browser.markers, told.staff, told.before, told.after, told.answered):
        assert markers.in_(*stored.packages, *records, *states, *aside, *stored.accounts) == []
    for letter, own in (("p", (told.before, told.after)), ("o", (told.answered,))):
        said = list(chain(*(found.log.get(letter, []) for found in stored.conversations)))
        for markers in (browser.markers, *told.all):
            assert bool(markers.in_(*said)) is (markers in own), letter
    others = [f.log.get(letter, []) for f in stored.conversations for letter in ("b", "n")]
    for markers in (browser.markers, *told.all):
        assert markers.in_(*chain(*others)) == []
    everything = b"".join([*states, *aside, *records, *stored.accounts, *stored.packages])
    assert not any(address.encode() in everything for address in addresses())
