"""The pages as HTML. What stands on each is in templates/; its words are in the content."""

import secrets
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from handoff.console.voice import Voice

_ENVIRONMENT = Environment(
    loader=PackageLoader("handoff.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def fresh_id() -> str:
    """A new random id for a form: sent twice, it counts once."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class Screens:
    """Draws the pages of one deployment."""

    demonstration: bool

    def draw(self, template: str, voice: Voice, **shown: Any) -> str:  # noqa: ANN401 - the template's
        """A page, or a part of one."""
        return _ENVIRONMENT.get_template(template).render(
            t=voice.mark,
            p=voice.say,
            marked=voice.marked,
            voice=voice,
            lang=voice.info.language,
            dir=voice.info.direction.value,
            demonstration=self.demonstration,
            fresh_id=fresh_id,
            **{"member": None, "may": (), "csrf": "", "refresh": None, **shown},
        )
