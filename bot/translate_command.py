"""`firstpoint translate`: keeps the translation files in step with the English texts."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.content.catalogues import update_language
from bot.content.checks.first_help import needed_in
from bot.content.release import SOURCE_LANGUAGE, load, read_files
from bot.content.show import show_problems
from bot.domain.text import Language


def translate(folder: Path, languages: Sequence[str], wording_only: Sequence[str]) -> int:
    """Update the PO files of `languages`, or of all; the exit code."""
    loaded = load(read_files(folder))
    if loaded.release is None:
        show_problems(loaded.problems, sys.stderr)
        return 2
    known = [name for name in loaded.release.languages if name != SOURCE_LANGUAGE]
    for language in languages or known:
        if language not in known:
            sys.stderr.write(f"There is no folder locales/{language} with a language.yaml.\n")
            return 2
        needed = needed_in(loaded.release, Language(language))
        done = update_language(
            folder / "locales" / language,
            language,
            [source for key, source in loaded.release.sources.items() if key in needed],
            wording_only=frozenset(wording_only),
        )
        sys.stdout.write(
            f"{language}: {done.new} new, {done.stale} changed, {done.removed} gone, "
            f"{done.missing} to translate\n"
        )
    return 0
