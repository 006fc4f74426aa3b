"""The sentences of `flows/console.yaml` and `flows/referral_form.yaml` that staff read.

Content may not import the console, so the names stand here a second time; a test compares them
with its code and templates.
"""

CONSOLE_TEXTS = (
    *("account", "account_help", "account_unknown", "accounts", "alarm", "answers"),
    *("answers_kept", "answers_shown", "authenticator", "authenticator_help"),
    *("authenticator_open", "authenticator_type", "away", "away_short", "beyond"),
    *("beyond_help", "card", "close", "close_help", "code", "code_word"),
    *("code_word_help", "code_wrong", "connection_back", "connection_lost"),
    *("conversation", "country", "country_unknown", "demonstration", "desk_full"),
    *("disable", "done_for", "ended_short", "form_old", "give_back"),
    *("give_back_help", "go_on", "grounds", "invite", "kept", "language"),
    *("language_choose", "last_admin", "link_for", "link_wrong", "log", "lost_short"),
    *("menu", "name", "name_new", "name_taken", "name_wrong", "new_short"),
    *("no_answers", "nobody_waits", "not_allowed", "not_announced", "not_readable"),
    *("not_saved", "not_sent", "notify", "notify_blocked", "notify_off", "on_shift"),
    *("outcome", "own", "page_unknown", "password", "password_again"),
    *("password_easy", "password_new", "password_rule", "password_short"),
    *("passwords_differ", "person_gone", "queue", "reason", "reasons", "refer"),
    *("refused", "reset", "roles", "roles_save", "roles_wrong", "rule_version"),
    *("save", "send", "sent_referrals", "session_ended", "set_up", "set_up_done"),
    *("set_up_for", "sign_in", "sign_in_help", "sign_in_wait", "sign_in_wrong"),
    *("sign_out", "skip", "somebody_waits", "something_new", "take", "take_next"),
    *("taken_already", "title", "too_large", "transfer", "transfer_help", "urgency"),
    *("urgent", "waits", "went_wrong", "why_here", "words_missing", "words_too_long"),
    *("write",),
)

CONSOLE_FAMILIES = (
    *("role_", "rank_", "urgency_", "by_", "block_", "alarm_", "refused_", "reason_"),
    *("outcome_", "ground_", "dimension_", "weight_", "state_"),
)
"""What names begin with that the console puts together."""

FORM_TEXTS = (
    *("alias", "answer_by", "answer_contact", "answer_reference", "ask_identity"),
    *("ask_referral", "begin", "birth_date", "by_hand", "changed", "choose_receiver"),
    *("consent_given", "consent_none", "consent_refused", "consent_title"),
    *("consent_waiting", "consent_withdrawn", "contact_address", "contact_by"),
    *("contact_code_word_set", "contact_never_say", "contact_when", "decide"),
    *("decide_about", "decide_basis", "decide_reason", "decide_title", "decided"),
    *("first_name", "form_about", "form_title", "full_number", "give_up"),
    *("handed_over", "hint_countries", "hint_identity", "hint_indicators"),
    *("hint_reasons", "interpreter", "no_receiver", "nobody_named", "note_answer"),
    *("overdue", "print", "print_first", "queued_said", "reads_safely", "receiver"),
    *("form_wrong", "reference", "retraction_says", "retracts", "save", "saved", "second_contact"),
    *("second_name", "send", "sender", "sent_at", "sent_empty", "sent_said"),
    *("sent_title", "state", "status_says", "title", "title_retraction"),
    *("told_by_hand",),
)

FORM_FAMILIES = (
    *("section_", "field_", "value_", "problem_", "missing_", "unusable_", "refused_"),
    *("failure_", "prs_"),
)
"""What names begin with that the pages of referrals put together."""
