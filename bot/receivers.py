"""The folder with the files of the receivers."""

from pathlib import Path

from bot.domain.facts import Mode
from bot.settings import Settings
from handoff.referral.receivers import FOLDER, BadEntry, Directory, read_directory

_UNREAD = "it cannot be read"


def receivers_of(settings: Settings) -> Directory:
    """The receivers of this mode. Read anew each time: a file that is withdrawn counts at once.

    A demonstration never reaches a real organisation, and production no made-up one. What cannot
    be read is among the problems, and takes nothing else with it.
    """
    folder = settings.receivers or settings.content / FOLDER
    if settings.receivers is None and not folder.exists():
        return Directory()
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".yaml")
    except OSError:
        return Directory(problems=(BadEntry("", _UNREAD, unread=True),))
    texts = {path.name: _text(path) for path in paths}
    found = read_directory({name: text for name, text in texts.items() if text is not None})
    unread = [BadEntry(name, _UNREAD, unread=True) for name, text in texts.items() if text is None]
    demonstration = settings.mode is Mode.DEMONSTRATION
    fitting = {id: r for id, r in found.receivers.items() if r.demonstration is demonstration}
    return Directory(fitting, (*found.problems, *unread))


def _text(path: Path) -> str | None:
    """What stands in a file; None when it cannot be read."""
    try:
        # Of what is no file, reading might never end.
        return path.read_bytes().decode(errors="replace") if path.is_file() else None
    except OSError:
        return None
