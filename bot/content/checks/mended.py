"""Makes a release of files of which some cannot be read, so that the rest is checked as well.

What cannot be read is cut out: a node, a sentence, or else the whole file. In its place stands,
where something is needed, a stand-in.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import PurePosixPath
from types import MappingProxyType

from bot.content.flow_file import NodeFile, ReadFlow, read_flow, targets
from bot.content.problems import Problem
from bot.content.release import Release, load, looks_like_texts
from bot.content.texts import read_texts
from bot.content.yaml_file import Files, Path, YamlFile, parse_yaml
from bot.domain.text import Language
from bot.engine.graph import END

_NODE = '{name}: {{ask: "?", choices: {{back: {{label: "?", next: end}}}}}}'
"""It waits, so that no round through it looks endless."""

_FLOW = f"""\
schema: 1
flow: {{flow}}
about: Stands in for a flow that cannot be read.
nodes:
  {_NODE}
"""
_INDICATORS = """\
schema: 1
rule_version: "0000.0"
child_purpose_topics: []
sources: {none: {title: None, date: "2000", seen: not at all}}
indicators:
  NONE: {meaning: None., elements: [act], source: none}
"""
_FALLBACK = """\
schema: 1
fallback: general
sources: {none: {publisher: None, date: 2000-01}}
help: {source: none, read: 2000-01, status: draft, say: None.}
"""
_LANGUAGE = """\
schema: 1
language: {language}
name: {language}
direction: ltr
level: {level}
status: draft
"""
UNKNOWN = "node:unknown"


class Part(Enum):
    """A part of the content. A check that needs all of it would else find what is no mistake."""

    FLOWS = auto()
    TEXTS = auto()
    COUNTRIES = auto()
    INDICATORS = auto()
    LANGUAGES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What can be read of content that has mistakes."""

    problems: tuple[Problem, ...]
    """Of loading; without those that are only there because something else cannot be read."""

    release: Release | None
    """Of everything that can be read; None when that is too little."""

    files: Files
    lost: frozenset[Part]
    """Parts of which something could not be read."""

    whole: bool
    """Whether every file could be read."""

    _stand_ins: frozenset[str]
    _cut: Container[tuple[str, int]]

    def concerns(self, problem: Problem) -> bool:
        """Whether it is about what the author wrote, not about a stand-in."""
        return (
            problem.file not in self._stand_ins and (problem.file, problem.line) not in self._cut
        )


@dataclass(slots=True)
class _Mending:
    """Files while what cannot be read is taken out of them."""

    readable: dict[str, str]
    stand_ins: dict[str, str] = field(default_factory=dict[str, str])
    cut: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    lost: set[Part] = field(default_factory=set[Part])

    @property
    def files(self) -> Files:
        return {**self.readable, **self.stand_ins}

    def cut_out(self, file: str, lines: Iterable[int]) -> None:
        """Do without what stands in these lines of `file`, or without all of it."""
        text = self.readable.pop(file, "")
        part = _part(file, text)
        self.lost.update({part} if part is not None else ())
        if part in {Part.FLOWS, Part.TEXTS}:
            shorter, cut = _without(text, parse_yaml(text, file), lines)
            if _can_be_read(shorter, file):
                self.readable[file] = shorter
                self.cut.update((file, line) for line in cut)
                return
        self.stand_ins |= _stand_in(file)


def mended(files: Files, problems: Iterable[Problem]) -> Mended:
    """What can be read of `files`, in which loading has found `problems`."""
    own = [problem for problem in problems if problem.code != UNKNOWN]
    mending = _Mending(dict(files))
    for file, lines in _lines(own).items():
        mending.cut_out(file, lines)
    # Only now it shows which names are unknown even though every flow is there.
    unknown = [problem for problem in load(mending.files).problems if problem.code == UNKNOWN]
    for file, line in _unknown_thens(mending.readable):
        mending.cut_out(file, (line,))
    for name in _unknown_flows(mending.files):
        mending.stand_ins |= _stand_in(f"flows/{name}.yaml")
    release = load(mending.files).release
    return Mended(
        problems=tuple(sorted((*own, *unknown))),
        release=_without_stand_ins(release, mending) if release is not None else None,
        files={**files, **mending.stand_ins},
        lost=frozenset(mending.lost),
        whole=not own and not mending.lost,
        _stand_ins=frozenset({*mending.stand_ins, *(files.keys() - mending.files.keys())}),
        _cut=mending.cut,
    )


def _lines(problems: Iterable[Problem]) -> Mapping[str, set[int]]:
    found: dict[str, set[int]] = {}
    for problem in problems:
        found.setdefault(problem.file, set()).add(problem.line)
    return found


def _without_stand_ins(release: Release, mending: _Mending) -> Release:
    """`release` without the sentences of stand-ins, which nobody has to translate."""
    own = {
        key: source
        for key, source in release.sources.items()
        if source.file not in mending.stand_ins and (source.file, source.line) not in mending.cut
    }
    return replace(release, sources=MappingProxyType(own))


# --- What is left of a file ---------------------------------------------------------------------


def _without(text: str, parsed: YamlFile, lines: Iterable[int]) -> tuple[str, list[int]]:
    """`text` without the entries in which these lines stand, and all lines of these entries.

    Every other line keeps its number. For a node there is a stand-in.
    """
    entries = sorted(
        (line, path)
        for path, line in parsed.lines.items()
        if path and (path[1:] == () or (path[0] in {"nodes", "items"} and path[2:] == ()))
    )
    written = text.split("\n")
    cut: list[int] = []
    end = len(written) + 1
    for start, path in reversed(entries):
        if any(start <= line < end for line in lines):
            first = _stand_in_line(written[start - 1], path)
            written[start - 1 : end - 1] = [first, *[""] * (end - start - 1)]
            cut += range(start, end)
        end = start
    return "\n".join(written), cut


def _stand_in_line(line: str, path: Path) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    match path:
        case ("nodes", name):
            return indent + _NODE.format(name=name)
        case _:
            return ""


def _can_be_read(text: str, file: str) -> bool:
    """Whether it is a flow, or a file of sentences, without mistakes of its own."""
    stem = PurePosixPath(file).stem
    read, parsed = read_flow(text, file)
    if read is not None:
        return read.written.flow == stem
    name, _, parsed = read_texts(text, file)
    return name == stem and not parsed.problems


def _stand_in(file: str) -> dict[str, str]:
    """What is read instead of `file`; nothing where the rest is whole without it."""
    match PurePosixPath(file).parts:
        case ("flows", "indicators.yaml"):
            return {file: _INDICATORS}
        case ("flows", "fallback.yaml"):
            return {file: _FALLBACK}
        case ("flows", name):
            return {file: _FLOW.format(flow=name.removesuffix(".yaml"), name="stand_in")}
        case ("locales", language, "language.yaml"):
            # At the lower level, so that nothing is missed that is perhaps not needed.
            level = "full" if language == "en" else "first_help"
            return {file: _LANGUAGE.format(language=Language(language), level=level)}
        case _:
            return {}


def _part(file: str, text: str) -> Part | None:
    """The part of the content to which a file belongs that cannot be read."""
    match PurePosixPath(file).parts:
        case ("flows", "indicators.yaml"):
            return Part.INDICATORS
        case ("flows", "fallback.yaml") | ("flows", "countries", _):
            return Part.COUNTRIES
        case ("flows", _):
            return Part.TEXTS if looks_like_texts(text) else Part.FLOWS
        case ("locales", _, "language.yaml"):
            return Part.LANGUAGES
        case _:
            return None


# --- Names that lead nowhere --------------------------------------------------------------------


def _flows(files: Files) -> Iterator[ReadFlow]:
    for file, text in files.items():
        if _part(file, text) is Part.FLOWS:
            read, _ = read_flow(text, file)
            if read is not None:
                yield read


def _unknown_thens(files: Files) -> list[tuple[str, int]]:
    """Where `then` names no node. Such a flow cannot be walked at all."""
    return [
        (read.source.file, read.source.line(("then",)))
        for read in _flows(files)
        if read.written.then not in {None, *read.written.nodes}
    ]


def _unknown_flows(files: Files) -> set[str]:
    """Names that nodes lead to and that nothing has."""
    written = [read.written for read in _flows(files)]
    flows = {END, *(flow.flow for flow in written)}
    return {
        name
        for flow in written
        for node in flow.nodes.values()
        for name in _led_to(node, flow.nodes)
        if name not in flows
    }


def _led_to(node: NodeFile, nodes: Container[str]) -> Iterator[str]:
    for name, path in targets(node):
        inside = path[0] != "visit" and path[-1] != "open" and name in nodes
        if not inside:
            yield name
