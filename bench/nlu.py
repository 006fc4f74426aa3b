"""`make bench-nlu`: how well typed words are understood, on phrases that training never saw.

Prints a line per language and one for all. A message counts as noticed when the emergency card or
the safety question comes. Everything is measured through the same code as in the service: the
rules of the lexicons, the models inside the process, and the interpreter, where it is there.
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.interpreter_client import InterpreterClient
from bot.adapters.interpreter_process import (
    INTERPRETER_PYTHON,
    InterpreterProcess,
    interpreter_model,
)
from bot.content.exits import read_exits
from bot.dialogue.reading import EXITS as HEARD_EXITS
from bot.dialogue.reading import (
    Interpretation,
    Listener,
    Reading,
    TextUrgency,
    for_interpreter,
    with_interpretation,
)
from bot.settings import ROOT
from nlu.ears import local_ears
from nlu.fingerprint import of_interpreter
from nlu.normal import normal
from nlu.phrases import MIXED, TRANSLITERATED, Phrase, read_phrases
from nlu.tags import INDICATORS, intent_of

TEST = ROOT / "nlu" / "phrases" / "test"
TRAIN = ROOT / "nlu" / "phrases" / "train"
EXITS = {name: HEARD_EXITS[name] for name in ("person", "stop", "erase", "language", "back")}
_QUIET = ("harmless", "out_of_scope", "greet", "thanks", "short")


@dataclass(slots=True)
class Share:
    """How many of how many."""

    right: int = 0
    of: int = 0

    def count(self, right: bool) -> None:
        """One more."""
        self.of += 1
        self.right += right

    def __str__(self) -> str:
        return f"{self.right / self.of:.3f}" if self.of else "-"


@dataclass(slots=True)
class F1:
    """Found, wanted, and both."""

    both: int = 0
    found: int = 0
    wanted: int = 0

    def count(self, found: Iterable[str], wanted: Iterable[str]) -> None:
        """One more text."""
        found, wanted = set(found), set(wanted)
        self.both += len(found & wanted)
        self.found += len(found)
        self.wanted += len(wanted)

    def __str__(self) -> str:
        total = self.found + self.wanted
        return f"{2 * self.both / total:.3f}" if total else "-"


@dataclass(slots=True)
class Figures:
    """Everything that is measured, for one language or all."""

    shares: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    f1: dict[str, F1] = field(default_factory=lambda: defaultdict(F1))


def measure(  # noqa: PLR0912 - a table of figures
    figures: Figures, phrase: Phrase, reading: Reading, *, interpreted: bool
) -> None:
    """Count one phrase."""
    share = figures.shares
    section, labels = phrase.section, phrase.labels
    card = reading.urgency is TextUrgency.IMMEDIATE
    noticed = card or reading.check_safety
    for name in ("danger", "self_harm"):
        if section == name:
            share[f"{name} noticed"].count(noticed)
            share[f"{name} card"].count(card)
    if section == "harmless":
        share["harmless: card"].count(card)
        share["harmless: question"].count(reading.check_safety)
    elif section not in ("danger", "self_harm", "danger_not_now", "self_harm_not_now", "short"):
        share["other text: card"].count(card)
        share["other text: question"].count(reading.check_safety)
    for name, action in EXITS.items():
        if section == name:
            share[f"exit {name}"].count(action in reading.exits)
            share["exits"].count(action in reading.exits)
    if section in _QUIET:
        share["harmless: exit"].count(any(a in reading.exits for a in EXITS.values()))
    if section == "child" or (section == "tell" and "child" in labels):
        share["minors"].count(reading.child)
    elif section not in ("danger", "self_harm", "danger_not_now", "self_harm_not_now"):
        share["false minors"].count(reading.child)
    if section == "short":
        share["language, 1-3 words"].count(reading.language.tag == phrase.language)
    elif MIXED not in labels:
        kind = "language, other letters" if TRANSLITERATED in labels else "language, messages"
        share[kind].count(reading.language.tag == phrase.language)
    if not interpreted:
        return
    asks = {label.removeprefix("ask_") for label in labels if label.startswith("ask_")}
    if section.startswith("ask_"):
        share["asks"].count(section.removeprefix("ask_") in reading.asks)
    if section.startswith("ask_") or section in _QUIET or section == "tell":
        figures.f1["asks"].count(reading.asks, asks)
    if section == "tell":
        figures.f1["indicators"].count(reading.signs, labels & set(INDICATORS))
    if section in _QUIET:
        share["harmless: indicator"].count(bool(reading.signs))
    intent = intent_of(phrase)
    if intent is not None and reading.intents:
        best = max(reading.intents, key=lambda name: reading.intents[name])
        share["intents"].count(best == intent)


def unseen(test: Iterable[Phrase], train: Iterable[Phrase]) -> list[Phrase]:
    """The test phrases that no training phrase equals: "i want to die" came to several hands."""
    known = {normal(phrase.text) for phrase in train}
    return [phrase for phrase in test if normal(phrase.text) not in known]


def table(all_figures: dict[str, Figures]) -> str:
    """A table with a column per language."""
    names = list(all_figures)
    keys = sorted({key for figures in all_figures.values() for key in figures.shares})
    scores = sorted({key for figures in all_figures.values() for key in figures.f1})
    lines = [" " * 26 + "".join(f"{name:>7}" for name in names)]
    for key in keys:
        cells = (f"{figures.shares[key]!s:>7}" for figures in all_figures.values())
        lines.append(f"{key:<26}" + "".join(cells))
    for key in scores:
        cells = (f"{figures.f1[key]!s:>7}" for figures in all_figures.values())
        lines.append(f"{key + ' F1':<26}" + "".join(cells))
    return "\n".join(lines)


async def interpret_all(texts: Sequence[str]) -> tuple[list[Interpretation | None], list[float]]:
    """What the interpreter makes of each text, and the seconds each took."""
    model = interpreter_model(of_interpreter())
    if not model.is_file():
        return [], []
    process = InterpreterProcess(python=INTERPRETER_PYTHON, model=model, root=ROOT)
    client = InterpreterClient(process.address, process.token, time.monotonic, deadline=5.0)
    stop = asyncio.Event()
    found: list[Interpretation | None] = []
    seconds: list[float] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(process.serve(stop))
        await process.ready.wait()
        for text in texts:
            began = time.perf_counter()
            found.append(await client.interpret(for_interpreter(text) or "-"))
            seconds.append(time.perf_counter() - began)
        print(f"memory of the interpreter: {memory_of(process)} MB")
        await client.close()
        stop.set()
    return found, seconds


def memory_of(process: InterpreterProcess) -> str:
    """Resident memory in MB, by its model file's name in the list of processes."""
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(process.model).encode() in status.read_bytes():
                for line in (status.parent / "status").read_text().splitlines():
                    if line.startswith("VmRSS"):
                        return str(int(line.split()[1]) // 1024)
        except OSError:
            continue
    return "?"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules-only", action="store_true")
    parser.add_argument("--folder", type=Path, default=TEST)
    parser.add_argument("--wrong", help="print the texts that this figure counts as not right")
    given = parser.parse_args(arguments)
    rules = read_exits(ROOT)
    phrases = unseen(read_phrases(given.folder), read_phrases(TRAIN))
    listener = Listener(local_ears())
    listener.ears.language("warm")
    readings: list[Reading] = []
    seconds: list[float] = []
    rule_seconds: list[float] = []
    for phrase in phrases:
        began = time.perf_counter()
        found = rules.heard(phrase.text)
        rule_seconds.append(time.perf_counter() - began)
        readings.append(listener.hear(phrase.text, found))
        seconds.append(time.perf_counter() - began)
    more: list[Interpretation | None] = []
    if not given.rules_only:
        more, took = asyncio.run(interpret_all([phrase.text for phrase in phrases]))
        if took:
            print(f"interpreter: {_times(took)}; none came for {more.count(None)} texts")
        else:
            print("The interpreter is not trained: only rules and models are measured.")
    everything: dict[str, Figures] = defaultdict(Figures)
    for place, (phrase, reading) in enumerate(zip(phrases, readings, strict=True)):
        answer = more[place] if more else None
        full = with_interpretation(reading, answer) if answer else reading
        for name in ("all", phrase.language):
            before = _wrong(everything[name], given.wrong)
            measure(everything[name], phrase, full, interpreted=answer is not None)
            if name == "all" and given.wrong and _wrong(everything[name], given.wrong) > before:
                print(phrase.language, phrase.section, "|", phrase.text)
    print(table(dict(everything)))
    print(f"{len(phrases)} texts; lexicons: {_times(rule_seconds)}; in process: {_times(seconds)}")
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def _wrong(figures: Figures, key: str | None) -> int:
    share = figures.shares[key] if key in figures.shares else Share()
    return (
        share.right if key and (": " in key or key.startswith("false")) else share.of - share.right
    )


def _times(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    last = ordered[int(len(ordered) * 0.99)]
    return f"median {statistics.median(ordered) * 1000:.2f} ms, p99 {last * 1000:.2f} ms"


if __name__ == "__main__":
    main()
