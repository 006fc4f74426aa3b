"""The page of a package: everything that was sent, in words, and nothing that runs."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bot.domain.text import Language, text
from handoff.referral.form import SafeContact
from handoff.referral.htcds import document_of, retraction_of
from handoff.referral.package import LegalBasis, Retraction, build_package
from handoff.referral.printable import Reader, printable
from tests.support.graphs import shipped
from tests.support.referrals import (
    AT,
    BOTH,
    CONTACT,
    DERIVED,
    FORM,
    FULL_FORM,
    HEADER,
    PACKAGE,
    RECEIVER,
)

RELEASE = shipped()
INDICATORS = RELEASE.graph.indicators


def label(name: str) -> str:
    return RELEASE.words(text(f"referral_form.{name}"), Language("en")).words or name


READER = Reader(language="en", direction="ltr", label=label)


def page(form: object = FULL_FORM, reader: Reader = READER) -> str:
    built = build_package(HEADER, DERIVED, form, INDICATORS, LegalBasis.CONSENT, BOTH)  # type: ignore[arg-type]
    return printable(document_of(built, INDICATORS), reader, INDICATORS)


class Tags(HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_one_clean_page() -> None:
    found = Tags(page())
    assert found.open == []
    assert {"script", "img", "link", "iframe", "form", "a"}.isdisjoint(found.tags)
    assert not any(name.startswith("on") or name in {"src", "href"} for name in found.attributes)


def test_everything_stands_in_words() -> None:
    words = " ".join(re.sub(r"<[^>]+>", " ", page().split("</style>")[1]).split())
    for expected in (
        "7B0C-1234",
        "Soon",
        "A safe place, A lawyer",
        "18 to 24",
        "DOCS_HELD: Someone else keeps",
        "Zqanary",
        "+373 600 00 000",
        "after 20:00",
        "our name",
        "The person agreed.",
        "Somebody keeps her papers.",
        "ForcedLabour",
    ):
        assert expected in words, expected
    assert "value_" not in words
    assert "field_" not in words
    assert "section_" not in words


def test_how_to_be_careful_comes_before_anything_about_the_person() -> None:
    found = page()
    assert found.index("our name") < found.index("Zqanary")
    assert found.index("our name") < found.index("A safe place")


def test_without_identity_nobody_is_on_it() -> None:
    found = page(FORM)
    assert "Zqanary" not in found
    assert "+373" not in found


def test_what_was_typed_is_never_markup() -> None:
    contact = replace(CONTACT, never_say="<img src=x onerror=alert(1)>")
    form = replace(FULL_FORM, reasons="<script>alert(1)</script> & more", safe_contact=contact)
    found = page(form)
    assert "<script>" not in found
    assert "<img" not in found
    assert "&lt;script&gt;" in found
    assert isinstance(contact, SafeContact)


def test_it_follows_the_readers_direction() -> None:
    assert '<html lang="ar" dir="rtl">' in page(
        reader=replace(READER, language="ar", direction="rtl")
    )


@pytest.mark.parametrize("rule", ["@page", "@media print", "break-inside:avoid", "max-width"])
def test_it_is_made_for_paper(rule: str) -> None:
    assert rule in page()


def test_a_retraction_says_what_to_do_and_nothing_about_anybody() -> None:
    retraction = Retraction(
        package_id=PACKAGE,
        retracts=PACKAGE,
        sender="Test Helpline",
        receiver=RECEIVER,
        created_at=AT,
        sent_at=AT,
    )
    found = printable(retraction_of(retraction), READER)
    assert "7B0C-1234" in found
    assert "Please delete" in found
    assert PACKAGE in found
    assert Tags(found).open == []


def test_words_of_another_direction_do_not_disturb_their_row() -> None:
    contact = replace(CONTACT, never_say="اسمنا (today)")
    found = page(replace(FULL_FORM, safe_contact=contact, reasons="أخذوا جواز سفرها."))
    assert "<dd><bdi>اسمنا (today)</bdi></dd>" in found
    assert '<p class="reasons" dir="auto">أخذوا' in found
    assert '<dl class="names" dir="ltr">' in found
