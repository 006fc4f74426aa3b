"""Being asked, saying yes or no, taking it back, and being told: turn by turn."""

from dataclasses import replace
from typing import Any

import pytest

from bot.dialogue.codec import dump_conversation, load_conversation
from bot.domain.consent import (
    PackageId,
    Purpose,
    ReceiptState,
    ReceiverId,
    ReferralId,
    reference,
)
from bot.domain.ids import Milliseconds
from bot.domain.messages import Asked, Author, Told
from bot.domain.text import Language
from bot.engine.advance import advance
from bot.engine.effects import EraseAll, Refusal, Refuse, Turn
from bot.engine.received import (
    Action,
    ConsentRequested,
    Input,
    Pressed,
    Received,
    ReferralLeaving,
    ReferralNews,
)
from bot.engine.waiting import offers, question_waiting
from tests.support.graphs import (
    EN,
    OPERATOR,
    OTHER_OPERATOR,
    RO,
    Talk,
    menu,
    small_graph,
    step,
)

REFERRAL, RECEIVER = ReferralId("r-1"), ReceiverId("demo")
PACKAGE = PackageId("7b0c1234-5678-4abc-8def-0123456789ab")
NOW = Milliseconds(1_795_000_000_000)
GRAPH = small_graph(home=[step("menu", asks=menu("stay", "read"))])
NAME = "Demo Place"


class Consenting(Talk):
    """A talk in which time passes and the consent flow has words."""

    def __init__(self, **facts: tuple[str, ...]) -> None:
        super().__init__(GRAPH, facts={"safe_now": ("yes",), **facts})
        self.clock = NOW
        self.versions = {EN: "en-1", RO: "ro-1"}

    def receives(self, what: Input) -> Turn:
        self.turns += 1
        received = Received(
            what=what,
            nonce=f"n{self.turns}",
            now=self.clock,
            consent_texts=self.versions,
        )
        self.turn = advance(self.graph, self.now, received)
        self.now = load_conversation(dump_conversation(self.turn.conversation))
        assert self.now == self.turn.conversation
        return self.turn

    def answered(self) -> "Consenting":
        """By an operator."""
        self.starts()
        self.asks(Action.HUMAN)
        self.presses("show")
        self.operator_claims()
        return self

    @property
    def answers_kept(self) -> int:
        return len(self.now.consents)

    def is_asked(self, purpose: Purpose = Purpose.REFERRAL, **changes: Any) -> Turn:
        wish = ConsentRequested(
            operator=OPERATOR,
            referral=REFERRAL,
            receiver=RECEIVER,
            receiver_name=NAME,
            purpose=purpose,
        )
        return self.receives(replace(wish, **changes))

    def agrees(self, purpose: Purpose = Purpose.REFERRAL, **changes: Any) -> Turn:
        self.is_asked(purpose, **changes)
        return self.presses("agree")

    def leaves(self, **changes: Any) -> Turn:
        leaving = ReferralLeaving(
            referral=REFERRAL,
            package=PACKAGE,
            receiver=RECEIVER,
            receiver_name=NAME,
            purposes=(Purpose.REFERRAL,),
            with_identity=False,
        )
        return self.receives(replace(leaving, **changes))

    def news(self, state: ReceiptState) -> Turn:
        return self.receives(ReferralNews(package=PACKAGE, state=state))

    def takes_back(self, choice: str = RECEIVER) -> Turn:
        self.asks(Action.AGREED)
        return self.presses(choice)


def test_the_question_is_a_notice_and_names_the_receiver() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    assert talk.question == "consent.may_we"
    assert talk.authors == {Author.NOTICE}
    for message in talk.messages:
        content = message.content
        named = content.question if isinstance(content, Asked) else None
        named = content.sentence if isinstance(content, Told) else named
        assert named is not None
        assert dict(named.values) == {"receiver": NAME}
    waiting = question_waiting(GRAPH, talk.now)
    assert waiting is not None
    assert dict(waiting.question.values) == {"receiver": NAME}


@pytest.mark.parametrize(("choice", "given"), [("agree", True), ("refuse", False)])
def test_the_answer_is_kept_with_the_words_it_belongs_to(choice: str, given: bool) -> None:
    talk = Consenting().answered()
    talk.is_asked(interpreter=True)
    talk.clock = Milliseconds(NOW + 5)
    talk.presses(choice)
    [consent] = talk.now.consents
    assert consent.given is given
    assert consent.stands is given
    assert (consent.referral, consent.receiver, consent.purpose) == (
        REFERRAL,
        RECEIVER,
        Purpose.REFERRAL,
    )
    assert (consent.text_version, consent.language) == ("en-1", "en")
    assert (consent.at, consent.interpreter) == (NOW + 5, True)
    assert talk.now.consent_question is None
    assert not talk.waits


def test_asking_first_is_no_answer() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.presses("ask_first")
    assert talk.now.consents == ()
    assert talk.now.consent_question is None
    assert not talk.waits


@pytest.mark.parametrize(
    ("operator", "refused"),
    [(OPERATOR, []), (OTHER_OPERATOR, ["not_the_owner"])],
)
def test_only_the_owner_asks(operator: Any, refused: list[str]) -> None:
    talk = Consenting().answered()
    talk.is_asked(operator=operator)
    assert talk.refused == refused


def test_nobody_asks_before_somebody_answers() -> None:
    talk = Consenting()
    talk.starts()
    talk.is_asked()
    assert talk.refused == ["not_in_this_state"]


@pytest.mark.parametrize("safe", [("no",), ("dont_know",), ()])
def test_somebody_who_may_be_watched_is_not_asked(safe: tuple[str, ...]) -> None:
    talk = Consenting(safe_now=safe).answered()
    talk.is_asked()
    assert talk.refused == ["not_safe"]
    assert talk.now.consent_question is None
    talk.is_asked(reads_safely=True)
    assert talk.question == "consent.may_we"


def test_typed_words_are_never_an_answer() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.writes("yes send it", meant="agree")
    assert talk.now.consents == ()
    assert talk.question == "consent.may_we"


@pytest.mark.parametrize("action", [Action.HUMAN, Action.BACK, Action.WHY, Action.HOME])
def test_the_question_stays_open_when_something_else_is_pressed(action: Action) -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.asks(action)
    assert talk.question == "consent.may_we"
    talk.presses("agree")
    assert talk.now.consents[0].given


def test_after_leaving_and_returning_it_is_asked_again() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.asks(Action.LEAVE)
    talk.presses("now")
    assert not talk.waits
    talk.returns()
    assert talk.question == "consent.may_we"


def test_in_another_language_it_is_another_text() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.asks(Action.LANGUAGE)
    talk.presses("ro")
    assert "consent.what.say.0" in talk.told
    talk.presses("agree")
    [consent] = talk.now.consents
    assert (consent.text_version, consent.language) == ("ro-1", "ro")


def test_words_that_changed_meanwhile_are_shown_anew() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.versions = {EN: "en-2", RO: "ro-2"}
    talk.presses("agree")
    assert not talk.answers_kept
    assert "consent.what.say.0" in talk.told
    talk.presses("agree")
    [consent] = talk.now.consents
    assert consent.text_version == "en-2"


@pytest.mark.parametrize("lets_go", ["operator_gives_back", "operator_transfers", "lease_ends"])
def test_nobody_is_left_with_a_question_of_somebody_who_is_gone(lets_go: str) -> None:
    talk = Consenting().answered()
    talk.is_asked()
    number = talk.now.prompt.number if talk.now.prompt else 0
    getattr(talk, lets_go)()
    assert talk.now.consent_question is None
    talk.receives(Pressed(number=number, choices=()))
    assert talk.now.consents == ()


# Leaving


def test_a_package_leaves_only_with_consents_that_stand() -> None:
    talk = Consenting().answered()
    talk.leaves()
    assert talk.refused == ["no_consent"]
    talk.agrees()
    talk.leaves()
    assert talk.refused == []
    [receipt] = talk.now.receipts
    assert (receipt.state, receipt.at) == (ReceiptState.LEAVING, NOW)
    assert talk.messages == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"referral": ReferralId("r-2")},
        {"receiver": ReceiverId("other")},
        {"purposes": (Purpose.REFERRAL, Purpose.IDENTITY)},
        {"purposes": (Purpose.IDENTITY,)},
        {"purposes": ()},
    ],
)
def test_a_consent_is_for_exactly_one_thing(changes: dict[str, Any]) -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves(**changes)
    assert talk.refused == ["no_consent"]
    assert talk.now.receipts == ()


def test_a_humans_decision_stands_until_the_person_objects() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.presses("refuse")
    talk.leaves(purposes=(), decided_at=NOW)
    assert talk.refused == ["no_consent"], "said no when it was decided, or later"
    talk.leaves(purposes=(), decided_at=Milliseconds(NOW + 1))
    assert talk.refused == []


def test_the_same_package_leaves_once() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves()
    talk.leaves()
    assert len(talk.now.receipts) == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            ReceiptState.SENT,
            ["sent", "held", "not_confirmed", "how_to_take_back"],
        ),
        (ReceiptState.CONFIRMED, ["confirmed"]),
        (ReceiptState.RETRACTED, ["retracted"]),
    ],
)
def test_the_person_is_told_once(state: ReceiptState, told: list[str]) -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves()
    talk.news(state)
    assert talk.told == [f"referral.{key}" for key in told]
    assert talk.authors == {Author.NOTICE}
    talk.news(state)
    assert talk.messages == ()


def test_news_do_not_disturb_the_question_that_waits() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves()
    talk.operator_gives_back()
    before = talk.question
    talk.news(ReceiptState.SENT)
    assert talk.authors == {Author.BOT}
    assert talk.question == before


def test_news_of_an_unknown_package_are_refused() -> None:
    talk = Consenting().answered()
    talk.news(ReceiptState.SENT)
    assert talk.refused == ["not_in_this_state"]


# Taking back


def test_the_button_is_there_as_soon_as_something_was_asked() -> None:
    talk = Consenting().answered()
    assert Action.AGREED not in offers(None, talk.now)
    talk.agrees()
    assert Action.AGREED in offers(None, talk.now)


def test_taking_back_before_anything_left() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.agrees(Purpose.IDENTITY)
    talk.asks(Action.AGREED)
    assert talk.told == [
        "agreed.here.say.0",
        "referral.agreed_referral",
        "referral.agreed_identity",
    ]
    assert talk.choices == [RECEIVER, "keep"]
    talk.presses(RECEIVER)
    assert talk.told == ["referral.taken_back_unsent"]
    assert [consent.withdrawn_at for consent in talk.now.consents] == [NOW, NOW]
    talk.leaves()
    assert talk.refused == ["no_consent"]


def test_taking_back_what_may_have_left_asks_for_a_retraction() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves()
    talk.takes_back()
    assert talk.told == ["referral.taken_back_sent"]
    assert talk.now.receipts[0].retract
    talk.leaves()
    assert talk.refused == ["no_consent"]


def test_keeping_is_as_easy() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.takes_back("keep")
    assert talk.now.consents[0].stands


def test_one_receiver_is_taken_back_from_and_the_other_stays() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.agrees(receiver=ReceiverId("other"), receiver_name="Other Place")
    talk.takes_back("other")
    assert [consent.stands for consent in talk.now.consents] == [True, False]


def test_a_later_no_takes_back_what_it_is_about() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.agrees(Purpose.IDENTITY)
    talk.leaves()
    talk.is_asked(Purpose.IDENTITY)
    talk.presses("refuse")
    assert [consent.stands for consent in talk.now.consents] == [True, False, False]
    assert talk.now.receipts[0].retract


def test_what_was_sent_without_a_yes_can_be_objected_to() -> None:
    talk = Consenting().answered()
    talk.leaves(purposes=(), decided_at=NOW)
    talk.news(ReceiptState.SENT)
    talk.takes_back()
    assert talk.now.receipts[0].retract
    talk.asks(Action.AGREED)
    assert not talk.waits, "there is nothing left to take back"


def test_after_closing_it_can_still_be_read_and_taken_back() -> None:
    talk = Consenting().answered()
    talk.agrees()
    talk.leaves()
    talk.news(ReceiptState.SENT)
    talk.operator_closes()
    talk.takes_back()
    assert talk.now.receipts[0].retract


def test_erasing_goes_before_everything() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    turn = talk.asks(Action.ERASE_NOW)
    assert turn.effects == (EraseAll(),)


def test_a_reference_can_be_read_aloud() -> None:
    assert reference(PACKAGE) == "7B0C-1234"


def test_refusals_have_names() -> None:
    assert {Refusal.NOT_SAFE.value, Refusal.NO_CONSENT.value} == {"not_safe", "no_consent"}
    assert Refuse(Refusal.NO_CONSENT).reason is Refusal.NO_CONSENT
    assert Language("en") == EN


def test_who_comes_back_without_the_word_is_not_shown_what_the_desk_asks() -> None:
    talk = Consenting().answered()
    talk.is_asked()
    talk.now = replace(talk.now, prompt=None)
    for word in ("", "chestnut"):
        talk.returns(word)
        assert talk.messages == ()
    talk.returns()
    assert "consent.may_we" in talk.asked
