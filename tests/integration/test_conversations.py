"""Plays tests/conversations/: every file is one conversation and what must follow."""

import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.content.yaml_file import parse_yaml
from bot.domain.ids import ConversationId, InputKey, OperatorId
from handoff.permissions import Member, Role
from tests.support.person import first_of
from tests.support.service import RunningService

FOLDER = Path(__file__).resolve().parent.parent / "conversations"
FILES = sorted(FOLDER.rglob("*.yaml"))
OPERATOR = Member(id=OperatorId("op-1"), roles=frozenset({Role.OPERATOR}))

Turn = dict[str, Any]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
async def test_conversation(
    service: RunningService, file: Path, request: pytest.FixtureRequest
) -> None:
    written: Any = parse_yaml(file.read_text(), file.name).data
    player = Player(service)
    played = [await player.play(turn, written) for turn in written["turns"]]
    if request.config.getoption("--update"):
        file.write_text(_as_yaml({**written, "turns": played}))
    else:
        assert played == written["turns"]


class Player:
    """Does what a file says, and notes what follows in the file's own form."""

    def __init__(self, service: RunningService) -> None:
        self.desk = service.desk
        self.sweeper = service.service.sweeper
        self.person = service.person()
        self.owner = "bot"

    async def play(self, turn: Turn, about: Turn) -> Turn:
        match turn:
            case {"opens": True}:
                await self.person.opens(about.get("language", "en"), about.get("country"))
            case {"presses": choices}:
                await self.person.presses(*([choices] if isinstance(choices, str) else choices))
            case {"types": words}:
                await self.person.types(words)
            case {"wants": action}:
                await self.person.wants(action)
            case {"operator_writes": words}:
                await self.desk.write(self._id(), OPERATOR, _key(), words)
                await self.person.looks()
            case {"operator": move}:
                await self._operator(move)
                await self.person.looks()
            case _:
                raise AssertionError(f"nobody can do this: {turn}")
        return {**_done(turn), **self._follows()}

    async def _operator(self, move: str) -> None:
        id = self._id()
        match move:
            case "claims":
                await self.desk.claim(id, OPERATOR)
            case "gives_back":
                await self.desk.give_back(id, OPERATOR)
            case "transfers":
                await self.desk.transfer(id, OPERATOR)
            case "closes":
                await self.desk.close(id, OPERATOR)
            case _:
                raise AssertionError(f"an operator cannot do this: {move}")

    def _id(self) -> ConversationId:
        return ConversationId(self.person.token.partition(".")[0])

    def _follows(self) -> Turn:
        if self.person.view is None:
            return {"erased": True}
        heard = [first_of(m) for m in self.person.new if m["by"] != "person" and "asked" not in m]
        found: Turn = {"hears": heard} if heard else {}
        found["asked"] = self.person.asked
        if self.person.view["owner"] != self.owner:
            self.owner = self.person.view["owner"]
            found["owner"] = self.owner
        return found


def _done(turn: Turn) -> Turn:
    """What was done, without what must follow."""
    return {key: value for key, value in turn.items() if key not in FOLLOWING}


FOLLOWING = ("hears", "asked", "owner", "erased")


def _key() -> InputKey:
    return InputKey(secrets.token_urlsafe(16))


def _as_yaml(written: Turn) -> str:
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=98)
