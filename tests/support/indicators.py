"""The table of indicators as the project ships it, and the same table typed a second time.

`TABLE` was typed from the reference, not from `flows/indicators.yaml`: a slip in either of them
makes a test fail, and whoever changes a weight has to change it twice.
"""

from dataclasses import dataclass
from pathlib import Path

from bot.content.indicators import load_indicators
from bot.domain.indicators import IndicatorCode

FILE = Path(__file__).parents[2] / "flows" / "indicators.yaml"
INDICATORS = load_indicators(FILE.read_text(encoding="utf-8"), "flows/indicators.yaml")
CODES = tuple(INDICATORS.indicators)

# code, elements, dimension, ILO numbers, weight for adults, for children, proposed, HTCDS, CTDC
_TYPED = """
DECEIVED_NATURE    means         D1   2     S S - FalsePromises meansOfControlFalsePromises
DECEIVED_TERMS     means         D1   2     M M - FalsePromises meansOfControlFalsePromises
DECEIVED_PROMISE   means         D1   2     M M - FalsePromises meansOfControlFalsePromises
PROMISE_SCHOOL     means         D1   2     W S - FalsePromises meansOfControlFalsePromises
ARRANGED_BY_OTHER  act           -    -     - - - - -
RECRUIT_VULN       means         D3   1     M M - - -
RECRUIT_DEPENDENCY means         D3   1     M M - PsychologicalAbuse meansOfControlPsychologicalAbuse
RECRUIT_FORCE      means         D2   5     S S - PhysicalAbuse meansOfControlPhysicalAbuse
DOCS_HELD          means         D5   7     S S - WithholdsDocuments meansOfControlWithholdsDocuments
DEBT               means         D5   9     S S - DebtBondage meansOfControlDebtBondage
MOVEMENT           means         D5   3,4   S S - Other,x_restricts_movement meansOfControlRestrictsMovement
HURT               means         D5   5     S S - PhysicalAbuse,SexualAbuse meansOfControlPhysicalAbuse,meansOfControlSexualAbuse
THREAT_HARM        means         D5   6     M S - PhysicalThreats meansOfControlThreats
THREAT_FAMILY      means         D5   6     M M - ThreatensChildrenFamily meansOfControlUsesChildren,meansOfControlThreats
THREAT_AUTH        means         D5   6     M M - ThreatsLawEnforcement meansOfControlThreatOfLawEnforcement
THREAT_EXPOSE      means         D5   6     W M - PsychologicalAbuse meansOfControlPsychologicalAbuse
IMAGES_THREAT      means         D5   6     M M p PsychologicalAbuse meansOfControlPsychologicalAbuse
MUST_LIE           means         D5   4,6   M M - Other meansOfControlOther
CANNOT_REFUSE      means         D5   6     M S - PsychologicalAbuse meansOfControlPsychologicalAbuse
SUBSTANCES         means         D5   1     M S p PsychoactiveSubstance meansOfControlPsychoactiveSubstances
PAY_KEPT           means         D5   8     M M - TakesEarnings,RestrictsFinancialAccess meansOfControlTakesEarnings
DEPENDENT          means         D6   1     M M - - -
HOURS              purpose       D4   11    S S - ExcessiveWorkingHours meansOfControlExcessiveWorkingHours
LOW_PAY            purpose       D4   8     M M - TakesEarnings meansOfControlTakesEarnings
BAD_LIVING         purpose       D4   10    M M - WithholdsNecessities meansOfControlWithholdsNecessities
UNSAFE             purpose       D4   10    M M - - -
NO_CARE            purpose       D4   10    M M p RestrictsMedicalCare meansOfControlRestrictsMedicalCare
NO_CONTRACT        purpose       D4   10    M M - - -
PURPOSE_SEX        purpose       form -     S S p - isSexualExploit
FORCED_CLIENTS     means         D5   -     S S - Other meansOfControlOther
PURPOSE_CRIME      purpose,means D5   -     M S - Other,x_forced_criminality typeOfLabourIllicitActivities
CRIME_QUOTA        means         D5   -     S S p Other,x_forced_criminality typeOfLabourIllicitActivities
PURPOSE_BEG        purpose       form -     S S p TakesEarnings typeOfLabourBegging
PURPOSE_SERVITUDE  purpose       D4   10,11 S S p - typeOfLabourDomesticWork
PURPOSE_ORGAN      purpose       form -     S S p - isOrganRemoval
PURPOSE_MARRIAGE   purpose       form -     S S p - isForcedMarriage
PURPOSE_ADOPTION   purpose       form -     S S p - isOtherExploit
PURPOSE_SURROGACY  purpose       form -     S S p - isOtherExploit
"""  # noqa: E501 - a table is read by columns

BUILT_IN_MEANS = frozenset(
    {
        "PURPOSE_CRIME",
        "PURPOSE_BEG",
        "PURPOSE_ORGAN",
        "PURPOSE_MARRIAGE",
        "PURPOSE_ADOPTION",
        "PURPOSE_SURROGACY",
    }
)
THREATS = frozenset(
    {"THREAT_HARM", "THREAT_FAMILY", "THREAT_AUTH", "THREAT_EXPOSE", "IMAGES_THREAT"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the typed table."""

    code: IndicatorCode
    elements: frozenset[str]
    dimension: str
    ilo: tuple[int, ...]
    adult: str
    child: str
    proposed: bool
    htcds: tuple[str, ...]
    ctdc: tuple[str, ...]


def _row(line: str) -> Row:
    code, elements, dimension, ilo, adult, child, proposed, htcds, ctdc = line.split()
    return Row(
        code=IndicatorCode(code),
        elements=frozenset(elements.split(",")),
        dimension=dimension,
        ilo=tuple(int(number) for number in _listed(ilo)),
        adult=adult,
        child=child,
        proposed=proposed == "p",
        htcds=_listed(htcds),
        ctdc=_listed(ctdc),
    )


def _listed(words: str) -> tuple[str, ...]:
    return () if words == "-" else tuple(words.split(","))


TABLE = {row.code: row for row in map(_row, _TYPED.strip().splitlines())}
