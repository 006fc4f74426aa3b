"""What typed words mean at the question they stand under."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.content.release import load, read_files
from bot.content.shelf import PublishedContent, published
from bot.dialogue.reading import Reading
from bot.dialogue.understand import ANSWERS, ONLY_BY_BUTTON, other_language, understand
from bot.domain.conversation import Conversation, Place, Prompt, Spot, new_conversation
from bot.domain.facts import Mode
from bot.domain.messages import ChoiceId, Pick
from bot.domain.text import Language
from bot.engine.received import Action, Pressed, Typed
from nlu.language import Guess

ROOT = Path(__file__).parents[3]
EN, RO = Language("en"), Language("ro")


@pytest.fixture(scope="module")
def content() -> PublishedContent:
    release = load(read_files(ROOT)).release
    assert release is not None
    return published(release, Mode.DEMONSTRATION, lambda: date(2026, 11, 22), {})


def at(flow: str, node: str, *choices: str, language: Language = EN) -> Conversation:
    """A conversation in which that question waits."""
    fresh = new_conversation(release=0, language=language, nonce="n", facts={})
    prompt = Prompt(
        number=1,
        spot=Spot(Place(flow, node)),
        choices=tuple(map(ChoiceId, choices)),
        pick=Pick.ONE,
    )
    return replace(fresh, prompt=prompt, asked=1)


SIGN = ("yes", "sometimes", "no", "dont_know", "skip")


def understood(
    content: PublishedContent, conversation: Conversation, words: str = "…", **reading: object
) -> Typed:
    found = understand(
        content,
        conversation,
        Typed(words=words),
        Reading(language=Guess("en", 1.0), **reading),  # type: ignore[arg-type]
    )
    assert isinstance(found, Typed)
    return found


@pytest.mark.parametrize(
    ("intent", "choice"),
    [
        ("affirm", "yes"),
        ("deny", "no"),
        ("sometimes", "sometimes"),
        ("unsure", "dont_know"),
        ("skip", "skip"),
    ],
)
def test_a_reply_belongs_to_the_question_it_follows(
    content: PublishedContent, intent: str, choice: str
) -> None:
    question = at("self_identification", "papers", *SIGN)
    found = understood(content, question, intents={intent: 0.9, "tell": 0.1})
    assert found.meant == (choice,)


def test_a_reply_that_is_not_sure_means_nothing(content: PublishedContent) -> None:
    question = at("self_identification", "papers", *SIGN)
    assert understood(content, question, intents={"affirm": 0.2, "tell": 0.1}).meant == ()
    split = {"affirm": 0.4, "deny": 0.41}
    assert understood(content, question, intents={**split, "tell": 0.45}).meant == ()


def test_only_what_the_question_admits_is_looked_at(content: PublishedContent) -> None:
    question = at("told", "docs_held", "yes", "no", "dont_know", "skip")
    found = understood(content, question, intents={"sometimes": 0.45, "affirm": 0.4, "deny": 0.05})
    assert found.meant == ("yes",)


def test_a_plain_yes_needs_no_interpreter(content: PublishedContent) -> None:
    question = at("self_identification", "may_i", "go_on", "not_now")
    assert understood(content, question, "yes!").meant == ("go_on",)


def test_a_yes_means_the_choice_that_begins_with_it(content: PublishedContent) -> None:
    question = at("self_identification", "may_i", "go_on", "not_now")
    assert understood(content, question, intents={"affirm": 0.9}).meant == ("go_on",)


def test_no_typed_yes_erases_or_agrees(content: PublishedContent) -> None:
    for flow in sorted(ONLY_BY_BUTTON & content.graph.flows.keys()):
        for name, node in content.graph.flows[flow].nodes.items():
            if node.asks is None:
                continue
            choices = [option.id for option in node.asks.options]
            question = at(flow, name, *choices)
            assert understood(content, question, intents={"affirm": 1.0}).meant == ()


def test_what_do_you_mean_is_explained(content: PublishedContent) -> None:
    question = at("self_identification", "papers", *SIGN)
    assert understood(content, question, intents={"explain": 0.9}).heard is Action.WHY


def test_exits_come_before_answers(content: PublishedContent) -> None:
    question = at("self_identification", "papers", *SIGN)
    found = understood(
        content, question, "yes", exits=(Action.DANGER, Action.STOP), intents={"affirm": 0.9}
    )
    assert (found.heard, found.meant) == (Action.DANGER, ())


@pytest.mark.parametrize("words", ["Yes", "yes!", " YES ", "1"])
def test_a_label_or_number_needs_no_interpreter(content: PublishedContent, words: str) -> None:
    question = at("self_identification", "papers", *SIGN)
    assert understood(content, question, words).meant == ("yes",)


def test_every_question_that_is_heard_has_a_flow(content: PublishedContent) -> None:
    assert set(ANSWERS.values()) <= content.graph.flows.keys()


def test_a_press_stays_a_press(content: PublishedContent) -> None:
    press = Pressed(number=1, choices=(ChoiceId("yes"),))
    question = at("self_identification", "papers", *SIGN)
    assert understand(content, question, press, Reading(language=Guess("en", 1.0))) is press


@pytest.mark.parametrize(
    ("guess", "letters", "offered"),
    [
        (Guess("ro", 0.99), 40, RO),
        (Guess("ro", 0.99), 5, None),
        (Guess("ro", 0.7), 40, None),
        (Guess("en", 0.99), 40, None),
        (Guess("hu", 0.99), 40, None),
        (Guess("und", 0.99), 40, None),
    ],
)
def test_a_language_is_offered_when_it_is_sure_and_there(
    content: PublishedContent, guess: Guess, letters: int, offered: Language | None
) -> None:
    question = at("self_identification", "papers", *SIGN)
    assert other_language(content, question, guess, letters) == offered
