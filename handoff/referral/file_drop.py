"""The folder from which receivers fetch: the only place where this package touches a disk.

`root/RECEIVER/PACKAGE_ID`. A file comes under its final name in one step and whole: it is written
under another name, brought to the disk, and renamed. Its name says nothing but the package's id.

`root` is never made here: when it is away, as a disk that is not mounted, nothing must be written
somewhere else, and an empty place does not mean that everything was fetched.
"""

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.domain.consent import PackageId, ReceiverId

_RECEIVER = re.compile(r"[a-z][a-z0-9-]{1,40}")
_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FOLDER_MODE = 0o750
_FILE_MODE = 0o640


@dataclass(frozen=True, slots=True)
class FileDrop:
    """The folder of one installation. See `handoff.referral.exit_gate.Drop`."""

    root: Path

    def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
        """Have `content` there under `name`. What is there already stays as it is.

        Raises:
            OSError: it could not be written; nothing is there under `name`.
        """
        folder = self._folder(receiver, name)
        folder.mkdir(exist_ok=True, mode=_FOLDER_MODE)
        for left_over in folder.glob(f".{name}.*"):
            # A process that died while it wrote. Another one that writes now fails, and
            # is tried again.
            left_over.unlink(missing_ok=True)
        if (folder / name).exists():
            return
        draft = folder / f".{name}.{secrets.token_hex(8)}"
        try:
            _write(draft, content)
            draft.rename(folder / name)
            _to_disk(folder)
        finally:
            draft.unlink(missing_ok=True)

    def take_back(self, receiver: ReceiverId, name: PackageId) -> None:
        """Remove what was not fetched yet.

        Raises:
            OSError: it may still be there.
        """
        folder = self._folder(receiver, name)
        self.root.stat()
        try:
            (folder / name).unlink()
        except FileNotFoundError:
            return
        _to_disk(folder)

    def waits(self, receiver: ReceiverId, name: PackageId) -> bool:
        """Whether the receiver has not fetched it yet.

        Raises:
            OSError: their folder is away, so nobody can say.
        """
        folder = self._folder(receiver, name)
        try:
            (folder / name).lstat()
        except FileNotFoundError:
            folder.stat()
            return False
        return True

    def prepare(self) -> None:
        """Make the folder itself, when the service starts for the first time.

        Raises:
            OSError: it cannot be made.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)

    def _folder(self, receiver: ReceiverId, name: PackageId) -> Path:
        if not _RECEIVER.fullmatch(receiver) or not _NAME.fullmatch(name):
            raise ValueError("a name that could lead out of the folder")
        return self.root / receiver


def _write(draft: Path, content: bytes) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_disk(folder: Path) -> None:
    """Make the new name survive a power cut. Some network folders cannot: then they decide."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
