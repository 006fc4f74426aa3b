"""Every sentence of the console is there, and none is there for nothing."""

import re

from bot.content.release import load, read_files
from bot.settings import ROOT
from handoff.permissions import Role
from handoff.staff import Wrong

MADE = (
    *("role_", "urgency_", "rank_", "by_", "block_", "alarm_", "reason_", "outcome_"),
    *("ground_", "dimension_", "weight_", "refused_", "state_"),
)
"""Sentences whose names are put together: what they begin with."""


def _there() -> set[str]:
    release = load(read_files(ROOT)).release
    assert release is not None
    found = (key.partition(".") for key in release.sources)
    return {item for file, _, item in found if file == "console"}


def _code() -> str:
    return "".join(
        file.read_text()
        for folder in ("handoff", "handoff/console", "handoff/console/templates")
        for file in sorted((ROOT / folder).iterdir())
        if file.suffix in {".py", ".html"}
    )


def test_no_sentence_is_there_for_nothing() -> None:
    code, there = _code(), _there()
    for item in there:
        base = item.removesuffix("_help")
        named = (f'"{item}"', f'"{base}"', f'"console.{item}"')
        assert item.startswith(MADE) or any(name in code for name in named), item


def test_every_sentence_that_a_page_says_is_there() -> None:
    said = set(re.findall(r'\b[tp]\("([a-z_0-9]+)"[,)]', _code()))
    assert said - _there() == set()
    assert {f"role_{role.value}" for role in Role} <= _there()
    assert {wrong.value for wrong in Wrong} <= _there()
