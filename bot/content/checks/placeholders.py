"""Words in braces that nothing fills in: the person would read the braces."""

from collections.abc import Iterator, Set

from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.content.texts import PLACEHOLDER, SourceText

IN_FLOWS = frozenset(
    {
        *("country", "organisation"),
        *("keep_minutes", "keep_waiting_hours", "keep_code_days"),
    }
)
"""The same in every sentence: from the deployment, or from the person's country."""

IN_INTERFACE = IN_FLOWS | {
    *("code", "code_word", "minutes", "position", "question", "answer"),
    *("picked", "more", "receiver"),
}
"""Only the program's own sentences say these."""

IN_CONSOLE = frozenset({"name", "place", "minutes", "version"})
IN_CONSENT = IN_FLOWS | {"receiver"}
IN_REFERRAL = frozenset({"receiver", "reference", "date"})


def placeholders(subject: Subject) -> Iterator[Problem]:
    """Placeholders that are unknown where they stand, or not written right."""
    for source in subject.release.sources.values():
        known = _known(source)
        for name in sorted(source.placeholders - known):
            can = ", ".join(f"{{{one}}}" for one in sorted(known)) or "no placeholder"
            yield Problem(
                source.file,
                source.line,
                "placeholder:unknown",
                f"Nothing fills in {{{name}}} here.",
                f"Possible here: {can}.",
            )
        rest = PLACEHOLDER.sub("", source.words)
        if "{" in rest or "}" in rest:
            yield Problem(
                source.file,
                source.line,
                "placeholder:broken",
                "There is a brace that belongs to no placeholder.",
                "A placeholder has small letters and _ only, such as {organisation}.",
            )


def _known(source: SourceText) -> Set[str]:
    name, _, item = source.key.partition(".")
    if "/countries/" in source.file:
        return frozenset()
    if name == "facts":
        return BLOCK_TEXTS.get(item, frozenset())
    return _BY_FILE.get(name, IN_FLOWS)


_BY_FILE = {
    "interface": IN_INTERFACE,
    "console": IN_CONSOLE,
    "consent": IN_CONSENT,
    "referral": IN_REFERRAL,
    "reasons": frozenset[str](),
    "fallback": frozenset[str](),
}
