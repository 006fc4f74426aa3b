"""A backup brings conversations back, but none that was erased, and holds no key by itself."""

import base64
import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot import backup_command
from bot.adapters import redis_backup, redis_store
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.erasure_journal import DAY
from bot.adapters.redis_audit import HEAD
from bot.adapters.redis_backup import PART
from bot.adapters.redis_connection import connect
from bot.adapters.sealed_file import records, writing
from bot.adapters.sealing import Seal, read_or_make_key
from bot.domain.ids import Milliseconds
from bot.errors import CorruptStateError, StartError
from bot.settings import Settings
from tests.support.person import Answered, Person
from tests.support.service import RunningService, running, settings_for
from tests.support.waiting import eventually

WORDS = "zq-words-in-a-backup"


@dataclass
class Place:
    """An installation over an embedded database, and a folder for backups."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def settings(self) -> Settings:
        made = settings_for("", self.folder)
        return Settings.model_construct(
            **{**made.model_dump(), "redis_url": None, "data": self.folder / "data"}
        )

    async def backs_up(self) -> None:
        self.backups.mkdir(exist_ok=True)
        await backup_command._backup(
            self.settings, self.backups, self.backups / "keys", self.said.append
        )

    async def restores(self) -> None:
        self.said.clear()
        file = backup_command._newest(self.backups)
        assert file is not None
        await backup_command._restore(self.settings, file, self.backups / "keys", self.said.append)

    @property
    def files(self) -> list[Path]:
        return [file for file in self.backups.rglob("*") if file.is_file()]


@dataclass
class Running:
    service: RunningService
    client: Any

    async def everything(self, person: Person) -> dict[bytes, Any]:
        """All that the database holds of a conversation, with what it will be kept."""
        id = person.token.partition(".")[0]
        found = {}
        for name in await self.client.keys(f"fp:{{{id}}}:*"):
            kind = await self.client.type(name)
            value = (
                await self.client.hgetall(name)
                if kind == b"hash"
                else await self.client.lrange(name, 0, -1)
                if kind == b"list"
                else await self.client.get(name)
            )
            found[name] = (value, await self.client.pttl(name))
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def running_at(place: Place) -> AsyncGenerator[Running]:
    async with EmbeddedRedis(place.folder / "data") as server:
        client = await connect(server.url)
        async with running(settings_for(server.url, place.folder)) as service:
            yield Running(service, client)
        await client.aclose()


@pytest.fixture
async def here(place: Place) -> AsyncGenerator[Running]:
    async for found in running_at(place):
        yield found


async def loses_everything(here: Running) -> None:
    """As after a broken disk, and a new start of the same content."""
    releases = await here.client.hgetall("fp:release")
    await here.client.flushall()
    await here.client.hset("fp:release", mapping=releases)


async def talks(here: Running, *, code: bool = False) -> Person:
    person = here.service.person()
    await person.opens()
    await person.presses("yes")
    await person.types(WORDS)
    if code:
        await person.wants("leave")
        await person.presses("code")
    return person


async def test_what_is_brought_back_is_what_was(here: Running, place: Place) -> None:
    person = await talks(here)
    for number in range(PART):
        await person.types(f"message {number}")
    before = await here.everything(person)
    await place.backs_up()
    await loses_everything(here)
    with pytest.raises(Answered):
        await person.looks()
    await place.restores()
    after = await here.everything(person)
    assert after.keys() == before.keys()
    [record] = (
        value for value, _ in after.values() if isinstance(value, dict) and b"restored" in value
    )
    assert record.pop(b"restored").isdigit()
    assert all(
        value == after[name][0] and 0 <= until - after[name][1] < 20_000
        for name, (value, until) in before.items()
    )
    await person.looks()
    await person.types("and on it goes")
    assert person.new[0]["lines"][0]["text"] == "and on it goes"


async def test_a_full_log_comes_back_although_its_beginning_goes_meanwhile(
    here: Running, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are read one after the other, and what is between them may be cut off."""
    monkeypatch.setattr(redis_store, "MOST_KEPT", 40)
    monkeypatch.setattr(redis_backup, "PART", 5)
    person = await talks(here)
    while person.last < 100:
        await person.types(f"message {person.last}")
    snapshot, cuts = redis_backup._snapshot, [1, 2]

    async def cut_off(client: Any, names: list[str]) -> Any:
        found = await snapshot(client, names)
        if cuts and any(name.endswith("}:log") for name in names):
            cuts.pop()
            for _ in range(5):
                await person.types("one more")
        return found

    monkeypatch.setattr(redis_backup, "_snapshot", cut_off)
    await place.backs_up()
    assert cuts == []
    last = person.last
    await loses_everything(here)
    await place.restores()
    back = here.service.person()
    back.token = person.token
    await back.looks()
    assert back.last == last
    assert len(back.messages) > 30


async def test_who_waited_waits_again_and_a_code_opens_again(here: Running, place: Place) -> None:
    person = here.service.person()
    await person.opens()
    await person.wants("human")
    await person.presses("fresh")
    with_code = await talks(here, code=True)
    code = with_code.view["code"]
    await place.backs_up()
    await loses_everything(here)
    await place.restores()
    [waiting] = await here.service.desk.queue()
    assert waiting.id == person.token.partition(".")[0]
    back = here.service.person()
    found = await back._post("/api/return", {"id": "r" * 20, "code": code})
    assert found["token"]


async def test_erased_after_the_backup_stays_erased(here: Running, place: Place) -> None:
    person, other = await talks(here, code=True), await talks(here)
    erased = await talks(here)
    await place.backs_up()
    await erased.wants("erase")
    await erased.presses("erase_now")
    await loses_everything(here)
    await place.restores()
    await other.looks()
    with pytest.raises(Answered) as gone:
        await erased._post("/api/read", {"after": 0})
    assert gone.value.error == "gone"
    with pytest.raises(Answered) as again:
        await erased.opens()
    assert again.value.error == "gone", "not even as a new conversation of the same id"
    assert any("1 were erased meanwhile" in line for line in place.said)
    assert person.token


async def test_a_later_backup_tells_an_earlier_one_what_was_erased(
    here: Running, place: Place
) -> None:
    """Also when the machine is lost with everything but the backups."""
    erased = await talks(here)
    await place.backs_up()
    [early] = place.backups.glob("*.backup")
    await erased.wants("erase")
    await erased.presses("erase_now")
    await place.backs_up()
    for lost in (place.folder / "erased").iterdir():
        lost.unlink()
    await loses_everything(here)
    await backup_command._restore(place.settings, early, place.backups / "keys", place.said.append)
    with pytest.raises(Answered) as gone:
        await erased._post("/api/read", {"after": 0})
    assert gone.value.error == "gone"


async def test_what_ended_meanwhile_stays_away(here: Running, place: Place) -> None:
    person = await talks(here)
    id = person.token.partition(".")[0]
    soon = await here.service.service.store.now() + 1500
    for name in await here.client.keys(f"fp:{{{id}}}:*"):
        await here.client.pexpireat(name, soon)
    await place.backs_up()
    await loses_everything(here)

    async def over() -> bool:
        return await here.service.service.store.now() > soon

    await eventually(over, "its time is over")
    await place.restores()
    assert await here.client.keys(f"fp:{{{id}}}:*") == []


async def test_the_head_of_the_audit_is_never_ahead_of_its_records(
    here: Running, place: Place
) -> None:
    """A record can come while a backup is made: it may be missing in the head, never after it."""
    audit = here.service.service.audit
    for who in ("op-a", "op-b"):
        await audit.note(who, "look")
    await place.backs_up()
    [file] = place.backups.glob("*.backup")
    sealed = Seal(read_or_make_key(place.settings.key_file).mark("backup", "data"))
    names = [json.loads(record).get("key", "") for record in records(file, sealed)]
    assert names.index(HEAD) < min(n for n, name in enumerate(names) if "audit:of" in name)
    await loses_everything(here)
    await place.restores()
    assert (await audit.verify()).problems == ()
    await audit.note("op-a", "look")
    assert (await audit.verify()).problems == ()


async def test_nothing_is_written_over(here: Running, place: Place) -> None:
    person = await talks(here)
    await place.backs_up()
    await person.types("later")
    after = {name: value for name, (value, _) in (await here.everything(person)).items()}
    for _ in range(2):
        await place.restores()
        still = {name: value for name, (value, _) in (await here.everything(person)).items()}
        assert still == after


async def test_sessions_leases_and_indexes_do_not_come_back(here: Running, place: Place) -> None:
    for name in ("fp:staff:session:x", "fp:seats:op", "fp:lease:x", "fp:shift", "fp:queue"):
        await here.client.set(name, "x")
    await here.client.hset("fp:{staff}:accounts", "op", b"sealed")
    await here.client.set("fp:of:somebody:else", "kept")
    await place.backs_up()
    await loses_everything(here)
    await place.restores()
    names = {name.decode() for name in await here.client.keys("fp:*")}
    assert names == {"fp:release", "fp:{staff}:accounts", "fp:of:somebody:else"}
    assert await here.client.get("fp:of:somebody:else") == b"kept"


@pytest.mark.parametrize("kind", ["set", "zset", "hash", "list", "string"])
async def test_each_kind_of_value_comes_back(here: Running, place: Place, kind: str) -> None:
    binary = bytes(range(256))
    write: Any = {
        "set": lambda: here.client.sadd("fp:x", binary, b"2"),
        "zset": lambda: here.client.zadd("fp:x", {binary: 1.5, b"2": 10**15}),
        "hash": lambda: here.client.hset("fp:x", mapping={binary: binary, b"2": b""}),
        "list": lambda: here.client.rpush("fp:x", *[b"%d" % n for n in range(2 * PART + 1)]),
        "string": lambda: here.client.set("fp:x", binary),
    }[kind]
    await write()
    before = await here.client.execute_command("DUMP", "fp:x")
    await place.backs_up()
    await loses_everything(here)
    await place.restores()
    await place.restores()
    if kind in {"set", "hash"}:  # their order is the server's
        read: Any = here.client.smembers if kind == "set" else here.client.hgetall
        assert len(await read("fp:x")) == 2
        assert binary in await read("fp:x")
    else:
        assert await here.client.execute_command("DUMP", "fp:x") == before


async def test_a_backup_without_its_keys_opens_nothing(here: Running, place: Place) -> None:
    person = await talks(here)
    await place.backs_up()
    [keys] = place.backups.glob("keys/*.keys")
    keys.unlink()
    await loses_everything(here)
    await place.restores()
    with pytest.raises(Answered):
        await person.looks()
    assert any("no conversation" in line for line in place.said)


async def test_no_file_holds_a_key_or_a_word_that_can_be_read(here: Running, place: Place) -> None:
    person = await talks(here)
    id = person.token.partition(".")[0]
    wrapped = await here.client.get(f"fp:{{{id}}}:key")
    await place.backs_up()
    key_file = (place.folder / "installation.key").read_bytes()
    for file in place.files:
        stored = file.read_bytes()
        assert wrapped not in stored
        assert key_file not in stored
        assert WORDS.encode() not in stored
        assert id.encode() not in stored
        assert file.stat().st_mode & 0o077 == 0, "readable by others"
    # The search would find them: this is what the files hold behind the installation's key.
    seals = {
        suffix: backup_command._seal(here.service.service.store._key, what)
        for suffix, what in ((".backup", "data"), (".keys", "keys"))
    }
    opened = {
        suffix: b"".join(records(next(place.backups.rglob(f"*{suffix}")), seal))
        for suffix, seal in seals.items()
    }
    encoded = base64.b64encode(wrapped)
    assert encoded in opened[".keys"]
    assert encoded not in opened[".backup"], "the keys are kept apart"


async def test_copies_of_keys_go_after_seven_days(here: Running, place: Place) -> None:
    await place.backs_up()
    [keys] = place.backups.glob("keys/*.keys")
    old = backup_command._name(Milliseconds(await here.service.service.store.now() - 8 * DAY))
    stale = keys.rename(keys.with_stem(old))
    data = next(place.backups.glob("*.backup"))
    data.rename(data.with_stem(old))
    await place.restores()
    assert any("older than 7 days and is not used" in line for line in place.said)
    await place.backs_up()
    assert not stale.exists()
    assert any("older than 7 days" in line and "deleted" in line for line in place.said)


@pytest.mark.parametrize("how", ["changed", "cut", "longer", "foreign"])
async def test_a_backup_that_is_not_whole_is_refused(
    here: Running, place: Place, how: str
) -> None:
    await talks(here)
    await place.backs_up()
    [file] = place.backups.glob("*.backup")
    stored = bytearray(file.read_bytes())
    if how == "changed":
        stored[len(stored) // 2] ^= 1
    elif how == "cut":
        del stored[-40:]
    elif how == "longer":
        stored += b"x"
    else:
        (place.folder / "installation.key").write_bytes(os.urandom(32))
    file.write_bytes(stored)
    await loses_everything(here)
    with pytest.raises(CorruptStateError):
        await place.restores()


async def test_another_life_with_other_releases_is_refused(here: Running, place: Place) -> None:
    person = await talks(here)
    await place.backs_up()
    await here.client.flushall()
    await here.client.hset("fp:release", mapping={"1": b"other content", "newest": "1"})
    with pytest.raises(StartError, match="empty one"), backup_command._told():
        await place.restores()
    assert await here.client.keys("fp:{*}:c") == []
    assert person.token


async def test_the_installations_key_never_lies_among_backups(place: Place) -> None:
    (place.folder / "installation.key").write_bytes(os.urandom(32))
    with pytest.raises(StartError, match="never lie among backups"):
        backup_command.backup(place.settings, place.folder, None, place.said.append)
    with pytest.raises(StartError, match="inside the data folder"):
        backup_command.backup(place.settings, place.folder / "data" / "b", None, place.said.append)


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def runs_full() -> None:
        with writing(tmp_path / "a", Seal(b"k" * 32)) as writer:
            writer.write(b"x")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        runs_full()
    assert list(tmp_path.iterdir()) == []
