"""What the doctor says of a service that is well, and of each thing that can be wrong."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bot import backup_command
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.erasure_journal import DAY
from bot.adapters.redis_connection import connect
from bot.adapters.redis_referrals import ACTIVE, RedisReferrals
from bot.adapters.redis_rewrite import LONGEST
from bot.adapters.redis_store import ASIDE, ERASURES, SWEPT
from bot.adapters.sealing import read_or_make_key
from bot.dialogue.referral_ports import Round
from bot.doctor_command import HEALTHY, ILL, Finding, Level, check_disk, doctor, examine
from bot.domain.facts import Mode
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.settings import Settings
from tests.support.replicated import replicated
from tests.support.server import tcp_server
from tests.support.service import RunningService, running, settings_for
from tests.unit.content.small_content import english

SWEEPING = "fp:lease:sweeper"


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a test looks at the clock


@dataclass
class Patient:
    """An installation that is well, but for what a test does to it."""

    settings: Settings
    service: RunningService
    client: Any

    async def examined(self, clock: Any = now, **changes: Any) -> list[Finding]:
        settings = Settings.model_construct(**{**self.settings.model_dump(), **changes})
        return await examine(settings, clock)


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncGenerator[Patient]:
    content = tmp_path / "good-content"
    for name, words in english().items():
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(words, encoding="utf-8")
    made = settings_for("", tmp_path, content=content).model_dump()
    settings = Settings.model_construct(**{**made, "redis_url": None, "data": tmp_path / "data"})
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(EmbeddedRedis(settings.data))
        client: Any = await connect(server.url)
        stack.push_async_callback(client.aclose)
        serving = settings_for(server.url, tmp_path, content=content)
        service = await stack.enter_async_context(running(serving))
        await client.set(SWEEPING, "somebody")
        await service.service.store.note_sweep()
        person = service.person()
        await person.opens()
        yield Patient(settings, service, client)


def of(findings: list[Finding], level: Level) -> str:
    return "\n".join(finding.sentence for finding in findings if finding.level is level)


async def test_a_service_that_is_well(patient: Patient) -> None:
    findings = await patient.examined()
    assert of(findings, Level.BAD) == ""
    for said in (
        "The key file",
        "no problems",
        "are free",
        "The database answers",
        "The clocks agree",
        "in time",
        "A process of the service runs",
        "The key opens",
    ):
        assert said in of(findings, Level.GOOD)
    assert "demonstration" in of(findings, Level.NOTE)
    assert "never a backup" in of(findings, Level.NOTE)
    assert "Not reviewed" in of(findings, Level.NOTE)


async def test_it_reads_and_starts_nothing(tmp_path: Path) -> None:
    made = settings_for("", tmp_path).model_dump()
    made |= {"redis_url": None, "data": tmp_path / "data"}
    findings = await examine(Settings.model_construct(**made), now)
    assert list(tmp_path.iterdir()) == [], "no key was made, and no database"
    said = of(findings, Level.BAD)
    assert "no key file" in said
    assert "no data folder" in said
    assert "does not run" in said


async def test_a_key_that_others_can_read(patient: Patient) -> None:
    patient.settings.key_file.chmod(0o644)
    assert "chmod 600" in of(await patient.examined(), Level.BAD)


async def test_a_key_that_is_none(patient: Patient) -> None:
    patient.settings.key_file.write_bytes(b"short")
    assert "32 bytes" in of(await patient.examined(), Level.BAD)


async def test_a_key_of_another_installation(patient: Patient, tmp_path: Path) -> None:
    other = tmp_path / "other"
    read_or_make_key(other)
    said = of(await patient.examined(key_file=other), Level.BAD)
    assert "not the one that the stored conversations" in said


async def test_content_with_a_problem(patient: Patient, tmp_path: Path) -> None:
    flows = tmp_path / "content" / "flows"
    flows.mkdir(parents=True)
    (flows / "welcome.yaml").write_text("schema: 1\nflow: welcome\nnodes: [")
    said = of(await patient.examined(content=tmp_path / "content"), Level.BAD)
    assert "problems, such as" in said


async def test_whether_the_limits_can_tell_people_apart(patient: Patient) -> None:
    shares = "all of them share one address"
    production = {"mode": Mode.PRODUCTION, "organisation": "Helpline"}
    assert shares not in of(await patient.examined(), Level.NOTE)
    assert shares in of(await patient.examined(**production), Level.NOTE)
    named = await patient.examined(**production, trusted_proxies=(ip_network("127.0.0.1"),))
    assert shares not in of(named, Level.NOTE)
    assert "your proxies" in of(named, Level.GOOD)
    assert shares not in of(await patient.examined(**production, host="192.0.2.1"), Level.NOTE)


async def test_production_with_nothing_verified(patient: Patient) -> None:
    findings = await patient.examined(mode=Mode.PRODUCTION, organisation="Helpline")
    said = of(findings, Level.BAD)
    assert "--production" in said
    assert "No language is reviewed" in said
    assert "demonstration" not in of(findings, Level.NOTE)


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (lambda: now() + timedelta(minutes=5), "differ by 29"),
        (lambda: now() - timedelta(days=9000), "Set it"),
    ],
)
async def test_a_clock_that_is_wrong(patient: Patient, clock: Any, said: str) -> None:
    found = of(await patient.examined(clock), Level.BAD)
    assert said in found or said.replace("29", "30") in found


async def test_erased_and_not_rewritten(patient: Patient) -> None:
    store = patient.service.service.store
    await store.erase(ConversationId("one"))
    assert "may still stand" not in of(await patient.examined(), Level.BAD)
    await patient.client.zadd(ERASURES, {"one": await store.now() - LONGEST - 1})
    assert "may still stand" in of(await patient.examined(), Level.BAD)


async def test_backups(patient: Patient, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    said: list[str] = []
    folder.mkdir()
    await backup_command._backup(patient.settings, folder, folder / "keys", said.append)
    assert "made today" in of(await patient.examined(), Level.GOOD)
    at = int(await patient.client.hget(backup_command.BACKUP, "at"))
    await patient.client.hset(backup_command.BACKUP, "at", at - 3 * DAY)
    assert "3 days ago" in of(await patient.examined(), Level.NOTE)
    [keys] = folder.glob("keys/*.keys")
    keys.rename(keys.with_stem("firstpoint-20200101T000000Z"))
    assert "older than 7 days" in of(await patient.examined(), Level.BAD)


async def test_nobody_serves(patient: Patient) -> None:
    await patient.client.delete(SWEEPING)
    assert "nobody can write to you" in of(await patient.examined(), Level.BAD)


async def test_a_sweeper_that_is_stuck(patient: Patient) -> None:
    stuck = "claims of silent operators do not end"
    assert stuck not in of(await patient.examined(), Level.BAD)
    now_there = int(await patient.client.get(SWEPT))
    await patient.client.set(SWEPT, now_there - 121_000)
    assert stuck in of(await patient.examined(), Level.BAD)
    await patient.client.set(SWEPT, now_there - 100_000)
    assert stuck not in of(await patient.examined(), Level.BAD)
    await patient.client.delete(SWEPT)
    assert stuck in of(await patient.examined(), Level.BAD)


async def test_inputs_that_were_set_aside(patient: Patient) -> None:
    person = patient.service.person()
    await person.opens()
    id = ConversationId(person.token.partition(".")[0])
    await patient.service.service.store.set_aside(id, InputKey("k"), b"x")
    said = of(await patient.examined(), Level.BAD)
    assert "Inputs could not be worked on, the last one today (1 in all)" in said
    assert 0 < await patient.client.pttl(ASIDE) <= 24 * 3600 * 1000
    await patient.client.delete(ASIDE)  # a day goes by
    findings = await patient.examined()
    assert of(findings, Level.BAD) == ""
    assert "In 1 conversations" in of(findings, Level.NOTE)


async def test_what_was_set_aside_is_an_alarm_when_its_conversation_is_gone(
    patient: Patient,
) -> None:
    person = patient.service.person()
    await person.opens()
    id, store = ConversationId(person.token.partition(".")[0]), patient.service.service.store
    await store.set_aside(id, InputKey("k"), b"x")
    await store.erase(id)
    assert "could not be worked on" in of(await patient.examined(), Level.BAD)


async def test_receivers_that_cannot_be_read(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "receivers" / "zz.yaml").mkdir(parents=True)
    said = of(await patient.examined(receivers=tmp_path / "receivers"), Level.BAD)
    assert "zz.yaml: it cannot be read" in said


async def test_a_drop_that_is_no_folder(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = of(await patient.examined(drop=tmp_path / "file"), Level.BAD)
    assert "FIRSTPOINT_DROP" in said


async def test_referrals_that_hang(patient: Patient) -> None:
    store = RedisReferrals(patient.client, read_or_make_key(patient.settings.key_file))
    at = Milliseconds(int(now().timestamp() * 1000))
    await store.note_round(Round(at=at, hanging=2, failing=1))
    said = of(await patient.examined(), Level.BAD)
    assert "2 referrals, or notes" in said
    assert "1 referrals cannot be worked on" in said
    await store.note_round(Round(at=at, hanging=0, failing=0))
    assert of(await patient.examined(), Level.BAD) == ""


async def test_referrals_that_nobody_looks_after(patient: Patient) -> None:
    store = RedisReferrals(patient.client, read_or_make_key(patient.settings.key_file))
    nobody = "Nobody has looked after the referrals"
    assert nobody not in of(await patient.examined(), Level.BAD), "there are none"
    await patient.client.zadd(ACTIVE, {"one/two": 1})
    assert nobody in of(await patient.examined(), Level.BAD)
    at = Milliseconds(int(now().timestamp() * 1000))
    await store.note_round(Round(at=at, hanging=0, failing=0))
    assert nobody not in of(await patient.examined(), Level.BAD)
    later = now() + timedelta(minutes=3)
    assert nobody in of(await patient.examined(lambda: later), Level.BAD)


async def test_a_server_of_the_hosts_own_that_forgets(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    read_or_make_key(key_file)
    (tmp_path / "server").mkdir()
    async with tcp_server(tmp_path / "server", durable=False) as server:
        made = settings_for(server.url, tmp_path).model_dump() | {"key_file": key_file}
        findings = await examine(Settings.model_construct(**made), now)
    assert "appendonly yes" in of(findings, Level.BAD)
    assert "BGREWRITEAOF" in of(findings, Level.NOTE), "it says whose duty it is"


@pytest.mark.parametrize(
    ("replicas", "level", "said"),
    [
        (0, Level.NOTE, "Set FIRSTPOINT_REPLICAS"),
        (1, Level.GOOD, "Replicas in step: 1; 1 must confirm"),
        (2, Level.BAD, "Start the replicas"),
    ],
)
async def test_whether_enough_replicas_are_in_step(
    tmp_path: Path, replicas: int, level: Level, said: str
) -> None:
    async with replicated(tmp_path / "servers", replicas=1) as servers:
        made = settings_for(servers.url, tmp_path).model_dump() | {"replicas": replicas}
        findings = await examine(Settings.model_construct(**made), now)
    assert said in of(findings, level)


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    made = settings_for("redis://127.0.0.1:1", tmp_path).model_dump()
    findings = await examine(Settings.model_construct(**made), now)
    assert "Redis does not answer" in of(findings, Level.BAD)


def test_a_data_folder_that_others_can_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "chmod 700" in of(list(check_disk(tmp_path)), Level.BAD)


@pytest.mark.parametrize("well", [True, False])
async def test_the_command_prints_and_gives_a_code(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, well: bool
) -> None:
    for name in ("data", "key_file", "erased_folder", "content"):
        monkeypatch.setenv(f"FIRSTPOINT_{name.upper()}", str(getattr(patient.settings, name)))
    monkeypatch.delenv("REDIS_URL", raising=False)
    if not well:
        await patient.client.delete(SWEEPING)
    out = io.StringIO()
    code = await asyncio.to_thread(doctor, out)
    lines = out.getvalue().splitlines()
    assert code == (HEALTHY if well else ILL)
    assert lines[-1] == ("Everything that matters is in order." if well else "To mend now: 1.")
    assert all(line.startswith(("ok ", "note ", "BAD ")) for line in lines[:-1])


async def test_settings_that_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTPOINT_HOST", "0.0.0.0")  # noqa: S104 - it is refused
    out = io.StringIO()
    assert doctor(out) == ILL
    assert "only on this machine" in out.getvalue()
