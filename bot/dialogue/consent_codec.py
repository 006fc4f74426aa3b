"""How consents and receipts are written down inside a conversation, and read back.

States from before there were consents have none of these fields.
"""

from typing import Any

from bot.domain.consent import (
    Consent,
    ConsentQuestion,
    PackageId,
    Purpose,
    Receipt,
    ReceiptState,
    ReceiverId,
    ReferralId,
)
from bot.domain.conversation import Conversation
from bot.domain.ids import Milliseconds, OperatorId

# Parsed JSON, as in `bot.dialogue.codec`, which turns every wrong form into `CorruptStateError`.
Json = Any


def dump_consents(c: Conversation) -> dict[str, Json]:
    """The fields that stand beside the others of a conversation."""
    return {
        "consent_question": _question(c.consent_question) if c.consent_question else None,
        "consents": [_consent(consent) for consent in c.consents],
        "receipts": [_receipt(receipt) for receipt in c.receipts],
    }


def read_consents(v: Json) -> dict[str, Json]:
    """What `dump_consents` wrote, as fields of a conversation."""
    question = v.get("consent_question")
    return {
        "consent_question": _read_question(question) if question else None,
        "consents": tuple(map(_read_consent, v.get("consents", ()))),
        "receipts": tuple(map(_read_receipt, v.get("receipts", ()))),
    }


def _question(q: ConsentQuestion) -> dict[str, Json]:
    return {
        "operator": q.operator,
        "referral": q.referral,
        "receiver": q.receiver,
        "receiver_name": q.receiver_name,
        "purpose": q.purpose.value,
        "interpreter": q.interpreter,
        "text_version": q.text_version,
        "language": q.language,
    }


def _read_question(v: Json) -> ConsentQuestion:
    return ConsentQuestion(
        operator=OperatorId(v["operator"]),
        referral=ReferralId(v["referral"]),
        receiver=ReceiverId(v["receiver"]),
        receiver_name=str(v["receiver_name"]),
        purpose=Purpose(v["purpose"]),
        interpreter=bool(v["interpreter"]),
        text_version=str(v["text_version"]),
        language=str(v["language"]),
    )


def _consent(c: Consent) -> dict[str, Json]:
    return {
        "referral": c.referral,
        "receiver": c.receiver,
        "receiver_name": c.receiver_name,
        "purpose": c.purpose.value,
        "given": c.given,
        "text_version": c.text_version,
        "language": c.language,
        "at": c.at,
        "interpreter": c.interpreter,
        "withdrawn_at": c.withdrawn_at,
    }


def _read_consent(v: Json) -> Consent:
    return Consent(
        referral=ReferralId(v["referral"]),
        receiver=ReceiverId(v["receiver"]),
        receiver_name=str(v["receiver_name"]),
        purpose=Purpose(v["purpose"]),
        given=bool(v["given"]),
        text_version=str(v["text_version"]),
        language=str(v["language"]),
        at=Milliseconds(int(v["at"])),
        interpreter=bool(v["interpreter"]),
        withdrawn_at=_time(v["withdrawn_at"]),
    )


def _receipt(r: Receipt) -> dict[str, Json]:
    return {
        "package": r.package,
        "referral": r.referral,
        "receiver": r.receiver,
        "receiver_name": r.receiver_name,
        "with_identity": r.with_identity,
        "state": r.state.value,
        "at": r.at,
        "confirmed_at": r.confirmed_at,
        "retract": r.retract,
    }


def _read_receipt(v: Json) -> Receipt:
    return Receipt(
        package=PackageId(v["package"]),
        referral=ReferralId(v["referral"]),
        receiver=ReceiverId(v["receiver"]),
        receiver_name=str(v["receiver_name"]),
        with_identity=bool(v["with_identity"]),
        state=ReceiptState(v["state"]),
        at=Milliseconds(int(v["at"])),
        confirmed_at=_time(v["confirmed_at"]),
        retract=bool(v["retract"]),
    )


def _time(v: Json) -> Milliseconds | None:
    return Milliseconds(int(v)) if v is not None else None
