"""What every step of set-up uses: running programs, telling the person, one set-up at a time."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
from collections.abc import Generator, Mapping
from pathlib import Path

Environment = Mapping[str, str]

CERTIFICATES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # Fedora, Red Hat
    Path("/etc/ssl/cert.pem"),  # Alpine, macOS
)


class SetupError(Exception):
    """A step that could not be done, told in one sentence for whoever typed the command."""


def say(text: str) -> None:
    """Tells the person what takes so long."""
    print(f"Set-up: {text}", flush=True)


def trusting_this_machine(
    environment: Environment, bundles: tuple[Path, ...] = CERTIFICATES
) -> dict[str, str]:
    """The environment, with the certificates this machine trusts for every tool we start.

    Left alone, uv, pip and Node trust lists of their own, and fail where a network adds its own.
    """
    settings = dict(environment)
    bundle = environment.get("SSL_CERT_FILE") or environment.get("PIP_CERT")
    bundle = bundle or next((str(path) for path in bundles if path.is_file()), None)
    if bundle:
        for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"):
            settings.setdefault(name, bundle)
    return settings


def words(*parts: str | Path) -> list[str]:
    """A command: strings are split at their blanks, paths stay whole."""
    return [
        word for part in parts for word in (part.split() if isinstance(part, str) else [str(part)])
    ]


def run(command: list[str], environment: Environment, *, quiet: bool = False) -> bool:
    """Runs a program to its end; True if it went well."""
    output = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def ask(command: list[str], environment: Environment) -> str:
    """What a program answers on standard output; empty when it fails or hangs."""
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Generator[None]:
    """Keeps a second `make` in the same folder waiting until the first has finished setting up."""
    folder = root / ".tools"
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise SetupError(
            f"this folder cannot be written to ({error.strerror}: {folder})."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
