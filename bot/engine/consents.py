"""What a person agrees to, takes back, and is told about what was sent.

Nothing here sends anything to anybody: a consent is noted, and whoever sends asks for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.consent import (
    Consent,
    ConsentQuestion,
    Purpose,
    Receipt,
    ReceiptState,
    ReceiverId,
    answer_to,
    objected_since,
    open_receivers,
    reference,
)
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, Place
from bot.domain.ids import Milliseconds
from bot.domain.messages import Author, Choice, ChoiceId, Told
from bot.domain.text import Text, text
from bot.engine.draft import Draft
from bot.engine.effects import Refusal
from bot.engine.graph import UNSET, Graph, text_key
from bot.engine.received import ConsentRequested, ReferralLeaving, ReferralNews

CONSENT = "consent"
"""The flow that asks. Its exact words are part of every answer."""

KEEP = ChoiceId("keep")
"""Takes nothing back."""

_SAFE_TO_READ = "safe_now"
"""What the very first question of the chat remembers."""


def sentence(conversation: Conversation, place: Place, field: str) -> Text:
    """The sentence in `field` of a node, with the receiver's name in the flow that has one."""
    key = text_key(place, field)
    if place.flow != CONSENT:
        return key
    question, consents = conversation.consent_question, conversation.consents
    name = question.receiver_name if question else consents[-1].receiver_name if consents else ""
    return Text(key.key, (("receiver", name),))


def consent_place(graph: Graph) -> Place | None:
    """Where the consent is asked for, below what is said about it."""
    flow = graph.flows.get(CONSENT)
    asking = (name for name, node in flow.nodes.items() if node.asks) if flow else ()
    found = next(iter(asking), None)
    return Place(CONSENT, found) if found else None


def why_not_ask(draft: Draft, what: ConsentRequested) -> Refusal | None:
    """Why this cannot be asked now; None when it can."""
    if consent_place(draft.graph) is None:
        return Refusal.NOT_IN_THIS_STATE
    safe = "yes" in draft.conversation.facts.get(_SAFE_TO_READ, ())
    if not safe and not what.reads_safely:
        # Under somebody's eyes nobody is free to say no.
        return Refusal.NOT_SAFE
    return None


def note_question(draft: Draft, what: ConsentRequested) -> None:
    """Remember what is being asked for."""
    draft.change(
        consent_question=ConsentQuestion(
            operator=what.operator,
            referral=what.referral,
            receiver=what.receiver,
            receiver_name=what.receiver_name,
            purpose=what.purpose,
            interpreter=what.interpreter,
        )
    )


def note_wording(draft: Draft) -> None:
    """Remember in which words the question is shown from now on."""
    now = draft.conversation
    if now.consent_question is not None:
        version = draft.received.consent_texts.get(now.language, "")
        question = replace(now.consent_question, text_version=version, language=now.language)
        draft.change(consent_question=question)


def same_wording(draft: Draft) -> bool:
    """Whether the words that were shown are still those of now."""
    now = draft.conversation
    question = now.consent_question
    return question is not None and (question.text_version, question.language) == (
        draft.received.consent_texts.get(now.language, ""),
        now.language,
    )


def note_answer(draft: Draft, *, given: bool) -> None:
    """Keep the person's yes or no; a no to something agreed to before takes that back."""
    now = draft.conversation
    question = now.consent_question
    if question is None:
        return
    answer = Consent(
        referral=question.referral,
        receiver=question.receiver,
        receiver_name=question.receiver_name,
        purpose=question.purpose,
        given=given,
        text_version=question.text_version,
        language=question.language,
        at=draft.received.now,
        interpreter=question.interpreter,
    )
    earlier = answer_to(now.consents, question.referral, question.receiver, question.purpose)
    if not given and earlier is not None and earlier.stands:
        _take_back(draft, question.receiver, question.purpose)
    draft.change(consents=(*draft.conversation.consents, answer), consent_question=None)


def drop_question(draft: Draft) -> None:
    """Ask no longer."""
    draft.change(consent_question=None)


def take_back_choices(conversation: Conversation) -> Iterator[Choice]:
    """One button for each receiver from whom something can be taken back, and one for none."""
    for receiver, name in open_receivers(conversation.consents, conversation.receipts):
        yield Choice(ChoiceId(receiver), text("interface.take_back", receiver=name))
    yield Choice(KEEP, text("interface.take_nothing_back"))


def withdraw(draft: Draft, choice: ChoiceId) -> None:
    """Take back everything that concerns one receiver, and say what that means."""
    names = dict(open_receivers(draft.conversation.consents, draft.conversation.receipts))
    receiver = ReceiverId(choice)
    if receiver not in names:
        return
    # Also what left without a consent: the receiver is told that the person objects.
    went = any(r.receiver == receiver and not r.retract for r in draft.conversation.receipts)
    _take_back(draft, receiver)
    _tell(draft, "taken_back_sent" if went else "taken_back_unsent", receiver=names[receiver])


def _take_back(draft: Draft, receiver: ReceiverId, purpose: Purpose | None = None) -> None:
    """Withdraw what concerns a receiver, for one purpose or all. What was sent is retracted."""
    now = draft.conversation
    question = now.consent_question
    draft.change(
        consents=tuple(
            replace(consent, withdrawn_at=draft.received.now)
            if consent.receiver == receiver
            and consent.stands
            and purpose in (None, consent.purpose)
            else consent
            for consent in now.consents
        ),
        receipts=tuple(
            replace(receipt, retract=True) if receipt.receiver == receiver else receipt
            for receipt in now.receipts
        ),
        consent_question=None if question and question.receiver == receiver else question,
    )


def tell_receipts(draft: Draft) -> None:
    """Say what the person agreed to, and what was sent."""
    now = draft.conversation
    for consent in now.consents:
        if not consent.given:
            kind = "said_no"
        elif consent.withdrawn_at is not None:
            kind = "took_back"
        else:
            kind = f"agreed_{consent.purpose.value}"
        _tell(draft, kind, receiver=consent.receiver_name, date=_day(consent.at))
    for receipt in now.receipts:
        _tell_receipt(draft, receipt)


def _tell_receipt(draft: Draft, receipt: Receipt) -> None:
    draft_values = {
        "receiver": receipt.receiver_name,
        "reference": reference(receipt.package),
        "date": _day(receipt.at),
    }
    _tell(draft, "leaving" if receipt.state is ReceiptState.LEAVING else "sent", **draft_values)
    _tell(draft, "held_identity" if receipt.with_identity else "held")
    if receipt.state is ReceiptState.RETRACTED:
        _tell(draft, "retracted", receiver=receipt.receiver_name)
    elif receipt.retract:
        _tell(draft, "retracting", receiver=receipt.receiver_name)
    elif receipt.confirmed_at is not None:
        _tell(draft, "confirmed", receiver=receipt.receiver_name)
    elif receipt.state is ReceiptState.SENT:
        _tell(draft, "not_confirmed", receiver=receipt.receiver_name)


def note_leaving(draft: Draft, what: ReferralLeaving) -> Refusal | None:
    """Note that a package is about to leave, unless nothing allows it; why not, otherwise.

    From here on a withdrawal knows that the receiver has to be told.
    """
    now = draft.conversation
    known = next((receipt for receipt in now.receipts if receipt.package == what.package), None)
    if known is not None:
        return Refusal.NO_CONSENT if known.retract else None
    if not _allowed(now, what):
        return Refusal.NO_CONSENT
    receipt = Receipt(
        package=what.package,
        referral=what.referral,
        receiver=what.receiver,
        receiver_name=what.receiver_name,
        with_identity=what.with_identity,
        state=ReceiptState.LEAVING,
        at=draft.received.now,
    )
    draft.change(receipts=(*now.receipts, receipt))
    return None


def _allowed(now: Conversation, what: ReferralLeaving) -> bool:
    answers = {
        purpose: answer_to(now.consents, what.referral, what.receiver, purpose)
        for purpose in what.purposes
    }
    stand = all(answer is not None and answer.stands for answer in answers.values())
    if what.decided_at is None:
        return bool(answers) and stand
    return stand and not objected_since(
        now.consents, what.referral, what.receiver, what.decided_at
    )


def note_news(draft: Draft, what: ReferralNews) -> Refusal | None:
    """Note what became of a package, and tell the person; why not, when it is unknown."""
    now = draft.conversation
    known = next((r for r in now.receipts if r.package == what.package), None)
    if known is None:
        return Refusal.NOT_IN_THIS_STATE
    if known.state is what.state or known.state is ReceiptState.RETRACTED:
        return None
    confirmed = draft.received.now if what.state is ReceiptState.CONFIRMED else known.confirmed_at
    told = replace(known, state=what.state, confirmed_at=confirmed)
    draft.change(receipts=tuple(told if r.package == what.package else r for r in now.receipts))
    match what.state:
        case ReceiptState.SENT:
            _tell_receipt(draft, told)
            _tell(draft, "how_to_take_back")
        case ReceiptState.CONFIRMED:
            _tell(draft, "confirmed", receiver=told.receiver_name)
        case ReceiptState.RETRACTED:
            _tell(draft, "retracted", receiver=told.receiver_name)
        case ReceiptState.LEAVING:
            pass
    return None


def consent_facts(now: Conversation) -> Mapping[str, tuple[str, ...]]:
    """What conditions can ask about consents."""
    question = now.consent_question
    agreed = any(True for _ in open_receivers(now.consents, now.receipts))
    return {
        "consent_for": (question.purpose.value if question else UNSET,),
        "consented": ("yes" if agreed else "no",),
    }


def has_receipts(now: Conversation) -> bool:
    """Whether there is anything that the person could look at."""
    return bool(now.consents or now.receipts)


def _tell(draft: Draft, key: str, **values: str) -> None:
    """News of a referral: a notice while somebody else answers."""
    silent = draft.conversation.control.owner in (Owner.OPERATOR, Owner.CLOSED)
    author = Author.NOTICE if silent else Author.BOT
    draft.send(Told(text(f"referral.{key}", **values)), by=author)


def _day(at: Milliseconds) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
