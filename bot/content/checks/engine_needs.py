"""What the program opens or says by name has to be there, whatever an author changes."""

from collections.abc import Iterator

from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.content.checks.channel_texts import CHANNEL_TEXTS
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.texts import ENGINE_TEXTS, OFFERED_TEXTS, REFERRAL_TEXTS


def engine_needs(subject: Subject) -> Iterator[Problem]:
    """Flows, sentences and reasons that nobody may remove."""
    for name in sorted(ENGINE_FLOWS - subject.reads.keys()):
        yield Problem(
            f"flows/{name}.yaml",
            1,
            "flow:missing",
            f"The program opens a flow named `{name}`, and there is none.",
            "Put the file back, for example from the last release.",
        )
    indicators = subject.release.graph.indicators.indicators
    for file, names in (
        ("interface", (*ENGINE_TEXTS, *OFFERED_TEXTS, *CHANNEL_TEXTS)),
        ("facts", tuple(BLOCK_TEXTS)),
        ("reasons", tuple(indicators)),
        ("referral", REFERRAL_TEXTS),
    ):
        for name in dict.fromkeys(names):
            if f"{file}.{name}" not in subject.release.sources:
                yield Problem(
                    f"flows/{file}.yaml",
                    1,
                    "text:missing",
                    f"The program says the sentence `{name}`, and it is not here.",
                    f"Add `{name}` to `items`.",
                )
    for source in subject.release.sources.values():
        if source.key.startswith("reasons.") and source.key[8:] not in indicators:
            yield Problem(
                source.file,
                source.line,
                "reason:unknown",
                f"`{source.key[8:]}` is no code in flows/indicators.yaml.",
                "Correct the code, or remove the sentence.",
            )
