"""Which words a consent is an answer to.

A person agrees to sentences, not to a form's number: the version is a fingerprint of every
sentence that can be shown, in the language in which it is shown. Whoever has to prove a consent
finds the words in the release whose consent flow has this fingerprint.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from bot.dialogue.ports import Content
from bot.domain.conversation import Conversation, Place
from bot.domain.text import Language, Text
from bot.engine.consents import CONSENT
from bot.engine.graph import text_key
from bot.engine.received import ConsentRequested, Input


def consent_texts(
    pinned: Content, current: Content, conversation: Conversation, what: Input
) -> Mapping[Language, str]:
    """The version of the words by language; nothing while no consent is asked for."""
    if conversation.consent_question is None and not isinstance(what, ConsentRequested):
        return {}
    return {language: text_version(pinned, current, language) for language in current.languages}


def text_version(pinned: Content, current: Content, language: Language) -> str:
    """A fingerprint of the words of the consent flow, as they are shown in `language`.

    Before it stand the languages in which they really are: a sentence without a translation is
    shown in English.
    """
    shown = [
        (sentence.key, (pinned if pinned.pinned(sentence) else current).words(sentence, language))
        for sentence in _sentences(pinned)
    ]
    words = json.dumps([(key, said.words, said.language) for key, said in shown])
    languages = "+".join(sorted({said.language for _, said in shown}))
    return f"{languages}-{hashlib.sha256(words.encode()).hexdigest()[:24]}"


def _sentences(content: Content) -> Iterator[Text]:
    flow = content.graph.flows.get(CONSENT)
    for name, node in flow.nodes.items() if flow else ():
        place = Place(CONSENT, name)
        yield from (text_key(place, f"say.{index}") for index in range(node.sentences))
        if node.asks is not None:
            yield text_key(place, "ask")
            yield from (option.label for option in node.asks.options)
