"""A small content without problems, and ways to spoil it.

Everything that the program needs is in it, and nothing else, so that a test can change one line
and know what has to be found.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from textwrap import dedent

import polib

from bot.content.catalogues import po_name
from bot.content.checks import check_files
from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.content.checks.channel_texts import CHANNEL_TEXTS
from bot.content.checks.first_help import needed_in
from bot.content.problems import Problem
from bot.content.release import Release, load
from bot.content.texts import SourceText
from bot.domain.text import Language
from bot.engine.received import PRECEDENCE
from bot.engine.texts import ENGINE_TEXTS, OFFERED_TEXTS, REFERRAL_TEXTS

TODAY = date(2026, 11, 22)

CODE_WORDS = tuple(f"w{one}{two}" for one in "abcdefgh" for two in "ijklmnop")
"""Words to agree on."""

FLOWS = {
    "welcome": """
        hello:
          say: Hello. You can leave at any time.
          next: home
        """,
    "home": """
        menu:
          ask: What would you like to do?
          choices:
            rights: {label: My rights, open: rights}
            hotlines: {label: All hotlines, open: hotlines}
            time: {label: Time to rest, open: reflection_period}
            questions: {label: Some questions, open: signs}
            human: {label: A person, open: human}
            erase: {label: Forget all, open: erase}
        """,
    "rights": """
        help:
          say: You may have a right to help.
          class: legal
        menu:
          ask: What would you like to read next?
          choices:
            again: {label: Read it again, next: help}
            back: {label: Go back, next: end}
        """,
    "reflection_period": """
        what:
          say: You may get time to rest.
          class: legal
          show: [reflection_period]
        """,
    "hotlines": """
        where:
          visit: country
          only_if: {country: [unset]}
        numbers:
          say: These are the numbers I have.
          class: emergency
          show: [emergency, hotlines]
        """,
    "country": """
        which:
          ask: Which country are you in now?
          why: Numbers are different in each country.
          remember: country
          choices: countries
        """,
    "human": """
        consent:
          say: A person from {organisation} can answer you.
          ask: May I show your answers?
          class: consent
          choices:
            show: {label: "Yes, show them", next: shown}
            fresh: {label: "No, start fresh", next: fresh}
            not_now: {label: Not now, next: end}
        shown:
          do: enter_queue_with_answers
          next: end
        fresh:
          do: enter_queue_fresh
        """,
    "leave": """
        before:
          ask: Do you want to leave now?
          choices:
            close: {label: Leave, next: close}
            stay: {label: Stay here, next: end}
        close:
          do: end_view
        """,
    "erase": """
        sure:
          ask: Erase everything?
          class: safety
          choices:
            erase_now: {label: Erase now, next: erase_now}
            keep: {label: Keep, next: kept}
        erase_now:
          do: erase
        kept:
          say: Nothing was erased.
        """,
    "language": """
        which:
          ask: Which language do you want?
          why: You understand best in your own language.
          choices: languages
        """,
    "change_answer": """
        which:
          say: You can change any answer.
          ask: Which answer do you want to change?
          choices: answered
        again:
          next:
            - {if: {outcome: [unset]}, go: end}
            - {go: look_again}
        look_again:
          do: assess
          next: outcome
        """,
    "came_back": """
        what_now:
          ask: What would you like?
          choices:
            go_on: {label: Go on from there, next: end}
            start: {label: To the start, next: home}
        """,
    "check_safety": """
        ask:
          ask: Are you in danger now?
          class: emergency
          choices:
            "yes": {label: "Yes", next: danger}
            "no": {label: "No", next: end}
            human: {label: A person, next: human}
        """,
    "language_offer": """
        which:
          ask: Do you want this language?
          choices: offered_language
        """,
    "danger": """
        card:
          say: Your safety comes first.
          class: emergency
          show: [emergency]
        offer:
          ask: Do you want a person now?
          choices:
            human: {label: A person now, next: ask_person}
            back: {label: Go back, next: end}
        ask_person:
          do: enter_queue_now
        """,
    "self_harm": """
        heard:
          say: Thank you for telling me.
          class: safety
          show: [crisis_line, emergency]
        """,
    "consent": """
        what:
          say: They want to write to {receiver} for you.
          ask: Do you agree?
          class: consent
          choices:
            agree: {label: I agree, next: agree}
            refuse: {label: I do not, next: refuse}
        agree:
          do: consent_give
          next: end
        refuse:
          do: consent_refuse
        """,
    "agreed": """
        all:
          say: This is what you agreed to.
          do: receipts
        """,
    "outcome": """
        none:
          say: I do not see the signs I know. I can be wrong.
          only_if: {outcome: [information]}
        reasons:
          do: reasons
          only_if: {not_outcome: [information]}
        everybody:
          say: This is true whatever you answered.
          show: [emergency]
        menu:
          ask: What would you like to do now?
          choices:
            human: {label: A person, open: human}
            hotlines: {label: All hotlines, open: hotlines}
            rights: {label: My rights, open: rights}
            time: {label: Time to rest, open: reflection_period}
            erase: {label: Forget all, open: erase}
            more: {label: More questions, next: signs}
            change: {label: Another answer, next: change_answer}
            start: {label: To the start, next: home}
        """,
    "signs": """
        ready:
          next:
            - {if: {level: [first_help]}, go: not_ready}
            - {go: age}
        not_ready:
          ask: These questions are not ready here. Go on?
          choices:
            language: {label: Another language, open: language}
            back: {label: Go back, next: end}
        age:
          ask: How old are you?
          why: Children have special rights.
          remember: age
          choices:
            child: Under 18
            adult: 18 or older
            not_sure: I am not sure
        topics:
          ask: What is it about?
          why: Then I can leave out questions that do not fit.
          remember: topics
          pick: many
          choices:
            work: Work
            begging: Asking people for money
        papers:
          ask: Does someone else keep your passport?
          why: Some people keep papers to stop others.
          sign: DOCS_HELD
        rest:
          ask: Can you rest when you are ill?
          why: Everybody needs rest.
          sign: HOURS
          reversed: true
        stop:
          ask: What would happen if you stopped?
          why: It shows if you are free to stop.
          only_if: {not_topics: [begging]}
          choices:
            nothing: Nothing bad
            papers: {label: They keep my papers, sign: [DOCS_HELD]}
        depend:
          ask: Which of these depend on them?
          why: It is hard to leave when much depends on someone.
          pick: many
          sign_count: DEPENDENT
          choices: {papers: My papers, home: My home}
        look:
          do: assess
        result:
          visit: outcome
          next: end
        """,
}
SIGN_FLOW = "signs"

INDICATORS = """\
schema: 1
rule_version: "2026.1"
child_purpose_topics: [begging]
sources: {one: {title: A list, date: "2009", seen: by us}}
indicators:
  DOCS_HELD: {meaning: Papers are kept., elements: [means], weights: {D5: {adult: strong, child: strong}}, source: one}
  HOURS: {meaning: No rest., elements: [purpose], weights: {D4: {adult: strong, child: strong}}, source: one}
  DEPENDENT: {meaning: Things depend on them., elements: [means], weights: {D6: {adult: medium, child: medium}}, source: one}
"""  # noqa: E501 - a table is read by columns

COUNTRY = """\
schema: 1
country: MD
name: Moldova
sources:
  notes: {publisher: Notes, date: 2026-11}
emergency: {source: notes, read: 2026-11, status: draft, general: "112"}
hotlines:
  line:
    source: notes
    read: 2026-11
    status: draft
    name: A line
    organisation: People
    answers: ngo
    phone: 0 800 77777
    hours: Every day from morning to evening.
"""
FALLBACK = """\
schema: 1
fallback: general
sources: {notes: {publisher: Notes, date: 2026-11}}
help: {source: notes, read: 2026-11, status: draft, say: Help should come only if you agree.}
"""
LANGUAGE = """\
schema: 1
language: {language}
name: {name}
direction: {direction}
level: {level}
status: draft
reviews: []
"""


def flow_file(name: str, nodes: str) -> str:
    """A flow as its file would read."""
    head = f"schema: 1\nflow: {name}\nabout: For a test.\n"
    limit = "most_questions: 15\nthen: look\n" if name == SIGN_FLOW else ""
    body = "\n".join(f"  {line}".rstrip() for line in dedent(nodes).strip().splitlines())
    return f"{head}{limit}nodes:\n{body}\n"


def texts_file(name: str, items: Mapping[str, str]) -> str:
    """A file of sentences."""
    lines = "".join(f'  "{item}": "{words}"\n' for item, words in items.items())
    return f"schema: 1\ntexts: {name}\nabout: For a test.\nitems:\n{lines}"


def _words_for(name: str, placeholders: Iterable[str] = ()) -> str:
    return " ".join((f"Words for {name}", *(f"{{{one}}}" for one in sorted(placeholders))))


def language_file(language: str, name: str, direction: str, level: str) -> str:
    return LANGUAGE.format(language=language, name=name, direction=direction, level=level)


def exits_file(language: str) -> str:
    entries = "".join(
        f"  {action.value}: {{whole: [{language}{action.value.replace('_', '')}]}}\n"
        for action in PRECEDENCE
    )
    return f"schema: 1\nlanguage: {language}\nexits:\n{entries}"


@cache
def _english() -> Mapping[str, str]:
    return {
        **{f"flows/{name}.yaml": flow_file(name, nodes) for name, nodes in FLOWS.items()},
        "flows/interface.yaml": texts_file(
            "interface",
            {name: _words_for(name) for name in (*ENGINE_TEXTS, *OFFERED_TEXTS, *CHANNEL_TEXTS)}
            | {"answered": "{question} {answer}"},
        ),
        "flows/facts.yaml": texts_file(
            "facts", {name: _words_for(name, used) for name, used in BLOCK_TEXTS.items()}
        ),
        "flows/code_words.yaml": texts_file("code_words", {word: word for word in CODE_WORDS}),
        "flows/reasons.yaml": texts_file(
            "reasons",
            {code: f"You said: {code.lower()}." for code in ("DOCS_HELD", "HOURS", "DEPENDENT")},
        ),
        "flows/referral.yaml": texts_file(
            "referral", {name: _words_for(name) for name in REFERRAL_TEXTS}
        ),
        "flows/indicators.yaml": INDICATORS,
        "flows/countries/MD.yaml": COUNTRY,
        "flows/fallback.yaml": FALLBACK,
        "locales/en/language.yaml": language_file("en", "English", "ltr", "full"),
        "nlu/exits/en.yaml": exits_file("en"),
    }


def english() -> dict[str, str]:
    """Good content in English only."""
    return dict(_english())


def spoiled(
    file: str, old: str, new: str, files: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Content in which `old` in `file`, found exactly once, is `new`."""
    found = dict(english() if files is None else files)
    assert found[file].count(old) == 1, f"{file} has {found[file].count(old)} times {old!r}"
    found[file] = found[file].replace(old, new)
    return found


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """The files as files below `folder`."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def in_three_languages(files: Mapping[str, str] | None = None) -> dict[str, str]:
    """Good content in English, Romanian (full) and Arabic (first help)."""
    return dict(_three_languages() if files is None else _translated(files))


@cache
def _three_languages() -> Mapping[str, str]:
    return _translated(_english())


def _translated(files: Mapping[str, str]) -> dict[str, str]:
    found = {
        **files,
        "locales/ro/language.yaml": language_file("ro", "Română", "ltr", "full"),
        "locales/ar/language.yaml": language_file("ar", "العربية", "rtl", "first_help"),
        "nlu/exits/ro.yaml": exits_file("ro"),
        "nlu/exits/ar.yaml": exits_file("ar"),
    }
    release = released(found)
    for language, before in (("ro", "Așa:"), ("ar", "نص:")):
        needed = needed_in(release, Language(language))
        sources = [
            source
            for key, source in release.sources.items()
            if key in needed or key.startswith("code_words.")
        ]
        found |= _po_files(language, before, sources)
    return found


def _po_files(language: str, before: str, sources: Iterable[SourceText]) -> dict[str, str]:
    made: dict[str, polib.POFile] = {}
    for source in sources:
        file = made.setdefault(f"locales/{language}/{po_name(source)}.po", polib.POFile())
        word = source.key.startswith("code_words.")
        entry = polib.POEntry(
            msgctxt=source.context,
            msgid=source.words,
            msgstr=f"{before[:-1]}{source.words}" if word else f"{before} {source.words}",
            comment=source.key,
        )
        if entry not in file:
            file.append(entry)
    return {name: str(file) for name, file in made.items()}


def released(files: Mapping[str, str]) -> Release:
    """The release that `files` make."""
    loaded = load(files)
    assert loaded.release is not None, loaded.problems
    return loaded.release


def problems_in(
    files: Mapping[str, str], *, production: bool = False, today: date = TODAY
) -> tuple[Problem, ...]:
    """Everything that is found in `files`."""
    return check_files(files, today=today, production=production).problems


def codes_in(files: Mapping[str, str]) -> set[str]:
    """What kinds of problems are found in `files`."""
    return {problem.code for problem in problems_in(files)}
