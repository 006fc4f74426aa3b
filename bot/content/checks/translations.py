"""Translations that are missing, stale, for nothing, or that do not say what the source says."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from bot.content.catalogues import po_name
from bot.content.checks.first_help import needed_in
from bot.content.checks.subject import Sentence, Subject, quoted, translations_of
from bot.content.problems import Problem
from bot.content.release import SOURCE_LANGUAGE
from bot.content.texts import PLACEHOLDER, SourceText
from bot.domain.text import Language

SCRIPTS: Mapping[str, str] = {
    "ar": "ARABIC",
    "bg": "CYRILLIC",
    "fa": "ARABIC",
    "ru": "CYRILLIC",
    "uk": "CYRILLIC",
    "ur": "ARABIC",
}
"""Languages that are never written in Latin letters, with the name of their script in Unicode."""

FEWEST_WORDS_TO_DIFFER = 2
"""One word may be the same in two languages; two seldom are."""


def missing(subject: Subject) -> Iterator[Problem]:
    """Sentences that a language needs at its level and has not, or has only for an old source."""
    for language in translations_of(subject.release):
        by_file: dict[str, list[SourceText]] = {}
        for source in _missing_in(subject, language):
            by_file.setdefault(f"locales/{language}/{po_name(source)}.po", []).append(source)
        for file, sources in by_file.items():
            if file in subject.files:
                yield from (_not_good(subject, language, file, source) for source in sources)
            else:
                yield Problem(
                    file,
                    1,
                    "translation:no-file",
                    f"There is no such file; `{language}` needs it for {len(sources)} sentences.",
                    f"Run `firstpoint translate {language}`, then translate the new file.",
                )


def _missing_in(subject: Subject, language: Language) -> Iterator[SourceText]:
    needed = needed_in(subject.release, language)
    good = subject.translated(language)
    for key, source in subject.release.sources.items():
        if key in needed and (source.context, source.words) not in good:
            yield source


def _not_good(subject: Subject, language: Language, file: str, source: SourceText) -> Problem:
    """What there is instead of a translation of `source`."""
    entries = subject.entries[language]
    place = (source.context, source.words)
    same = next((entry for entry in entries if entry.place == place), None)
    of_old = next((entry for entry in entries if entry.key == source.key and entry.words), None)
    stale = same if same is not None and same.words else of_old
    if stale is not None:
        return Problem(
            stale.file,
            stale.line,
            "translation:stale",
            f"The source has changed since this was translated: {quoted(source.words)}",
            f"Run `firstpoint translate {language}`, translate it again, take `fuzzy` away.",
        )
    return Problem(
        same.file if same else file,
        same.line if same else 1,
        "translation:missing",
        f"No translation of `{source.key}`: {quoted(source.words)}",
        "Translate it." if same else f"Run `firstpoint translate {language}`, then translate it.",
    )


def for_nothing(subject: Subject) -> Iterator[Problem]:
    """Translations of sentences that no longer exist, and folders that are no language."""
    sources = {(s.context, s.words) for s in subject.release.sources.values()}
    for language, entries in subject.entries.items():
        if language not in subject.release.languages or language == SOURCE_LANGUAGE:
            yield _no_language(subject, language)
            continue
        stale = {source.key for source in _missing_in(subject, language)}
        for entry in entries:
            if entry.place not in sources and entry.key not in stale:
                yield Problem(
                    entry.file,
                    entry.line,
                    "translation:of-nothing",
                    f"No text in `{entry.context}` reads {quoted(entry.source)}",
                    f"Run `firstpoint translate {language}`, which removes it. When the whole "
                    "flow is gone, delete the file.",
                )


def _no_language(subject: Subject, language: Language) -> Problem:
    folder = f"locales/{language}/"
    if language == SOURCE_LANGUAGE:
        first = min(f for f in subject.files if f.startswith(folder) and f.endswith(".po"))
        return Problem(
            first,
            1,
            "translation:of-nothing",
            "English is the source; nobody reads translations into English.",
            "Delete this file, and change the text where it stands.",
        )
    return Problem(
        f"{folder}language.yaml",
        1,
        "language:no-file",
        f"The folder `{language}` has translations, but says nothing about the language.",
        "Copy language.yaml from another language and change it.",
    )


def differences(subject: Subject) -> Iterator[Problem]:
    """Translations that lost or changed what has to stay the same."""
    for sentence in subject.sentences:
        if sentence.language != SOURCE_LANGUAGE:
            yield from _differs(sentence)
            yield from _not_translated(sentence)


def _differs(sentence: Sentence) -> Iterator[Problem]:
    for kind, code, find in (
        ("placeholders", "placeholders", _placeholders),
        ("numbers", "numbers", _numbers),
        ("web addresses", "urls", _urls),
        ("markup", "markup", _markup),
    ):
        here, there = find(sentence.words), find(sentence.source.words)
        if here != there:
            lost, new = ", ".join(sorted(there - here)), ", ".join(sorted(here - there))
            yield sentence.problem(
                f"translation:{code}",
                f"The {kind} differ from the source: {_either(lost, new)}.",
                "Write them exactly as in the source.",
            )


def _either(lost: str, new: str) -> str:
    parts = (f"missing {lost}" if lost else "", f"not in the source {new}" if new else "")
    return "; ".join(filter(None, parts))


def _placeholders(words: str) -> set[str]:
    return {f"{{{name}}}" for name in PLACEHOLDER.findall(words)} | set(
        re.findall(r"[{}]", PLACEHOLDER.sub("", words))
    )


def _numbers(words: str) -> set[str]:
    """Numbers of two digits or more, in Latin digits: small ones may be written as words."""
    without_urls = re.sub(r"https?://\S+", "", PLACEHOLDER.sub("", words))
    latin = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char for char in without_urls
    )
    return set(re.findall(r"\d{2,}", latin))


def _urls(words: str) -> set[str]:
    return {found.rstrip(".,;)،") for found in re.findall(r"https?://\S+", words)}


def _markup(words: str) -> set[str]:
    return set(re.findall(r"</?[A-Za-z][^>]*>|\*\*|__|`", words))


def _not_translated(sentence: Sentence) -> Iterator[Problem]:
    words = PLACEHOLDER.sub("", sentence.words)
    script = SCRIPTS.get(sentence.language.partition("-")[0])
    if script is not None and _only_latin(words, script):
        yield sentence.problem(
            "translation:other-script",
            f"{quoted(sentence.words)} has no letter of the script of `{sentence.language}`.",
            "Translate it. Names may stay, beside a word of the language.",
        )
    elif sentence.words == sentence.source.words and _count(words) >= FEWEST_WORDS_TO_DIFFER:
        yield sentence.problem(
            "translation:same",
            f"This is the English text itself: {quoted(sentence.words)}",
            "Translate it.",
        )


def _only_latin(words: str, script: str) -> bool:
    """Whether there are words, and none of them in `script`. Capitals alone may be a name."""
    letters = "".join(filter(str.isalpha, words))
    return any(map(str.islower, letters)) and not any(
        unicodedata.name(letter, "").startswith(script) for letter in letters
    )


def _count(words: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in words.split())
