"""A referral with everything in it, and what it needs around it."""

from dataclasses import dataclass, field, replace
from datetime import date

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bot.domain.consent import Consent, PackageId, Purpose, ReceiverId, ReferralId
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import IndicatorCode, Outcome, Urgency
from bot.domain.text import Country, Language
from handoff.referral.consent import Basis, Decision
from handoff.referral.envelope import Signer
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
from handoff.referral.package import Derived, Header, LegalBasis
from handoff.referral.receivers import Channel, Kind, Receiver

TODAY = date(2026, 11, 22)
AT = Milliseconds(1_795_000_000_000)
DAY = 24 * 3600 * 1000

REFERRAL = ReferralId("r-1")
RECEIVER = ReceiverId("demo-first-point")
PACKAGE = PackageId("7b0c1234-5678-4abc-8def-0123456789ab")
OPERATOR = OperatorId("op-1")

RECEIVER_KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = RECEIVER_KEY.public_key().public_bytes_raw()
SIGNER = Signer.from_seed(b"s" * 32)

FIRST_POINT = Receiver(
    id=RECEIVER,
    name="Demonstration First Point",
    kind=Kind.FIRST_POINT,
    country=Country("MD"),
    owner="referral lead",
    checked_on=date(2026, 11, 1),
    check_until=date(2027, 2, 1),
    channel=Channel.FILE_DROP,
    tested_on=date(2026, 11, 1),
    public_key=PUBLIC,
    answers_within_hours=48,
    hours="Monday to Friday, 9 to 17",
    second_contact="duty phone of the coordinator",
    minors_contact="child protection unit",
    demonstration=True,
)

FORM = Form(
    indicators=(IndicatorCode("DOCS_HELD"), IndicatorCode("DEBT"), IndicatorCode("MOVEMENT")),
    exploitation_forms=(ExploitationForm.LABOUR,),
    status_decided_by=DecidedBy.NGO,
    presumed_minor=Minor.NO,
    age_band=AgeBand.TO_24,
    gender=Gender.FEMININE,
    dialect="rmn",
    interpreter_needed=True,
    mediator_wanted=False,
    communication_aid=False,
    country_now=Country("MD"),
    citizenship=(Country("RO"), Country("MD")),
    still_in_situation=Inside.YES,
    last_contact_exploiter=LastContact.WEEK,
    needs=(Need.SHELTER, Need.LEGAL),
    wants=Want.SUPPORT,
    risks=(Risk.THREAT,),
    relation_recruiter=Relation.UNACQUAINTED,
    recruitment_channel=(Recruitment.WORK,),
    movement=(Movement(Phase.TRANSIT, Country("RO")),),
    reasons="Somebody keeps her papers. She owes money that does not end.",
)
"""Complete, and without a word on who it is about."""

CONTACT = SafeContact(
    by=ContactBy.PHONE,
    address="+373 600 00 000",
    when="after 20:00",
    never_say="our name",
    code_word_set=True,
)
IDENTITY = Identity(
    first_name="Zqanary", second_name="Markerova", alias="Zq", birth_date=date(2001, 2, 3)
)
FULL_FORM = replace(FORM, safe_contact=CONTACT, identity=IDENTITY)

DERIVED = Derived(
    language=Language("ro"),
    urgency=Urgency.PRIORITY,
    outcome=Outcome.SEVERAL_SIGNS,
    rule_version="2026.1",
    country=Country("MD"),
    minor=Minor.NO,
    codes=FORM.indicators,
)

HEADER = Header(
    package_id=PACKAGE,
    created_at=AT,
    sent_at=Milliseconds(AT + 5000),
    sender="Test Helpline",
    receiver=RECEIVER,
)


def consent(purpose: Purpose = Purpose.REFERRAL, **changes: object) -> Consent:
    """A yes to the first point."""
    given = Consent(
        referral=REFERRAL,
        receiver=RECEIVER,
        receiver_name=FIRST_POINT.name,
        purpose=purpose,
        given=True,
        text_version="ro-0123456789abcdef",
        language="ro",
        at=AT,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


BOTH = (consent(), consent(Purpose.IDENTITY))


def decision(basis: LegalBasis = LegalBasis.CHILD_PROTECTION, at: Milliseconds = AT) -> Decision:
    """A decision of a named human."""
    return Decision(basis=basis, by=OPERATOR, reason="May be 15, locked in, asks for help.", at=at)


def basis(*consents: Consent, decided: Decision | None = None, minor: bool = False) -> Basis:
    """What allows the referral to the first point."""
    return Basis(
        referral=REFERRAL, receiver=RECEIVER, consents=consents, decision=decided, minor=minor
    )


@dataclass
class MemoryDrop:
    """A file drop that remembers every byte that it was given."""

    files: dict[tuple[ReceiverId, PackageId], bytes] = field(default_factory=dict)
    puts: int = 0

    def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
        self.puts += 1
        self.files.setdefault((receiver, name), content)

    def take_back(self, receiver: ReceiverId, name: PackageId) -> None:
        self.files.pop((receiver, name), None)

    def waits(self, receiver: ReceiverId, name: PackageId) -> bool:
        return (receiver, name) in self.files
