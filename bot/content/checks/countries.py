"""Facts of countries that are past their date, or not verified where that is needed."""

from collections.abc import Iterator

from bot.content.checks.subject import Subject
from bot.content.countries import date_problems, production_problems
from bot.content.problems import Problem


def countries(subject: Subject) -> Iterator[Problem]:
    """What may not be shown today, and for production what has to be verified first."""
    release = subject.release
    yield from date_problems(release.fallback, subject.today)
    for country in release.countries.values():
        yield from date_problems(country, subject.today)
    if subject.production:
        for country in release.countries.values():
            yield from production_problems(country, subject.today)
