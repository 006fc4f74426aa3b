"""The `firstpoint` command. Each command loads only what it needs: most need no server."""

# ruff: noqa: PLC0415

import argparse
import asyncio
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from bot.errors import StartError
from bot.settings import content_folder, read_settings

OK, FAILED, BAD_INPUT = 0, 1, 2
"""Exit codes: it worked; it could not be done; what was given is not right."""

_CONTENT = "holds flows/; FIRSTPOINT_CONTENT without it"


class _Commands(Protocol):
    """What `add_subparsers` gives: argparse has no public name for it."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser: ...  # noqa: A002


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name; its exit code."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except StartError as error:
        _tell(str(error))
        return FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="firstpoint", description="An anonymous chat for help.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="start everything on this machine")
    run.set_defaults(command=_run)

    checking = commands.add_parser("check", help="look for every problem in the content")
    checking.add_argument("folder", nargs="?", type=Path, help=_CONTENT)
    checking.add_argument(
        "--production", action="store_true", help="also list what is not verified yet"
    )
    checking.add_argument(
        "--write-schema", action="store_true", help="only bring flows/schema.json up to date"
    )
    checking.set_defaults(command=_check)

    playing = commands.add_parser("play", help="walk a flow in the terminal")
    playing.add_argument("folder", nargs="?", type=Path, help=_CONTENT)
    playing.add_argument("--lang", default="en", help="language tag, such as ro")
    playing.add_argument("--country", help="country code, such as MD")
    playing.add_argument("--flow", help="begin with this flow instead of the welcome")
    playing.add_argument("--script", type=Path, help="play a JSON Lines file of inputs")
    playing.set_defaults(command=_play)

    assessing = commands.add_parser("assess", help="apply the outcome rule to JSON Lines")
    assessing.set_defaults(command=_assess)

    interpreting = commands.add_parser("interpret", help="say what JSON Lines of texts mean")
    interpreting.add_argument(
        "--rules-only", action="store_true", help="without the interpreter, also where it is there"
    )
    interpreting.set_defaults(command=_interpret)

    keeping = commands.add_parser("backup", help="write a backup while the service runs")
    keeping.add_argument("folder", type=Path, help="where the backup is written")
    keeping.add_argument("--keys", type=Path, help="where its keys are written; FOLDER/keys")
    keeping.set_defaults(command=_backup)

    restoring = commands.add_parser("restore", help="bring a backup back")
    restoring.add_argument("folder", type=Path, help="holds backups, or is one of them")
    restoring.add_argument("--keys", type=Path, help="where the keys are; FOLDER/keys")
    restoring.set_defaults(command=_restore)

    examining = commands.add_parser("doctor", help="is everything in order?")
    examining.set_defaults(command=_doctor)

    translating = commands.add_parser("translate", help="bring the translation files up to date")
    translating.add_argument("languages", nargs="*", help="such as ro; all without")
    translating.add_argument("--folder", type=Path, help=_CONTENT)
    translating.add_argument(
        "--wording-only",
        action="append",
        default=[],
        metavar="KEY",
        help="a text that was only reworded: its translations stay good",
    )
    translating.set_defaults(command=_translate)

    _staff_parsers(commands)
    _referral_parsers(commands)
    return parser


def _referral_parsers(commands: _Commands) -> None:
    opening = commands.add_parser("open-package", help="open a referral that was sent to you")
    opening.add_argument("file", type=Path, help="as it was fetched")
    opening.add_argument("--key", type=Path, required=True, help="the file of your key")
    opening.add_argument("--sender", required=True, help="the sender's key, as they told you")
    opening.add_argument("--to", type=Path, help="a folder for JSON, CSV and a page to print")
    opening.set_defaults(command=_open_package)

    receiver = commands.add_parser("receiver-key", help="make the key of a receiver")
    receiver.add_argument("file", type=Path, help="where the private part stays")
    receiver.set_defaults(command=_receiver_key)

    sender = commands.add_parser("sender-key", help="the key receivers know us by")
    sender.set_defaults(command=_sender_key)

    demo = commands.add_parser("demo-receiver", help="make a receiver for the demonstration")
    demo.add_argument("folder", type=Path, help="for its key and its file")
    demo.set_defaults(command=_demo_receiver)


def _open_package(given: argparse.Namespace) -> int:
    from bot.referral_command import open_package

    open_package(given.file, given.key, given.sender, given.to, _print)
    return OK


def _receiver_key(given: argparse.Namespace) -> int:
    from bot.referral_command import make_receiver_key

    make_receiver_key(given.file, _print)
    return OK


def _sender_key(_: argparse.Namespace) -> int:
    from bot.referral_command import tell_sender_key

    tell_sender_key(read_settings(), _print)
    return OK


def _demo_receiver(given: argparse.Namespace) -> int:
    from bot.referral_command import make_demo_receiver

    make_demo_receiver(given.folder, _print)
    return OK


def _staff_parsers(commands: _Commands) -> None:
    accounts = commands.add_parser("staff", help="add, list and disable accounts of staff")
    doing = accounts.add_subparsers(dest="do", required=True, metavar="WHAT")
    doing.add_parser("list", help="every account, its roles, language and state")
    adding = doing.add_parser("add", help="make an account, and a link to set it up")
    adding.add_argument("name")
    adding.add_argument(
        "--role",
        action="append",
        default=[],
        choices=("operator", "lead", "editor", "reviewer", "admin"),
        help="may be given more than once",
    )
    adding.add_argument("--lang", default="en", help="language of the console, such as ro")
    doing.add_parser("disable", help="end its sessions, let nobody sign in").add_argument("name")
    doing.add_parser("reset", help="recovery: a new link").add_argument("name")
    accounts.set_defaults(command=_staff)

    auditing = commands.add_parser("audit", help="the records of what staff did")
    auditing.add_argument("do", choices=("verify",), help="look for changed or missing records")
    auditing.set_defaults(command=_audit)


def _run(_: argparse.Namespace) -> int:
    from bot.app import run
    from bot.content.shelf import BadContentError
    from bot.logs import set_up_logs

    set_up_logs()
    _leave_no_core_dumps()
    try:
        asyncio.run(run(read_settings(), _tell))
    except BadContentError:
        _tell("The content has problems, and there is no earlier release that could be served.")
        return BAD_INPUT
    except BaseExceptionGroup as several:
        refused = several.subgroup(StartError)
        if refused is None:
            raise
        raise next(_each(refused)) from None
    return OK


def _each(error: BaseException) -> Iterator[BaseException]:
    """The single errors of a group of groups."""
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    if not parts:
        yield error
    for part in parts:
        yield from _each(part)


def _leave_no_core_dumps() -> None:
    """Keep the memory of a process that crashes, which holds words of people, out of files.

    The embedded database, which we start, inherits this.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _check(given: argparse.Namespace) -> int:
    from bot.check_command import check, write_schema

    folder = given.folder or content_folder()
    if given.write_schema:
        return write_schema(folder)
    return check(folder, production=given.production)


def _play(given: argparse.Namespace) -> int:
    from bot.play_command import play

    return play(
        given.folder or content_folder(),
        language=given.lang,
        country=given.country,
        flow=given.flow,
        script=given.script,
    )


def _assess(_: argparse.Namespace) -> int:
    from bot.assess_command import assess_lines, indicators_of

    return assess_lines(sys.stdin.buffer, sys.stdout, indicators=indicators_of(content_folder()))


def _interpret(given: argparse.Namespace) -> int:
    from bot.content.exits import read_exits
    from bot.interpret_command import interpret_lines

    rules = read_exits(content_folder())
    return interpret_lines(sys.stdin.buffer, sys.stdout, rules=rules, rules_only=given.rules_only)


def _backup(given: argparse.Namespace) -> int:
    from bot.backup_command import backup

    return backup(read_settings(), given.folder, given.keys, _tell)


def _restore(given: argparse.Namespace) -> int:
    from bot.backup_command import restore

    return restore(read_settings(), given.folder, given.keys, _tell)


def _doctor(_: argparse.Namespace) -> int:
    from bot.doctor_command import doctor

    return doctor(sys.stdout)


def _translate(given: argparse.Namespace) -> int:
    from bot.translate_command import translate

    return translate(given.folder or content_folder(), given.languages, given.wording_only)


def _staff(given: argparse.Namespace) -> int:
    from bot.staff_command import Asked, staff

    asked = Asked(
        do=given.do,
        name=getattr(given, "name", ""),
        roles=tuple(getattr(given, "role", ())),
        language=getattr(given, "lang", "en"),
    )
    return asyncio.run(staff(read_settings(), asked, sys.stdout))


def _audit(_: argparse.Namespace) -> int:
    from bot.staff_command import verify

    return asyncio.run(verify(read_settings(), sys.stdout))


def _print(line: str) -> None:
    """Give an answer that somebody may keep."""
    sys.stdout.write(f"{line}\n")


def _tell(line: str) -> None:
    """Speak to whoever sits at the terminal."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
