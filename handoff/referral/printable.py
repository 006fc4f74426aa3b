"""A package as one clean page, for receivers without a system and for whoever wants to read it.

Labels are in the reader's language and come from `flows/referral_form.yaml`. The page has no
script, no picture and no address in it, and prints on A4 and on Letter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import cast

from bot.domain.consent import PackageId, reference
from bot.domain.indicators import IndicatorCode, IndicatorSet
from handoff.referral.htcds import Json

Label = Callable[[str], str]
"""The words for a name of `flows/referral_form.yaml`; a name without words comes back itself."""

_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "first": ("urgency", "presumed_minor", "guardian_needed", "risks", "needs", "wants"),
    "talking": (
        *("language", "dialect", "interpreter_needed", "mediator_wanted"),
        *("communication_aid",),
    ),
    "situation": (
        *("outcome", "exploitation_forms", "x_restricts_movement", "x_forced_criminality"),
        *("still_in_situation", "last_contact_exploiter", "country_now", "age_band"),
        *("relation_recruiter",),
    ),
}

_SHOWN_ABOVE = frozenset({"cas_OutgoingReferralDetails"})

_STYLE = """
@page{size:auto;margin:12mm}
body{font:11pt/1.45 system-ui,sans-serif;color:#000;background:#fff;max-width:46em;
margin:1em auto;padding:0 1em}
h1{font-size:15pt;margin:0 0 .2em}h2{font-size:12pt;margin:1.2em 0 .3em;
border-block-end:1px solid #000;break-after:avoid}
dl{display:grid;grid-template-columns:minmax(9em,15em) 1fr;gap:.15em 1em;margin:0}
dt{font-weight:600;overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
ul{margin:.2em 0;padding-inline-start:1.2em}li{break-inside:avoid}
.careful{border:2px solid #000;padding:.6em .8em;margin:.8em 0;break-inside:avoid}
.careful h2{margin-block-start:0}
.reasons{white-space:pre-wrap;overflow-wrap:anywhere}
.names{grid-template-columns:minmax(0,max-content) 1fr;font-size:9pt}
footer{margin-block-start:1.5em;font-size:9pt}
@media(max-width:30em){dl{grid-template-columns:1fr}dd{margin-block-end:.4em}}
@media print{body{margin:0;padding:0;max-width:none;font-size:9pt;line-height:1.25}
dl{grid-template-columns:repeat(2,minmax(0,13.5em) 1fr)}.careful dl{grid-template-columns:12em 1fr}
h2{font-size:10pt;margin-block-start:.5em}p,ul{margin-block:.2em}.no-print{display:none}
.names{font-size:7.5pt;grid-template-columns:repeat(2,max-content 1fr)}}
"""
"""Also for the console's policy of contents: `style-src` names its hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """In which language a page is, and what its words are."""

    language: str
    direction: str
    label: Label


def printable(document: Json, reader: Reader, indicators: IndicatorSet | None = None) -> str:
    """The page of a document as it was sent, or would be."""
    body = (
        _retraction(document, reader)
        if document["message_type"] == "retract"
        else _notification(document, reader, indicators)
    )
    title = escape(reader.label("title"))
    return (
        f'<!doctype html><html lang="{escape(reader.language)}" dir="{escape(reader.direction)}">'
        f'<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><main>{''.join(body)}</main></body></html>"
    )


def style() -> str:
    """What stands between the page's style tags."""
    return _STYLE


def _retraction(document: Json, reader: Reader) -> Iterator[str]:
    label = reader.label
    yield f"<h1>{escape(label('title_retraction'))}</h1>"
    yield f'<p class="careful">{escape(label("retraction_says"))}</p>'
    yield _list(
        (
            (label("retracts"), reference(PackageId(document["retracts"]))),
            (label("full_number"), document["retracts"]),
            *_head(document, label),
        )
    )


def _notification(
    document: Json, reader: Reader, indicators: IndicatorSet | None
) -> Iterator[str]:
    label, own, standard = reader.label, document["x"], document["htcds"]
    fields = {"urgency": document["urgency"], "outcome": document["outcome"], **own}
    yield f"<h1>{escape(label('title'))}</h1>"
    yield f"<p>{escape(label('status_says'))}</p>"
    number = reference(PackageId(document["package_id"]))
    yield _list(((label("reference"), number), *_head(document, label)))
    if "safe_contact" in own:
        yield from _safe_contact(own["safe_contact"], label)
    for section, names in _SECTIONS.items():
        yield f"<h2>{escape(label('section_' + section))}</h2>"
        yield _list(
            (label("field_" + name), _said(name, fields[name], label))
            for name in names
            if name in fields and fields[name] not in ([], ())
        )
    yield f"<h2>{escape(label('field_reasons'))}</h2>"
    reasons = escape(standard.get("cas_OutgoingReferralDetails", ""))
    yield f'<p class="reasons" dir="auto">{reasons}</p>'
    yield f"<h2>{escape(label('field_indicators'))}</h2>"
    yield _bullets(_meaning(code, indicators) for code in own.get("indicators", ()))
    yield f"<h2>{escape(label('section_standard'))}</h2>"
    in_standard = (
        (name, _plain(value))
        for name, value in standard.items()
        if name not in _SHOWN_ABOVE and name[:4] != "prs_"
    )
    yield _list(in_standard, 'class="names" dir="ltr"')
    yield from _who(own, standard, label)
    yield from _why_sent(own, label)


def _head(document: Json, label: Label) -> tuple[tuple[str, str], ...]:
    return (
        (label("sender"), document["sender"]),
        (label("receiver"), document["receiver"]),
        (label("sent_at"), document["sent_at"]),
    )


def _safe_contact(contact: Json, label: Label) -> Iterator[str]:
    """First and framed: whoever calls without reading it can do harm."""
    yield f'<div class="careful"><h2>{escape(label("field_safe_contact"))}</h2>'
    yield _list(
        (
            label("contact_" + name),
            _said("contact_by", value, label) if name == "by" else _yes(value, label),
        )
        for name, value in contact.items()
    )
    yield "</div>"


def _who(own: Json, standard: Json, label: Label) -> Iterator[str]:
    about = {name: value for name, value in standard.items() if name[:4] == "prs_"}
    if "alias" in own:
        about["alias"] = own["alias"]
    yield f"<h2>{escape(label('section_person'))}</h2>"
    yield _list((label(name), str(value)) for name, value in about.items())


def _why_sent(own: Json, label: Label) -> Iterator[str]:
    yield f"<h2>{escape(label('field_legal_basis'))}</h2>"
    yield f"<p>{escape(_said('legal_basis', own['legal_basis'], label))}</p>"
    yield _bullets(
        "; ".join(
            (
                _said("purpose", consent["purpose"], label),
                label("value_yes") if consent["given"] else label("value_no"),
                f"{consent['at']}, {consent['language']}, {consent['text_version']}",
            )
        )
        for consent in own["consent"]
    )


def _meaning(code: str, indicators: IndicatorSet | None) -> str:
    known = indicators.indicators.get(IndicatorCode(code)) if indicators else None
    return f"{code}: {known.meaning}" if known else code


def _said(name: str, value: Json, label: Label) -> str:
    """A value in words: of a list, of a yes or no, or as it is."""
    if isinstance(value, bool):
        return _yes(value, label)
    if isinstance(value, list | tuple):
        several = cast("Sequence[Json]", value)
        return ", ".join(_said(name, one, label) for one in several)
    key = f"value_{name}_{value}".replace("-", "_").replace("+", "_plus")
    words = label(key)
    return str(value) if words == key else words


def _yes(value: Json, label: Label) -> str:
    if isinstance(value, bool):
        return label("value_yes") if value else label("value_no")
    return str(value)


def _plain(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(pairs: Iterable[tuple[str, str]], attributes: str = "") -> str:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi></dd>" for name, value in pairs
    )
    return f"<dl {attributes}>{rows}</dl>" if rows else ""


def _bullets(lines: Iterable[str]) -> str:
    rows = "".join(f"<li><bdi>{escape(line)}</bdi></li>" for line in lines)
    return f"<ul>{rows}</ul>" if rows else ""
