"""Words that a person must never read here.

They put a label on the person, blame them, judge them or promise what nobody can promise
(vocabulary, section 6). Instead: "what happens to you", "help you may have a right to", "a person
can read this and answer", "you decide". Other languages have lists as far as we know the words;
who translates into another one adds a list.
"""

# ruff: noqa: RUF001 - words of other languages

import re
from collections.abc import Iterator, Mapping
from functools import cache

from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.domain.text import Language
from nlu.normal import normal

FORBIDDEN: Mapping[str, tuple[str, ...]] = {
    "en": (
        *("victim*", "traffick*", "prostitut*", "illegal*", "slave*", "enslave*", "rescue*"),
        *("rescuing", "save you", "saving you", "your case", "case number", "score*"),
        *("risk level*", "level of risk", "confess*", "truth", "truthful*", "suspicious*"),
        *("suspect*", "deport*"),
    ),
    "ro": (
        *("victim*", "traficat*", "traficant*", "trafic de persoane", "traficul de persoane"),
        *("prostitu*", "ilegal*", "clandestin*", "sclav*", "te salvăm", "vă salvăm"),
        *("vă vom salva", "te vom salva", "cazul tău", "cazul dumneavoastră", "scor", "scorul"),
        *("nivel de risc", "nivelul de risc", "mărturisi*", "adevărul*", "suspect*", "deport*"),
    ),
    "ru": (
        *("жертв*", "торговля людьми", "торговли людьми", "торговлю людьми", "проститут*"),
        *("нелегал*", "незаконн*", "раб", "раба", "рабы", "рабов", "рабам", "рабыня", "рабыни"),
        *("рабство", "рабства", "рабстве", "рабский", "рабском", "спасем", "спасён*", "спасли"),
        *("ваше дело", "твое дело", "балл", "баллов", "баллы", "уровень риска", "сознай*"),
        *("признайся", "признайтесь", "признание", "правду", "подозрит*", "подозрев*", "депорт*"),
    ),
    "ar": (
        *("ضحية", "ضحايا", "الاتجار بالبشر", "اتجار بالبشر", "عاهرة", "عاهرات", "دعارة", "بغاء"),
        *("غير قانوني*", "غير شرعي*", "عبودية", "عبيد", "مستعبد*", "إنقاذ*", "ننقذك", "قضيتك"),
        *("مستوى الخطر", "درجة الخطر", "اعتراف*", "اعترف*", "الحقيقة", "مشبوه*", "مريب*"),
        *("ترحيل*",),
    ),
}
"""A star stands for any ending. Lists are compared in `nlu.normal`, so without accents."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Agency against Trafficking in Persons",
        "Action against Trafficking in Human Beings",
        "anti-trafficking",
    ),
    "ro": (
        "împotriva traficului de persoane",
        "Agenția Națională împotriva Traficului de Persoane",
        "lupta împotriva traficului de ființe umane",
    ),
    "ru": (
        "агентство по борьбе с торговлей людьми",
        "о противодействии торговле людьми",
    ),
    "ar": (
        "مكافحة الاتجار بالبشر",
        "لمكافحة الاتجار بالأشخاص",
    ),
}
"""Names of authorities and laws: a person who looks for the door has to find the name on it."""

_ARABIC_BEFORE = "(?:[وفبلك]{0,2}(?:ال|ل)?)?"
"""Arabic writes "and", "for", "the" and the like together with the next word."""


def words(subject: Subject) -> Iterator[Problem]:
    """Every forbidden word in any language that has a list."""
    for sentence in subject.sentences:
        found = forbidden_in(sentence.words, sentence.language)
        if found is not None:
            yield sentence.problem(
                "word:forbidden",
                f"“{found}” is a word that nobody may read here.",
                "Say what happens, what help there is, and that the person decides.",
            )


def forbidden_in(text: str, language: Language) -> str | None:
    """The first forbidden word in `text`, as it is compared."""
    primary = language.partition("-")[0]
    looked_at = normal(text)
    for name in NAMES.get(primary, ()):
        looked_at = looked_at.replace(normal(name), "")
    found = _pattern(primary).search(looked_at)
    return found[0] if found else None


@cache
def _pattern(primary: str) -> re.Pattern[str]:
    words_ = FORBIDDEN.get(primary, ())
    before = _ARABIC_BEFORE if primary == "ar" else ""
    ways = (re.escape(normal(word)) + (r"\w*" if word.endswith("*") else "") for word in words_)
    return re.compile(rf"\b{before}(?:{'|'.join(ways)})\b" if words_ else r"(?!)")
