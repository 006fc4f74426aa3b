"""What lets a page speak for a conversation. Nothing about it is stored."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.domain.ids import ConversationId

Mark = Callable[..., bytes]
"""Bytes that only this installation can make, for a purpose and some parts."""

_ID_BYTES = 16
_MAC_BYTES = 24
_MOST_VIEW = 10**9


@dataclass(frozen=True, slots=True)
class Pass:
    """A page's right to speak for one view of a conversation."""

    conversation: ConversationId
    view: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens. A token of an ended view is good for nothing."""

    mark: Mark = field(repr=False)

    def conversation(self, start: str) -> ConversationId:
        """The id of the conversation that a page began under its own random `start`.

        The same start gives the same conversation, so beginning twice is beginning once. Whoever
        knows `start` could begin it again: it is as secret as the token.
        """
        return ConversationId(_text(self.mark("conversation", start)[:_ID_BYTES]))

    def token(self, conversation: ConversationId, view: int) -> str:
        """The token of a view."""
        return f"{conversation}.{view}.{_text(self._mac(conversation, view))}"

    def read(self, token: str) -> Pass | None:
        """Whose token it is; None when we never made it."""
        id, _, rest = token.partition(".")
        view, _, mac = rest.partition(".")
        if not (view.isascii() and view.isdigit() and len(view) <= len(str(_MOST_VIEW))):
            return None
        known = _text(self._mac(ConversationId(id), int(view)))
        if not hmac.compare_digest(known.encode(), mac.encode(errors="replace")):
            return None
        return Pass(ConversationId(id), int(view))

    def _mac(self, conversation: ConversationId, view: int) -> bytes:
        return self.mark("token", conversation, str(view))[:_MAC_BYTES]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
