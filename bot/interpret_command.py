"""`firstpoint interpret`: what the program makes of texts, for programs and for who checks it.

JSON Lines in, one line of JSON out for each line in, in order:

    {"text": "he keeps my passport", "lang": "en", "id": "a"}
    {"line": 1, "id": "a", "lang": "en", "lang_confidence": 0.99, "intent": "tell",
     "confidence": 0.93, "urgency": "elevated", "check_safety": false, "exits": [], "asks": [],
     "indicators": [{"code": "DOCS_HELD", "confidence": 0.91}], "age": "unknown",
     "source": "rasa"}

- `lang` in, which may be left out, is the language that the person chose: another one is only
  reported when that is sure. `lang` out is a BCP 47 tag (`sr-Latn`, `sr-Cyrl`), `und` when unsure.
- `intent` is null where nothing could tell; it says what the whole text is about.
- `urgency` is `immediate` for danger or self-harm now, `elevated` for exploitation, a child, and
  danger or self-harm that is not now. `check_safety` asks for the gentle question.
- `exits` are of danger, self_harm, stop, erase, person, language, back; leaving is `stop`.
- `asks` are of rights, reflection_period, hotline, privacy, police, who, cost, return, asylum.
- `source` says who heard it: `rules` (lexicons and the models inside the process), `rasa`, `both`.

While set-up still prepares the interpreter, this waits for it. Without one, and with
`--rules-only`, everything is done by rules.

A line that cannot be used is answered in its place by `{"line", "error"}`, with `id` when that
could be read, and makes the exit code 2. Only JSON is printed, in ASCII.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TextIO

from bot.adapters.interpreter_client import InterpreterClient
from bot.adapters.interpreter_process import (
    INTERPRETER_PYTHON,
    UNDER_WAY,
    InterpreterProcess,
    interpreter_model,
    preparation,
)
from bot.content.exits import ExitRules
from bot.dialogue.reading import Interpreter, Listener, Reading
from bot.dialogue.stopping import stopped_within
from bot.engine.received import Action
from bot.json_lines import BadLineError, JsonObject, answer_lines
from bot.settings import ROOT
from nlu import thresholds
from nlu.ears import local_ears
from nlu.fingerprint import of_interpreter
from nlu.language import LANGUAGES, NOT_SURE, Guess

DEADLINE_SECONDS = 10.0
"""Nobody in danger waits here: better a late answer than one without the interpreter."""

REPORTED_EXITS = {
    Action.DANGER: "danger",
    Action.SELF_HARM: "self_harm",
    Action.STOP: "stop",
    Action.LEAVE: "stop",
    Action.ERASE: "erase",
    Action.ERASE_NOW: "erase",
    Action.HUMAN: "person",
    Action.LANGUAGE: "language",
    Action.BACK: "back",
}
REPORTED_ASKS = (
    "rights",
    "reflection_period",
    "hotline",
    "privacy",
    "police",
    "who",
    "cost",
    "return",
    "asylum",
)
_EXIT_INTENTS = {**REPORTED_EXITS, Action.LEAVE: "leave", Action.HOTLINE: "ask_hotline"}
_LOOK_EVERY_SECONDS = 1.0
_KEYS = frozenset({"text", "lang", "id"})


def interpret_lines(
    lines: Iterable[str | bytes], out: TextIO, *, rules: ExitRules, rules_only: bool
) -> int:
    """Answer each of `lines` on `out` as soon as it is read, never raising for what it says.

    Returns:
        The exit code: 2 when any line could not be used, else 0.
    """
    with asyncio.Runner() as runner:
        running = _interpreter(rules_only=rules_only)
        listener = Listener(local_ears(), runner.run(running.__aenter__()))
        try:

            def answer(entry: JsonObject) -> dict[str, object]:
                text, chosen = _asked(entry)
                reading = runner.run(listener.read(text, rules.heard(text)))
                return shown(reading, chosen)

            return answer_lines(lines, out, answer, "`text`")
        finally:
            runner.run(running.__aexit__(None, None, None))


@asynccontextmanager
async def _interpreter(*, rules_only: bool) -> AsyncGenerator[Interpreter | None]:
    """The interpreter, once it answers; None where there is none."""
    model = interpreter_model(of_interpreter())
    if not rules_only:
        await _prepared()
    if rules_only or not model.is_file() or not INTERPRETER_PYTHON.is_file():
        yield None
        return
    process = InterpreterProcess(python=INTERPRETER_PYTHON, model=model, root=ROOT)
    client = InterpreterClient(
        process.address, process.token, time.monotonic, deadline=DEADLINE_SECONDS
    )
    stop = asyncio.Event()
    serving = asyncio.ensure_future(process.serve(stop))
    try:
        await process.ready.wait()
        yield client
    finally:
        stop.set()
        await serving
        await client.close()


async def _prepared() -> None:
    """Wait while set-up prepares the interpreter: another process, which only leaves files."""
    never = asyncio.Event()
    while preparation()[0] in UNDER_WAY:
        await stopped_within(never, _LOOK_EVERY_SECONDS)


def _asked(entry: JsonObject) -> tuple[str, str | None]:
    for key in entry:
        if key not in _KEYS:
            raise BadLineError("There is another key than text, lang and id.")
    text, chosen = entry.get("text"), entry.get("lang")
    if not isinstance(text, str):
        raise BadLineError("`text` must be there and be a text.")
    if chosen is not None and not isinstance(chosen, str):
        raise BadLineError("`lang` must be a language tag such as ro.")
    return text, chosen


def shown(reading: Reading, chosen: str | None) -> dict[str, object]:
    """A reading as it is reported."""
    language = _language(reading.language, chosen)
    intent, confidence = _intent(reading)
    return {
        "lang": language.language,
        "lang_confidence": round(language.confidence, 3),
        "intent": intent,
        "confidence": round(confidence, 3),
        "urgency": reading.urgency.value,
        "check_safety": reading.check_safety,
        "exits": list(dict.fromkeys(_reported(reading.exits))),
        "asks": [ask for ask in reading.asks if ask in REPORTED_ASKS],
        "indicators": [
            {"code": code, "confidence": round(chance, 3)}
            for code, chance in reading.signs.items()
        ],
        "age": "child" if reading.child else "unknown",
        "source": _source(reading),
    }


def _reported(exits: Sequence[Action]) -> Iterable[str]:
    return (REPORTED_EXITS[action] for action in exits if action in REPORTED_EXITS)


def _language(guess: Guess, chosen: str | None) -> Guess:
    """The person's choice first: only what is sure speaks against it."""
    if chosen is None or chosen.partition("-")[0] not in LANGUAGES:
        return guess
    same = guess.tag == chosen.partition("-")[0]
    if same or guess.confidence >= thresholds.SWITCH:
        return guess
    if guess.language == NOT_SURE and guess.confidence == 0.0:
        return guess  # no letters: in no language
    return Guess(chosen, 1.0 - guess.confidence)


def _intent(reading: Reading) -> tuple[str | None, float]:
    first = reading.exits[0] if reading.exits else None
    if first in (Action.DANGER, Action.SELF_HARM) or (first and not reading.intents):
        return _EXIT_INTENTS.get(first, first.value), 1.0
    if reading.intents:
        best = max(reading.intents, key=lambda name: reading.intents[name])
        return best, reading.intents[best]
    return (f"ask_{reading.asks[0]}", 1.0) if reading.asks else (None, 0.0)


def _source(reading: Reading) -> str:
    if not reading.by_interpreter:
        return "rules"
    return "both" if reading.by_rules else "rasa"
