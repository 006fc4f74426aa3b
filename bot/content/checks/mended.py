"""Makes a release of files of which some cannot be read, so that the rest is checked as well."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.content.flow_file import NodeFile, read_flow, targets
from bot.content.problems import Problem
from bot.content.release import Release, load
from bot.content.yaml_file import Files
from bot.engine.graph import END

_STAND_IN = """\
schema: 1
flow: {name}
about: Stands in for a flow that cannot be read.
nodes:
  stand_in:
    ask: "?"
    choices: {{back: {{label: "?", next: end}}}}
"""
"""It waits, so that no round through it looks endless."""

UNKNOWN = "node:unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What can be read of content that has mistakes."""

    problems: tuple[Problem, ...]
    """Of loading; without those that are only there because something else cannot be read."""

    release: Release | None
    """Of everything that can be read; None when that is too little."""

    files: Files
    stand_ins: frozenset[str]
    """Files that are not the author's."""


def mended(files: Files, problems: Iterable[Problem]) -> Mended:
    """What can be read of `files`, in which loading has found `problems`."""
    own = [problem for problem in problems if problem.code != UNKNOWN]
    broken = {problem.file for problem in own}
    readable = {file: text for file, text in files.items() if file not in broken}
    readable |= _stand_ins(PurePosixPath(file).stem for file in broken if _is_flow(file))
    # Only now it shows which names are unknown even though every flow is there.
    unknown = [problem for problem in load(readable).problems if problem.code == UNKNOWN]
    # `then` has to name a node, so a flow in which it does not cannot be walked at all.
    lost = {problem.file for problem in unknown if _then_is_lost(readable[problem.file])}
    stand_ins = _stand_ins(PurePosixPath(file).stem for file in (broken & _flows(files)) | lost)
    stand_ins |= _stand_ins(_unknown_flows({**readable, **stand_ins}))
    walkable = {**readable, **stand_ins}
    return Mended(
        problems=tuple(sorted((*own, *unknown))),
        release=load(walkable).release,
        files={**files, **stand_ins},
        stand_ins=frozenset(stand_ins),
    )


def _stand_ins(names: Iterable[str]) -> dict[str, str]:
    return {f"flows/{name}.yaml": _STAND_IN.format(name=name) for name in names}


def _flows(files: Files) -> set[str]:
    return set(filter(_is_flow, files))


def _is_flow(file: str) -> bool:
    path = PurePosixPath(file)
    return path.parent.as_posix() == "flows" and path.suffix == ".yaml"


def _then_is_lost(text: str) -> bool:
    read, _ = read_flow(text, "")
    return read is not None and read.written.then not in {None, *read.written.nodes}


def _unknown_flows(files: Files) -> set[str]:
    """Names that nodes lead to and that nothing has."""
    reads = [read_flow(text, file)[0] for file, text in files.items() if _is_flow(file)]
    written = [read.written for read in reads if read is not None]
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
