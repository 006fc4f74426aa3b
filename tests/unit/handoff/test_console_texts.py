"""Every sentence of the console is there, and none is there for nothing."""

import re
from collections.abc import Collection, Iterable

import pytest

from bot.content.checks.staff_texts import (
    CONSOLE_FAMILIES,
    CONSOLE_TEXTS,
    FORM_FAMILIES,
    FORM_TEXTS,
)
from bot.content.release import load, read_files
from bot.settings import ROOT
from handoff.permissions import Role
from handoff.staff import Wrong

CONSOLE = ("handoff", "handoff/console", "handoff/console/templates")
REFERRAL = ("handoff/referral", "handoff/referral/templates")


def _there(name: str = "console") -> set[str]:
    release = load(read_files(ROOT)).release
    assert release is not None
    found = (key.partition(".") for key in release.sources)
    return {item for file, _, item in found if file == name}


def _code(folders: Iterable[str] = CONSOLE) -> str:
    return "".join(
        file.read_text()
        for folder in folders
        for file in sorted((ROOT / folder).iterdir())
        if file.suffix in {".py", ".html"}
    )


@pytest.mark.parametrize(
    ("file", "folders", "names", "families"),
    [
        ("console", CONSOLE, CONSOLE_TEXTS, CONSOLE_FAMILIES),
        ("referral_form", REFERRAL, FORM_TEXTS, FORM_FAMILIES),
    ],
)
def test_lists_of_sentences_for_staff_are_what_the_console_says(
    file: str, folders: Iterable[str], names: Collection[str], families: tuple[str, ...]
) -> None:
    code = _code((*folders, *CONSOLE))
    for item in names:
        base = item.removesuffix("_help").removeprefix("contact_")
        assert re.search(rf"""["'.]({item}|{base})["']""", code), item
    for family in families:
        assert re.search(rf"""["'.]([a-z]+_)*{family}""", code), family
        assert not any(item.startswith(family) for item in names), family
    assert {item for item in _there(file) if not item.startswith(families)} == set(names)


def test_every_sentence_that_a_page_says_is_there() -> None:
    said = set(re.findall(r'\b[tp]\("([a-z_0-9]+)"[,)]', _code()))
    assert said - _there() == set()
    assert {f"role_{role.value}" for role in Role} <= _there()
    assert {wrong.value for wrong in Wrong} <= _there()
