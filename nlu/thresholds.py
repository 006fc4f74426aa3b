"""How sure is sure enough, for each purpose. How they were chosen: nlu/README.md."""

SURE = 0.5
"""From here on a person is shown the emergency card."""

UNSURE = 0.12
"""From here on a person is asked once, gently."""

RULE = 3.0
"""What a phrase of the lexicons adds, as a logarithm of odds."""

NOT_NOW = 0.5
EXIT = 0.35
"""What asks for something or ends something; erasing only ever asks once more."""

CHILD = 0.25

LANGUAGE = 0.5
"""Below it the language is `und`."""

ASK = 0.2
INDICATOR = 0.2
REPLY = 0.5
"""Of the replies that the question admits."""

INTENT = 0.6
SWITCH = 0.95
"""From here on another language is offered."""

REPLY_ALONE = 0.3
"""And so sure at least among all intents."""
