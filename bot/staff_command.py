"""`firstpoint staff` and `firstpoint audit`: accounts and records, from the machine itself.

They work while the service runs, and without it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_staff import RedisVault
from bot.adapters.sealing import read_or_make_key
from bot.database import opened
from bot.domain.text import Language
from bot.errors import StartError
from bot.settings import Settings
from handoff.audit import TERMINAL, Audit
from handoff.permissions import Role
from handoff.staff import Staff, StaffError, Wrong

OK, FAILED = 0, 1

_SENTENCES = {
    Wrong.NAME: "A name has 2 to 40 letters and digits.",
    Wrong.NAME_TAKEN: "There is an account with this name already.",
    Wrong.ROLES: "Name at least one role with --role.",
    Wrong.LAST_ADMIN: "This is the last administrator who can sign in. Make another one first.",
    Wrong.UNKNOWN: "There is no account with this name.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed after `firstpoint staff`."""

    do: str
    name: str = ""
    roles: tuple[str, ...] = ()
    language: str = "en"


async def staff(settings: Settings, asked: Asked, out: TextIO) -> int:
    """Do it; the exit code.

    Raises:
        StartError: the database cannot be reached, or the account cannot be changed so.
    """
    async with _opened(settings) as (accounts, _):
        try:
            await _do(settings, accounts, asked, out)
        except StaffError as error:
            raise StartError(_SENTENCES.get(error.wrong, error.wrong.value)) from None
    return OK


async def verify(settings: Settings, out: TextIO) -> int:
    """Look through the records of what staff did; the exit code.

    Raises:
        StartError: the database cannot be reached.
    """
    async with _opened(settings) as (_, audit):
        found = await audit.verify()
    out.write(f"{found.records} records\n")
    out.write(f"public key: {found.key.hex()}\n")
    if found.head is not None:
        out.write(f"signed head: {found.head.decode()}\n")
    for problem in found.problems:
        out.write(f"PROBLEM: {problem}\n")
    return FAILED if found.problems else OK


async def _do(settings: Settings, accounts: Staff, asked: Asked, out: TextIO) -> None:
    match asked.do:
        case "add":
            roles = [Role(role) for role in asked.roles]
            language = Language(asked.language)
            account, token = await accounts.invite(TERMINAL, asked.name, roles, language)
            _show_link(settings, account.name, token, out)
        case "reset":
            _show_link(settings, asked.name, await accounts.reset(TERMINAL, asked.name), out)
        case "disable":
            await accounts.disable(TERMINAL, asked.name)
            out.write(f"{asked.name} cannot sign in any more.\n")
        case _:
            for account in await accounts.accounts():
                state = "disabled" if account.disabled else "ready" if account.ready else "invited"
                roles_named = ",".join(sorted(role.value for role in account.roles))
                out.write(f"{account.name}\t{roles_named}\t{account.language}\t{state}\n")


def _show_link(settings: Settings, name: str, token: str, out: TextIO) -> None:
    where = f"http://{settings.console_host}:{settings.console_port}"
    out.write(f"For {name}, once, within 24 hours: {where}/set-up/{token}\n")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[tuple[Staff, Audit]]:
    key = read_or_make_key(settings.key_file)
    async with opened(settings) as database:
        audit = Audit(RedisTrail(database.client), key.mark)
        yield Staff(RedisVault(database.client, key), audit, key.mark), audit
