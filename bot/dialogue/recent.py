"""The last few texts of each person, in memory only: one alone says little of its language."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bot.domain.ids import ConversationId

MOST_TEXTS = 3
MOST_CONVERSATIONS = 5000
MOST_CHARACTERS = 300


@dataclass(slots=True)
class Recent:
    """Forgets the conversations that were silent longest, and everything at the end."""

    _texts: OrderedDict[ConversationId, deque[str]] = field(
        default_factory=OrderedDict[ConversationId, deque[str]], repr=False
    )

    def with_(self, id: ConversationId, text: str) -> tuple[str, ...]:
        """The last texts of that person together with `text`, which is kept."""
        texts = self._texts.setdefault(id, deque(maxlen=MOST_TEXTS))
        self._texts.move_to_end(id)
        texts.append(text[:MOST_CHARACTERS])
        while len(self._texts) > MOST_CONVERSATIONS:
            self._texts.popitem(last=False)
        return tuple(texts)

    def forget(self, id: ConversationId) -> None:
        """Forget that person: they erased everything, or chose a language."""
        self._texts.pop(id, None)
