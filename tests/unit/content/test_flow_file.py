"""Flows as authors write them become the graph that the engine walks; the guide's examples too."""

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from textwrap import dedent, indent

import polib
import pytest

from bot.content import checks
from bot.content.checks.conditions import ENGINE_FACTS
from bot.content.checks.placeholders import IN_CONSENT, IN_CONSOLE, IN_INTERFACE, IN_REFERRAL
from bot.content.flow_file import (
    FlowFile,
    NodeFile,
    ReadFlow,
    conditions,
    flow_for_engine,
    read_flow,
    targets,
)
from bot.content.texts import Class, read_language, read_texts
from bot.content.yaml_file import YamlFile
from bot.domain.conversation import Place
from bot.domain.facts import Block
from bot.domain.messages import Pick
from bot.domain.text import text
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.graph import ALWAYS, Condition, Do, Flow, Node, Route, Source
from tests.unit.content.small_content import codes_in, english, flow_file

GUIDE = Path(__file__).parents[3] / "flows" / "README.md"


def read(nodes: str, head: str = "") -> ReadFlow:
    found, parsed = parsed_flow(nodes, head)
    assert parsed.problems == []
    assert found is not None
    return found


def parsed_flow(nodes: str, head: str = "") -> tuple[ReadFlow | None, YamlFile]:
    body = indent(dedent(nodes), "  ")
    return read_flow(f"schema: 1\nflow: some\nabout: x\n{head}nodes:\n{body}", "flows/some.yaml")


def flow(nodes: str, head: str = "", **starts: str) -> Flow:
    return flow_for_engine(read(nodes, head), {"some": "a", **starts})


def node(nodes: str, **starts: str) -> Node:
    return next(iter(flow(nodes, **starts).nodes.values()))


# --- Nodes --------------------------------------------------------------------------------------


def test_nodes_keep_their_order_and_lead_to_the_one_below() -> None:
    found = flow("a: {say: One.}\nb: {say: Two.}\nc: {say: Three., next: a}\n")
    assert list(found.nodes) == ["a", "b", "c"]
    assert found.start == Place("some", "a")
    assert found.nodes["a"].routes == (Route(ALWAYS, Place("some", "b")),)
    assert found.nodes["c"].routes == (Route(ALWAYS, Place("some", "a")),)


def test_last_node_and_end_lead_to_the_end() -> None:
    found = flow("a: {say: One., next: end}\nb: {say: Two.}\n")
    assert found.nodes["a"].routes == found.nodes["b"].routes == (Route(ALWAYS, None),)


def test_other_flow_is_entered_at_its_first_node_and_own_nodes_come_first() -> None:
    nodes = "a: {say: One., next: other}\nb: {visit: other}\nother: {say: Two., next: other}\n"
    found = flow(nodes, other="start")
    assert found.nodes["a"].routes == (Route(ALWAYS, Place("some", "other")),)
    assert found.nodes["b"].visits == Place("other", "start")


def test_one_thing_may_stand_where_several_may() -> None:
    found = node("a: {say: One., show: emergency, do: assess}\n")
    assert (found.sentences, found.shows, found.does) == (1, ("emergency",), (Do.ASSESS,))
    several = node("a: {say: [One., Two.], show: [emergency, hotlines], do: [assess, reasons]}\n")
    assert (several.sentences, len(several.shows), len(several.does)) == (2, 2, 2)


def test_routes_are_tried_in_the_order_of_the_author() -> None:
    found = node(
        """\
        a:
          next:
            - {if: {age: child, not_topics: [sex, work]}, go: b}
            - {go: end}
        b: {say: Two.}
        """
    )
    first = Condition(required=(("age", ("child",)),), absent=(("topics", ("sex", "work")),))
    assert found.routes == (Route(first, Place("some", "b")), Route(ALWAYS, None))


def test_only_if_is_a_condition() -> None:
    found = node("a: {say: One., only_if: {staffed: ['yes']}}\n")
    assert found.only_if.holds({"staffed": ("yes",)})
    assert not found.only_if.holds({"staffed": ("no",)})


# --- Questions ----------------------------------------------------------------------------------


def test_choices_have_short_and_long_forms() -> None:
    asked = node(
        """\
        a:
          ask: What now?
          choices:
            yes: "Yes"
            more: {label: More, sign: [HURT, DEBT], next: b}
            other: {label: Other, open: other}
        b: {say: Two.}
        """,
        other="start",
    ).asks
    assert asked is not None
    short, long, opening = asked.options
    assert (short.id, short.label, short.routes) == ("yes", text("some.a.choice.yes"), None)
    assert (long.signs, long.routes) == (("HURT", "DEBT"), (Route(ALWAYS, Place("some", "b")),))
    assert opening.opens == Place("other", "start")
    assert asked.codes() == {"HURT", "DEBT"}


@pytest.mark.parametrize(
    ("extra", "recorded", "asks_sign"),
    [
        ("choices: {x: X}", False, False),
        ("sign: HURT", True, True),
        ("choices: {x: {label: X, sign: HURT}}", True, True),
        ("pick: many\n  sign_count: DEPENDENT\n  choices: {x: X}", True, True),
        ("remember: x\n  choices: {x: X}", True, False),
        ("choices: countries", True, False),
        ("choices: languages", False, False),
        ("choices: answered", False, False),
    ],
)
def test_what_is_kept(extra: str, recorded: bool, asks_sign: bool) -> None:
    asked = node(f"a:\n  ask: What now?\n  {extra}\n").asks
    assert asked is not None
    assert (asked.recorded, asked.asks_sign) == (recorded, asks_sign)


def test_other_parts_of_a_question() -> None:
    asked = node("a: {ask: Now?, why: So., sign: HURT, reversed: true, pick: many}\n").asks
    assert asked is not None
    assert (asked.explained, asked.reversed, asked.pick) == (True, True, Pick.MANY)
    countries = node("a: {ask: Where?, choices: countries}\n").asks
    assert countries is not None
    assert (countries.source, countries.remember) == (Source.COUNTRIES, "country")


def test_limit_of_questions_is_kept() -> None:
    found = flow("a: {say: One.}\n", "most_questions: 7\nthen: a\n")
    assert (found.most_questions, found.then) == (7, "a")


# --- Texts, names and conditions with their places ----------------------------------------------

EVERY_TEXT = """\
a:
  say:
    - One.
    - Two.
  ask: What now?
  why: So.
  class: consent
  choices:
    x: X
    y: {label: Y, next: [{if: {age: [child]}, go: b}, {go: end}]}
b:
  visit: other
  only_if: {not_age: child}
  next: [{if: {staffed: [yes]}, go: a}, {go: end}]
c:
  ask: Open?
  choices: {o: {label: O, open: other}}
"""


def test_every_sentence_has_key_class_and_line() -> None:
    found = [(t.key, t.words, t.kind, t.line) for t in read(EVERY_TEXT).texts()]
    assert found[:6] == [
        ("some.a.say.0", "One.", Class.CONSENT, 7),
        ("some.a.say.1", "Two.", Class.CONSENT, 8),
        ("some.a.ask", "What now?", Class.CONSENT, 9),
        ("some.a.why", "So.", Class.CONSENT, 10),
        ("some.a.choice.x", "X", Class.CONSENT, 13),
        ("some.a.choice.y", "Y", Class.CONSENT, 14),
    ]
    assert found[6:] == [
        ("some.c.ask", "Open?", Class.WORDING, 20),
        ("some.c.choice.o", "O", Class.WORDING, 21),
    ]


def nodes_of(nodes: str) -> dict[str, NodeFile]:
    return read(nodes).written.nodes


def test_every_name_that_a_node_leads_to_is_listed() -> None:
    nodes = nodes_of(EVERY_TEXT)
    assert list(targets(nodes["a"])) == [
        ("b", ("choices", "y", "next", 0, "go")),
        ("end", ("choices", "y", "next", 1, "go")),
    ]
    assert list(targets(nodes["b"])) == [
        ("a", ("next", 0, "go")),
        ("end", ("next", 1, "go")),
        ("other", ("visit",)),
    ]
    assert list(targets(nodes["c"])) == [("other", ("choices", "o", "open"))]


def test_every_condition_is_listed_without_its_not() -> None:
    nodes = nodes_of(EVERY_TEXT)
    assert list(conditions(nodes["a"])) == [
        ("age", ("child",), ("choices", "y", "next", 0, "if", "age"))
    ]
    assert list(conditions(nodes["b"])) == [
        ("age", ("child",), ("only_if", "not_age")),
        ("staffed", ("yes",), ("next", 0, "if", "staffed")),
    ]


# --- What cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "line"),
    [
        ("a: {sy: One.}\n", 5),
        ("a: {say: ''}\n", 5),
        ("A: {say: One.}\n", 5),
        ("a:\n  say: One.\n  do: dance\n", 7),
        ("a:\n  say: One.\n  show: weather\n", 7),
        ("a:\n  ask: What?\n  choices: cities\n", 7),
        ("a:\n  ask: What?\n  choices:\n    x: {next: end}\n", 8),
        ("a:\n  ask: What?\n  sign: hurt\n", 7),
        ("a:\n  say: One.\n  next: [{if: {a: b}}]\n", 7),
        (f"a:\n  ask: {'x' * 201}\n", 6),
        (f"a:\n  ask: x\n  choices: {{x: {'x' * 65}}}\n", 7),
    ],
)
def test_wrong_node_is_a_problem_at_its_line(nodes: str, line: int) -> None:
    found, parsed = parsed_flow(nodes)
    assert found is None
    assert line in {problem.line for problem in parsed.problems}


@pytest.mark.parametrize("head", ["most_questions: 16\n", "most_questions: 0\n", "colour: red\n"])
def test_wrong_head_is_a_problem(head: str) -> None:
    found, parsed = parsed_flow("a: {say: One.}\n", head)
    assert found is None
    assert parsed.problems[0].line == 4


def test_flow_without_nodes_is_a_problem() -> None:
    assert read_flow("schema: 1\nflow: some\nabout: x\nnodes: {}\n", "f")[0] is None
    assert read_flow("", "f")[0] is None


# --- The guide for authors ----------------------------------------------------------------------


def blocks(kind: str) -> Iterator[str]:
    guide = GUIDE.read_text(encoding="utf-8")
    return (found[1] for found in re.finditer(rf"```{kind}\n(.*?)```", guide, re.S))


def whole_flows() -> list[str]:
    return [block for block in blocks("yaml") if "\nflow: " in block]


def parts_of_flows() -> list[str]:
    return [block for block in blocks("yaml") if not block.startswith("schema:")]


def test_examples_of_whole_flows_and_of_nodes_are_there() -> None:
    assert len(whole_flows()) == 2
    assert len(parts_of_flows()) == 7


@pytest.mark.parametrize("example", whole_flows())
def test_whole_flows_of_the_guide_can_be_read(example: str) -> None:
    found, parsed = read_flow(example, "flows/README.md")
    assert parsed.problems == []
    assert isinstance(found, ReadFlow)
    assert isinstance(found.written, FlowFile)


CODES = ("BAD_LIVING", "CANNOT_REFUSE", "THREAT_HARM", "THREAT_AUTH")
UNSEEN = {
    "flow:unreachable",  # no menu of the small content leads to an example
    "reason:unknown",
}


def _with_codes(files: dict[str, str]) -> dict[str, str]:
    """The small content with the codes that the guide uses."""
    rows = "".join(
        f"  {code}: {{meaning: M., elements: [means], source: one,"
        " weights: {D5: {adult: weak, child: weak}}}\n"
        for code in CODES
    )
    reasons = "".join(f'  {code}: "You said: {code.lower()}."\n' for code in CODES)
    return files | {
        "flows/indicators.yaml": files["flows/indicators.yaml"] + rows,
        "flows/reasons.yaml": files["flows/reasons.yaml"] + reasons,
    }


@pytest.mark.parametrize("example", whole_flows())
def test_whole_flows_of_the_guide_have_no_problem(example: str) -> None:
    name = re.findall(r"^flow: (\w+)", example, re.M)[0]
    files = _with_codes(english()) | {f"flows/{name}.yaml": example}
    assert codes_in(files) <= UNSEEN


@pytest.mark.parametrize("example", parts_of_flows())
def test_nodes_of_the_guide_have_no_problem(example: str) -> None:
    remembers = (
        "first:\n  ask: What is it about?\n  why: So.\n  pick: many\n  remember: subjects\n"
        "  choices: {work: Work}\n"
    )
    ends = "look:\n  do: assess\nresult:\n  visit: outcome\n"
    flow_text = flow_file("example", remembers + example + ends)
    limit = "most_questions: 15\nthen: look\nnodes:\n"
    files = _with_codes(english()) | {
        "flows/example.yaml": flow_text.replace("nodes:\n", limit, 1)
    }
    # Each example stands alone here, so that some of them lead past what follows.
    assert codes_in(files) <= UNSEEN | {"node:unreachable", "questions:no-outcome"}


def test_texts_language_and_translation_of_the_guide_can_be_read() -> None:
    (texts,) = (block for block in blocks("yaml") if "\ntexts: " in block)
    name, sentences, parsed = read_texts(texts, "flows/README.md")
    assert (name, len(sentences), parsed.problems) == ("some_words", 2, [])
    (language,) = (block for block in blocks("yaml") if "\nlanguage: " in block)
    info, parsed = read_language(language, "flows/README.md")
    assert (info is not None, parsed.problems) == (True, [])
    (po,) = blocks("po")
    (entry,) = polib.pofile(po)
    (tea_break,) = (read_flow(block, "f")[0] for block in whole_flows() if "tea_break" in block)
    assert tea_break is not None
    assert (entry.msgctxt, entry.msgid) in {(t.context, t.words) for t in tea_break.texts()}


def _named_in_the_guide() -> set[str]:
    return set(re.findall(r"`\{?([\w:-]+)\}?`", GUIDE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("names", [Do, Block, Class, Source], ids=lambda names: names.__name__)
def test_guide_names_every_word_of_the_language(names: type[Enum]) -> None:
    assert {member.value for member in names} <= _named_in_the_guide()


def test_guide_names_every_key_flow_fact_and_placeholder() -> None:
    named = _named_in_the_guide()
    assert {field.alias or name for name, field in NodeFile.model_fields.items()} <= named
    assert named >= ENGINE_FLOWS
    assert ENGINE_FACTS.keys() <= named
    assert {value for values in ENGINE_FACTS.values() for value in values} <= named
    assert named >= IN_INTERFACE | IN_CONSENT | IN_REFERRAL | IN_CONSOLE


def test_guide_names_every_problem_that_is_looked_for() -> None:
    looked_for: set[str] = set()
    for file in Path(checks.__file__).parent.glob("*.py"):
        code = file.read_text(encoding="utf-8")
        looked_for |= set(re.findall(r'"([a-z_-]+:[a-z-]+)"', code))
        if file.name in {"questions.py"}:
            looked_for |= {f"question:{name}" for name in re.findall(r'\),\n +"([a-z-]+)",', code)}
    assert len(looked_for) > 50
    assert looked_for <= _named_in_the_guide()
