"""How a referral is written down, and read back. By hand, as in `bot.dialogue.codec`."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from bot.domain.consent import PackageId, ReceiverId, ReferralId
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import IndicatorCode, Outcome, Urgency
from bot.domain.text import Country, Language
from bot.errors import CorruptStateError
from handoff.referral.consent import Decision
from handoff.referral.form import (
    AgeBand,
    ContactBy,
    DecidedBy,
    ExploitationForm,
    Form,
    Gender,
    Identity,
    Inside,
    LastContact,
    Minor,
    Movement,
    Need,
    Phase,
    Recruitment,
    Relation,
    Risk,
    SafeContact,
    Want,
)
from handoff.referral.package import Derived, LegalBasis
from handoff.referral.receivers import Channel
from handoff.referral.record import Answered, Failure, Moved, Referral
from handoff.referral.states import State, Step

VERSION = 1

Json = Any  # parsed JSON, checked while it is turned into values
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def dump_referral(referral: Referral) -> bytes:
    """The referral as bytes."""
    r = referral
    value = {
        "version": VERSION,
        "id": r.id,
        "package": r.package,
        "receiver": r.receiver,
        "receiver_name": r.receiver_name,
        "channel": r.channel.value,
        "state": r.state.value,
        "created_at": r.created_at,
        "created_by": r.created_by,
        "derived": _derived(r.derived),
        "form": _form(r.form),
        "decision": _decision(r.decision) if r.decision else None,
        "digest": r.digest,
        "printed": r.printed,
        "failure": _value(r.failure),
        "answered": (
            [r.answered.reference, r.answered.contact, r.answered.answers_by]
            if r.answered
            else None
        ),
        "retraction_left": r.retraction_left,
        "history": [[moved.step.value, moved.by, moved.at] for moved in r.history],
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )


def load_referral(stored: bytes) -> Referral:
    """The referral in `stored`.

    Raises:
        CorruptStateError: these are not the bytes of a referral that we know.
    """
    try:
        value = json.loads(stored.decode(errors="surrogatepass"))
        if value["version"] != VERSION:
            raise CorruptStateError(f"stored by a version we do not know: {value['version']!r}")
        return _read(value)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptStateError(type(error).__name__) from None


def _read(v: Json) -> Referral:
    return Referral(
        id=ReferralId(v["id"]),
        package=PackageId(v["package"]),
        receiver=ReceiverId(v["receiver"]),
        receiver_name=str(v["receiver_name"]),
        channel=Channel(v["channel"]),
        state=State(v["state"]),
        created_at=Milliseconds(int(v["created_at"])),
        created_by=OperatorId(v["created_by"]),
        derived=_read_derived(v["derived"]),
        form=_read_form(v["form"]),
        decision=_maybe(v["decision"], _read_decision),
        digest=str(v["digest"]),
        printed=bool(v["printed"]),
        failure=_maybe(v["failure"], Failure),
        answered=_maybe(
            v["answered"], lambda a: Answered(reference=a[0], contact=a[1], answers_by=a[2])
        ),
        retraction_left=bool(v["retraction_left"]),
        history=tuple(
            Moved(Step(what), OperatorId(by), Milliseconds(int(at)))
            for what, by, at in v["history"]
        ),
    )


def _derived(d: Derived) -> dict[str, Json]:
    return {
        "language": d.language,
        "urgency": d.urgency.value,
        "outcome": d.outcome.value,
        "rule_version": d.rule_version,
        "country": d.country,
        "minor": _value(d.minor),
        "codes": list(d.codes),
    }


def _read_derived(v: Json) -> Derived:
    return Derived(
        language=Language(v["language"]),
        urgency=Urgency(v["urgency"]),
        outcome=Outcome(v["outcome"]),
        rule_version=str(v["rule_version"]),
        country=_maybe(v["country"], Country),
        minor=_maybe(v["minor"], Minor),
        codes=tuple(map(IndicatorCode, v["codes"])),
    )


def _decision(d: Decision) -> Json:
    return [d.basis.value, d.by, d.reason, d.at]


def _read_decision(v: Json) -> Decision:
    basis, by, reason, at = v
    return Decision(
        basis=LegalBasis(basis), by=OperatorId(by), reason=str(reason), at=Milliseconds(int(at))
    )


def _form(f: Form) -> dict[str, Json]:
    return {
        "indicators": list(f.indicators),
        "methods": [list(pair) for pair in f.methods],
        "movement": [[one.phase.value, one.country] for one in f.movement],
        "citizenship": list(f.citizenship),
        "safe_contact": _contact(f.safe_contact) if f.safe_contact else None,
        "identity": _identity(f.identity) if f.identity else None,
        **{name: getattr(f, name) for name in _PLAIN},
        **{name: _value(getattr(f, name)) for name in _ONE},
        **{name: [one.value for one in getattr(f, name)] for name in _SOME},
    }


_PLAIN = (
    *("guardian_needed", "dialect", "interpreter_needed", "mediator_wanted"),
    *("communication_aid", "country_now", "reasons"),
)
_ONE: Mapping[str, type[Enum]] = {
    "status_decided_by": DecidedBy,
    "presumed_minor": Minor,
    "age_band": AgeBand,
    "gender": Gender,
    "still_in_situation": Inside,
    "last_contact_exploiter": LastContact,
    "wants": Want,
    "relation_recruiter": Relation,
}
_SOME: Mapping[str, type[Enum]] = {
    "exploitation_forms": ExploitationForm,
    "needs": Need,
    "risks": Risk,
    "recruitment_channel": Recruitment,
}


def _read_form(v: Json) -> Form:
    plain: dict[str, Any] = {name: v[name] for name in _PLAIN}
    one: dict[str, Any] = {name: _maybe(v[name], kind) for name, kind in _ONE.items()}
    some: dict[str, Any] = {name: tuple(map(kind, v[name])) for name, kind in _SOME.items()}
    return Form(
        indicators=tuple(map(IndicatorCode, v["indicators"])),
        methods=tuple((IndicatorCode(code), str(value)) for code, value in v["methods"]),
        movement=tuple(Movement(Phase(phase), Country(where)) for phase, where in v["movement"]),
        citizenship=tuple(map(Country, v["citizenship"])),
        safe_contact=_maybe(v["safe_contact"], _read_contact),
        identity=_maybe(v["identity"], _read_identity),
        **plain,
        **one,
        **some,
    )


def _contact(c: SafeContact) -> Json:
    return [c.by.value, c.address, c.when, c.never_say, c.code_word_set]


def _read_contact(v: Json) -> SafeContact:
    by, address, when, never_say, code_word_set = v
    return SafeContact(
        by=ContactBy(by),
        address=str(address),
        when=str(when),
        never_say=str(never_say),
        code_word_set=bool(code_word_set),
    )


def _identity(i: Identity) -> Json:
    born = i.birth_date.isoformat() if i.birth_date else None
    return [i.first_name, i.second_name, i.alias, born]


def _read_identity(v: Json) -> Identity:
    first, second, alias, born = v
    return Identity(
        first_name=str(first),
        second_name=str(second),
        alias=str(alias),
        birth_date=date.fromisoformat(born) if born else None,
    )


def _maybe(v: Json, read: Callable[[Json], T]) -> T | None:
    return read(v) if v is not None else None


def _value(member: Enum | None) -> Json:
    return member.value if member is not None else None
