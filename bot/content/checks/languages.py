"""What is said about each language: its direction, and who has read it."""

from collections.abc import Iterator
from datetime import date

from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.content.release import SOURCE_LANGUAGE
from bot.content.yaml_file import Data, YamlFile, parse_yaml
from bot.domain.text import Direction, Language, LanguageInfo

RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
)
RIGHT_TO_LEFT_SCRIPTS = frozenset({"Adlm", "Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"})


def languages(subject: Subject) -> Iterator[Problem]:
    """What is wrong with the entries of the languages."""
    for language, info in subject.release.languages.items():
        file = f"locales/{language}/language.yaml"
        parsed = parse_yaml(subject.files.get(file, ""), file)
        for check in (_direction, _source, _exits, _reviews, _for_production):
            yield from check(subject, info, parsed)


def _direction(_: Subject, info: LanguageInfo, parsed: YamlFile) -> Iterator[Problem]:
    right = Direction.RTL if _is_right_to_left(info.language) else Direction.LTR
    if info.direction is not right:
        yield _problem(
            parsed,
            "direction",
            f"`{info.language}` is not written in this direction.",
            f"Write `direction: {right.value}`.",
        )


def _is_right_to_left(language: Language) -> bool:
    primary, _, script = language.partition("-")
    return script in RIGHT_TO_LEFT_SCRIPTS if script else primary in RIGHT_TO_LEFT


def _source(_: Subject, info: LanguageInfo, parsed: YamlFile) -> Iterator[Problem]:
    if info.language == SOURCE_LANGUAGE and not info.full:
        yield _problem(
            parsed,
            "level",
            "English is the source of all texts; everything is there.",
            "Write `level: full`.",
        )


def _exits(subject: Subject, info: LanguageInfo, parsed: YamlFile) -> Iterator[Problem]:
    file = f"nlu/exits/{info.language}.yaml"
    if file not in subject.files:
        yield _problem(
            parsed,
            "language",
            f"There is no {file}: nobody would understand “help” or “stop” in this language.",
            "Write it after nlu/exits/en.yaml, with somebody who grew up with the language.",
        )


def _reviews(subject: Subject, info: LanguageInfo, parsed: YamlFile) -> Iterator[Problem]:
    reviews = _reviews_in(parsed.data)
    if info.verified and not reviews:
        yield _problem(
            parsed,
            "status",
            "The language is marked verified, but nobody is named who has read it.",
            "Add to `reviews`: role, on (the day), and what was read.",
        )
    for index, day in enumerate(reviews):
        if day is None or day > subject.today:
            yield _problem(
                parsed,
                ("reviews", index, "on"),
                "This is not a day, or one that has not come.",
                "Write the day of the review as 2026-11-14.",
            )


def _reviews_in(data: Data) -> list[date | None]:
    reviews = data.get("reviews") if isinstance(data, dict) else None
    return [_day(review) for review in reviews] if isinstance(reviews, list) else []


def _day(review: Data) -> date | None:
    try:
        return date.fromisoformat(str(review["on"])) if isinstance(review, dict) else None
    except ValueError:
        return None


def _for_production(subject: Subject, info: LanguageInfo, parsed: YamlFile) -> Iterator[Problem]:
    if subject.production and not info.verified:
        yield _problem(
            parsed,
            "status",
            f"`{info.language}` is not verified, so production does not offer it.",
            "Let somebody read it who grew up with it, note the review, set `status: verified`.",
        )


_CODES = {
    "direction": "language:direction",
    "level": "language:level",
    "language": "language:no-exits",
    "status": "language:not-verified",
}


def _problem(
    parsed: YamlFile, at: str | tuple[str | int, ...], sentence: str, remedy: str
) -> Problem:
    path = (at,) if isinstance(at, str) else at
    code = _CODES.get(str(path[0]), "language:review")
    return Problem(parsed.file, parsed.line(path), code, sentence, remedy)
