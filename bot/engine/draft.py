"""A turn in the making: the conversation as it changes, and the effects so far."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.messages import Author, Content, Message, Told
from bot.domain.text import Text, text
from bot.engine.effects import Effect, Send, Turn
from bot.engine.graph import Graph
from bot.engine.received import Received


@dataclass(slots=True)
class Draft:
    """Lives inside one call of `advance`, and is never shared."""

    graph: Graph
    received: Received
    conversation: Conversation
    effects: list[Effect] = field(default_factory=list[Effect])

    @property
    def silent(self) -> bool:
        """Whether the bot may not speak on its own: everything it shows is a notice."""
        return self.conversation.control.owner in (Owner.OPERATOR, Owner.CLOSED)

    @property
    def length(self) -> int:
        """How many entries the log would have if the turn ended here."""
        return self.received.length + sum(isinstance(e, Send) for e in self.effects)

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - dataclasses.replace checks them
        """Set fields of the conversation."""
        self.conversation = replace(self.conversation, **fields)

    def do(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects.append(effect)

    def send(self, content: Content, by: Author | None = None) -> None:
        """Add a message of the bot, which is a notice while the bot is silent."""
        author = by or (Author.NOTICE if self.silent else Author.BOT)
        self.do(Send(Message(author, content)))

    def tell(self, key: str) -> None:
        """Say the interface sentence of that name."""
        self.send(Told(text(f"interface.{key}")))

    def tell_text(self, sentence: Text) -> None:
        """Say a sentence of a flow."""
        self.send(Told(sentence))

    def notify(self, key: str) -> None:
        """Give news about who answers."""
        self.send(Told(text(f"interface.{key}")), by=Author.NOTICE)

    def turn(self) -> Turn:
        """The finished turn."""
        return Turn(self.conversation, tuple(self.effects))
