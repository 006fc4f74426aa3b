"""Prepares the interpreter of typed words: its Python 3.10, its packages, its trained model.

That takes minutes and two gigabytes, so nothing waits for it: set-up starts it in the background,
and the chat works without it. `state.json` says how far it is; `firstpoint doctor` reads it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from deploy.shell import Environment, SetupError, ask, run, say, words
from deploy.uv_program import find_uv
from nlu.fingerprint import of_interpreter

PYTHON = "3.10"
MODELS_KEPT = 2


def folder_of(root: Path) -> Path:
    """Where models and state are kept."""
    return root / ".tools" / "interpreter"


def model_of(root: Path) -> Path:
    """The model of exactly these phrases, whether it is there or not."""
    return folder_of(root) / f"{of_interpreter(root / 'nlu')[:16]}.tar.gz"


def prepare_later(root: Path, environment: Environment) -> None:
    """Start the preparation in the background, unless everything is there."""
    if model_of(root).is_file():
        return
    folder = folder_of(root)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        subprocess.Popen(
            words(sys.executable, "-m deploy.bootstrap interpreter"),
            cwd=root,
            env={**environment, "PYTHONPATH": str(root)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    say("the interpreter of typed words is being prepared; the chat does not wait for it")


def prepare(root: Path, environment: Environment, *, train: bool = True) -> bool:
    """Install and train what is missing; False, and a sentence, where that cannot be done."""
    with _alone(root):
        model = model_of(root)
        if model.is_file():
            _note(root, "ready")
            return True
        try:
            _note(root, "installing")
            python = _install(root, environment)
            if not train:
                _note(root, "absent")
                return True
            _note(root, "training")
            _train(root, python, model, environment)
        except SetupError as error:
            _note(root, "failed", str(error))
            say(f"without the interpreter: {error} Rules and buttons do the work.")
            return False
        _note(root, "ready")
        for old in sorted(folder_of(root).glob("*.tar.gz"), key=os.path.getmtime)[:-MODELS_KEPT]:
            old.unlink()
        return True


@contextlib.contextmanager
def _alone(root: Path) -> Generator[None]:
    folder = folder_of(root)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _note(root: Path, state: str, sentence: str = "") -> None:
    target = folder_of(root) / "state.json"
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps({"state": state, "sentence": sentence}))
    fresh.replace(target)


def _install(root: Path, environment: Environment) -> Path:
    """The interpreter's own Python, with exactly the packages of its lock."""
    python = root / "nlu" / ".venv" / "bin" / "python"
    lock = root / "nlu" / "uv.lock"
    stamp = root / "nlu" / ".venv" / ".set-up"
    if python.exists() and stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return python
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise SetupError(
            f"it runs on Linux on x86-64 only, not on {sys.platform} on {platform.machine()}."
        )
    say("installing the interpreter's packages (1.5 GB, a minute or more)")
    uv = find_uv(root, environment)
    settings = {name: value for name, value in environment.items() if name != "VIRTUAL_ENV"}
    settings["UV_PROJECT_ENVIRONMENT"] = str(root / "nlu" / ".venv")
    settings.pop("UV_PYTHON", None)
    if not _has_python(uv, settings):
        raise SetupError(
            f"there is no Python {PYTHON} on this machine, and none could be fetched. "
            f"Install Python {PYTHON} and run `make setup` again."
        )
    sync = words(uv, "sync --frozen --no-progress --project", root / "nlu", "--python", PYTHON)
    if not run(sync, settings):
        raise SetupError("its packages could not be installed; check the network.")
    stamp.write_bytes(lock.read_bytes())
    return python


def _has_python(uv: Path, settings: Environment) -> bool:
    found = ask(words(uv, f"python find {PYTHON} --no-python-downloads"), settings)
    return found != "" or run(words(uv, f"python install {PYTHON}"), settings, quiet=True)


def _train(root: Path, python: Path, model: Path, environment: Environment) -> None:
    say("training the interpreter (some minutes; done again only when phrases change)")
    settings = {
        "PATH": os.defpath,
        "HOME": str(folder_of(root)),
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **{name: environment[name] for name in ("LANG", "TMPDIR") if name in environment},
    }
    command = words("nice -n 10", python, "-m nlu.interpreter.train", model)
    if not run(command, settings, quiet=True) or not model.is_file():
        raise SetupError(
            "its training failed; `python -m nlu.interpreter.train` in nlu/.venv shows why."
        )
