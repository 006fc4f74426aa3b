"""Keeps the PO files of a language in step with the English sources.

A translation belongs to the exact source text. When the source changes, the old translation is
kept as a hint, marked fuzzy, and is not shown: the translator has to look at it again. A change
that does not touch the meaning keeps the translations when its author says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polib

from bot.content.texts import Class, SourceText


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What an update of one language did."""

    new: int
    stale: int
    removed: int
    missing: int
    """How many sentences have no translation now."""


def update_language(
    folder: Path,
    language: str,
    sources: Iterable[SourceText],
    *,
    wording_only: frozenset[str] = frozenset(),
) -> Updated:
    """Bring the PO files in `folder` in line with `sources`.

    `wording_only` names keys whose source was only reworded: their translations stay good.
    """
    counts = {"new": 0, "stale": 0, "removed": 0, "missing": 0}
    for name, texts in _by_file(sources).items():
        file = folder / f"{name}.po"
        old = polib.pofile(str(file)) if file.exists() else polib.POFile()
        fresh = _merged(old, texts, language, wording_only, counts)
        if [*map(str, fresh)] != [*map(str, old)] or not file.exists():
            fresh.save(str(file))
    return Updated(**counts)


def _by_file(sources: Iterable[SourceText]) -> Mapping[str, list[SourceText]]:
    """Sentences by the PO file that they belong to: one for each flow, one for all countries."""
    found: dict[str, list[SourceText]] = {}
    for source in sources:
        found.setdefault(po_name(source), []).append(source)
    return found


def po_name(source: SourceText) -> str:
    """The name of the PO file, without its ending, in which a sentence is translated."""
    path = PurePosixPath(source.file)
    return "countries" if "countries" in path.parts else path.stem


def _merged(
    old: polib.POFile,
    texts: list[SourceText],
    language: str,
    wording_only: frozenset[str],
    counts: dict[str, int],
) -> polib.POFile:
    fresh = polib.POFile(wrapwidth=98)
    fresh.metadata = {  # What a translator's program wrote there stays.
        **old.metadata,
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    exact = {(entry.msgctxt, entry.msgid): entry for entry in old if not entry.obsolete}
    by_key = {_key_of(entry): entry for entry in old if not entry.obsolete}
    seen: set[tuple[str, str]] = set()
    for source in texts:
        place = (source.context, source.words)
        if place in seen:
            continue
        seen.add(place)
        entry = _entry(source, exact.get(place), by_key.get(source.key), wording_only)
        counts["new"] += place not in exact
        counts["stale"] += entry.fuzzy
        counts["missing"] += not entry.msgstr or entry.fuzzy
        fresh.append(entry)
    counts["removed"] += sum(place not in seen for place in exact)
    return fresh


def _entry(
    source: SourceText,
    same: polib.POEntry | None,
    reworded: polib.POEntry | None,
    wording_only: frozenset[str],
) -> polib.POEntry:
    kept = same or reworded
    # Rewording does not make good what was stale before.
    fuzzy = kept is not None and (kept.fuzzy or (not same and source.key not in wording_only))
    return polib.POEntry(
        msgctxt=source.context,
        msgid=source.words,
        msgstr=kept.msgstr if kept else "",
        tcomment=kept.tcomment if kept else "",
        comment=_note(source),
        flags=["fuzzy"] if fuzzy and kept and kept.msgstr else [],
    )


def _note(source: SourceText) -> str:
    """What a translator should know: the key, and how careful this sentence must be."""
    kind = "" if source.kind is Class.WORDING else f" ({source.kind.value})"
    return f"{source.key}{kind}"


def _key_of(entry: polib.POEntry) -> str:
    return entry.comment.split(" ", 1)[0]
