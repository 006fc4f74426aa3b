"""Translation files as their translators wrote them, with lines and with what is not shown."""

from collections.abc import Iterator
from dataclasses import dataclass

import polib


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a PO file. A fuzzy one belonged to a source text that has changed since."""

    key: str
    """Of the text that it was made for, as `firstpoint translate` notes it; may be empty."""

    context: str
    source: str
    words: str
    fuzzy: bool
    file: str
    line: int

    @property
    def place(self) -> tuple[str, str]:
        """What it translates: the context and the exact source text."""
        return self.context, self.source


def entries_in(text: str, file: str) -> Iterator[Entry]:
    """The entries in `text`; none when it is no PO file, which loading reports."""
    try:
        catalogue = polib.pofile(text, encoding="utf-8")
    except (OSError, ValueError, UnicodeError):
        return
    for entry in catalogue:
        if not entry.obsolete:
            yield Entry(
                key=entry.comment.partition(" ")[0],
                context=entry.msgctxt or "",
                source=entry.msgid,
                words=entry.msgstr,
                fuzzy=entry.fuzzy,
                file=file,
                line=entry.linenum or 1,
            )
