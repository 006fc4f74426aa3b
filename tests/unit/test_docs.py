"""The documentation says what the code does: what can be compared is compared."""

import contextlib
import inspect
import io
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from bot.__main__ import _parser  # pyright: ignore[reportPrivateUsage]
from bot.adapters.redis_codes import KEPT_MILLISECONDS
from bot.adapters.redis_store import ERASED_IS_REMEMBERED
from bot.channels.web import api, present
from bot.content.flow_file import read_flow
from bot.content.yaml_file import parse_yaml
from bot.dialogue.retention import Retention
from bot.domain.control import MOVES, Owner
from bot.domain.messages import Author
from bot.engine.received import Action
from bot.logs import ALLOWED
from bot.settings import ROOT, Settings

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
ADRS = sorted((DOCS / "adr").glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PART = re.compile(r"(<!-- From bot/domain/control.py;.*?-->\n\n)(.*?)(<!-- end -->)", re.DOTALL)
REPOSITORY_PATH = re.compile(
    r"(?:bot|handoff|deploy|flows|locales|nlu|tests|bench|docs)/[a-z0-9_./-]*"
)
NOT_SET = "\N{EN DASH}"
DAY = 24 * 3_600_000

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of that language."""
    return [text for kind, text in FENCE.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text())


def code_words(page: Path) -> list[str]:
    """What stands between backticks in the text."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def commands(page: Path) -> Iterator[list[str]]:
    """The commands of the shell blocks and between backticks, without comments."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    for line in (*lines, *code_words(page)):
        with contextlib.suppress(ValueError):  # an unfinished quotation is no command
            words = shlex.split(line, comments=True)
            if len(words) > 1 or line in lines:
                yield words


def section(page: Path, heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    found = re.search(
        rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#|\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page.name} has no heading {heading!r}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """The rows of the first table in `text`, without its head."""
    found = re.search(r"^\|.*(?:\n\|.*)+", text, re.MULTILINE)
    assert found, "no table"
    rows = [line.strip("|").split("|") for line in found[0].splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def first_cells(text: str) -> set[str]:
    return {row[0].strip("`") for row in table(text)}


# --- Commands and settings ----------------------------------------------------------------------


@every_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[1] for words in commands(page) if words[0] == "make"}
    assert named <= targets


@every_page
def test_commands_of_firstpoint_are_accepted(page: Path) -> None:
    for words in commands(page):
        if words[0] in {"firstpoint", ".venv/bin/firstpoint"}:
            with contextlib.redirect_stderr(io.StringIO()) as complaint:
                try:
                    _parser().parse_args(words[1:])
                except SystemExit:
                    pytest.fail(f"{' '.join(words)}: {complaint.getvalue()}")


def test_every_command_is_explained() -> None:
    shown = {words[1] for words in commands(DOCS / "developers.md") if words[0] == "firstpoint"}
    usage = _parser().format_help()
    assert shown == set(re.findall(r"^    ([a-z-]+)\b", usage, re.MULTILINE))


def test_the_readme_names_the_test_command_of_continuous_integration() -> None:
    [in_readme] = FENCE.findall(section(ROOT / "README.md", "Test it"))
    in_ci = re.findall(r"^exec (make [a-z-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert [in_readme[1].strip()] == in_ci


def _settings() -> Mapping[str, Any]:
    return {_variable(name, field): field.default for name, field in Settings.model_fields.items()}


def _variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting; where two are read, the one we write about."""
    alias = field.validation_alias
    return (
        str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"FIRSTPOINT_{name.upper()}"
    )


def test_the_guide_for_hosts_has_every_setting_with_its_default() -> None:
    written = {
        row[0].strip("`"): row[1].strip("`")
        for row in table(section(DOCS / "hosts.md", "Settings"))
    }
    settings = _settings()
    assert set(written) == set(settings)
    for name, default in settings.items():
        match default:
            case None | "" | ():
                expected = NOT_SET
            case Path():
                expected = NOT_SET if default == ROOT else str(default)
            case _:
                expected = str(getattr(default, "value", default))
        shown = written[name]
        assert (str(Path(shown).expanduser()) if shown[:1] == "~" else shown) == expected, name


@every_page
def test_named_settings_exist(page: Path) -> None:
    named = set(re.findall(r"\bFIRSTPOINT_[A-Z_]+|\bREDIS_URL\b", page.read_text()))
    assert named <= set(_settings())


# --- Links, paths, form -------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), target


@every_page
def test_named_files_and_folders_exist(page: Path) -> None:
    for word in code_words(page):
        if REPOSITORY_PATH.fullmatch(word):
            assert (ROOT / word).exists(), word


@every_page
def test_named_modules_exist(page: Path) -> None:
    for word in re.findall(r"\b(?:bot|handoff)(?:\.[a-z_]+)+\b", page.read_text()):
        base = ROOT / word.replace(".", "/")
        # The last part may name a function in the module.
        found = (base, base.with_suffix(".py"), base.parent.with_suffix(".py"))
        assert word.endswith(".md") or any(path.exists() for path in found), word


@every_page
def test_no_page_names_a_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|root|home|tmp|Users)/", page.read_text())


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose(page))
        ahead.extend((page.parent / t).resolve() for t in targets if not t.startswith("https:"))
    assert set(PAGES) - set(ADRS) <= reached


def test_decisions_are_numbered_without_gaps_and_have_one_form() -> None:
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))
    for page in ADRS:
        text = page.read_text()
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
        assert text.startswith(f"# {int(page.name[:4])}. ")
        assert re.search(r"^Date: \d{4}-\d{2}-\d{2}\. Status: accepted\.$", text, re.MULTILINE)
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"]


def test_the_changelog_has_its_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    unreleased = re.findall(r"^### (.+)$", text.split("## [Unreleased]")[1], re.MULTILINE)
    assert {"Content", "Privacy"} <= set(unreleased)


def test_packages_that_are_said_not_to_be_used_are_not_imported() -> None:
    [rows] = [
        table(part)
        for part in re.split(r"\n(?=Where )", section(ROOT / "README.md", "Where things are"))
        if part.startswith("Where the packages")
    ]
    source = "\n".join(
        path.read_text()
        for top in ("bot", "handoff", "nlu", "tests")
        for path in (ROOT / top).rglob("*.py")
        if ".venv" not in path.parts
    )
    for package, where in rows:
        module = {"python-telegram-bot": "telegram"}.get(package, package.replace("-", "_"))
        used = re.search(rf"^\s*(?:import|from) {module}\b", source, re.MULTILINE) is not None
        assert used != where.startswith("not used yet"), package


# --- The interface ------------------------------------------------------------------------------

INTERFACE = DOCS / "interface.md"
BODIES: Mapping[str, type[BaseModel]] = {
    "POST /api/start": api.StartBody,
    "POST /api/input": api.InputBody,
    "POST /api/read": api.ReadBody,
    "POST /api/stream": api.ReadBody,
    "POST /api/return": api.ReturnBody,
}


@pytest.mark.parametrize("heading", BODIES)
def test_every_field_of_a_request_is_documented(heading: str) -> None:
    text = section(INTERFACE, heading)
    assert first_cells(text) == set(BODIES[heading].model_fields)
    [example] = [body for kind, body in FENCE.findall(text) if kind == "json"] or [None]
    if example is not None:
        BODIES[heading].model_validate_json(example)


def test_every_field_of_a_press_is_documented() -> None:
    _, inside = section(INTERFACE, "POST /api/input").split("Inside `press`:")
    assert first_cells(inside) == set(api.PressBody.model_fields)


def test_every_address_is_documented() -> None:
    headings = re.findall(r"^## (POST /api/\w+)$", INTERFACE.read_text(), re.MULTILINE)
    source = Path(api.__file__).read_text()
    assert {h.removeprefix("POST ") for h in headings} == set(re.findall(r'"(/api/\w+)"', source))


def test_every_action_is_documented() -> None:
    assert first_cells(section(INTERFACE, "Actions")) == {action.value for action in Action}


def test_every_refusal_is_documented_with_its_status() -> None:
    rows = table(section(INTERFACE, "Refusals"))
    written = {row[0].strip("`"): int(row[1]) for row in rows}
    assert written == api._STATUS  # pyright: ignore[reportPrivateUsage]
    assert set(written) == set(get_args(api.Refused))


def test_every_name_in_an_answer_is_documented() -> None:
    named = set(code_words(INTERFACE))
    source = Path(present.__file__).read_text() + inspect.getsource(
        api._answer  # pyright: ignore[reportPrivateUsage]
    )
    answered = re.findall(r'"([a-z]+)":|extra\["([a-z]+)"\]', source)
    assert len(answered) > 15
    assert {one or other for one, other in answered} <= named | {"erased"}
    assert {author.value for author in Author} | {owner.value for owner in Owner} <= named


@every_page
def test_examples_can_be_read(page: Path) -> None:
    for example in blocks(page, "json"):
        json.loads(example)
    for example in blocks(page, "yaml"):
        assert parse_yaml(example, page.name).problems == []


def test_the_flow_in_the_guide_for_editors_is_a_flow() -> None:
    [example] = blocks(DOCS / "editors.md", "yaml")
    flow, source = read_flow(example, "example.yaml")
    assert flow is not None, source.problems


# --- Privacy ------------------------------------------------------------------------------------


def test_the_periods_are_those_of_the_code() -> None:
    kept = Retention()
    expected = [
        f"{kept.bot_minutes} minutes",
        f"{kept.waiting_hours} hours",
        f"{kept.owned_hours} hours",
        f"{kept.closed_hours} hours",
        f"{kept.code_days} days",
        f"{kept.referral_days} days",
    ]
    rows = table(section(DOCS / "privacy.md", "How long"))
    assert [re.match(r"\d+ \w+", row[1])[0] for row in rows] == expected  # type: ignore[index]
    settings = Settings.model_fields
    assert kept.bot_minutes == settings["keep_minutes"].default
    assert kept.waiting_hours == settings["keep_waiting_hours"].default
    assert kept.code_days == settings["keep_code_days"].default
    stored = section(DOCS / "privacy.md", "What is stored")
    assert f"slow hash, {KEPT_MILLISECONDS // DAY} days" in stored
    assert f"in the clear, {ERASED_IS_REMEMBERED // DAY} days" in stored


def test_every_key_in_redis_is_documented() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "bot/adapters").glob("redis_*.py"))
    of_a_conversation = re.findall(r'base \+ "(\w+)"', source)
    others = re.findall(r'f?"(fp:[a-z]+(?::\{name\})?)[":{]', source)
    stored = section(DOCS / "privacy.md", "What is stored")
    assert len(of_a_conversation) > 5
    for name in of_a_conversation:
        assert f"`fp:{{ID}}:{name}`" in stored, name
    for name in others:
        assert f"`{name.removesuffix(':{name}')}" in stored, name


def test_every_field_of_a_log_line_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", section(DOCS / "privacy.md", "Logs")))
    assert named == ALLOWED


EVENT = re.compile(r'\blog\.(?:info|warning|error|exception|critical)\(\s*"([a-z_]+)"')


def test_every_event_of_the_log_is_documented() -> None:
    source = "\n".join(
        path.read_text() for top in ("bot", "handoff") for path in (ROOT / top).rglob("*.py")
    )
    calls = re.findall(r"\blog\.(?:debug|info|warning|error|exception|critical)\(", source)
    logged = EVENT.findall(source)
    assert len(logged) == len(calls)
    rows = table(section(DOCS / "hosts.md", "Events of the log"))
    assert sorted(re.findall(r"`([a-z_]+)`", " ".join(row[0] for row in rows))) == sorted(
        set(logged)
    )


# --- Who answers --------------------------------------------------------------------------------


def moves_drawn() -> str:
    """The table of moves and its diagram, as `docs/who-answers.md` shows them."""
    rows = [
        f"| {now.value} | `{move.value}` | {then.value} |" for (now, move), then in MOVES.items()
    ]
    arrows = [
        f"  {now.value} --> {then.value}: {move.value}" for (now, move), then in MOVES.items()
    ]
    drawing = ["```mermaid", "stateDiagram-v2", f"  [*] --> {Owner.BOT.value}", *arrows, "```"]
    return "\n".join(["| owner | move | then |", "|---|---|---|", *rows, "", *drawing, "", ""])


def test_the_table_of_who_answers_is_that_of_the_code(request: pytest.FixtureRequest) -> None:
    page = DOCS / "who-answers.md"
    text = page.read_text()
    if request.config.getoption("--update"):
        text = PART.sub(lambda found: found[1] + moves_drawn() + found[3], text)
        page.write_text(text)
    found = PART.search(text)
    assert found
    assert found[2] == moves_drawn(), "run: pytest tests/unit/test_docs.py --update"


def test_every_move_has_its_cause() -> None:
    causes = first_cells(section(DOCS / "who-answers.md", "What causes a move"))
    assert causes == {move.value for _, move in MOVES}
    shown = first_cells(section(DOCS / "who-answers.md", "What is shown while"))
    assert shown == {owner.value for owner in Owner}
