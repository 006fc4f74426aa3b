"""The installation's key: made once, and refused when others could read it."""

import os
import stat
from pathlib import Path

import pytest

from bot.adapters.sealing import _is_private, read_or_make_key
from bot.errors import CorruptStateError, StartError

OUR_ACCOUNT = 1000


def test_the_key_is_made_once_and_only_ours(tmp_path: Path) -> None:
    file = tmp_path / "new" / "key"
    one, again = read_or_make_key(file), read_or_make_key(file)
    assert one.mark("x", "y") == again.mark("x", "y")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file], "no draft of it is left"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    read_or_make_key(file)
    file.chmod(mode)
    with pytest.raises(StartError, match="chmod 600"):
        read_or_make_key(file)


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"x" * 31)
    file.chmod(0o600)
    with pytest.raises(StartError, match="32 bytes"):
        read_or_make_key(file)


def test_a_place_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="none can be made"):
        read_or_make_key(tmp_path / "file" / "key")


@pytest.mark.parametrize(
    ("mode", "owner", "group", "account", "private"),
    [
        (0o440, 0, 0, OUR_ACCOUNT, True),  # a credential of systemd
        (0o440, 0, 100, OUR_ACCOUNT, False),
        (0o440, OUR_ACCOUNT, 0, OUR_ACCOUNT, False),
        (0o444, 0, 0, OUR_ACCOUNT, False),
        (0o460, 0, 0, OUR_ACCOUNT, False),
        (0o440, 0, 0, 0, False),
        (0o400, 0, 0, 0, True),
        (0o600, OUR_ACCOUNT, OUR_ACCOUNT, OUR_ACCOUNT, True),
    ],
)
def test_who_may_read_it(mode: int, owner: int, group: int, account: int, private: bool) -> None:
    found = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, group, 32, 0, 0, 0))
    assert _is_private(found, account) is private


def test_a_key_opens_only_its_own_conversation(tmp_path: Path) -> None:
    key = read_or_make_key(tmp_path / "key")
    wrapped = key.new_conversation_key("one")
    seal = key.unwrap(wrapped, "one")
    assert seal.open(seal.close(b"words", b"here"), b"here") == b"words"
    for call in (
        lambda: key.unwrap(wrapped, "two"),
        lambda: seal.open(seal.close(b"words", b"here"), b"there"),
        lambda: seal.open(b"", b"here"),
        lambda: read_or_make_key(tmp_path / "other").unwrap(wrapped, "one"),
    ):
        with pytest.raises(CorruptStateError):
            call()


def test_nothing_shows_a_key_by_printing(tmp_path: Path) -> None:
    key = read_or_make_key(tmp_path / "key")
    stored = (tmp_path / "key").read_bytes()
    seal = key.unwrap(key.new_conversation_key("one"), "one")
    assert repr(stored) not in repr(key)
    assert repr(key) == "InstallationKey()"
    assert repr(seal) == "Seal()"
