"""The commands around referrals: keys, a receiver to try with, and opening a package."""

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bot.adapters.sealing import read_or_make_key
from bot.content.release import Release, load, read_files
from bot.domain.text import Language, text
from bot.errors import StartError
from bot.settings import Settings, content_folder
from handoff.referral.envelope import EnvelopeError, Signer, unseal
from handoff.referral.htcds import to_csv
from handoff.referral.printable import Reader, printable
from handoff.referral.receivers import KEY_BYTES, key_id
from handoff.referral.schema import NotADocumentError, read_document

Say = Callable[[str], None]

FORM_TEXTS = "referral_form"
"""Where the words of a printed page stand."""

DEMO = "demo-first-point"
_PRIVATE = 0o600


def make_receiver_key(file: Path, say: Say) -> None:
    """Make the key of a receiver. The private part stays in `file`.

    Raises:
        StartError: the file is there already, or cannot be made.
    """
    key = X25519PrivateKey.generate()
    _write_private(file, b64encode(key.private_bytes_raw()) + b"\n")
    public = key.public_key().public_bytes_raw()
    say(f"public_key: {b64encode(public).decode()}")
    say(f"key id, to compare by telephone: {key_id(public)}")


def tell_sender_key(settings: Settings, say: Say) -> None:
    """Say the key with which receivers check that a package is from us."""
    public = signer_of(settings).public_key
    say(f"sender key: {b64encode(public).decode()}")
    say(f"key id, to compare by telephone: {key_id(public)}")


def signer_of(settings: Settings) -> Signer:
    """The signer of this installation."""
    return Signer.from_seed(read_or_make_key(settings.key_file).mark("referral"))


def make_demo_receiver(folder: Path, say: Say) -> None:
    """Make a receiver that does not exist, for the demonstration: its key and its file.

    Raises:
        StartError: one is there already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines: list[str] = []
    make_receiver_key(folder / f"{DEMO}.key", lines.append)
    today = datetime.now(UTC).date()  # noqa: TID251 - a command's one look at the calendar
    entry = folder / f"{DEMO}.yaml"
    entry.write_text(
        f"""schema: 1
receiver: {DEMO}
name: Demonstration receiver
kind: first_point_of_notification
country: MD
owner: whoever tries the demonstration
checked_on: {today}
check_until: {today + timedelta(days=90)}
channel: file_drop
tested_on: {today}
{lines[0]}
answers_within_hours: 48
hours: never, it does not exist
second_contact: nobody
minors_contact: nobody, this is a demonstration
demonstration: true
""",
        encoding="utf-8",
    )
    say(f"Made {entry} and its key beside it. Start with FIRSTPOINT_RECEIVERS={folder}")


def open_package(file: Path, key: Path, sender: str, to: Path | None, say: Say) -> None:
    """Open a package as its receiver: check it, and show it or write it into a folder.

    Raises:
        StartError: it does not open, or is not what it should be; the sentence says why.
    """
    try:
        private = X25519PrivateKey.from_private_bytes(_decoded(key.read_bytes(), "--key"))
        written = unseal(file.read_bytes(), private, _decoded(sender.encode(), "--sender"))
        document = read_document(written).model_dump(exclude_none=True)
    except EnvelopeError as error:
        raise StartError(f"The package does not open: {error}.") from None
    except NotADocumentError as error:
        raise StartError(f"The package is not what it should be: {error}.") from None
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}") from None
    if to is None:
        say(written.decode())
        return
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_private(to / "package.json", written)
    if document["message_type"] == "notify":
        _write_private(to / "package.csv", to_csv(document).encode())
    release = _content()
    page = printable(document, reader_of(release), release.graph.indicators)
    _write_private(to / "page.html", page.encode())
    say(f"Opened into {to}. Delete the folder when you have read it.")


def reader_of(release: Release, language: Language | None = None) -> Reader:
    """Whoever reads a page, in a language that is offered."""
    info = release.languages.get(language or Language("en")) or next(
        iter(release.languages.values())
    )

    def label(name: str) -> str:
        return release.words(text(f"{FORM_TEXTS}.{name}"), info.language).words or name

    return Reader(language=info.language, direction=info.direction.value, label=label)


def _content() -> Release:
    loaded = load(read_files(content_folder()))
    if loaded.release is None:
        raise StartError("The content has problems; `firstpoint check` shows them.")
    return loaded.release


def _decoded(written: bytes, which: str) -> bytes:
    try:
        found = b64decode(written.strip(), validate=True)
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise StartError(f"{which}: this is not a key.")
    return found


def _write_private(file: Path, content: bytes) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    except OSError as error:
        raise StartError(f"{file}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
