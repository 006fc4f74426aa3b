"""The phrases as training data in Rasa's own format."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from nlu.phrases import Phrase, read_phrases
from nlu.tags import intent_of, tags_of


def examples(phrases: Iterable[Phrase]) -> dict[str, list[tuple[str, list[str]]]]:
    """The phrases of each intent with their tags; a repeated phrase stands once."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    seen: set[str] = set()
    for phrase in phrases:
        intent, tags = intent_of(phrase), tags_of(phrase)
        if intent is None or tags is None or phrase.text.casefold() in seen:
            continue
        seen.add(phrase.text.casefold())
        found.setdefault(intent, []).append((phrase.text, sorted(tags)))
    return found


def as_rasa(phrases: Iterable[Phrase]) -> str:
    """The training data as the text of a YAML file: JSON strings are YAML strings."""
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in sorted(examples(phrases).items()):
        lines += [f"- intent: {intent}", "  examples:"]
        for text, tags in texts:
            # A slash at the beginning would be a command, brackets an entity.
            plain = text.lstrip("/").replace("[", "(").replace("]", ")").replace("{", "(")
            lines.append(f"  - text: {json.dumps(plain.replace('}', ')'), ensure_ascii=False)}")
            lines.append(f"    metadata: {json.dumps({'labels': tags})}")
    return "\n".join(lines) + "\n"


def write_data(phrases: Path, target: Path) -> None:
    """Write the phrases in the folder `phrases` as Rasa data to the file `target`."""
    target.write_text(as_rasa(read_phrases(phrases)), "utf-8")
