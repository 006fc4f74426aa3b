"""The sentences of `flows/interface.yaml` that channels, commands and pages show by name.

Content may not import a channel, so the names stand here a second time; a test looks for every
name in the code and the templates, and for every use of a name here.
"""

CHANNEL_TEXTS = (
    *("always_there", "call", "check_erased", "checked_erased", "change_answer"),
    *("choose_language", "connected_again", "connection_lost"),
    *("code_word_ask", "code_word_is", "code_word_wrong"),
    *("code_field", "code_unknown", "code_wait", "conversation_full", "demonstration_banner"),
    *("done", "emergency_countries", "emergency_page", "emergency_page_again"),
    *("emergency_page_kept", "emergency_page_numbers", "erased_confirm", "erased_remains"),
    *("exit_done", "exit_explained", "exit_history", "exit_now", "exit_progress"),
    *("from_person", "from_program", "from_you", "go_on", "gone", "have_code", "home"),
    *("idle_hidden", "idle_warning", "left", "loading", "messages", "new_here", "new_question"),
    *("not_checked", "not_readable", "not_saved_yet", "nothing_new", "notice_asked"),
    *("open_code", "organisation_unnamed"),
    *("page_opens_nothing", "pause", "pick_many_hint", "read_aloud", "read_aloud_note"),
    *("read_aloud_stop", "reload_hint", "send", "show_again", "show_all", "show_earlier"),
    *("show_new", "start", "start_hint", "start_new", "title", "too_long", "try_again"),
    *("without_scripts", "write_here", "your_code"),
)
