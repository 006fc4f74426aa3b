"""`firstpoint check` prints every problem with its remedy; its exit code says if there are any."""

import io
import time
from datetime import date
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.check_command import GOOD, PROBLEMS, check, write_schema
from bot.content.checks import check_files
from bot.content.checks.schema_file import SCHEMA_FILE, schema_problems, schema_text
from bot.content.release import read_files
from tests.unit.content.small_content import (
    FLOWS,
    TODAY,
    english,
    in_three_languages,
    language_file,
    released,
    spoiled,
    write,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path, in_three_languages())


def test_good_content_is_called_good(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(good, production=False, today=TODAY) == GOOD == 0
    texts = len(released(english()).sources)
    assert capsys.readouterr().out == (
        f"No problems. Checked: {len(FLOWS)} flows, {texts} texts, 3 languages, 1 countries.\n"
    )


def test_one_problem_is_printed_with_place_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, spoiled("flows/signs.yaml", "sign: HOURS", "sign: HOUR"))
    assert check(folder, production=False, today=TODAY) == PROBLEMS == 2
    assert capsys.readouterr().out == (
        "flows/signs.yaml:39: sign:unknown\n"
        "    `HOUR` is no code in flows/indicators.yaml.\n"
        "    Correct the code, or add it to the table; an expert has to agree.\n"
        "1 problem.\n"
    )


def test_production_also_lists_what_is_not_verified(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(good, production=True, today=TODAY) == PROBLEMS
    out = capsys.readouterr().out
    assert "locales/ro/language.yaml:6: language:not-verified" in out
    assert "country:no-verified-hotline" in out
    assert out.endswith("\n5 problems.\n")


def test_unreadable_content_is_said_to_be_only_partly_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = spoiled("flows/erase.yaml", "next: kept", "nextt: kept")
    files = spoiled("flows/rights.yaml", "You may have a right to help.", "A victim.", files)
    assert check(write(tmp_path, files), production=False, today=TODAY) == PROBLEMS
    out = capsys.readouterr().out
    assert "flows/erase.yaml:10: schema:extra_forbidden" in out
    assert "flows/rights.yaml:6: word:forbidden" in out
    assert out.splitlines()[-1].endswith("mend this, then check again for the rest.")


def test_empty_folder_has_problems_and_does_not_raise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path / "nothing", production=False, today=TODAY) == PROBLEMS
    assert "flows/indicators.yaml:1: file:missing" in capsys.readouterr().out


def test_bytes_that_are_no_text_are_a_problem(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = good / "flows/rights.yaml"
    file.write_bytes(file.read_bytes() + b"\xff\xfe")
    assert check(good, production=False, today=TODAY) == PROBLEMS
    assert "file:not-utf-8" in capsys.readouterr().out


# --- The schema for editors ---------------------------------------------------------------------


def test_schema_of_another_version_is_found_and_rewritten(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schema_problems(good) == []  # a folder without it is fine
    (good / SCHEMA_FILE).write_text("{}\n", encoding="utf-8")
    assert check(good, production=False, today=TODAY) == PROBLEMS
    assert f"{SCHEMA_FILE}:1: schema:stale" in capsys.readouterr().out
    assert write_schema(good) == GOOD
    assert (good / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()
    assert check(good, production=False, today=TODAY) == GOOD


def test_schema_is_not_written_where_no_flows_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_schema(tmp_path) == PROBLEMS
    assert "There is no folder" in capsys.readouterr().out


def test_shipped_schema_is_current() -> None:
    assert (ROOT / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


# --- The command --------------------------------------------------------------------------------


def test_command_checks_a_folder_and_gives_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, english())
    assert main(["check", str(folder)]) == GOOD
    assert main(["check", str(folder), "--production"]) == PROBLEMS
    assert main(["check", str(folder), "--write-schema"]) == GOOD
    assert (folder / SCHEMA_FILE).exists()
    assert "is written" in capsys.readouterr().out


COMMANDS = (("check",), ("play", "--script", "inputs.jsonl"), ("assess",), ("translate",))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_commands_read_the_content_of_the_deployment(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a rule version of its own, a language of its own and a sentence of its own."""
    files = spoiled("flows/indicators.yaml", "2026.1", "1999.9")
    files["locales/sq/language.yaml"] = language_file("sq", "Shqip", "ltr", "first_help")
    files = spoiled("flows/welcome.yaml", "Hello.", "Hello from us.", files)
    content = write(tmp_path / "content", files)
    (tmp_path / "inputs.jsonl").write_text('{"action": "human"}\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTPOINT_CONTENT", str(content))
    if command[0] != "play":  # the others need no installation that could start
        monkeypatch.setenv("FIRSTPOINT_MODE", "production")
    line = b'{"age": "adult", "answers": {}}\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))
    main(command)
    said = capsys.readouterr()
    ours = {"check": "locales/sq/", "play": "Hello from us.", "assess": "1999.9"}
    assert ours.get(command[0], "sq: ") in said.out, said.err


# --- The content that we ship -------------------------------------------------------------------


def test_shipped_content_has_no_problem() -> None:
    found = check_files(read_files(ROOT), today=date(2026, 11, 22)).problems
    assert [f"{p.file}:{p.line}: {p.code}: {p.sentence}" for p in found] == []


def test_shipped_content_is_checked_in_seconds() -> None:
    files = read_files(ROOT)
    start = time.process_time()
    check_files(files, today=date(2026, 11, 22), production=True)
    assert time.process_time() - start < 5
