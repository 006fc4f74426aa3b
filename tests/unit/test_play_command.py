"""`firstpoint play`: walking the content by hand and by script, without any server."""

import io
import json
import re
import shutil
import sys
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.__main__ import main
from bot.content.release import Release, load, read_files
from bot.content.shelf import published
from bot.dialogue.reading import Listener
from bot.domain.facts import Mode
from bot.engine.received import Action, OtherKind
from bot.json_lines import MOST_BYTES
from bot.play.by_hand import KEYS, play_by_hand
from bot.play.by_script import play_script
from bot.play.walkthrough import CODE, Walkthrough, begin
from bot.play_command import play
from nlu.ears import local_ears

ROOT = Path(__file__).parents[2]
VALUES = {
    "organisation": "Our Organisation",
    "keep_minutes": "30",
    "keep_waiting_hours": "72",
    "keep_code_days": "30",
}
LEXICON = """\
schema: 1
language: en
exits:
  self_harm: {whole: [selfharm]}
  danger: {whole: [danger]}
  erase: {whole: [delete]}
  human: {whole: [person]}
  stop: {whole: [silence]}
  hotline: {whole: [hotline]}
  language: {whole: [tongue]}
  leave: {whole: [leave]}
  back: {whole: [back]}
"""
"""Words of our own: what the shipped lexicons hear has tests of its own."""


@cache
def _release() -> Release:
    files = {name: text for name, text in read_files(ROOT).items() if name[:4] != "nlu/"}
    loaded = load({**files, "nlu/exits/en.yaml": LEXICON})
    assert loaded.release is not None, loaded.problems
    return loaded.release


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped content, with a lexicon of our own."""
    copy = tmp_path_factory.mktemp("content")
    for part in ("flows", "locales"):
        shutil.copytree(ROOT / part, copy / part)
    (copy / "nlu/exits").mkdir(parents=True)
    (copy / "nlu/exits/en.yaml").write_text(LEXICON, encoding="utf-8")
    return copy


def _walkthrough(
    *, language: str = "en", country: str | None = "MD", flow: str | None = None
) -> Walkthrough:
    content = published(_release(), Mode.DEMONSTRATION, lambda: date(2026, 11, 22), VALUES)
    listener = Listener(local_ears())
    return begin(content, listener, language=language, country=country, flow=flow)


# --- By script ----------------------------------------------------------------------------------

Answer = dict[str, Any]


def _play(
    lines: Iterable[object], *, flow: str | None = None, country: str | None = "MD"
) -> tuple[int, list[Answer]]:
    """Play lines that are objects, text or bytes; the exit code and the answers."""
    out = io.StringIO()
    raw = (
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode() + b"\n"
        for line in lines
    )
    code = play_script(_walkthrough(flow=flow, country=country), raw, out)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    printed = out.getvalue()
    assert printed.isascii()
    answers = [json.loads(line, parse_constant=refuse) for line in printed.splitlines()]
    assert [answer["line"] for answer in answers] == [*range(1, len(answers) + 1)]
    return code, answers


def _keys(answer: Answer) -> list[str]:
    return [message["key"] for message in answer["messages"] if "key" in message]


def _choices(answer: Answer) -> list[str]:
    return [choice["id"] for choice in answer["question"]["choices"]]


TO_MENU = ({"press": "yes"}, {"press": "no"})


def test_nothing_in_nothing_out() -> None:
    assert _play([]) == (0, [])


def test_the_first_line_also_shows_the_first_screen() -> None:
    code, [answer] = _play([{"press": "yes", "id": "a"}])
    assert code == 0
    assert list(answer) == [
        "line", "id", "messages", "question", "owner", "outcome", "urgency", "facts",
    ]  # fmt: skip
    assert answer["messages"][0] == {
        "by": "bot",
        "key": "welcome.safe.say.0",
        "text": "Hello. I am a program, not a person. You can leave at any time.",
    }
    assert answer["messages"][2] == {
        "by": "person",
        "key": "welcome.safe.choice.yes",
        "text": "Yes, I can read now",
    }
    question = answer["question"]
    assert (question["number"], question["key"], question["pick"]) == (
        2,
        "welcome.danger.ask",
        "one",
    )
    assert question["choices"][0] == {"id": "yes", "text": "Yes, I am in danger"}
    assert (answer["owner"], answer["outcome"], answer["urgency"]) == ("bot", None, "normal")
    assert answer["facts"] == {"country": ["MD"], "safe_now": ["yes"]}
    assert answer["id"] == "a"


def test_the_first_screen_waits_for_a_line_that_can_be_used() -> None:
    code, [bad, good] = _play(["no", {"press": "yes"}])
    assert code == 2
    assert set(bad) == {"line", "error"}
    assert _keys(good)[0] == "welcome.safe.say.0"


def test_placeholders_are_filled_and_facts_are_shown() -> None:
    _, answers = _play([*TO_MENU, {"action": "hotline"}])
    assert "Our Organisation" in answers[1]["messages"][1]["text"]
    shown = [m for m in answers[2]["messages"] if m.get("block") == "emergency"]
    assert any(message["text"].endswith("112") for message in shown)
    assert {message["by"] for message in shown} == {"bot"}


def test_several_choices() -> None:
    steps = ["go_on", "me", "adult", ["work", "sex"]]
    _, answers = _play(
        [{"press": "no_code"}, *({"press": step} for step in steps)],
        flow="self_identification",
    )
    assert answers[-1]["facts"]["topics"] == ["work", "sex"]
    assert [m["text"] for m in answers[-1]["messages"][:2]] == [
        "Work or a job",
        "Sex, photos or video",
    ]
    assert answers[-2]["question"]["pick"] == "many"


def test_words_are_heard_named_or_kept() -> None:
    _, answers = _play(
        [*TO_MENU, {"words": "danger"}, {"words": "No, go back"}, {"words": "zzz \ud800"}]
    )
    heard, named, kept = answers[2:]
    assert heard["messages"][0] == {"by": "person", "words": "danger", "text": "danger"}
    assert heard["urgency"] == "now"
    assert heard["effects"] == ["alarm_danger"]
    assert heard["question"]["key"] == "danger.offer.ask"
    assert named["question"]["key"] == "home.menu.ask"
    assert kept["messages"][0]["words"] == "zzz \ud800"
    assert _keys(kept)[0] == "interface.not_understood_once"


def test_a_press_of_an_older_question() -> None:
    code, answers = _play([{"press": "yes"}, {"press": "no", "number": 1}, {"press": "no"}])
    assert code == 0
    assert _keys(answers[1]) == ["interface.stale_press"]
    assert answers[1]["question"]["key"] == "welcome.danger.ask"
    assert answers[2]["question"]["key"] == "home.menu.ask"


@pytest.mark.parametrize("action", [a.value for a in Action if a is not Action.ERASE_NOW])
def test_every_action_can_be_played(action: str) -> None:
    code, answers = _play([*TO_MENU, {"action": action}])
    assert code == 0
    assert answers[-1]["messages"]


@pytest.mark.parametrize("kind", OtherKind)
def test_what_is_not_text_can_be_played(kind: OtherKind) -> None:
    _, answers = _play([*TO_MENU, {"sends": kind.value}])
    assert _keys(answers[-1]) == ["interface.media_not_possible"]


def test_an_operator_comes_writes_and_gives_back() -> None:
    code, answers = _play(
        [
            {"action": "human", "staffed": True},
            {"press": "fresh"},
            {"press": "go_on"},
            {"operator": "claims"},
            {"words": "hello"},
            {"operator_words": "Hello. I am here."},
            {"action": "hotline"},
            {"operator": "gives_back"},
        ]
    )
    assert code == 0
    asked, fresh, _, claimed, words, written, hotline, back = answers
    assert "human.staffed.say.0" in _keys(asked)
    assert fresh["owner"] == "waiting"
    assert (claimed["owner"], claimed["question"]) == ("operator", None)
    assert [(m["by"], m["key"]) for m in claimed["messages"]] == [("notice", "interface.takeover")]
    assert [m["by"] for m in words["messages"]] == ["person"]
    assert written["messages"] == [
        {"by": "operator", "words": "Hello. I am here.", "text": "Hello. I am here."}
    ]
    assert {m["by"] for m in hotline["messages"]} == {"notice"}
    assert back["owner"] == "bot"
    assert back["question"]["key"] == "welcome.safe.ask"


@pytest.mark.parametrize(
    ("move", "owner", "key"),
    [
        ("gives_back", "bot", "interface.back_to_program"),
        ("transfers", "waiting", "interface.back_to_queue"),
        ("silent", "waiting", "interface.operator_silent"),
        ("closes", "closed", "interface.operator_closed"),
    ],
)
def test_every_move_of_an_operator(move: str, owner: str, key: str) -> None:
    _, answers = _play(
        [{"action": "human"}, {"press": "fresh"}, {"operator": "claims"}, {"operator": move}]
    )
    assert answers[-1]["owner"] == owner
    assert _keys(answers[-1])[0] == key


@pytest.mark.parametrize(
    "line",
    [{"operator": m} for m in ("claims", "gives_back", "transfers", "silent", "closes")]
    + [{"operator_words": "hello"}],
)
def test_a_move_that_is_not_possible_now_is_refused_and_no_mistake_of_the_line(
    line: Answer,
) -> None:
    code, answers = _play([{"press": "yes"}, line])
    assert code == 0
    assert answers[1]["effects"] == ["refused_not_in_this_state"]
    assert answers[1]["messages"] == []


def test_a_consent_is_asked_for_given_and_looked_at() -> None:
    lines: list[Answer] = [
        {"press": "yes"},
        {"action": "human"},
        {"press": "fresh"},
        {"operator": "claims"},
        {"operator": "asks_consent"},
        {"press": "agree"},
        {"action": "agreed"},
    ]
    code, answers = _play(lines)
    assert code == 0
    asked, given, agreed = answers[4:]
    assert asked["question"]["key"].startswith("consent.")
    assert any("Example Organisation" in message["text"] for message in asked["messages"])
    assert {message["by"] for message in given["messages"]} == {"person", "notice"}
    assert agreed["question"]["key"].startswith("agreed.")


def test_erasing_ends_the_conversation() -> None:
    code, answers = _play(
        [*TO_MENU, {"action": "erase"}, {"press": "erase_now"}, {"press": "yes", "id": 7}]
    )
    assert code == 2
    assert answers[3]["effects"] == ["erased"]
    assert _keys(answers[3])[-2:] == ["interface.erased_confirm", "interface.erased_remains"]
    assert answers[4] == {"line": 5, "id": 7, "error": "The conversation was erased."}


def test_leaving_and_coming_back_with_a_code() -> None:
    _, answers = _play(
        [
            *TO_MENU,
            {"action": "leave"},
            {"press": "leave_now"},
            {"action": "return"},
        ]
    )
    assert answers[3]["effects"] == ["view_ended"]
    assert _keys(answers[3])[-1] == "interface.left"
    assert answers[3]["question"] is None
    assert _keys(answers[4])[0] == "interface.welcome_back"
    assert answers[4]["question"]["key"] == "home.menu.ask"


def test_a_code_is_shown_in_its_place() -> None:
    _, answers = _play([{"press": "code"}], flow="self_identification")
    messages = answers[0]["messages"]
    [code] = [m for m in messages if m.get("key") == "interface.your_code"]
    assert CODE in code["text"]
    assert answers[0]["effects"] == ["code_given"]


BAD: dict[str, object] = {
    "empty": "",
    "spaces": "   ",
    "broken": '{"press": "yes"',
    "two objects": '{"press": "yes"}{"press": "yes"}',
    "a text": '"yes"',
    "a number": "1",
    "null": "null",
    "a list": '[{"press": "yes"}]',
    "NaN": '{"id": NaN, "press": "yes"}',
    "infinite": '{"id": 1e999, "press": "yes"}',
    "too many digits": '{"id": %s, "press": "yes"}' % ("9" * 5000),
    "not UTF-8": b'{"words": "\xff"}\n',
    "another encoding": '{"press": "yes"}'.encode("utf-16"),
    "too long": json.dumps({"words": "x" * MOST_BYTES}),
    "too deep": "[" * 30_000,
    "twice": '{"press": "yes", "press": "no"}',
}
BAD_WITH_ID: dict[str, Answer] = {
    "nothing to do": {},
    "only staffed": {"staffed": True},
    "two things": {"press": "yes", "words": "yes"},
    "unknown key": {"press": "yes", "lang": "ro"},
    "number without press": {"words": "yes", "number": 1},
    "unknown choice": {"press": "maybe"},
    "a choice of another question": {"press": "leave_now"},
    "an unknown choice among others": {"press": ["yes", "maybe"]},
    "two where one is asked": {"press": ["yes", "no"]},
    "no choice": {"press": []},
    "a choice that is a number": {"press": 1},
    "a choice that is null": {"press": None},
    "a choice in a list in a list": {"press": [["yes"]]},
    "a number that is a text": {"press": "yes", "number": "1"},
    "a number that is true": {"press": "yes", "number": True},
    "no words": {"words": ""},
    "blank words": {"words": " \n"},
    "words that are a list": {"words": ["hello"]},
    "unknown action": {"action": "dance"},
    "an action that is a list": {"action": ["human"]},
    "an action that is null": {"action": None},
    "unknown kind": {"sends": "cake"},
    "unknown move": {"operator": "dances"},
    "an operator's words that are null": {"operator_words": None},
    "staffed that is a text": {"press": "yes", "staffed": "yes"},
}


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in BAD.items()])
def test_a_bad_line_is_answered_in_its_place_and_the_others_go_on(line: object) -> None:
    code, [first, bad, last] = _play([{"press": "yes"}, line, {"press": "no"}])
    assert code == 2
    assert set(bad) == {"line", "error"}
    assert bad["error"].endswith(".")
    assert first["question"]["key"] == "welcome.danger.ask"
    assert last["question"]["key"] == "home.menu.ask"


@pytest.mark.parametrize(
    "line", [pytest.param(line, id=name) for name, line in BAD_WITH_ID.items()]
)
def test_a_line_that_asks_for_the_impossible_changes_nothing(line: Answer) -> None:
    code, [_, bad, last] = _play([{"press": "yes"}, {**line, "id": "x"}, {"press": "no"}])
    assert code == 2
    assert set(bad) == {"line", "id", "error"}
    assert bad["id"] == "x"
    assert last["question"]["key"] == "home.menu.ask"


@pytest.mark.parametrize("bad_id", [[1], {"a": 1}])
def test_an_id_is_one_value(bad_id: object) -> None:
    code, [answer] = _play([{"id": bad_id, "press": "yes"}])
    assert code == 2
    assert set(answer) == {"line", "error"}


@pytest.mark.parametrize("good_id", ["a", "", "Ж \ud800", 0, -1.5, True, None])
def test_an_id_comes_back_as_it_was(good_id: object) -> None:
    _, [answer] = _play([{"id": good_id, "press": "yes"}])
    assert answer["id"] == good_id


def test_an_error_never_repeats_a_whole_huge_value() -> None:
    _, [answer] = _play([{"press": "x" * 5000}])
    assert len(answer["error"]) < 200


def test_pressing_while_nothing_is_asked_is_a_mistake_of_the_script() -> None:
    code, answers = _play([{"action": "stop"}, {"press": "yes"}])
    assert code == 2
    assert answers[1]["error"] == "No question waits for an answer."


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
keys = st.sampled_from(
    ["press", "words", "action", "sends", "operator", "operator_words", "number", "id", "staffed"]
)
values = st.one_of(
    json_values,
    st.sampled_from(["yes", "no", "human", "leave", "erase", "claims", "closes", "/erase", True]),
)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            json_values.map(lambda value: json.dumps(value).encode()),
            st.dictionaries(keys, values, max_size=3).map(lambda line: json.dumps(line).encode()),
        ),
        max_size=5,
    )
)
def test_every_line_has_exactly_one_answer(lines: list[bytes]) -> None:
    whole = [line.replace(b"\n", b" ").replace(b"\r", b" ") for line in lines]
    code, answers = _play(whole)
    assert len(answers) == len(lines)
    assert code == (2 if any("error" in answer for answer in answers) else 0)


# --- By hand ------------------------------------------------------------------------------------


def _typed(*lines: str, **options: Any) -> str:
    out = io.StringIO()
    assert play_by_hand(_walkthrough(**options), lines, out) == 0
    return out.getvalue()


def test_a_screen_shows_who_speaks_the_question_and_every_key() -> None:
    screen = _typed()
    assert screen.startswith("\nThe program writes\n    Hello. I am a program")
    assert "\n  Can you read this safely now?\n   1  Yes, I can read now\n" in screen
    for key, action in KEYS.items():
        if action is Action.AGREED:
            continue  # only who agreed to something can look at it
        label = _release().sources[cast("Any", f"interface.{action.value}")].words
        assert f"{key} {label}" in screen
    assert screen.endswith("q quit]\n> ")


def test_why_is_offered_only_where_there_is_something_to_explain() -> None:
    assert "w Why do you ask?" not in _typed(flow="home")


def test_numbers_keys_and_words() -> None:
    shown = _typed("1", "3", "b", "w", "zzz", "hotline", "q", "never read")
    assert shown.count("You\n    Yes, I can read now\n") == 1
    assert "You\n    zzz\n" in shown
    assert "If you need help at once, you get numbers to call first." in shown
    assert "I did not understand that." in shown
    assert "Emergency number" in shown
    assert "never read" not in shown


def test_several_numbers_where_several_may_be_picked() -> None:
    shown = _typed("1", "1", "1", "2", "1, 3  5", flow="self_identification")
    assert "You can pick more than one." in shown
    assert "You\n    Work or a job\n    Sex, photos or video\n" in shown
    assert 'In my questions, "they" means' in shown


@pytest.mark.parametrize("line", ["9", "0", "1 2", "-1", "²", "1" * 400, "١٢"])
def test_numbers_that_are_no_choice_are_words(line: str) -> None:
    assert f"You\n    {line}\n" in _typed(line)


@pytest.mark.parametrize("line", ["", " ", "\ud800", "\x00", "h\u0301"])
def test_nothing_that_is_typed_stops_the_walk(line: str) -> None:
    assert "I did not understand that." in _typed(line)


def test_erasing_ends_the_walk() -> None:
    shown = _typed("x", "1", "never read")
    assert "Erased. Nobody can read here any more what you wrote." in shown
    assert not shown.endswith("> ")
    assert "/erase" not in shown
    assert "Erased." in _typed("/erase")


def test_leaving_ends_the_walk_without_a_code_and_waits_with_one() -> None:
    without = _typed("l", "1", "never read")
    assert without.rstrip().endswith("You have left. Nothing was erased.")
    with_code = _typed("2", "l", "", flow="self_identification")
    assert CODE in with_code
    assert "Enter: come back with the code.  q: quit." in with_code
    assert "You are back." in with_code
    assert "You are back." not in _typed("2", "l", "q", flow="self_identification")


@pytest.mark.parametrize("language", sorted(_release().languages))
def test_every_language_can_be_walked(language: str) -> None:
    assert "> " in _typed("1", "1", "1", language=language)


@pytest.mark.parametrize("flow", sorted(_release().graph.flows))
def test_every_question_that_is_shown_has_words(flow: str) -> None:
    """A person must never read the name of a sentence in its place."""
    question = _walkthrough(flow=flow).first.view.question
    if question is not None:
        words = {question.question.words, *(choice.label.words for choice in question.choices)}
        assert all(words), "nothing is empty"
        assert not [found for found in words if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", found)]


# --- The command --------------------------------------------------------------------------------


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> "Run":
    """Runs the command with lines on standard input."""
    return Run(folder, monkeypatch, capfd)


class Run:
    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.capfd = capfd

    def __call__(self, *arguments: str, typed: bytes = b"") -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        code = main(["play", str(self.folder), *arguments])
        out, err = self.capfd.readouterr()
        return code, out, err


def test_the_command_walks_by_hand(run: Run) -> None:
    code, out, err = run(typed=b"1\n\xff\xfe\nq\n")
    assert (code, err) == (0, "")
    assert "Are you in danger now, or do you need a doctor?" in out


def test_the_command_ends_when_its_input_ends(run: Run) -> None:
    assert run(typed=b"")[0] == 0


def test_the_command_plays_a_script_and_prints_only_json(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_bytes(b'{"press": "yes"}\r\n\xff\n{"press": "no"}')
    code, out, err = run("--script", str(script), "--country", "MD", "--flow", "welcome")
    assert (code, err) == (2, "")
    answers = [json.loads(line) for line in out.splitlines()]
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert answers[2]["question"]["key"] == "home.menu.ask"


@pytest.mark.parametrize(
    ("option", "kind"), [("--lang", "language"), ("--country", "country"), ("--flow", "flow")]
)
def test_a_name_that_is_not_there_is_said_in_one_sentence(
    run: Run, option: str, kind: str
) -> None:
    code, out, err = run(option, "xx")
    assert (code, out) == (2, "")
    assert err.startswith(f"There is no {kind} `xx` here, only: ")
    assert err.count("\n") == 1


def test_a_script_that_is_not_there_is_said_in_one_sentence(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--script", str(tmp_path / "none.jsonl"))
    assert (code, out) == (2, "")
    assert err.startswith("The file ")
    assert err.count("\n") == 1


def test_content_with_problems_is_not_walked_but_explained(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    flow = broken / "flows/hotlines.yaml"
    flow.write_text(
        flow.read_text(encoding="utf-8").replace("next: menu", "next: nowhere"), encoding="utf-8"
    )
    code = play(broken, language="en", country=None, flow=None, script=None)
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert "flows/hotlines.yaml:" in err
    assert "node:unknown" in err


def test_an_empty_folder_is_explained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert play(tmp_path, language="en", country=None, flow=None, script=None) == 2
    assert "flows/indicators.yaml" in capfd.readouterr().err
