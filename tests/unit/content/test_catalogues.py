"""Translation files follow the English sources, and nothing stale is ever shown as good."""

from pathlib import Path

import polib
import pytest

from bot.content.catalogues import Updated, po_name, update_language
from bot.content.texts import Catalogue, Class, SourceText
from bot.domain.text import TextKey


def source(
    key: str, words: str, kind: Class = Class.WORDING, file: str = "flows/rights.yaml"
) -> SourceText:
    return SourceText(key=TextKey(key), words=words, kind=kind, file=file, line=1)


HELP = source("rights.help.say.0", "You may have a right to help.")
MORE = source("rights.help.say.1", "There is more.")
REWORDED = source("rights.help.say.0", "You may have rights to help.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def update(
    folder: Path, *sources: SourceText, wording_only: frozenset[str] = frozenset()
) -> Updated:
    return update_language(folder, "ro", sources, wording_only=wording_only)


def entries(folder: Path, name: str = "rights") -> list[polib.POEntry]:
    return list(polib.pofile(str(folder / f"{name}.po")))


def translate(folder: Path, words: str, translated: str) -> None:
    """What a translator does: fill in a translation, and take the mark away."""
    file = polib.pofile(str(folder / "rights.po"))
    for entry in file:
        if entry.msgid == words:
            entry.msgstr = translated
            entry.flags = []
    file.save()


def shown(folder: Path, sentence: SourceText) -> str | None:
    """What a person would read."""
    catalogue = Catalogue()
    catalogue.add((folder / "rights.po").read_text(encoding="utf-8"), "locales/ro/rights.po")
    assert catalogue.problems == []
    found = catalogue.of(sentence)
    return found.words if found else None


def test_new_language_gets_every_sentence_with_its_key_and_class(folder: Path) -> None:
    danger = source("rights.danger.say.0", "Call now.", Class.EMERGENCY)
    assert update(folder, HELP, danger) == Updated(new=2, stale=0, removed=0, missing=2)
    first, second = entries(folder)
    assert (first.msgctxt, first.msgid, first.msgstr) == ("rights.help", HELP.words, "")
    assert first.comment == "rights.help.say.0"
    assert second.comment == "rights.danger.say.0 (emergency)"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("flows/rights.yaml", "rights"),
        ("flows/interface.yaml", "interface"),
        ("flows/fallback.yaml", "fallback"),
        ("flows/countries/MD.yaml", "countries"),
        ("flows/countries/UA.yaml", "countries"),
    ],
)
def test_each_flow_has_a_file_and_all_countries_have_one(file: str, name: str) -> None:
    assert po_name(source("a.b.c", "x", file=file)) == name


def test_order_of_the_file_is_the_order_of_the_source(folder: Path) -> None:
    update(folder, MORE)
    update(folder, HELP, MORE)
    assert [entry.msgid for entry in entries(folder)] == [HELP.words, MORE.words]


def test_good_translation_stays_good(folder: Path) -> None:
    update(folder, HELP)
    translate(folder, HELP.words, "Poți avea dreptul la ajutor.")
    assert update(folder, HELP) == Updated(new=0, stale=0, removed=0, missing=0)
    assert shown(folder, HELP) == "Poți avea dreptul la ajutor."


def test_nothing_changes_when_nothing_changed(folder: Path) -> None:
    update(folder, HELP)
    file = folder / "rights.po"
    file.write_text(file.read_text(encoding="utf-8") + "\n# by hand\n", encoding="utf-8")
    before = file.read_bytes()
    update(folder, HELP)
    assert file.read_bytes() == before


def test_changed_source_keeps_the_translation_as_a_hint_only(folder: Path) -> None:
    update(folder, HELP)
    translate(folder, HELP.words, "Ajutor.")
    assert update(folder, REWORDED) == Updated(new=1, stale=1, removed=1, missing=1)
    (entry,) = entries(folder)
    assert (entry.msgid, entry.msgstr, entry.fuzzy) == (REWORDED.words, "Ajutor.", True)
    assert shown(folder, REWORDED) is None


def test_stale_translation_is_good_again_when_the_translator_says_so(folder: Path) -> None:
    update(folder, HELP)
    translate(folder, HELP.words, "Ajutor.")
    update(folder, REWORDED)
    translate(folder, REWORDED.words, "Drepturi la ajutor.")
    assert update(folder, REWORDED).missing == 0
    assert shown(folder, REWORDED) == "Drepturi la ajutor."


def test_wording_only_change_keeps_the_translation(folder: Path) -> None:
    update(folder, HELP)
    translate(folder, HELP.words, "Ajutor.")
    done = update(folder, REWORDED, wording_only=frozenset({REWORDED.key}))
    assert (done.stale, done.missing) == (0, 0)
    assert shown(folder, REWORDED) == "Ajutor."


def test_wording_only_change_does_not_make_a_stale_translation_good(folder: Path) -> None:
    update(folder, HELP)
    translate(folder, HELP.words, "Ajutor.")
    update(folder, REWORDED)
    again = source(HELP.key, "You may well have rights to help.")
    update(folder, again, wording_only=frozenset({again.key}))
    assert shown(folder, again) is None


def test_wording_only_holds_for_the_named_text_alone(folder: Path) -> None:
    update(folder, HELP, MORE)
    translate(folder, HELP.words, "Ajutor.")
    translate(folder, MORE.words, "Mai mult.")
    other = source(MORE.key, "There is much more.")
    update(folder, REWORDED, other, wording_only=frozenset({REWORDED.key}))
    assert shown(folder, REWORDED) == "Ajutor."
    assert shown(folder, other) is None


def test_untranslated_sentence_that_changes_is_not_stale(folder: Path) -> None:
    update(folder, HELP)
    assert update(folder, REWORDED) == Updated(new=1, stale=0, removed=1, missing=1)
    (entry,) = entries(folder)
    assert not entry.fuzzy


def test_sentence_that_is_gone_goes_with_its_translation(folder: Path) -> None:
    update(folder, HELP, MORE)
    assert update(folder, MORE) == Updated(new=0, stale=0, removed=1, missing=1)
    assert [entry.msgid for entry in entries(folder)] == [MORE.words]


def test_same_words_twice_in_a_node_are_translated_once(folder: Path) -> None:
    twice = source("rights.help.choice.a", HELP.words)
    assert update(folder, HELP, twice).new == 1
    translate(folder, HELP.words, "Ajutor.")
    assert shown(folder, twice) == "Ajutor."


def test_same_words_in_two_nodes_are_translated_apart(folder: Path) -> None:
    elsewhere = source("rights.other.say.0", HELP.words)
    assert update(folder, HELP, elsewhere).new == 2


def test_notes_and_head_of_the_translator_stay(folder: Path) -> None:
    update(folder, HELP)
    file = polib.pofile(str(folder / "rights.po"))
    file.metadata["Last-Translator"] = "a translator"
    file[0].msgstr, file[0].tcomment = "Ajutor.", "formal"
    file.save()
    update(folder, REWORDED)
    changed = polib.pofile(str(folder / "rights.po"))
    assert changed.metadata["Last-Translator"] == "a translator"
    assert changed.metadata["Language"] == "ro"
    assert changed[0].tcomment == "formal"


def test_long_and_foreign_words_survive_being_written(folder: Path) -> None:
    long = source("rights.help.say.0", 'A "quoted" text \\ with everything. ' * 8)
    update(folder, long)
    translate(folder, long.words, "Așa „ceva” عربي. " * 9)
    assert shown(folder, long) == "Așa „ceva” عربي. " * 9
