"""Names of things that have no meaning outside the service."""

from typing import NewType

ConversationId = NewType("ConversationId", str)
"""Random, never derived from who writes."""

InputKey = NewType("InputKey", str)
"""Made by the sender for one input; the same key twice is one turn.

Keys of our own hold a colon, which a sender's may not: nobody can use one up in advance.
"""

OperatorId = NewType("OperatorId", str)
"""An operator's account, without a name."""

Milliseconds = NewType("Milliseconds", int)
"""Since the epoch, by the clock of Redis, unless a name says otherwise."""

NO_TIME = Milliseconds(0)
"""Where nobody has looked at the clock."""
