"""Finds uv, which installs the Python packages, or gets the version that uv.lock pins."""

from __future__ import annotations

import configparser
import contextlib
import hashlib
import platform
import re
import shutil
import ssl
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from deploy.shell import Environment, SetupError, ask, run, say, words

OLDEST_UV = (0, 9)  # as required-version in pyproject.toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file of a locked package."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The file name, which carries the platform."""
        return unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackage:
    """A package as uv.lock pins it."""

    name: str
    version: str
    wheels: tuple[Wheel, ...]


def find_uv(root: Path, environment: Environment) -> Path:
    """A uv that will do: the machine's, ours from before, or a new one in .tools/."""
    for candidate in uv_candidates(root, environment):
        if uv_version(candidate, environment) >= OLDEST_UV:
            return candidate
    return install_uv(root, environment)


def uv_candidates(root: Path, environment: Environment) -> Iterator[Path]:
    """Where a uv may be, best first."""
    on_path = shutil.which("uv", path=environment.get("PATH"))
    if on_path:
        yield Path(on_path)
    yield uv_home(root) / "bin/uv"


def uv_home(root: Path) -> Path:
    """The folder for our own uv."""
    return root / ".tools" / f"uv-{locked_package(root, 'uv').version}"


def uv_version(uv: Path, environment: Environment) -> tuple[int, ...]:
    """The version of that program; empty if it does not run, like some shims on PATH."""
    found = re.match(r"uv (\d+)\.(\d+)\.(\d+)", ask(words(uv, "--version"), environment))
    return tuple(int(part) for part in found.groups()) if found else ()


def locked_package(root: Path, name: str) -> LockedPackage:
    """That package as uv.lock pins it."""
    lock = tomllib.loads((root / "uv.lock").read_text())
    entry = next(package for package in lock["package"] if package["name"] == name)
    wheels = tuple(
        Wheel(url=wheel["url"], sha256=wheel["hash"].removeprefix("sha256:"))
        for wheel in entry["wheels"]
    )
    return LockedPackage(name=name, version=entry["version"], wheels=wheels)


def install_uv(root: Path, environment: Environment) -> Path:
    """Puts the locked uv into .tools/, with whatever this machine has for it."""
    say("getting uv, which installs the Python packages")
    locked = locked_package(root, "uv")
    target = uv_home(root)
    for install in (install_with_pip, install_with_venv, install_by_download):
        with tempfile.TemporaryDirectory(dir=root / ".tools", prefix="new-") as work:
            unpacked = Path(work) / "uv"
            if install(locked, unpacked, environment) and uv_version(
                unpacked / "bin/uv", environment
            ):
                shutil.rmtree(target, ignore_errors=True)
                unpacked.rename(target)
                return target / "bin/uv"
    raise SetupError(
        f"uv {locked.version} could not be installed; "
        "check the network, or install uv yourself so that it is on PATH."
    )


def install_with_pip(
    locked: LockedPackage, target: Path, environment: Environment, python: Path | None = None
) -> bool:
    """Lets pip do it, if there is one."""
    python = python or Path(sys.executable)
    if not ask(words(python, "-m pip --version"), environment):
        return False
    pinned = target.with_name("uv.txt")
    hashes = " ".join(f"--hash=sha256:{wheel.sha256}" for wheel in locked.wheels)
    pinned.write_text(f"{locked.name}=={locked.version} {hashes}\n")
    install = words(
        python,
        "-m pip install --quiet --no-input --disable-pip-version-check --no-deps",
        "--only-binary :all: --require-hashes --target",
        target,
        "--requirement",
        pinned,
    )
    return run(install, {**environment, "PIP_ROOT_USER_ACTION": "ignore"})


def install_with_venv(locked: LockedPackage, target: Path, environment: Environment) -> bool:
    """Lets the pip of a new virtual environment do it: some machines have only that one."""
    venv = target.with_name("venv")
    if not run(words(base_python(), "-m venv", venv), environment, quiet=True):
        return False
    return install_with_pip(locked, target, environment, venv / "bin/python")


def base_python() -> Path:
    """The interpreter running this, outside of any virtual environment that may be active."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def install_by_download(locked: LockedPackage, target: Path, environment: Environment) -> bool:
    """Takes the program out of its wheel: Debian has Pythons with neither pip nor venv."""
    wheel = choose_wheel(locked.wheels, platform.machine(), libc_family())
    if wheel is None:
        raise SetupError(
            f"there is no uv for this kind of machine ({platform.machine()}); install uv yourself."
        )
    archive = target.with_name(wheel.name)
    if not download(wheel_addresses(wheel, locked, environment), archive, wheel.sha256):
        return False
    (target / "bin").mkdir(parents=True)
    program = target / "bin/uv"
    with zipfile.ZipFile(archive) as files:
        program.write_bytes(files.read(f"uv-{locked.version}.data/scripts/uv"))
    program.chmod(0o755)
    return True


def libc_family() -> str:
    """The word that wheels for this machine's C library carry in their name."""
    if sys.platform == "darwin":
        return "macosx"
    return "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"


def choose_wheel(wheels: Iterable[Wheel], machine: str, family: str) -> Wheel | None:
    """The wheel that runs here."""
    tag = re.compile(rf"[-.]{family}_\d+_\d+_{re.escape(machine)}(?=[.])")
    return next((wheel for wheel in wheels if tag.search(wheel.name)), None)


def wheel_addresses(
    wheel: Wheel, locked: LockedPackage, environment: Environment
) -> Iterator[str]:
    """Where that file may be: first the configured index, perhaps the only one in reach."""
    index = configured_index(environment)
    if index:
        page = f"{index.rstrip('/')}/{locked.name}/"
        with contextlib.suppress(OSError, ValueError):
            yield from links_to(wheel.name, page, fetch(page).decode("utf-8", "replace"))
    yield wheel.url


def configured_index(
    environment: Environment, folders: Iterable[Path] | None = None
) -> str | None:
    """The package index somebody set for pip or uv on this machine, if any."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if environment.get(name):
            return environment[name]
    home = Path(environment.get("HOME") or "/nonexistent")
    config = configparser.ConfigParser(interpolation=None, strict=False)
    files = [
        folder / "pip.conf"
        for folder in folders or (Path("/etc"), home / ".pip", home / ".config/pip")
    ]
    with contextlib.suppress(configparser.Error, UnicodeDecodeError):
        config.read(files)
    return config.get("install", "index-url", fallback=None) or config.get(
        "global", "index-url", fallback=None
    )


class LinkCollector(HTMLParser):
    """Collects the link targets of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps one link target."""
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


def links_to(name: str, page: str, html: str) -> list[str]:
    """The links on an index page that lead to that file."""
    collector = LinkCollector()
    collector.feed(html)
    addresses = [urljoin(page, target) for target in collector.targets]
    return [
        address for address in addresses if unquote(urlsplit(address).path).endswith(f"/{name}")
    ]


def download(addresses: Iterable[str], target: Path, sha256: str) -> bool:
    """Writes the first file whose content is the expected one; False if none could be had."""
    for address in addresses:
        try:
            content = fetch(address)
        except (OSError, ValueError) as error:
            say(f"{urlsplit(address).hostname} did not give the file ({error})")
            continue
        if hashlib.sha256(content).hexdigest() != sha256:
            raise SetupError(
                f"{target.name} is not the file that uv.lock names, so it was not used; "
                "please tell us."
            )
        target.write_bytes(content)
        return True
    return False


def fetch(address: str) -> bytes:
    """The content behind an address.

    A fresh machine may have no certificates yet. What is fetched here is public and is used only
    if its SHA-256 is the one in uv.lock, so the connection need not prove who it is.
    """
    if urlsplit(address).scheme not in {"http", "https"}:
        raise ValueError("not a web address")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the scheme is checked above
            return bytes(answer.read())
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError):
            raise
    unproven = ssl.create_default_context()
    unproven.check_hostname = False
    unproven.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(address, timeout=60, context=unproven) as answer:  # noqa: S310 - as above
        return bytes(answer.read())
