"""A browser without scripts: reads a page's forms and sends them as a browser would."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientSession


@dataclass
class Form:
    """A form: what it sends by itself, and its buttons."""

    id: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects forms and text; what stands in a template is not on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.buttons: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.area: str | None = None
        self.templates = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "template":
            self.templates += 1
        if self.templates:
            return
        if tag == "form":
            self.forms.append(Form(given.get("id") or f"form {len(self.forms)}"))
        elif tag == "input" and given.get("type") == "hidden":
            self.forms[-1].fields.append((given["name"], given["value"]))
        elif tag == "textarea":
            self.area = ""
        elif tag == "button" and "value" in given:
            self.buttons.append((given.get("form") or self.forms[-1].id, given["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.templates -= 1
        if tag == "textarea" and self.area is not None:
            self.forms[-1].fields.append(("words", self.area.removeprefix("\n")))
            self.area = None

    def handle_data(self, data: str) -> None:
        if self.templates:
            return
        if self.area is not None:
            self.area += data
        elif data.strip():
            self.text.append(data.strip())


@dataclass
class Page:
    """One page that a person without scripts sees."""

    session: ClientSession
    url: str
    status: int = 0
    html: str = ""
    headers: Any = None
    forms: list[Form] = field(default_factory=list)
    text: str = ""

    async def opens(self, language: str = "en") -> "Page":
        """The start page."""
        async with self.session.get(self.url, headers={"Accept-Language": language}) as answer:
            return await self._read(answer)

    async def presses(self, do: str, **fields: Any) -> "Page":
        """The page after the button `do`, with what was filled in."""
        return await self.sends(self.body(do, **fields))

    async def sends(self, body: Any, **headers: str) -> "Page":
        """The page that answers a form."""
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            return await self._read(answer)

    def body(self, do: str, **fields: Any) -> list[tuple[str, str]]:
        """What the browser would send for the button `do`."""
        form = next(form for form in self.forms if do in form.buttons)
        kept = [(name, value) for name, value in form.fields if name not in fields]
        added = [
            (name, one)
            for name, value in fields.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        return [*kept, *added, ("do", do)]

    def buttons(self) -> list[str]:
        """Every button on the page."""
        return [button for form in self.forms for button in form.buttons]

    def field(self, name: str) -> str:
        """A field's value."""
        return next(value for form in self.forms for key, value in form.fields if key == name)

    async def _read(self, answer: Any) -> "Page":
        html = await answer.text()
        reader = _Reader()
        reader.feed(html)
        for owner, value in reader.buttons:
            next(form for form in reader.forms if form.id == owner).buttons.append(value)
        return Page(
            self.session,
            self.url,
            answer.status,
            html,
            answer.headers,
            reader.forms,
            re.sub(r"\s+", " ", " ".join(reader.text)),
        )


async def past_the_gate(page: Page) -> Page:
    """The menu, for somebody who can read now and is not in danger."""
    page = await (await page.opens()).presses("start")
    page = await page.presses("choice:yes")
    return await page.presses("choice:no")
