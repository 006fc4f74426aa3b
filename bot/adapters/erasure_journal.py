"""A list of what was erased, in a folder that lies apart from the database.

When the database is lost and a backup is put back, everything that was erased after that backup
would come back with it. So each erasure is also written here first: a time and the random id of
a conversation, nothing else. There is one file for each day, so that old ones can be removed while
other processes write.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.ids import ConversationId, Milliseconds

log = logging.getLogger(__name__)

DAY = 24 * 3600 * 1000
KEPT_DAYS = 8
"""A day longer than any copy of the keys may be kept (design section 9)."""


@dataclass(frozen=True, slots=True)
class ErasureJournal:
    """The list in `folder`. Processes may share it: each line is written in one step."""

    folder: Path

    async def note(self, id: ConversationId, at: Milliseconds) -> None:
        """Add an erasure. What cannot be written here stops no erasure.

        Cancellation: the line is written or not, never half.
        """
        try:
            await asyncio.to_thread(self._append, at, id)
        except OSError as error:
            kind = type(error).__name__
            log.error("erasure_not_in_journal", extra={"error_type": kind})  # noqa: TRY400 - the text names a path

    def read(self) -> dict[ConversationId, Milliseconds]:
        """What was erased, and when."""
        return dict(line for file in self._files() for line in _lines(file.read_bytes()))

    def trim(self, now: Milliseconds) -> None:
        """Remove the days of which no backup can bring anything back any more."""
        for file in self._files():
            if int(file.stem) < now // DAY - KEPT_DAYS:
                file.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(file for file in self.folder.glob("*.erased") if file.stem.isdigit())

    def _append(self, at: Milliseconds, id: ConversationId) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.folder / f"{at // DAY}.erased"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{at} {id}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lines(stored: bytes) -> Iterator[tuple[ConversationId, Milliseconds]]:
    """What can be read. A line that a crash cut short is passed over."""
    for line in stored.decode("ascii", "replace").splitlines():
        at, _, id = line.partition(" ")
        if at.isdigit() and id:
            yield ConversationId(id), Milliseconds(int(at))
