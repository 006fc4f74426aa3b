"""Gets a machine with nothing but Python, make and a network ready to run Firstpoint.

    deploy/with-python -m deploy.bootstrap setup             # uv, then .venv/ as uv.lock says
    deploy/with-python -m deploy.bootstrap setup --browser   # and a Chromium for the browser tests
    deploy/with-python -m deploy.bootstrap interpreter       # and the interpreter of typed words
    deploy/with-python -m deploy.bootstrap uv lock           # uv itself, with any arguments

Only the standard library is available here. What can be pinned is pinned in uv.lock, even uv.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import NoReturn

from deploy.chromium import provide_chromium
from deploy.interpreter import prepare, prepare_later
from deploy.shell import (
    Environment,
    SetupError,
    one_at_a_time,
    run,
    say,
    trusting_this_machine,
    words,
)
from deploy.uv_program import base_python, configured_index, find_uv

ROOT = Path(__file__).resolve().parent.parent
OK, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments: list[str], environment: Environment = os.environ) -> int:
    """Runs one command and gives the exit code."""
    parser = argparse.ArgumentParser(description="Set up Firstpoint.")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="install what is missing")
    setup.add_argument("--browser", action="store_true", help="also see to a Chromium")
    setup.add_argument(
        "--interpreter",
        choices=("no", "packages", "later", "now"),
        default="no",
        help="also see to the interpreter of typed words: only its packages, or all of it, in "
        "the background or at once",
    )
    commands.add_parser("interpreter", help="prepare the interpreter, in the foreground")
    commands.add_parser("uv", help="run uv", add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    try:
        if chosen.command == "uv":
            run_uv(rest, trusting_this_machine(environment))
        if rest:
            parser.error(f"unknown arguments: {' '.join(rest)}")
        if chosen.command == "interpreter":
            return OK if prepare(ROOT, trusting_this_machine(environment)) else FAILED
        set_up(ROOT, trusting_this_machine(environment), browser=chosen.browser)
        if chosen.interpreter == "later":
            prepare_later(ROOT, trusting_this_machine(environment))
        elif chosen.interpreter != "no":
            train = chosen.interpreter == "now"
            prepare(ROOT, trusting_this_machine(environment), train=train)
    except SetupError as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return OK


def run_uv(arguments: list[str], environment: Environment) -> NoReturn:
    """Becomes uv, with the settings and the Python that set-up uses."""
    with one_at_a_time(ROOT):
        uv = find_uv(ROOT, environment)
    settings = {**uv_environment(ROOT, environment), "UV_PYTHON": str(base_python())}
    os.execve(uv, [str(uv), *arguments], settings)  # noqa: S606 - no shell is wanted


def set_up(root: Path, environment: Environment, *, browser: bool) -> None:
    """Installs the packages and, if asked, sees to a browser; skips what is already done."""
    stamp = root / ".venv" / ".set-up"
    wanted = fingerprint(root)
    if not is_done(root, stamp, wanted):
        with one_at_a_time(root):
            if not is_done(root, stamp, wanted):
                stamp.unlink(missing_ok=True)  # a set-up cut short must not look finished
                install_packages(root, environment)
                stamp.write_text(wanted)
    if browser:
        with one_at_a_time(root):
            provide_chromium(root, environment)


def fingerprint(root: Path) -> str:
    """What .venv depends on: the lock, the project, the Python, and where the folder lies."""
    digest = hashlib.sha256()
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((root / name).read_bytes())
    digest.update(json.dumps([str(root), platform.machine(), sys.version_info[:2]]).encode())
    return digest.hexdigest()


def is_done(root: Path, stamp: Path, wanted: str) -> bool:
    """Whether .venv is the wanted one, and its Python still exists."""
    return (root / ".venv/bin/python").exists() and stamp.is_file() and stamp.read_text() == wanted


def install_packages(root: Path, environment: Environment) -> None:
    """Makes .venv hold exactly what uv.lock says."""
    started = time.monotonic()
    uv = find_uv(root, environment)
    say("installing the Python packages (a minute or two the first time)")
    settings = uv_environment(root, environment)
    sync = words(uv, "sync --frozen --no-progress --project", root, "--python", base_python())
    if not run(sync, settings) and not install_from_mirror(uv, root, settings):
        raise SetupError(
            "the Python packages could not be installed; see the lines above, "
            "check the network, and run it again."
        )
    say(f"the packages are ready ({time.monotonic() - started:.0f} s)")


def uv_environment(root: Path, environment: Environment) -> dict[str, str]:
    """The environment for uv: our own .venv and interpreter, whatever else is set here."""
    settings = {name: value for name, value in environment.items() if name != "VIRTUAL_ENV"}
    settings["UV_PROJECT_ENVIRONMENT"] = str(root / ".venv")
    settings["UV_PYTHON_DOWNLOADS"] = "never"  # the one that runs this is good enough
    settings.pop("UV_PYTHON", None)
    if not has_home(environment):
        settings.setdefault("UV_CACHE_DIR", str(root / ".tools/uv-cache"))
    return settings


def has_home(environment: Environment) -> bool:
    """Whether there is a home folder that a cache can be kept in."""
    home = environment.get("HOME", "")
    return home != "" and os.access(home, os.W_OK)


def install_from_mirror(uv: Path, root: Path, settings: Environment) -> bool:
    """Installs the locked packages from the index configured for pip.

    uv.lock names where each file was found; where only a mirror can be reached, the same files,
    with the same hashes, come from there.
    """
    index = configured_index(settings)
    if index is None:
        return False
    say("trying the package index configured on this machine")
    settings = {**settings, "UV_DEFAULT_INDEX": index}
    locked = root / ".tools/requirements.txt"
    python = root / ".venv/bin/python"
    steps = (
        words(
            "export --frozen --no-emit-project --quiet --project", root, "--output-file", locked
        ),
        words("venv --quiet --clear --python", base_python(), root / ".venv"),
        words("pip sync --quiet --require-hashes --python", python, locked),
        words("pip install --quiet --no-deps --python", python, "--editable", root),
    )
    return all(run([str(uv), *step], settings) for step in steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
