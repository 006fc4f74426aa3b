"""YAML as authors write it: with the line of every value, and without surprises.

Two traps of YAML are closed here: `yes`, `no`, `on` and `off` are words, not truth values (they
are the names of most of our choices), and a key that stands twice is a mistake, not a silent
loss of the first one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from bot.content.problems import Problem

Data: TypeAlias = "bool | int | str | list[Data] | dict[str, Data] | None"
Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 1_000_000
MOST_DEPTH = 20

# The one in C reads fifteen times as fast and is not there on every machine.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class YamlFile:
    """A parsed file: its data, where each value stands, and what is wrong with it."""

    file: str
    data: Data = None
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    problems: list[Problem] = field(default_factory=list[Problem])

    def line(self, path: Iterable[str | int]) -> int:
        """The line of the value at `path`, or of the nearest value around it."""
        here = tuple(path)
        while here and here not in self.lines:
            here = here[:-1]
        return self.lines.get(here, 1)

    def report(self, path: Iterable[str | int], code: str, sentence: str, remedy: str) -> None:
        """Add a problem at `path`."""
        self.problems.append(Problem(self.file, self.line(path), code, sentence, remedy))


def parse_yaml(text: str, file: str) -> YamlFile:
    """The data in `text`. What cannot be read becomes a problem, never an exception."""
    parsed = YamlFile(file)
    if len(text.encode(errors="replace")) > MOST_BYTES:
        parsed.report((), "yaml:too-large", "The file is larger than 1 MB.", "Split the file.")
        return parsed
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parsed.lines[()] = mark.line + 1 if mark else 1
        parsed.report(
            (),
            "yaml:broken",
            f"YAML cannot read this: {error.problem}.",
            "Look at the indentation, the quotes and the colons around this line.",
        )
        return parsed
    except (yaml.YAMLError, RecursionError, ValueError):
        parsed.report(
            (),
            "yaml:broken",
            "YAML cannot read this file.",
            "Remove special characters; save the file as UTF-8.",
        )
        return parsed
    if root is not None:
        parsed.data = _Reader(parsed).convert(root, ())
    return parsed


@dataclass(slots=True)
class _Reader:
    """Turns the nodes of one file into data."""

    parsed: YamlFile
    seen: set[int] = field(default_factory=set[int])

    def convert(self, node: yaml.Node, path: Path) -> Data:
        self.parsed.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > MOST_DEPTH:
            self.parsed.report(
                path, "yaml:too-deep", "This is nested too deeply.", "Make it flatter."
            )
            return None
        if id(node) in self.seen:
            # An alias may stand for an alias: a few lines could grow without bound.
            self.parsed.report(
                path,
                "yaml:alias",
                "Anchors and aliases (& and *) are not used.",
                "Write the value out.",
            )
            return None
        self.seen.add(id(node))
        match node:
            case yaml.ScalarNode():
                return _scalar(node)
            case yaml.SequenceNode():
                return [self.convert(item, (*path, i)) for i, item in enumerate(node.value)]
            case yaml.MappingNode():
                return self._mapping(node, path)
            case _:
                return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Data:
        found: dict[str, Data] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            here = (*path, key)
            line = key_node.start_mark.line + 1
            if key in found:
                self.parsed.problems.append(
                    Problem(
                        self.parsed.file,
                        line,
                        "yaml:twice",
                        f"`{key}` stands here a second time.",
                        "Give each a name of its own, or remove one.",
                    )
                )
                continue
            self.parsed.lines[here] = line
            found[key] = self.convert(value_node, here)
        return found


def _scalar(node: yaml.ScalarNode) -> Data:
    words = str(node.value)
    if node.style:  # quoted, or a block of text
        return words
    if words in _PLAIN:
        return _PLAIN[words]
    return int(words) if _INT.match(words) else words


def validated(parsed: YamlFile, model: type[M]) -> M | None:
    """The data as `model`; every mistake becomes a problem with its line."""
    try:
        return model.model_validate(parsed.data)
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_input=False):
            path = _known(parsed, mistake["loc"])
            name = ".".join(str(part) for part in path) or "the file"
            parsed.report(
                path,
                f"schema:{mistake['type']}",
                f"At `{name}`: {mistake['msg']}.",
                "See flows/README.md for what may stand here.",
            )
        return None


def _known(parsed: YamlFile, loc: Iterable[str | int]) -> Path:
    """The part of a pydantic location that stands in the file."""
    path: Path = ()
    for part in loc:
        if (*path, part) in parsed.lines:
            path = (*path, part)
    return path


Files = Mapping[str, str]
"""Path inside the content (with `/`) to the text of the file."""
