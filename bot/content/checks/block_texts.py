"""The sentences around facts of a country, with what `bot.content.blocks` fills into each.

A test runs every block over facts of every kind and compares what is really filled in.
"""

from collections.abc import Mapping

from bot.domain.facts import Unit

_COUNTRY = frozenset({"country"})
_NUMBER = frozenset({"number"})
_SOURCE = frozenset({"date", "publisher"})
_DATED_SOURCE = _SOURCE | {"page_date"}

BLOCK_TEXTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            *("no_country", "choose_country", "person_here", "see_hotlines", "hotlines_instead"),
            *("not_confirmed_general", "emergency_number", "police_number", "ambulance_number"),
            *("fire_number", "police_same_number", "none_emergency_general", "call_from_abroad"),
            *("text_from_abroad", "from_abroad_unknown", "website", "answers_ngo"),
            *("answers_state", "answers_police", "answers_unknown", "organisation_unknown"),
            *("effect_unknown", "hours_unknown", "languages_unknown", "not_free"),
            *("cost_unknown", "anonymous", "not_anonymous", "anonymous_unknown"),
            *("reflection_what", "cooperation_free", "cooperation_asked"),
            *("cooperation_unknown", "help_and_stay", "talk_first", "residence_renewable"),
            *("residence_not_renewable", "residence_renewable_unknown", "first_point_what"),
            "child_office",
        ),
        frozenset[str](),
    ),
    **dict.fromkeys(
        (
            *("not_confirmed", "none_emergency", "call_in_country", "text_in_country", "free"),
            *("none_crisis_line", "none_child_helpline", "none_hotlines"),
            *("none_labour_and_legal_advice", "reflection_length_unknown"),
            *("none_reflection_period", "residence_what", "none_residence"),
            *("first_point_body_unknown", "none_first_point", "none_child_office"),
        ),
        _COUNTRY,
    ),
    **{
        f"reflection_{how}_{unit.value}": _NUMBER
        for how in ("exactly", "at_least", "at_most")
        for unit in Unit
    },
    **{f"reflection_between_{unit.value}": frozenset({"least", "most"}) for unit in Unit},
    "who_answers": frozenset({"organisation"}),
    "languages": frozenset({"languages"}),
    "legal_basis": frozenset({"law"}),
    "verified_on": _SOURCE,
    "checked_on_no_page": _SOURCE,
    "checked_on_undated": _SOURCE,
    "checked_on": _DATED_SOURCE,
    "checked_on_about": _DATED_SOURCE,
}
