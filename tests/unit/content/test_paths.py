"""What is proved over the graph holds for the engine: no walk goes where no path was found."""

from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.checks.paths import Ways, components, explore
from bot.content.release import load, read_files
from bot.domain.conversation import Conversation, Place, new_conversation
from bot.domain.messages import Asked, Told
from bot.domain.text import Language
from bot.engine.advance import ENGINE_FLOWS, advance
from bot.engine.choices import choices_of
from bot.engine.draft import Draft
from bot.engine.effects import Effect, Send
from bot.engine.graph import Graph
from bot.engine.received import Action, Pressed, Received, Requested, Started
from tests.unit.content.small_content import english, released

ROOT = Path(__file__).parents[3]
ASKED_FOR = tuple(
    Requested(action)
    for action in (Action.HUMAN, Action.HOTLINE, Action.DANGER, Action.SELF_HARM, Action.BACK)
)


@cache
def shipped() -> Graph:
    """The graph of the flows that we ship, whatever their translations are like."""
    files = {name: text for name, text in read_files(ROOT).items() if not name.endswith(".po")}
    loaded = load(files)
    return loaded.release.graph if loaded.release else released(english()).graph


def _begin(graph: Graph) -> tuple[Conversation, tuple[Effect, ...]]:
    conversation = new_conversation(release=1, language=Language("en"), nonce="n", facts={})
    turn = advance(graph, conversation, Received(what=Started(), nonce="n"))
    return turn.conversation, turn.effects


def _places(effects: tuple[Effect, ...]) -> set[Place]:
    """The nodes that said or asked something."""
    keys: set[str] = set()
    for effect in effects:
        match effect:
            case Send(message) if isinstance(message.content, Told):
                keys.add(message.content.sentence.key)
            case Send(message) if isinstance(message.content, Asked):
                keys.add(message.content.question.key)
            case _:
                pass
    parts = (key.split(".") for key in keys)
    return {Place(flow, node) for flow, node, *rest in parts if rest}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=40), max_size=60))
def test_no_walk_leaves_the_paths_that_were_found_or_gets_lost(presses: list[int]) -> None:
    graph = shipped()
    starts = [graph.flows[name].start for name in sorted(ENGINE_FLOWS & graph.flows.keys())]
    found = explore(graph, starts, Ways(opening=True)).places
    conversation, effects = _begin(graph)
    for press in presses:
        said = _places(effects)
        assert said <= found
        told = [e.message.content for e in effects if isinstance(e, Send)]
        assert not any(isinstance(t, Told) and "safe_sentence" in t.sentence.key for t in told)
        prompt = conversation.prompt
        what: Pressed | Requested = ASKED_FOR[press % len(ASKED_FOR)]
        if prompt is not None and press % 7:
            choice = prompt.choices[press % len(prompt.choices)]
            what = Pressed(number=prompt.number, choices=(choice,))
        turn = advance(graph, conversation, Received(what=what, nonce="n"))
        conversation, effects = turn.conversation, turn.effects


def test_the_choices_of_a_question_are_those_written_and_those_added() -> None:
    for graph in (shipped(), released(english()).graph):
        conversation, _ = _begin(graph)
        draft = Draft(graph, Received(what=Started(), nonce="n"), conversation)
        asked = [n.asks for flow in graph.flows.values() for n in flow.nodes.values() if n.asks]
        for question in asked:
            if question.source is None:
                written = tuple(option.id for option in question.options)
                shown = tuple(choice.id for choice in choices_of(draft, question))
                assert shown == (*written, *question.added())


def test_walks_with_a_known_fact_take_only_the_ways_that_it_leaves() -> None:
    graph = released(english()).graph
    start = graph.flows["signs"].start
    full = explore(graph, [start], Ways(known={"level": ("full",)})).places
    first_help = explore(graph, [start], Ways(known={"level": ("first_help",)})).places
    assert {place.node for place in first_help} == {"ready", "not_ready"}
    assert Place("signs", "not_ready") not in full
    assert Place("outcome", "menu") in full


def test_end_is_reached_only_where_a_visited_flow_can_end() -> None:
    files = english()
    files["flows/rights.yaml"] = files["flows/rights.yaml"].replace("next: end", "next: help")
    graph = released(files).graph
    start = graph.flows["rights"].start
    assert start not in explore(graph, [start], Ways()).ends
    assert start in explore(released(english()).graph, [start], Ways()).ends


def test_components_are_rounds_and_come_before_what_leads_to_them() -> None:
    a, b, c, d = (Place("f", name) for name in "abcd")
    found = components({a: [b], b: [c, d], c: [b], d: []})
    assert [set(part) for part in found] == [{d}, {b, c}, {a}]


def test_long_chains_need_no_deep_stack() -> None:
    chain = [Place("f", str(number)) for number in range(5000)]
    links = {one: [other] for one, other in pairwise(chain)}
    found = components({**links, chain[-1]: [chain[0]]})
    assert [len(part) for part in found] == [5000]
