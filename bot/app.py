"""Builds everything and starts it: the only place that knows every adapter."""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from aiohttp import web

from bot.adapters.erasure_journal import ErasureJournal
from bot.adapters.interpreter_client import InterpreterClient
from bot.adapters.interpreter_process import (
    INTERPRETER_PYTHON,
    InterpreterProcess,
    interpreter_model,
)
from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_bundles import RedisBundles
from bot.adapters.redis_codes import RedisCodes, SlowHash
from bot.adapters.redis_connection import check_durable
from bot.adapters.redis_news import RedisNews
from bot.adapters.redis_referrals import RedisReferrals
from bot.adapters.redis_rewrite import Rewriting
from bot.adapters.redis_seats import RedisSeats
from bot.adapters.redis_staff import RedisVault
from bot.adapters.redis_staffing import RedisStaffing
from bot.adapters.redis_store import RedisStore
from bot.adapters.sealing import read_or_make_key
from bot.background import Serve, keep_serving
from bot.channels.web.api import MOST_BODY_BYTES, Api
from bot.channels.web.chat import Chat
from bot.channels.web.health import Health
from bot.channels.web.limits import Limits
from bot.channels.web.pages import Pages
from bot.channels.web.screens import Screens
from bot.channels.web.streams import Streams
from bot.channels.web.tokens import Tokens
from bot.content.release import read_files
from bot.content.shelf import BadContentError, Shelf
from bot.content.show import told
from bot.database import Database, opened
from bot.dialogue.codes import Codes
from bot.dialogue.news import News
from bot.dialogue.reading import Listener
from bot.dialogue.retention import Retention
from bot.dialogue.sweeper import Sweeper
from bot.dialogue.turns import LookAtQueue, Turns
from bot.domain.facts import Mode
from bot.domain.ids import ConversationId, Milliseconds
from bot.domain.text import Text, text
from bot.engine.received import Line
from bot.errors import StartError
from bot.receivers import receivers_of
from bot.settings import ROOT, Settings
from handoff.audit import Audit
from handoff.console.application import Console
from handoff.desk import Desk
from handoff.referral.delivery import Delivery
from handoff.referral.envelope import Signer
from handoff.referral.exit_gate import ExitGate
from handoff.referral.file_drop import FileDrop
from handoff.referral.leaving import Leaving
from handoff.referral.pages import routes as referral_routes
from handoff.referral.receivers import Directory
from handoff.referral.records import Records
from handoff.referral.referrals import Referrals
from handoff.referral.sent import SentReferrals
from handoff.staff import Staff
from nlu.ears import LocalEars, local_ears
from nlu.fingerprint import of_interpreter
from nlu.linear import BadModelError

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that runs, wired together."""

    settings: Settings
    database: Database
    shelf: Shelf
    store: RedisStore
    turns: Turns
    desk: Desk
    audit: Audit
    staff: Staff
    sweeper: Sweeper
    console: web.Application
    web: web.Application
    referrals: Referrals
    sent: SentReferrals
    delivery: Delivery
    interpreter: InterpreterProcess | None
    """The process that interprets typed words, where it is ours."""

    rewriting: Rewriting | None
    """Keeps the files of the private server free of what was erased."""


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the service's one clock of days


@asynccontextmanager
async def build(settings: Settings, say: Say = lambda _: None) -> AsyncGenerator[Service]:
    """The service, ready to serve; everything is closed again at the end.

    Raises:
        StartError: something that it needs is not there, or not safe.
        BadContentError: the content has problems and there is no earlier release to fall back on.
    """
    key = read_or_make_key(settings.key_file)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened(settings))
        client, embedded = database.client, database.server is not None
        await check_durable(client, embedded=embedded)
        journal = ErasureJournal(settings.erased_folder)
        store = RedisStore(client, key, replicas=settings.replicas, journal=journal)
        bundles = RedisBundles(client)
        shelf = Shelf(bundles, mode=settings.mode, today=_today, values=_values(settings))
        await _publish(shelf, settings, say)
        staffing, audit = RedisStaffing(client), Audit(RedisTrail(client), key.mark)
        interpreter, process = _interpreter(settings)
        if interpreter is not None:
            stack.push_async_callback(interpreter.close)
        turns = Turns(
            store,
            shelf,
            staffing,
            _retention(settings),
            Listener(_ears(), interpreter),
            line=_line(store, staffing),
        )
        staff = Staff(RedisVault(client, key), audit, key.mark)
        desk = Desk(
            turns,
            store,
            RedisSeats(client),
            staffing,
            audit,
            lease=Milliseconds(settings.claim_seconds * 1000),
        )
        index = RedisCodes(client, replicas=settings.replicas)
        codes = Codes(index, key.mark, SlowHash(key.mark("code-salt")[:16]))
        chat = Chat(turns=turns, store=store, releases=shelf, tokens=Tokens(key.mark), codes=codes)
        application = web.Application(client_max_size=MOST_BODY_BYTES)
        news, limits = News(), Limits(settings.trusted_proxies)
        streams = Streams(chat, news)
        application.cleanup_ctx.append(_hearing(RedisNews(client, news)))
        application.on_shutdown.append(_closing(news))
        application.add_routes(Api(chat, limits, streams).routes())
        application.add_routes(
            Pages(
                chat=chat,
                releases=shelf,
                limits=limits,
                streams=streams,
                screens=Screens(
                    exit_url=settings.exit_url,
                    demonstration=settings.mode is Mode.DEMONSTRATION,
                ),
                healthy=Health(store.try_to_write).look,
            ).routes()
        )
        records = Records(turns, RedisReferrals(client, key), store)
        gate = ExitGate(_drop(settings), Signer.from_seed(key.mark("referral")))
        leaving = Leaving(records, gate, settings.organisation or "demonstration")
        delivery = Delivery(records, leaving, _directory(settings))
        referrals = Referrals(records, leaving, delivery, _directory(settings), audit)
        sent = SentReferrals(records, leaving, delivery, _directory(settings), audit)
        console = Console(
            desk=desk,
            staff=staff,
            releases=shelf,
            news=news,
            mark=key.mark,
            demonstration=settings.mode is Mode.DEMONSTRATION,
            secure=settings.mode is Mode.PRODUCTION,
        ).application(
            referral_routes(referrals, sent, demonstration=settings.mode is Mode.DEMONSTRATION)
        )
        for one in (application, console):
            one.on_response_prepare.append(_unnamed)
        yield Service(
            settings=settings,
            database=database,
            shelf=shelf,
            store=store,
            turns=turns,
            desk=desk,
            audit=audit,
            staff=staff,
            sweeper=Sweeper(turns, store, bundles),
            web=application,
            console=console,
            rewriting=Rewriting(client, store, journal) if embedded else None,
            referrals=referrals,
            sent=sent,
            delivery=delivery,
            interpreter=process,
        )


def _ears() -> LocalEars:
    """What hears inside this process.

    Raises:
        StartError: its models are not there, and nobody may be answered without them.
    """
    try:
        return local_ears()
    except BadModelError as error:
        raise StartError(
            f"What must hear danger in typed words cannot start: {error}. "
            "Get the folder nlu/models/ again."
        ) from None


def _interpreter(settings: Settings) -> tuple[InterpreterClient | None, InterpreterProcess | None]:
    """The interpreter as the settings want it, and its process where that is ours."""
    clock = time.monotonic
    if settings.interpreter == "off":
        return None, None
    if settings.interpreter != "own":
        address = settings.interpreter.rstrip("/")
        return InterpreterClient(lambda: address, settings.interpreter_token, clock), None
    process = InterpreterProcess(
        python=INTERPRETER_PYTHON, model=interpreter_model(of_interpreter()), root=ROOT
    )
    return InterpreterClient(process.address, process.token, clock), process


def _line(store: RedisStore, staffing: RedisStaffing) -> LookAtQueue:
    """What somebody who waits is told."""

    async def look(id: ConversationId, rank: int) -> Line:
        place = await store.place(id, rank)
        minutes = await staffing.minutes(place)
        return Line(busy=not await staffing.free(), position=place, minutes=minutes)

    return look


def _drop(settings: Settings) -> FileDrop:
    """The folder for receivers. Without it people are answered all the same."""
    drop = FileDrop(settings.drop)
    try:
        drop.prepare()
    except OSError as error:
        log.error("drop_not_made", extra={"error_type": type(error).__name__})  # noqa: TRY400 - the text names a path
    return drop


def _directory(settings: Settings) -> Callable[[], Awaitable[Directory]]:
    """Reads the files of the receivers, which may lie on a slow disk."""

    async def read() -> Directory:
        return await asyncio.to_thread(receivers_of, settings)

    return read


async def _unnamed(_: web.Request, response: web.StreamResponse) -> None:
    """Which program answers, and in which version, helps only whoever looks for its mistakes.

    And nobody keeps a copy of anything, whatever it is that answers.
    """
    response.headers.pop("Server", None)
    response.headers.setdefault("Cache-Control", "no-store")


def _hearing(hearing: RedisNews) -> Callable[[web.Application], AsyncGenerator[None]]:
    """Listen for news as long as the application runs."""

    async def serve(_: web.Application) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_serving("news", hearing.serve, stop), name="news")
            try:
                yield
            finally:
                stop.set()

    return serve


def _closing(news: News) -> Callable[[web.Application], Awaitable[None]]:
    """End the open answers before the application waits for them."""

    async def close(_: web.Application) -> None:
        news.close()

    return close


async def run(settings: Settings, say: Say) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StartError: the service cannot start; the sentence says what to do.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signalled in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signalled, stop.set)
    async with build(settings, say) as service, asyncio.TaskGroup() as services:
        # What was loaded stays. Looking through all of it for garbage would hold up everybody for
        # a tenth of a second, again and again.
        gc.collect()
        gc.freeze()
        services.create_task(_stopping(_serve_web(service, stop, say), stop), name="web")
        services.create_task(_stopping(_serve_console(service, stop, say), stop), name="console")
        for name, serve in _in_background(service).items():
            services.create_task(keep_serving(name, serve, stop), name=name)


def _in_background(service: Service) -> dict[str, Serve]:
    """What runs beside the two that people open. None of them ends the process."""
    services: dict[str, Serve] = {
        "audit": service.audit.serve,
        "sweeper": service.sweeper.serve,
        "delivery": service.delivery.serve,
        "releases": service.shelf.follow,
    }
    if service.database.server:
        services["database"] = service.database.server.serve
    if service.interpreter:
        services["interpreter"] = service.interpreter.serve
    if service.rewriting:
        services["rewriting"] = service.rewriting.serve
    return services


async def _stopping(serving: Awaitable[None], stop: asyncio.Event) -> None:
    """Serve; when that ends, for whatever reason, the others shall end as well.

    The group cancels them when one fails, but a cancellation that comes while Redis answers can
    end as trouble of the store, which they wait out.
    """
    try:
        await serving
    finally:
        stop.set()


async def _serve_web(service: Service, stop: asyncio.Event, say: Say) -> None:
    host, port = service.settings.host, service.settings.port
    async with _listening(service.web, host, port, "FIRSTPOINT_PORT") as addresses:
        for address in addresses:
            say(f"chat: {address}/")
        await stop.wait()


async def _serve_console(service: Service, stop: asyncio.Event, say: Say) -> None:
    """The application of staff, never on the chat's port."""
    host, port = service.settings.console_host, service.settings.console_port
    async with _listening(service.console, host, port, "FIRSTPOINT_CONSOLE_PORT") as addresses:
        first = await service.staff.first_link()
        for address in addresses:
            say(f"console: {address}/")
            if first:
                say(f"first administrator, one link for one hour: {address}/set-up/{first}")
        await stop.wait()


@asynccontextmanager
async def _listening(
    application: web.Application, host: str, port: int, setting: str
) -> AsyncGenerator[list[str]]:
    """The addresses of `application` while it listens; `setting` names its port."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise StartError(
                f"Nothing can listen on {host} port {port}: {error.strerror}. "
                f"Stop what uses it, or set {setting} to another one."
            ) from None
        yield [f"http://{address[0]}:{address[1]}" for address in runner.addresses]
    finally:
        await runner.cleanup()


async def _publish(shelf: Shelf, settings: Settings, say: Say) -> None:
    """Publish the content of the folder. With problems, the last good release stays.

    Raises:
        BadContentError: it has problems, and there is no earlier release.
        StartError: it is not verified as production needs it.
    """
    try:
        await shelf.publish(read_files(settings.content))
    except BadContentError as error:
        for problem in error.problems:
            say(told(problem))
        await shelf.catch_up()
        if not shelf.ready:
            raise
        say("The content in the folder has problems; the last good release is served.")
    if settings.mode is Mode.PRODUCTION and (unverified := shelf.unverified()):
        for problem in unverified:
            say(told(problem))
        raise StartError(
            "In production people see verified numbers only, and some that they need are not "
            "verified. Verify them, or remove the country's file."
        )


def _values(settings: Settings) -> dict[str, str | Text]:
    unnamed = text("interface.organisation_unnamed")
    return {
        "organisation": settings.organisation or unnamed,
        "keep_minutes": str(settings.keep_minutes),
        "keep_waiting_hours": str(settings.keep_waiting_hours),
        "keep_code_days": str(settings.keep_code_days),
    }


def _retention(settings: Settings) -> Retention:
    return Retention(
        bot_minutes=settings.keep_minutes,
        waiting_hours=settings.keep_waiting_hours,
        code_days=settings.keep_code_days,
    )
