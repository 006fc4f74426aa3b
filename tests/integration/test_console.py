"""The console over HTTP: who gets in, what everybody is told, and that nothing is lost."""

import asyncio
import gzip
import html
import re
import secrets
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from yarl import URL

from bot.domain.ids import ConversationId
from bot.domain.text import text
from handoff.console.application import ROUTES
from handoff.console.visits import CallRoute, VisitRoute
from handoff.permissions import ALLOWED, Act, Role
from tests.support.person import TO_AN_ANSWER, Person
from tests.support.service import RunningService, running, settings_for
from tests.support.staffer import Staffer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_service(
    redis_socket: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningService]:
    folder = tmp_path_factory.mktemp("console")
    async with running(settings_for(f"unix://{redis_socket}", folder)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def service(one_service: RunningService) -> RunningService:
    """The same service for all tests here, in which nobody has been before."""
    await one_service.forget_everybody()
    return one_service


@pytest_asyncio.fixture(loop_scope="module")
async def anna(service: RunningService) -> Staffer:
    """An operator at the queue."""
    return await service.staffer("anna", Role.OPERATOR)


async def waiting(service: RunningService, how: str = "fresh") -> Person:
    person = service.person()
    await person.opens(country="MD")
    for choice in TO_AN_ANSWER if how == "show" else ():
        await person.presses(choice)
    await person.wants("human")
    await person.presses(how)
    return person


async def answering(service: RunningService, anna: Staffer, how: str = "fresh") -> Person:
    """An operator with a conversation open."""
    person = await waiting(service, how)
    await anna.opens("/queue")
    await anna.sends("/claim")
    assert anna.path == f"/conversation/{id_of(person)}"
    await person.looks()
    return person


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


# --- Every route, every role


def routes_of(service: RunningService) -> list[tuple[str, str]]:
    """Every address that the application really has."""
    return sorted(
        {
            (route.method, route.resource.canonical)
            for route in service.service.console.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    )


OPEN = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/set-up/{token}"),
    ("POST", "/set-up/{token}"),
    ("GET", "/static/console.css"),
    ("GET", "/static/console.js"),
    ("GET", "/static/icon.svg"),
}
"""All that a stranger can reach. Typed here a second time, on purpose."""


def filled(path: str, id: str) -> str:
    for name in ("{id}", "{referral}", "{token}"):
        path = path.replace(name, id)
    return path


async def test_a_stranger_reaches_nothing_but_the_door(service: RunningService) -> None:
    person = await waiting(service)
    stranger = service.browser()
    for method, path in routes_of(service):
        where = filled(path, id_of(person))
        async with stranger.session.request(
            method, service.console_url + where, allow_redirects=False, data={"csrf": "x"}
        ) as answer:
            body = await answer.text()
            if (method, path) in OPEN:
                assert answer.status in {200, 403, 410}, (method, path)
            elif path.startswith(("/live/", "/frame/")):
                assert answer.status == 401, (method, path)
            else:
                assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
        assert id_of(person) not in body


@pytest.mark.parametrize("role", Role)
async def test_a_role_reaches_what_it_may_and_nothing_else(
    service: RunningService, role: Role
) -> None:
    somebody = await service.staffer("somebody", role)
    person = await waiting(service)
    known = {
        (route.method, route.path): route.act
        for route in all_routes(service)
        if isinstance(route, VisitRoute)
    }
    assert {*known, *OPEN} == set(routes_of(service))
    csrf = somebody.csrf
    for (method, path), act in known.items():
        if path == "/sign-out":
            continue
        where = filled(path, id_of(person))
        async with somebody.session.request(
            method,
            service.console_url + where,
            allow_redirects=False,
            data={"csrf": csrf} if method == "POST" else None,
            params={"seen": "-"} if path.startswith("/live/") else None,
        ) as answer:
            body = await answer.text()
        if act in ALLOWED[role]:
            assert answer.status not in {401, 403, 500}, (method, path, answer.status)
        else:
            assert answer.status == 403, (method, path, answer.status)
            assert id_of(person) not in body
    await person.looks()
    took = Act.CLAIM in ALLOWED[role]
    assert person.view["owner"] == ("operator" if took else "waiting")


def all_routes(service: RunningService) -> tuple[VisitRoute | CallRoute, ...]:
    """The addresses with their acts, as the application was put together."""
    return service.service.console[ROUTES]


# --- The door


async def test_the_first_administrator_gets_in_by_the_link(service: RunningService) -> None:
    token = await service.service.staff.first_link()
    admin = service.browser()
    await admin.sets_up(f"/set-up/{token}", name="ana")
    assert (admin.status, admin.path) == (200, "/accounts")
    assert "ana" in admin.text
    await admin.sends("/accounts", do="invite", name="eva", role="operator", language="ro")
    assert admin.status == 200
    link = admin.page.partition("/set-up/")[2].partition("<")[0]
    eva = service.browser()
    eva.name = "eva"
    await eva.sets_up(f"/set-up/{link}")
    assert eva.path == "/queue"
    stranger = service.browser()
    await stranger.opens(f"/set-up/{link}")
    assert stranger.status == 410


async def test_signing_out_and_in(service: RunningService, anna: Staffer) -> None:
    await anna.sends("/sign-out")
    assert anna.path == "/sign-in"
    await anna.opens("/queue")
    assert anna.path == "/sign-in"
    await anna.signs_in(password="not this one")  # noqa: S106
    assert anna.status == 403
    assert "not right" in anna.text
    anna.phone.last -= 1
    await anna.signs_in()
    assert (anna.status, anna.path) == (200, "/queue")


async def test_cookies_are_for_this_console_only(service: RunningService, anna: Staffer) -> None:
    await anna.sends("/sign-out")
    await anna.opens("/sign-in")
    body = {"csrf": anna.csrf, "name": "anna", "password": "correct horse battery"}
    async with anna.session.post(
        service.console_url + "/sign-in",
        data={**body, "code": anna.phone.code()},
        allow_redirects=False,
    ) as answer:
        cookies: dict[str, Any] = {}
        for header in answer.headers.getall("Set-Cookie"):
            cookies.update(SimpleCookie(header))
    for name in ("fp_session", "fp_device"):
        assert cookies[name]["httponly"]
        assert cookies[name]["samesite"] == "Strict"
        assert cookies[name]["path"] == "/"
        assert not cookies[name]["domain"]
    assert not cookies["fp_session"]["max-age"]


async def test_every_answer_forbids_storing_framing_and_foreign_code(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    for path in (
        "/sign-in",
        "/queue",
        anna.path,
        f"/frame{anna.path}",
        "/nothing",
        "/static/console.js",
    ):
        async with anna.session.get(service.console_url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store", path
            assert "default-src 'none'" in policy, path
            assert "unsafe" not in policy, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Server" not in answer.headers
            body = await answer.text()
            assert "<style" not in body
            assert "onclick" not in body
    await person.looks()


async def test_a_form_that_is_not_ours_does_nothing(
    service: RunningService, anna: Staffer
) -> None:
    person = await waiting(service)
    await anna.opens("/queue")
    for csrf in ("", "x", anna.csrf[:-1], anna.csrf + "a", "é"):
        await anna.sends("/claim", csrf=csrf)
        assert anna.status == 403
    async with anna.session.post(
        service.console_url + "/claim",
        data={"csrf": anna.csrf},
        headers={"Sec-Fetch-Site": "cross-site"},
    ) as answer:
        assert answer.status == 403
    other = await service.staffer("boris", Role.OPERATOR)
    await anna.opens("/queue")
    await anna.sends("/claim", csrf=other.csrf)
    assert anna.status == 403
    await person.looks()
    assert person.view["owner"] == "waiting"


async def test_the_sign_in_form_belongs_to_one_browser(service: RunningService) -> None:
    one, other = service.browser(), service.browser()
    await one.opens("/sign-in")
    await other.opens("/sign-in")
    await one.sends("/sign-in", csrf=other.csrf, name="a", password="b", code="c")  # noqa: S106
    assert one.status == 403
    without = service.browser()
    await without.sends("/sign-in", csrf=one.csrf, name="a", password="b", code="c")  # noqa: S106
    assert without.status == 403


async def test_somebody_who_was_disabled_is_out_at_once(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await service.service.staff.disable("terminal", "anna")
    await anna.says("one more thing")
    assert anna.status == 401
    assert "one more thing" in anna.page  # what they typed is theirs still
    await person.looks()
    assert person.heard() == []


# --- A conversation


async def test_words_go_both_ways_and_everybody_sees_who_wrote(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await anna.says("Hello <b>& welcome</b> مرحبا")
    await person.looks()
    assert person.heard() == ["Hello <b>& welcome</b> مرحبا"]
    assert person.new[0]["by"] == "operator"
    await person.types("Привет <script>alert(1)</script>")
    await anna.opens(anna.path)
    assert anna.log[-2:] == [
        ("operator", "Hello <b>& welcome</b> مرحبا"),
        ("person", "Привет <script>alert(1)</script>"),
    ]
    assert "<script>alert" not in anna.page


async def test_a_double_click_and_a_reload_send_one_message(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    key, seen = anna.hidden("key"), anna.seen
    csrf, path = anna.csrf, anna.path
    body = {"csrf": csrf, "words": "once", "key": key, "seen": seen}
    await asyncio.gather(  # noqa: TID251 - a race on purpose
        *(anna.sends(f"{path}/write", **body) for _ in range(4))
    )
    await anna.sends(f"{path}/write", **body)
    await person.looks()
    assert person.heard() == ["once"]


async def test_words_changed_before_sending_again_are_not_lost(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    sent = {"csrf": anna.csrf, "key": anna.hidden("key"), "seen": anna.seen}
    path = anna.path
    await anna.sends(f"{path}/write", words="half", **sent)
    await anna.sends(f"{path}/write", words="half and more", **sent)  # as after the Back button
    assert anna.status == 409  # the first one is there by now, and is shown
    assert ("operator", "half") in anna.log
    assert "half and more" in anna.page
    await anna.says("and more")
    await person.looks()
    assert person.heard() == ["half", "and more"]


async def test_a_screen_that_is_behind_is_refused_and_shows_what_is_new(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await person.types("wait, one more thing")
    await anna.says("bye then")
    assert anna.status == 409
    assert "wait, one more thing" in anna.text
    assert "bye then" in anna.page  # what was typed stands there still
    await person.looks()
    assert person.heard() == []
    await anna.says("bye then")
    await person.looks()
    assert person.heard() == ["bye then"]


async def test_in_two_tabs_the_second_one_learns_of_the_first(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    old = (anna.csrf, anna.seen, anna.hidden("key"))
    await anna.says("from one tab")
    path = anna.path
    await anna.sends(
        f"{path}/write", csrf=old[0], seen=old[1], key=secrets.token_urlsafe(16), words="other"
    )
    assert anna.status == 409
    assert "from one tab" in anna.text
    await person.looks()
    assert person.heard() == ["from one tab"]


@pytest.mark.parametrize(
    ("how", "reason", "owner", "news"),
    [
        ("give-back", "finished", "bot", "back_to_program"),
        ("transfer", "shift_ends", "waiting", "back_to_queue"),
        ("close", "no_answer", "closed", "operator_closed"),
    ],
)
async def test_letting_go(  # noqa: PLR0913, PLR0917 - what is done and what follows
    service: RunningService, anna: Staffer, how: str, reason: str, owner: str, news: str
) -> None:
    person = await answering(service, anna)
    path = anna.path
    for wrong in ("", "made_up"):
        await anna.lets_go(how, wrong)
        assert anna.status == 400
    await anna.lets_go(how, reason)
    assert anna.path == "/queue"
    await person.looks()
    assert person.view["owner"] == owner
    assert person.heard()[0] == f"interface.{news}"
    await anna.opens(path)
    assert anna.status == 409


async def test_the_card_shows_answers_only_after_a_yes(
    service: RunningService, anna: Staffer
) -> None:
    await answering(service, anna, "fresh")
    assert "starts fresh" in anna.text
    assert "2026." not in anna.text
    await anna.lets_go("close", "finished")
    person = service.person()
    await person.opens("ro", country="MD")
    for choice in TO_AN_ANSWER:
        await person.presses(choice)
    await person.wants("human")
    await person.presses("show")
    await anna.sends("/claim")
    assert "Can you read this safely now?" in anna.text
    assert "Version of the rule" in anna.text


async def test_the_console_speaks_the_operators_language(service: RunningService) -> None:
    elena = await service.staffer("elena", Role.OPERATOR, language="ar")
    assert '<html lang="ar" dir="rtl"' in elena.page
    person = await waiting(service, "show")
    await elena.sends("/claim")
    arabic = service.service.shelf.current()
    takeover = arabic.words(text("interface.takeover"), arabic.languages["ar"].language)  # type: ignore[index]
    assert takeover.words in elena.text
    await person.looks()


async def test_an_alarm_is_shown_until_it_is_seen(service: RunningService, anna: Staffer) -> None:
    person = await answering(service, anna)
    await person.types("help me he has a knife")
    found = await anna.looks(after=anna.seen, seen="-")
    assert len(found["now"]) == 1
    assert "danger" in found["parts"]["state"]
    assert "Look now" in found["parts"]["own"]
    await anna.opens(anna.path)
    assert "danger" in anna.text
    await anna.sends(f"{anna.path}/alarms", number="1")
    assert "can mean danger" not in anna.text


async def test_the_page_hears_at_once_what_is_new(service: RunningService, anna: Staffer) -> None:
    person = await answering(service, anna)
    first = await anna.looks(after=anna.seen, seen="-")
    waiting_for = asyncio.ensure_future(anna.looks(after=first["last"], seen=first["seen"]))
    await asyncio.sleep(0)
    await person.types("are you there?")
    async with asyncio.timeout(10):
        found = await waiting_for
    assert "are you there?" in found["log"]
    assert found["last"] == int(anna.seen) + 1


async def test_the_queue_page_hears_of_somebody_in_danger_without_a_word_of_theirs(
    service: RunningService, anna: Staffer
) -> None:
    await anna.opens("/queue")
    first = await anna.looks(seen="-")
    assert first["now"] == []
    person = await waiting(service)
    await person.types("help me he has a knife")
    found = await anna.looks(seen=first["seen"])
    while not found.get("now"):
        found = await anna.looks(seen=found["seen"])
    [mark] = found["now"]
    assert mark not in str(id_of(person))
    assert "knife" not in str(found)


async def test_the_person_leaving_and_erasing_is_told(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await person.types("/erase")
    found = await anna.looks(after=anna.seen, seen="-")
    assert anna.status == 410
    assert "erased" in found["text"]
    await anna.says("are you still there?")
    assert anna.status == 410
    assert "are you still there?" in anna.page


async def test_the_log_without_scripts_loads_itself(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await person.types("hello")
    path = anna.path
    await anna.opens(f"/frame{path}")
    assert anna.log[0] == ("person", "hello")
    assert 'http-equiv="refresh"' in anna.page


# --- What pages do by themselves


async def looks_of(service: RunningService, anna: Staffer) -> list[str]:
    """What the audit record says that she looked at."""
    [id] = [one.id for one in await service.service.staff.accounts() if one.name == anna.name]
    records = await service.service.audit.read(id)
    return [record.what for record in records if record.what.startswith(("look", "queue"))]


async def session_left(service: RunningService, *, older: int = 0) -> int:
    """How much is left of the quiet half hour of the one session, after so much more of it."""
    client: Any = service.service.store._client
    [name] = [name async for name in client.scan_iter(match="fp:staff:session*", count=500)]
    left: int = await client.pttl(name) - older
    await client.pexpire(name, left)
    return left


def refresh_of(anna: Staffer) -> str:
    """Where the page takes itself without scripts."""
    found = re.search(r'http-equiv="refresh" content="\d+; url=([^"]+)"', anna.page)
    assert found is not None, anna.page
    return html.unescape(found[1])


async def test_a_page_that_loads_itself_is_no_human_and_one_look(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    conversation = anna.path
    frame = re.search(r'<iframe[^>]* src="([^"]+)"', anna.page)
    assert frame is not None
    await anna.opens("/queue")
    queue = refresh_of(anna)
    before = await looks_of(service, anna)
    left = await session_left(service, older=600_000)
    where = queue
    for start in (queue, html.unescape(frame[1])):
        where = start
        for _ in range(3):
            await anna.opens(where)
            assert anna.status == 200
            where = refresh_of(anna)
    assert await looks_of(service, anna) == before
    assert await session_left(service) <= left
    await person.types("hello")
    await anna.opens(where)
    assert anna.log[0] == ("person", "hello")
    after = await looks_of(service, anna)
    assert [what.partition(":")[0] for what in after[len(before) :]] == ["look"]
    assert await session_left(service) <= left
    await anna.opens(conversation)  # a human did this
    assert await session_left(service) > left
    assert len(await looks_of(service, anna)) > len(after)


@pytest.mark.parametrize("stay", ["", "0.0.x", "99.{now}.00000000", "é.é.é", "9" * 5000])
async def test_nobody_can_say_themselves_that_a_look_is_recorded(
    service: RunningService, anna: Staffer, stay: str
) -> None:
    person = await answering(service, anna, "show")
    path = anna.path
    written = stay.replace("{now}", str(await service.desk.now()))
    looks: list[dict[str, str]] = [{"seen": "-"}, {"seen": "-", "after": "999"}]
    before = await looks_of(service, anna)
    for where in ("/queue", path):
        anna.path = where
        for query in looks:
            before = await looks_of(service, anna)
            await anna.looks(**query, stay=written)
            assert anna.status == 200
            assert len(await looks_of(service, anna)) > len(before), (where, query)
    before = await looks_of(service, anna)
    await anna.opens(f"/frame{path}?stay={written[:100]}")
    assert len(await looks_of(service, anna)) > len(before)
    await person.looks()


async def test_a_stay_belongs_to_one_page_and_one_person_of_staff(
    service: RunningService, anna: Staffer
) -> None:
    await answering(service, anna)
    mine = await anna.looks(after=anna.seen, seen="-")
    before = await looks_of(service, anna)
    await anna.looks(after=mine["last"], seen="-", stay=mine["stay"])
    assert await looks_of(service, anna) == before
    anna.path = "/queue"
    await anna.looks(seen="-", stay=mine["stay"])
    assert len(await looks_of(service, anna)) == len(before) + 1
    boris = await service.staffer("boris", Role.OPERATOR)
    theirs = await boris.looks(seen="-")
    before = await looks_of(service, anna)
    await anna.looks(seen="-", stay=theirs["stay"])
    assert len(await looks_of(service, anna)) == len(before) + 1


async def test_without_scripts_an_ended_session_is_said(
    service: RunningService, anna: Staffer
) -> None:
    await answering(service, anna)
    frame = f"/frame{anna.path}"
    await anna.opens("/queue")
    queue = refresh_of(anna)
    await service.service.staff.disable("terminal", "anna")
    await anna.opens(queue)
    assert anna.path == "/sign-in"
    assert "You are not signed in any more." in anna.text
    async with anna.session.get(service.console_url + frame) as answer:
        page = await answer.text()
        assert answer.status == 401
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"  # or nothing at all is shown
        assert "You are not signed in any more." in page
        assert 'target="_top"' in page


async def test_without_scripts_the_log_says_that_the_person_erased(
    service: RunningService, anna: Staffer
) -> None:
    person = await answering(service, anna)
    await person.types("/erase")
    async with anna.session.get(f"{service.console_url}/frame{anna.path}") as answer:
        page = await answer.text()
        assert answer.status == 410
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "The person erased it" in page


async def test_an_open_conversation_tells_of_somebody_else_in_danger(
    service: RunningService, anna: Staffer
) -> None:
    await answering(service, anna)
    first = await anna.looks(after=anna.seen, seen="-")
    assert first["now"] == []
    other = await waiting(service)
    await other.types("help me he has a knife")
    found = await anna.looks(after=first["last"], seen=first["seen"], stay=first["stay"])
    while not found.get("now"):
        found = await anna.looks(after=first["last"], seen=found["seen"], stay=found["stay"])
    assert len(found["now"]) == 1
    assert "In danger now" in found["parts"]["urgent"]
    assert "knife" not in str(found)
    assert id_of(other) not in str(found)
    await anna.opens(f"/frame{anna.path}")
    assert "In danger now, and waiting: 1" in anna.text


async def test_taking_somebody_who_is_gone(service: RunningService, anna: Staffer) -> None:
    person = await waiting(service)
    id = id_of(person)
    boris = await service.staffer("boris", Role.OPERATOR)
    await boris.sends("/claim", id=id)
    await anna.opens("/queue")
    await anna.sends("/claim", id=id)
    assert anna.status == 409
    await boris.opens("/queue")
    await boris.sends("/claim", id=id)  # the same button, pressed twice
    assert (boris.status, boris.path) == (200, f"/conversation/{id}")
    for wrong in ("nobody", "../x", "é", "x" * 500):
        await anna.sends("/claim", id=wrong)
        assert anna.status == 410


async def test_a_full_desk_says_so_and_danger_can_be_taken_all_the_same(
    service: RunningService, anna: Staffer
) -> None:
    for _ in range(2):
        await waiting(service)
    for _ in range(2):
        await anna.opens("/queue")
        await anna.sends("/claim")
    danger = await waiting(service)
    await danger.types("help me he has a knife")
    await anna.opens("/queue")
    await anna.sends("/claim", id=id_of(danger))
    assert anna.status == 409
    assert 'name="beyond"' in anna.page
    await anna.sends("/claim", id=id_of(danger), beyond="1")
    assert anna.path == f"/conversation/{id_of(danger)}"


# --- Bad input


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"words=" + b"x" * 200_000, "application/x-www-form-urlencoded", 413),
        (b"csrf={csrf}&words=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"csrf={csrf}&words=\xff", "application/x-www-form-urlencoded", 400),
        (b"csrf={csrf}&" + b"a=b&" * 500, "application/x-www-form-urlencoded", 400),
        (b'{"words": "x"}', "application/json", 400),
        (b"", "application/x-www-form-urlencoded", 403),
        (b"csrf={csrf}&words=" + b"y" * 4001 + b"&key=" + b"k" * 20, "", 400),
        (b"csrf={csrf}&words=hello", "", 400),
        (b"csrf={csrf}&words=hello&key=short", "", 400),
        (b"csrf={csrf}&words=%20&key=" + b"k" * 20, "", 400),
        (b"csrf={csrf}&words=hello&key=" + b"k" * 20 + b"&seen=-1", "", 409),
        (b"csrf={csrf}&words=hello&key=" + b"k" * 20 + b"&seen=x", "", 409),
    ],
)
async def test_bad_forms_get_a_clear_answer_and_send_nothing(
    service: RunningService, anna: Staffer, body: bytes, kind: str, status: int
) -> None:
    person = await answering(service, anna)
    async with anna.session.post(
        f"{service.console_url}{anna.path}/write",
        data=body.replace(b"{csrf}", anna.csrf.encode()),
        headers={"Content-Type": kind or "application/x-www-form-urlencoded"},
    ) as answer:
        page = await answer.text()
        assert answer.status == status
        assert '<html lang="en"' in page
    await person.looks()
    assert person.heard() == []
    await anna.opens(anna.path)
    await anna.says("still here")
    await person.looks()
    assert person.heard() == ["still here"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "made-up"])
async def test_a_body_that_is_packed_and_broken_gets_a_clear_answer(
    service: RunningService, anna: Staffer, encoding: str
) -> None:
    person = await answering(service, anna)
    for body in (b"\xff\xff\xff", gzip.compress(b"words=x")[:-6], b"x" * 200_000):
        async with anna.session.post(
            f"{service.console_url}{anna.path}/write",
            data=body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Content-Encoding": encoding,
            },
        ) as answer:
            assert 400 <= answer.status < 500, (encoding, answer.status)
    await person.looks()
    assert person.heard() == []


@pytest.mark.parametrize(
    "id", ["x", "}{", "%00", "%ff", "%E2%80%AE", "a" * 65, "..", "é", "%0d%0aX:y", "*", "x" * 4000]
)
async def test_no_address_and_no_form_breaks_a_page(
    service: RunningService, anna: Staffer, id: str
) -> None:
    await anna.opens("/queue")
    csrf = anna.csrf
    for method, path in routes_of(service):
        if path == "/sign-out":
            continue
        for fields in ({}, dict.fromkeys(("id", "conversation", "referral", "name", "do"), id)):
            async with anna.session.request(
                method,
                URL(service.console_url + filled(path, id), encoded=True),
                data={"csrf": csrf, "words": "x", "key": "k" * 20, "reason": "finished", **fields}
                if method == "POST"
                else None,
                params=None,
                headers={"X-Live": "1"} if path.startswith("/live/") else {},
                allow_redirects=False,
            ) as answer:
                await answer.read()
                assert answer.status < 500, (method, path, fields, answer.status)


async def test_a_number_that_is_too_long_is_none(service: RunningService, anna: Staffer) -> None:
    person = await answering(service, anna)
    found = await anna.looks(after="9" * 5000, seen="-")
    assert anna.status == 200
    assert found["log"]
    await anna.sends(f"{anna.path}/alarms", number="9" * 5000)
    assert anna.status == 200
    await person.looks()


async def test_a_long_referral_is_given_back_when_the_session_has_ended(
    service: RunningService, anna: Staffer
) -> None:
    await answering(service, anna)
    where = f"{anna.path}/referrals/00000000-0000-0000-0000-000000000000"
    await service.service.staff.disable("terminal", "anna")
    await anna.sends(where, do="save", reasons="what took an hour to write", receiver="zq-kept")
    assert anna.status == 401
    assert "what took an hour to write" in anna.page
    assert "zq-kept" not in anna.page


@pytest.mark.parametrize(
    "path", ["/nothing", "/conversation/", "/static/../app.py", "/live/x", "/%ff"]
)
async def test_unknown_addresses_get_a_page(
    service: RunningService, anna: Staffer, path: str
) -> None:
    await anna.opens(path)
    assert anna.status in {400, 404}
    assert "There is no such page." in anna.text


@pytest.mark.parametrize("cookie", ["x", "é", "a" * 5000, "../", '"'])
async def test_cookies_that_are_nobodys_lead_to_the_door(
    service: RunningService, cookie: str
) -> None:
    async with (
        ClientSession() as session,
        session.get(
            service.console_url + "/queue",
            headers={"Cookie": f"fp_session={cookie}"},
            allow_redirects=False,
        ) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
