"""A file of sealed records, written and read one record at a time.

Each record is bound to the file and to its place in it, and the last one says that it is the last:
a file that was changed, cut short or put together from others does not open.
"""

import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bot.adapters.sealing import Seal
from bot.errors import CorruptStateError

_MAGIC = b"firstpoint sealed file 1\n"
_NAME_BYTES = 16
_LENGTH_BYTES = 4
_MOST_BYTES = 64 * 1024 * 1024
_END = b""


class SealedWriter:
    """Takes records for a file."""

    def __init__(self, file: IO[bytes], seal: Seal) -> None:
        self._file = file
        self._seal = seal
        self._name = secrets.token_bytes(_NAME_BYTES)
        self._count = 0
        file.write(_MAGIC + self._name)

    def write(self, record: bytes) -> None:
        """Add a record."""
        sealed = self._seal.close(record, _place(self._name, self._count))
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES) + sealed)
        self._count += 1


@contextmanager
def writing(file: Path, seal: Seal) -> Generator[SealedWriter]:
    """A new file, which has its name only when all of it is on the disk."""
    draft = file.with_name(f"{file.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            writer = SealedWriter(opened, seal)
            yield writer
            writer.write(_END)
            opened.flush()
            os.fsync(descriptor)
        draft.replace(file)
        _sync_folder(file.parent)
    finally:
        draft.unlink(missing_ok=True)


def records(file: Path, seal: Seal) -> Iterator[bytes]:
    """The records of a file.

    Raises:
        CorruptStateError: the file was not written with this key, or is not whole.
    """
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise CorruptStateError("this is no file of ours")
        name = opened.read(_NAME_BYTES)
        count = 0
        while record := seal.open(_next(opened), _place(name, count)):
            yield record
            count += 1
        if opened.read(1):
            raise CorruptStateError("something follows on the end")


def _next(opened: IO[bytes]) -> bytes:
    length = int.from_bytes(opened.read(_LENGTH_BYTES))
    if length > _MOST_BYTES:
        raise CorruptStateError("a record of an impossible size")
    return opened.read(length)


def _place(name: bytes, count: int) -> bytes:
    return b"file:%s:%d" % (name.hex().encode(), count)


def _sync_folder(folder: Path) -> None:
    """The new name must be on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
