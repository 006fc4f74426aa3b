"""`firstpoint doctor`: is everything that matters reachable, in date, backed up, watched?

Each check looks at one thing and says it in plain words. Nothing is changed, nothing is started,
and nothing of a person is read.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

from bot.adapters.embedded_redis import State, probe, socket_path_for
from bot.adapters.erasure_journal import DAY
from bot.adapters.interpreter_process import UNDER_WAY, interpreter_model, preparation
from bot.adapters.redis_connection import (
    Connection,
    check_durable,
    connect,
    connected_replicas,
)
from bot.adapters.redis_referrals import ACTIVE, RedisReferrals
from bot.adapters.redis_rewrite import overdue
from bot.adapters.redis_store import ASIDE, SWEPT, RedisStore, call, store_trouble
from bot.adapters.sealing import InstallationKey, WrappedKey, read_or_make_key
from bot.backup_command import BACKUP, old_key_files
from bot.content.checks import Checked, check_files
from bot.content.release import read_files
from bot.domain.facts import Mode
from bot.domain.ids import Milliseconds
from bot.errors import CorruptStateError, StartError, StoreUnavailableError
from bot.receivers import receivers_of
from bot.settings import Settings, is_loopback, read_settings
from nlu.fingerprint import of_interpreter

HEALTHY, ILL = 0, 1
"""Exit codes: nothing must be done now; something must."""

_MOST_CLOCK_MILLISECONDS = 5_000
_LITTLE_BYTES = 200 * 1024 * 1024
_LOW_BYTES = 1024 * 1024 * 1024
_BACKUP_DAYS = 2
_MOST_UNSWEPT = Milliseconds(2 * 60 * 1000)
_MOST_SHOWN = 3
_KEYS_TRIED = 20
_LONGEST_ROUND_MILLISECONDS = 120_000
_FIRST_YEAR = 2026


Clock = Callable[[], datetime]


class Level(Enum):
    """How a finding is meant."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    level: Level
    sentence: str

    def line(self) -> str:
        """The finding as it is printed."""
        return f"{self.level.value:<5} {self.sentence}\n"


def good(sentence: str) -> Finding:
    """All is well."""
    return Finding(Level.GOOD, sentence)


def note(sentence: str) -> Finding:
    """Worth knowing, and nothing is broken."""
    return Finding(Level.NOTE, sentence)


def bad(sentence: str) -> Finding:
    """Something must be done."""
    return Finding(Level.BAD, sentence)


def doctor(out: TextIO) -> int:
    """Print what is well and what is not; the exit code."""
    try:
        settings = read_settings()
    except StartError as error:
        findings = [bad(str(error))]
    else:
        findings = asyncio.run(examine(settings, _clock_of_this_machine))
    out.writelines(finding.line() for finding in findings)
    ill = sum(finding.level is Level.BAD for finding in findings)
    out.write("Everything that matters is in order.\n" if not ill else f"To mend now: {ill}.\n")
    return ILL if ill else HEALTHY


def _clock_of_this_machine() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command looks at the clock itself


async def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Everything that is found."""
    findings = [*check_key_file(settings), *check_content(settings, clock().date())]
    findings += check_proxies(settings)
    findings += check_receivers(settings)
    model = interpreter_model(of_interpreter())
    findings.append(check_interpreter(settings, preparation(), model))
    if settings.redis_url is None:
        findings += check_disk(settings.data)
    findings += [finding async for finding in _check_database(settings, clock)]
    return findings


# The key


def check_key_file(settings: Settings) -> Iterator[Finding]:
    """Whether the installation's key is there, and nobody else's."""
    file = settings.key_file
    if not file.is_file():
        yield bad(
            f"There is no key file {file}. With the key every conversation is lost. On a new "
            "installation, start Firstpoint once."
        )
        return
    try:
        read_or_make_key(file)
    except (StartError, OSError) as error:
        yield bad(str(error) if isinstance(error, StartError) else "The key cannot be read.")
        return
    if file.stat().st_uid not in {os.getuid(), 0}:
        yield bad(f"The key file {file} belongs to another account.")
    else:
        yield good(f"The key file {file} is there, private, and outside the data folder.")


# Content


def check_content(settings: Settings, today: date) -> Iterator[Finding]:
    """Whether the content can be used, is in date, and was verified."""
    production = settings.mode is Mode.PRODUCTION
    checked = check_files(read_files(settings.content), today=today, production=production)
    if checked.problems:
        yield bad(
            f"The content in {settings.content} has {len(checked.problems)} problems, such as: "
            + "; ".join(problem.sentence for problem in checked.problems[:_MOST_SHOWN])
            + " `firstpoint check"
            + (" --production" if production else "")
            + "` shows all."
        )
    else:
        yield good("The content has no problems, and what it shows is in date.")
    if not production:
        yield note(
            "This is a demonstration: what is shown may be unverified, and only this machine can "
            "open it."
        )
    yield from _languages(checked, production=production)


def _languages(checked: Checked, *, production: bool) -> Iterator[Finding]:
    if checked.release is None:
        return
    languages = checked.release.languages.values()
    unread = [str(info.language) for info in languages if not info.verified]
    read = [str(info.language) for info in languages if info.verified]
    if unread:
        said = f"Not reviewed by a person who grew up with it: {', '.join(unread)}."
        yield note(said + (" They are not offered." if production else ""))
    if production and not read:
        yield bad("No language is reviewed, so production has none to offer.")
    elif read:
        yield good(f"Reviewed languages: {', '.join(read)}.")


# The network


def check_proxies(settings: Settings) -> Iterator[Finding]:
    """Whether the limits can tell people apart."""
    if settings.mode is not Mode.PRODUCTION:
        return
    if settings.trusted_proxies:
        yield good("The limits count the addresses that your proxies name.")
    elif is_loopback(settings.host):
        yield note(
            "Only this machine can reach the chat, so people come through a proxy or Tor, and "
            "all of them share one address and its limits. If it is a proxy, let it set "
            "X-Forwarded-For, and name it in FIRSTPOINT_TRUSTED_PROXIES."
        )


# Typed words


def check_interpreter(settings: Settings, prepared: tuple[str, str], model: Path) -> Finding:
    """Whether typed words are interpreted. Nothing is broken without: rules and buttons work."""
    state, sentence = prepared
    if settings.interpreter == "off":
        return note("Typed words are heard by rules only: FIRSTPOINT_INTERPRETER is off.")
    if settings.interpreter != "own":
        return good("Typed words are interpreted by a process of its own account.")
    if model.is_file():
        return good("Typed words are interpreted.")
    if state in UNDER_WAY:
        return note(
            "The interpreter of typed words is warming up: rules and buttons do the work "
            "meanwhile. It takes some minutes after the first start and after phrases changed."
        )
    if state == "failed":
        return note(f"Typed words are heard by rules only: {sentence}")
    return note(
        "Typed words are heard by rules only: the interpreter was not prepared. Run `make setup`."
    )


# Referrals


def check_receivers(settings: Settings) -> Iterator[Finding]:
    """Whether the folders around referrals can be used."""
    for problem in receivers_of(settings).problems:
        file = problem.file or settings.receivers or "the folder"
        yield bad(f"The receivers, {file}: {problem.problem}. Nothing is sent to this receiver.")
    drop = settings.drop
    if drop.exists() and not (drop.is_dir() and os.access(drop, os.W_OK | os.X_OK)):
        yield bad(f"{drop} is no folder that can be written to. See FIRSTPOINT_DROP.")


async def _referrals(
    client: Connection, settings: Settings, now: datetime
) -> AsyncIterator[Finding]:
    last = await RedisReferrals(client, InstallationKey(b"")).last_round()
    if last is None:
        ended, hanging, failing = 0, 0, 0
    else:
        ended, hanging, failing = last.at, last.hanging, last.failing
    late = now.timestamp() * 1000 - ended > _LONGEST_ROUND_MILLISECONDS
    if late and await call(client, "ZCARD", ACTIVE):
        yield bad("Nobody has looked after the referrals for minutes. Start the service again.")
    if hanging:
        yield bad(
            f"{hanging} referrals, or notes that one was taken back, cannot be written into the "
            f"folder for receivers. Is {settings.drop} there, mounted, writable, and has it room? "
            "Can the files of the receivers be read?"
        )
    if failing:
        yield bad(
            f"{failing} referrals cannot be worked on because of a mistake of ours. Look for "
            "`referral_failed` in the log and report it."
        )


# The disk


def check_disk(data: Path) -> Iterator[Finding]:
    """Whether there is room, and whether the data are only ours."""
    if not data.is_dir():
        yield bad(f"There is no data folder {data}. Has Firstpoint been started?")
        return
    if data.stat().st_mode & 0o077:
        yield bad(f"The data folder {data} can be entered by others. Run: chmod 700 {data}")
    free = shutil.disk_usage(data).free
    said = f"{free // 1024**2} MB are free where the data are."
    if free < _LITTLE_BYTES:
        yield bad(f"{said} Without room nobody's answer can be saved.")
    else:
        yield note(f"{said} That is little.") if free < _LOW_BYTES else good(said)


# The database


async def _check_database(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    url = settings.redis_url
    if url is None:
        socket = socket_path_for(settings.data.absolute())
        if await probe(socket) is not State.READY:
            yield bad("The database does not run, so Firstpoint does not either. Start it.")
            return
        url = f"unix://{socket}"
    try:
        client = await connect(url)
    except StartError as error:
        yield bad(str(error))
        return
    try:
        for check in (
            _durability,
            _clock,
            _rewriting,
            _backups,
            _running,
            _aside,
            _referrals,
            _key_fits,
        ):
            async for finding in check(client, settings, clock()):
                yield finding
    except StoreUnavailableError:
        yield bad("The database stopped answering while it was looked at.")
    finally:
        await client.aclose()


async def _durability(
    client: Connection, settings: Settings, _: datetime
) -> AsyncIterator[Finding]:
    try:
        await check_durable(client, embedded=settings.redis_url is None)
    except StartError as error:
        yield bad(str(error))
    else:
        yield good("The database answers, and keeps what it has acknowledged.")
        async for finding in _replicas(client, settings):
            yield finding


async def _replicas(client: Connection, settings: Settings) -> AsyncIterator[Finding]:
    """Whether as many replicas are in step as must confirm each answer."""
    async with store_trouble():
        there = await connected_replicas(client)
    if there < settings.replicas:
        yield bad(
            f"FIRSTPOINT_REPLICAS is {settings.replicas}, and {there} are in step: nobody's "
            "answer is accepted. Start the replicas."
        )
    elif settings.replicas:
        yield good(f"Replicas in step: {there}; {settings.replicas} must confirm each answer.")
    elif there:
        yield note(
            f"Replicas in step: {there}, and no answer waits for them. When one takes over, "
            "answers can be lost. Set FIRSTPOINT_REPLICAS."
        )


async def _clock(client: Connection, _: Settings, now: datetime) -> AsyncIterator[Finding]:
    theirs = await _store(client).now()
    ours = int(now.timestamp() * 1000)
    if now.year < _FIRST_YEAR:
        yield bad(f"The clock of this machine says {now.year}. Set it.")
    elif abs(ours - theirs) > _MOST_CLOCK_MILLISECONDS:
        yield bad(
            "The clocks of this machine and of the database differ by "
            f"{abs(ours - theirs) // 1000} seconds. Let both be set by the network."
        )
    else:
        yield good("The clocks agree.")


async def _rewriting(
    client: Connection, settings: Settings, _: datetime
) -> AsyncIterator[Finding]:
    if settings.redis_url is not None:
        yield note(
            "Your own Redis: erased data stay in its append-only file and snapshots until you "
            "rewrite them. Run BGREWRITEAOF there every 15 minutes, and keep no snapshots."
        )
    elif await overdue(client, await _store(client).now()):
        yield bad(
            "Something was erased more than 15 minutes ago, and may still stand in the files of "
            "the database. Look for `files_not_rewritten` in the log; is the disk full?"
        )
    else:
        yield good("What was erased has left the files of the database in time.")


async def _backups(client: Connection, _: Settings, now: datetime) -> AsyncIterator[Finding]:
    at, keys = await call(client, "HMGET", BACKUP, "at", "keys")
    if at is None:
        yield note("There was never a backup. See docs/backup.md.")
        return
    today = Milliseconds(int(now.timestamp() * 1000))
    days = (today - int(at)) // DAY
    said = f"The last backup was made {_ago(days)}."
    yield note(f"{said} Make one every day.") if days >= _BACKUP_DAYS else good(said)
    old = old_key_files(Path(keys.decode()), today)
    if old:
        yield bad(
            f"Copies of keys older than 7 days lie in {keys.decode()}: {len(old)}. People were "
            "told that erased means gone by then. Delete them, or run `firstpoint backup`."
        )


def _ago(days: int) -> str:
    return "today" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"


async def _running(client: Connection, _: Settings, __: datetime) -> AsyncIterator[Finding]:
    if not await call(client, "EXISTS", "fp:lease:sweeper"):
        yield bad("No process of the service runs: nobody can write to you. Start it.")
        return
    swept = await call(client, "GET", SWEPT)
    if swept is None or await _store(client).now() - int(swept) > _MOST_UNSWEPT:
        yield bad(
            "A process of the service runs, but what happens by itself does not: claims of silent "
            "operators do not end. Look for `sweep_failed` in the log, then start it again."
        )
    else:
        yield good("A process of the service runs, and keeps things in order.")


async def _aside(client: Connection, _: Settings, __: datetime) -> AsyncIterator[Finding]:
    """New ones are an alarm; older ones are only still there."""
    new = int(await call(client, "GET", ASIDE) or 0)
    count = len([name async for name in _scan(client, "fp:{*}:aside")])
    remedy = "because of a mistake of ours. Look for `turn_failed` in the log and report it."
    if new:
        yield bad(f"Inputs could not be worked on, the last one today ({new} in all), {remedy}")
    elif count:
        yield note(f"In {count} conversations an input could not be worked on {remedy}")


async def _key_fits(client: Connection, settings: Settings, _: datetime) -> AsyncIterator[Finding]:
    """Whether the key opens what is stored: a foreign one would show only when people write."""
    try:
        key = read_or_make_key(settings.key_file) if settings.key_file.is_file() else None
    except (StartError, OSError):
        key = None
    if key is None:
        return
    names: list[str] = []
    async for name in _scan(client, "fp:{*}:key"):
        names.append(name)
        if len(names) == _KEYS_TRIED:
            break
    if not all([await _opens(client, key, name) for name in names]):
        yield bad("The key file is not the one that the stored conversations were locked with.")
    elif names:
        yield good("The key opens what is stored.")


async def _opens(client: Connection, key: InstallationKey, name: str) -> bool:
    wrapped = await call(client, "GET", name)
    if wrapped is None:
        return True
    try:
        key.unwrap(WrappedKey(wrapped), name.split("{", 1)[1].split("}", 1)[0])
    except CorruptStateError:
        return False
    return True


async def _scan(client: Connection, match: str) -> AsyncIterator[str]:
    anything: Any = client
    async for name in anything.scan_iter(match=match, count=500):
        yield name.decode()


def _store(client: Connection) -> RedisStore:
    """Only to ask for the time: no key is needed for it."""
    return RedisStore(client, InstallationKey(b""))
