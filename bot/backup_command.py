"""`firstpoint backup` and `firstpoint restore`.

A backup is two files: everything but the keys of conversations, which may be kept as long as the
host likes, and those keys, which may be kept for seven days (design section 9). Without the second
file the first holds no readable word of anybody.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.erasure_journal import DAY, ErasureJournal
from bot.adapters.redis_backup import Counted, ForeignReleasesError, Restoring, export
from bot.adapters.redis_connection import Connection, check_durable, connect
from bot.adapters.redis_erasures import RedisErasures
from bot.adapters.redis_store import RedisStore, call
from bot.adapters.sealed_file import records, writing
from bot.adapters.sealing import InstallationKey, Seal, read_or_make_key
from bot.domain.ids import Milliseconds
from bot.errors import CorruptStateError, StartError, StoreUnavailableError
from bot.settings import Settings

Say = Callable[[str], None]

BACKUP = "fp:backup"
KEYS_KEPT = Milliseconds(7 * DAY)
_OK = 0
_DATA, _KEYS = ".backup", ".keys"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class _Opened:
    client: Connection
    store: RedisStore
    key: InstallationKey
    journal: ErasureJournal
    now: Milliseconds


def backup(settings: Settings, folder: Path, keys: Path | None, say: Say) -> int:
    """Write a backup into `folder`, and its keys into `keys`; the exit code.

    Raises:
        StartError: it could not be done; the sentence says why.
    """
    keys = keys or folder / "keys"
    _check_places(settings, folder, keys)
    with _told():
        return asyncio.run(_backup(settings, folder.absolute(), keys.absolute(), say))


def restore(settings: Settings, source: Path, keys: Path | None, say: Say) -> int:
    """Bring back the newest backup in a folder, or the one in a file; the exit code.

    Raises:
        StartError: it could not be done; the sentence says why.
    """
    file = _newest(source) if source.is_dir() else source
    if file is None or not file.is_file():
        raise StartError(f"There is no backup in {source}.")
    with _told():
        return asyncio.run(_restore(settings, file, keys or file.parent / "keys", say))


def old_key_files(folder: Path, now: Milliseconds) -> list[Path]:
    """Copies of keys that should not be there any more."""
    return sorted(file for file in folder.glob(f"*{_KEYS}") if _made(file) < now - KEYS_KEPT)


async def _backup(settings: Settings, folder: Path, keys: Path, say: Say) -> int:
    async with _open(settings) as opened:
        _remove_old_keys(keys, opened.now, say)
        for place in (folder, keys):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = _name(opened.now)
        with (
            writing(folder / f"{name}{_DATA}", _seal(opened.key, "data")) as data,
            writing(keys / f"{name}{_KEYS}", _seal(opened.key, "keys")) as wrapped,
        ):
            counted = await export(opened.client, data, wrapped, opened.now)
        await _copy_erasures(opened, ErasureJournal(folder / "erased"))
        await call(
            opened.client,
            "HSET",
            BACKUP,
            "at",
            opened.now,
            "folder",
            str(folder),
            "keys",
            str(keys),
        )
    say(f"{folder / name}{_DATA}: {counted.conversations} conversations, {counted.others} others.")
    say(f"{keys / name}{_KEYS}: the keys of these conversations. Delete copies after 7 days.")
    return _OK


def _remove_old_keys(keys: Path, now: Milliseconds, say: Say) -> None:
    for file in old_key_files(keys, now):
        file.unlink()
        say(f"{file} is deleted: it was older than 7 days. Delete every copy of it as well.")


async def _copy_erasures(opened: _Opened, copy: ErasureJournal) -> None:
    """Each backup also knows what was erased before it, for the restore of an older one."""
    known = copy.read()
    for id, at in (await RedisErasures(opened.client, opened.journal).all()).items():
        if id not in known:
            await copy.note(id, at)
    copy.trim(opened.now)


async def _restore(settings: Settings, file: Path, keys: Path, say: Say) -> int:
    async with _open(settings) as opened:
        erased = await RedisErasures(opened.client, opened.journal).all()
        erased |= ErasureJournal(file.parent / "erased").read()
        restoring = Restoring(opened.client, erased, opened.now)
        data = records(file, _seal(opened.key, "data"))
        wrapped = _keys_of(file, keys, opened, say)
        async for id in restoring.bring_back(data, wrapped):
            await opened.store.project(id)
    _tell(restoring.counted, say)
    say(
        f"What was erased after {datetime.fromtimestamp(_made(file) / 1000, UTC):%Y-%m-%d %H:%M} "
        f"UTC stays erased as far as it is noted in this database, in {settings.erased_folder} or "
        f"in {file.parent / 'erased'}."
    )
    return _OK


def _keys_of(file: Path, keys: Path, opened: _Opened, say: Say) -> Iterator[bytes]:
    found = keys / f"{file.stem}{_KEYS}"
    if not found.is_file():
        say(f"{found} is not there: no conversation can be brought back, only the rest.")
        return iter(())
    if found in old_key_files(keys, opened.now):
        say(f"{found} is older than 7 days and is not used. Delete it.")
        return iter(())
    return records(found, _seal(opened.key, "keys"))


def _tell(counted: Counted, say: Say) -> None:
    say(f"Brought back: {counted.conversations} conversations, {counted.others} others.")
    for count, why in (
        (counted.present, "were there already and are left as they are"),
        (counted.erased, "were erased meanwhile and stay erased"),
        (counted.ended, "have ended meanwhile"),
        (counted.locked, "have no key in the backup"),
    ):
        if count:
            say(f"Left out: {count} {why}.")


@asynccontextmanager
async def _open(settings: Settings) -> AsyncGenerator[_Opened]:
    """The database of this installation; its private server is joined, or started."""
    if not settings.key_file.is_file():
        raise StartError(f"The key file {settings.key_file} is not there.")
    key = read_or_make_key(settings.key_file)
    if settings.redis_url:
        async with _opened(settings, key, settings.redis_url, embedded=False) as opened:
            yield opened
    else:
        async with (
            EmbeddedRedis(settings.data) as database,
            _opened(settings, key, database.url, embedded=True) as opened,
        ):
            yield opened


@asynccontextmanager
async def _opened(
    settings: Settings, key: InstallationKey, url: str, *, embedded: bool
) -> AsyncGenerator[_Opened]:
    client = await connect(url)
    try:
        await check_durable(client, embedded=embedded)
        store = RedisStore(client, key)
        journal = ErasureJournal(settings.erased_folder)
        yield _Opened(client, store, key, journal, await store.now())
    finally:
        await client.aclose()


@contextmanager
def _told() -> Generator[None]:
    """What goes wrong, as a sentence. What was written of a backup then has no name yet."""
    try:
        yield
    except StoreUnavailableError:
        raise StartError("The database does not answer. Nothing is lost; try again.") from None
    except ForeignReleasesError:
        raise StartError(
            "This database has begun to serve other content under the same release numbers. "
            "Bring the backup back into an empty one: stop the service, move the data folder "
            "away, restore, and start again."
        ) from None
    except CorruptStateError:
        raise StartError(
            "The backup cannot be read: it was changed, is not whole, or belongs to another "
            "installation's key."
        ) from None
    except OSError as error:
        raise StartError(f"The files cannot be used: {error.strerror}.") from None


def _check_places(settings: Settings, folder: Path, keys: Path) -> None:
    data, key_file = settings.data.resolve(), settings.key_file.resolve()
    for place in (folder.resolve(), keys.resolve()):
        if place.is_relative_to(data) and not settings.redis_url:
            raise StartError("A backup inside the data folder is lost together with it.")
        if key_file.is_relative_to(place):
            raise StartError(
                f"The installation's key {key_file} must never lie among backups. Choose another "
                "folder."
            )


def _seal(key: InstallationKey, what: str) -> Seal:
    return Seal(key.mark("backup", what))


def _name(now: Milliseconds) -> str:
    return f"firstpoint-{datetime.fromtimestamp(now / 1000, UTC):{_STAMP}}"


def _made(file: Path) -> Milliseconds:
    """When a file of a backup was made, from its name: a copy has another date."""
    try:
        made = datetime.strptime(file.stem, f"firstpoint-{_STAMP}").replace(tzinfo=UTC)
    except ValueError:
        return Milliseconds(0)
    return Milliseconds(int(made.timestamp() * 1000))


def _newest(folder: Path) -> Path | None:
    return max(folder.glob(f"*{_DATA}"), key=_made, default=None)
