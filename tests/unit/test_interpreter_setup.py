"""Preparing the interpreter: nothing waits for it; where it cannot be had a sentence says so."""

import fcntl
import json
from pathlib import Path

import pytest

from bot.adapters.interpreter_process import environment, preparation
from bot.doctor_command import Level, check_interpreter
from bot.settings import Settings
from deploy.interpreter import folder_of, model_of, prepare, prepare_later
from tests.unit.test_bootstrap import ROOT, calls, program


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with as much of `nlu/` as the fingerprint reads."""
    root = tmp_path / "project"
    for path in ("uv.lock", "nlu/uv.lock", "nlu/interpreter/config.yml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes((ROOT / path).read_bytes())
    (root / "nlu" / "models").mkdir()
    for name in ("concepts.json", "language.bin"):
        (root / "nlu" / "models" / name).write_bytes(b"")
    for module in (ROOT / "nlu").glob("*.py"):
        (root / "nlu" / module.name).write_bytes(module.read_bytes())
    return root


def state(root: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder_of(root) / "state.json").read_text())
    return found


def machine(folder: Path, *, python: str = "", trains: str = "exit 1") -> dict[str, str]:
    """A machine whose uv finds that Python, or none, and installs one that trains so."""
    program(
        folder / "uv",
        'if [ "$1" = --version ]; then echo "uv 99.0.0"; exit; fi',
        f'echo "$@" >> {folder}/calls',
        f'if [ "$2" = find ]; then echo "{python}"; exit; fi',
        f'if [ "$2" = install ]; then exit {0 if python else 1}; fi',
        'mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"',
        f"printf '#!/bin/sh\\n{trains}\\n' > \"$UV_PROJECT_ENVIRONMENT/bin/python\"",
        'chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"',
    )
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}


def test_without_a_python_a_sentence_says_so(project: Path, tmp_path: Path) -> None:
    assert prepare(project, machine(tmp_path)) is False
    assert state(project)["state"] == "failed"
    assert "no Python 3.10" in state(project)["sentence"]


def test_it_installs_and_trains_once(project: Path, tmp_path: Path) -> None:
    env = machine(tmp_path, python="/usr/bin/python3.10", trains='touch "$3"')
    assert prepare(project, env) is True
    assert state(project)["state"] == "ready"
    assert model_of(project).is_file()
    before = calls(tmp_path)
    assert any(call.startswith("sync --frozen") for call in before)
    assert prepare(project, env) is True
    assert calls(tmp_path) == before, "nothing is done twice"


def test_a_training_that_fails_is_no_end(project: Path, tmp_path: Path) -> None:
    assert prepare(project, machine(tmp_path, python="/usr/bin/python3.10")) is False
    assert "training failed" in state(project)["sentence"]


def test_only_its_packages(project: Path, tmp_path: Path) -> None:
    env = machine(tmp_path, python="/usr/bin/python3.10")
    assert prepare(project, env, train=False) is True
    assert not model_of(project).is_file()


def test_changed_phrases_mean_another_model(project: Path) -> None:
    before = model_of(project)
    phrases = project / "nlu" / "phrases" / "train" / "en"
    phrases.mkdir(parents=True)
    (phrases / "new.txt").write_text("= affirm\nyes\n")
    assert model_of(project) != before


def test_nothing_is_started_when_it_is_there(project: Path) -> None:
    model_of(project).parent.mkdir(parents=True)
    model_of(project).touch()
    prepare_later(project, {})
    assert not (folder_of(project) / "log").exists()


def test_how_far_it_is(tmp_path: Path) -> None:
    assert preparation(tmp_path) == ("absent", "")
    (tmp_path / "state.json").write_text('{"state": "failed", "sentence": "x"}')
    assert preparation(tmp_path) == ("failed", "x")
    for broken in ("", "[]", '{"state": 1}'):
        (tmp_path / "state.json").write_text(broken)
        assert preparation(tmp_path) == ("absent", "")


def test_a_preparation_that_was_stopped_is_not_under_way(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"state": "training", "sentence": ""}')
    assert preparation(tmp_path) == ("absent", "")
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert preparation(tmp_path) == ("training", "")
    assert preparation(tmp_path) == ("absent", "")


def test_the_interpreter_learns_no_secret_of_ours(tmp_path: Path) -> None:
    found = environment(tmp_path, "token")
    assert found["RASA_TELEMETRY_ENABLED"] == "false"
    assert not any("REDIS" in name or "KEY" in name for name in found)


@pytest.mark.parametrize(
    ("chosen", "prepared", "words"),
    [
        ("off", ("ready", ""), "rules only"),
        ("http://127.0.0.1:5005", ("absent", ""), "its own account"),
        ("own", ("training", ""), "warming up"),
        ("own", ("failed", "There is no Python 3.10."), "no Python 3.10"),
        ("own", ("absent", ""), "make setup"),
    ],
)
def test_the_doctor_says_how_typed_words_are_heard(
    chosen: str, prepared: tuple[str, str], words: str
) -> None:
    settings = Settings.model_construct(**{**Settings().model_dump(), "interpreter": chosen})
    found = check_interpreter(settings, prepared, Path("/nonexistent"))
    assert found.level is not Level.BAD
    assert words in found.sentence
