"""Flows as authors write them, and as the engine walks them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.content.texts import Class, SourceText
from bot.content.yaml_file import Path, YamlFile, parse_yaml, validated
from bot.domain.conversation import Place
from bot.domain.facts import Block
from bot.domain.messages import ChoiceId, Pick
from bot.domain.text import TextKey
from bot.engine.graph import (
    ALWAYS,
    END,
    Condition,
    Do,
    Flow,
    Node,
    Option,
    Question,
    Route,
    Source,
    text_key,
)

FLOW_SCHEMA = 1
MOST_QUESTIONS = 15
"""No path may ask more after the gate before its outcome (design section 5)."""


def _listed(value: object) -> object:
    """Let authors write one thing where several may stand."""
    return [value] if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{1,40}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=600)]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Sentences = Annotated[tuple[Sentence, ...], BeforeValidator(_listed)]
Codes = Annotated[tuple[Code, ...], BeforeValidator(_listed)]
Values = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Conditions = dict[Name, Values]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RouteFile(_Strict):
    """One line of a `next` that depends on something."""

    when: Conditions = Field(default_factory=dict[Name, Values], alias="if")
    go: Name


class ChoiceFile(_Strict):
    """One button."""

    label: Label
    sign: Codes = ()
    next: Name | tuple[RouteFile, ...] | None = None
    open: Name | None = None
    again: bool = False


class NodeFile(_Strict):
    """One step of a flow."""

    say: Sentences = ()
    class_: Class = Field(default=Class.WORDING, alias="class")
    show: Annotated[tuple[Block, ...], BeforeValidator(_listed)] = ()
    only_if: Conditions = Field(default_factory=dict[Name, Values])
    visit: Name | None = None
    do: Annotated[tuple[Do, ...], BeforeValidator(_listed)] = ()
    next: Name | tuple[RouteFile, ...] | None = None
    ask: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    why: Sentence | None = None
    sign: Codes = ()
    reversed: bool = False
    once: bool = False
    sign_count: Code | None = None
    remember: Name | None = None
    pick: Pick = Pick.ONE
    choices: dict[Name, Label | ChoiceFile] | Source | None = None


class FlowFile(_Strict):
    """A whole flow."""

    schema_: Literal[1] = Field(alias="schema")
    flow: Name
    about: str
    most_questions: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)] | None = None
    then: Name | None = None
    nodes: Annotated[dict[Name, NodeFile], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class ReadFlow:
    """A flow file that could be read: what the author wrote, and where."""

    written: FlowFile
    source: YamlFile

    def line(self, *path: str | int) -> int:
        """The line of what stands at `path` under `nodes`."""
        return self.source.line(("nodes", *path))

    def texts(self) -> Iterator[SourceText]:
        """Every sentence of the flow, in the author's order."""
        for name, node in self.written.nodes.items():
            for field, words, path in _sentences(node):
                yield SourceText(
                    key=TextKey(f"{self.written.flow}.{name}.{field}"),
                    words=words,
                    kind=node.class_,
                    file=self.source.file,
                    line=self.line(name, *path),
                )


def read_flow(text: str, file: str) -> tuple[ReadFlow | None, YamlFile]:
    """The flow in `text`; None when it has problems, which the second value lists."""
    parsed = parse_yaml(text, file)
    written = validated(parsed, FlowFile) if not parsed.problems else None
    return (ReadFlow(written, parsed) if written else None), parsed


def _sentences(node: NodeFile) -> Iterator[tuple[str, str, Path]]:
    for index, words in enumerate(node.say):
        yield f"say.{index}", words, ("say", index)
    if node.ask:
        yield "ask", node.ask, ("ask",)
    if node.why:
        yield "why", node.why, ("why",)
    for choice, option in written_choices(node).items():
        yield f"choice.{choice}", option.label, ("choices", choice)


def written_choices(node: NodeFile) -> Mapping[str, ChoiceFile]:
    """The author's choices, the short form spelled out."""
    if not isinstance(node.choices, dict):
        return {}
    return {
        name: ChoiceFile(label=choice) if isinstance(choice, str) else choice
        for name, choice in node.choices.items()
    }


def flow_for_engine(read: ReadFlow, starts: Mapping[str, str]) -> Flow:
    """The flow as the engine walks it. `starts` names the first node of every flow."""
    written = read.written
    names = list(written.nodes)
    nodes = {
        name: _node(written, name, names[index + 1] if index + 1 < len(names) else None, starts)
        for index, name in enumerate(names)
    }
    return Flow(
        name=written.flow,
        nodes=MappingProxyType(nodes),
        most_questions=written.most_questions,
        then=written.then,
    )


def _node(flow: FlowFile, name: str, below: str | None, starts: Mapping[str, str]) -> Node:
    written = flow.nodes[name]
    place = Place(flow.flow, name)
    default = Place(flow.flow, below) if below else None
    routes = _routes(flow, written.next, starts)
    return Node(
        sentences=len(written.say),
        shows=tuple(block.value for block in written.show),
        does=written.do,
        visits=Place(written.visit, starts[written.visit]) if written.visit else None,
        asks=_question(flow, written, place, starts),
        notes=written.remember if written.ask is None else None,
        only_if=_condition(written.only_if),
        routes=routes if routes is not None else (Route(ALWAYS, default),),
    )


def _question(
    flow: FlowFile, node: NodeFile, place: Place, starts: Mapping[str, str]
) -> Question | None:
    if node.ask is None:
        return None
    source = node.choices if isinstance(node.choices, Source) else None
    options = tuple(
        Option(
            id=ChoiceId(name),
            label=text_key(place, f"choice.{name}"),
            signs=choice.sign,
            routes=_routes(flow, choice.next, starts),
            opens=Place(choice.open, starts[choice.open]) if choice.open else None,
            again=choice.again,
        )
        for name, choice in written_choices(node).items()
    )
    return Question(
        options=options,
        source=source,
        pick=node.pick,
        sign=node.sign,
        reversed=node.reversed,
        once=node.once,
        sign_count=node.sign_count,
        remember="country" if source is Source.COUNTRIES else node.remember,
        explained=node.why is not None,
    )


def _routes(
    flow: FlowFile, written: str | tuple[RouteFile, ...] | None, starts: Mapping[str, str]
) -> tuple[Route, ...] | None:
    match written:
        case None:
            return None
        case str():
            return (Route(ALWAYS, _target(flow, written, starts)),)
        case _:
            return tuple(
                Route(_condition(route.when), _target(flow, route.go, starts)) for route in written
            )


def _target(flow: FlowFile, name: str, starts: Mapping[str, str]) -> Place | None:
    """A node of the same flow comes before a flow of that name."""
    if name == END:
        return None
    return Place(flow.flow, name) if name in flow.nodes else Place(name, starts[name])


def targets(node: NodeFile) -> Iterator[tuple[str, Path]]:
    """Every name that a node leads to, and where it is written."""
    for written, path in _all_next(node):
        if isinstance(written, str):
            yield written, path
        else:
            for index, route in enumerate(written):
                yield route.go, (*path, index, "go")
    if node.visit:
        yield node.visit, ("visit",)
    for name, choice in written_choices(node).items():
        if choice.open:
            yield choice.open, ("choices", name, "open")


def _all_next(node: NodeFile) -> Iterator[tuple[str | tuple[RouteFile, ...], Path]]:
    if node.next is not None:
        yield node.next, ("next",)
    for name, choice in written_choices(node).items():
        if choice.next is not None:
            yield choice.next, ("choices", name, "next")


def conditions(node: NodeFile) -> Iterator[tuple[str, tuple[str, ...], Path]]:
    """Every fact and values that a node's conditions ask for."""
    for fact, values in node.only_if.items():
        yield fact.removeprefix("not_"), values, ("only_if", fact)
    for written, path in _all_next(node):
        if not isinstance(written, str):
            for index, route in enumerate(written):
                for fact, values in route.when.items():
                    yield fact.removeprefix("not_"), values, (*path, index, "if", fact)


def _condition(written: Mapping[str, tuple[str, ...]]) -> Condition:
    required = tuple((f, v) for f, v in written.items() if not f.startswith("not_"))
    absent = tuple((f.removeprefix("not_"), v) for f, v in written.items() if f.startswith("not_"))
    return Condition(required, absent)
