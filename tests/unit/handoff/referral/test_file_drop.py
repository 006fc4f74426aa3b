"""A file appears under its final name whole, once, and nowhere else."""

import os
from pathlib import Path

import pytest

from bot.domain.consent import PackageId, ReceiverId
from handoff.referral.file_drop import FileDrop
from tests.support.referrals import PACKAGE, RECEIVER


@pytest.fixture
def drop(tmp_path: Path) -> FileDrop:
    made = FileDrop(tmp_path / "drop")
    made.prepare()
    return made


def names(drop: FileDrop) -> list[str]:
    return sorted(path.name for path in (drop.root / RECEIVER).iterdir())


def test_its_name_is_the_package_id_only(drop: FileDrop) -> None:
    drop.put(RECEIVER, PACKAGE, b"sealed")
    assert names(drop) == [PACKAGE]
    assert (drop.root / RECEIVER / PACKAGE).read_bytes() == b"sealed"
    assert drop.waits(RECEIVER, PACKAGE)


def test_again_changes_nothing(drop: FileDrop) -> None:
    drop.put(RECEIVER, PACKAGE, b"first")
    drop.put(RECEIVER, PACKAGE, b"second")
    assert (drop.root / RECEIVER / PACKAGE).read_bytes() == b"first"


def test_others_cannot_read_the_folder(drop: FileDrop) -> None:
    drop.put(RECEIVER, PACKAGE, b"sealed")
    assert (drop.root / RECEIVER).stat().st_mode & 0o007 == 0
    assert (drop.root / RECEIVER / PACKAGE).stat().st_mode & 0o007 == 0


def test_what_a_killed_process_left_is_cleared_away(drop: FileDrop) -> None:
    (drop.root / RECEIVER).mkdir()
    (drop.root / RECEIVER / f".{PACKAGE}.0123").write_bytes(b"ha")
    drop.put(RECEIVER, PACKAGE, b"whole")
    assert names(drop) == [PACKAGE]


def test_it_is_never_seen_half_written(drop: FileDrop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle: nothing has the final name, nothing is left over."""
    (drop.root / RECEIVER).mkdir()
    seen: list[list[str]] = []
    real = os.write

    def writes_one_byte(descriptor: int, content: bytes) -> int:
        seen.append(names(drop))
        if len(seen) > 3:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(content[:1]))

    monkeypatch.setattr(os, "write", writes_one_byte)
    with pytest.raises(OSError, match="No space"):
        drop.put(RECEIVER, PACKAGE, b"sealed")
    assert all(PACKAGE not in found for found in seen)
    assert names(drop) == []


def test_it_is_on_the_disk_before_it_has_its_name(
    drop: FileDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        order.append("fsync")
        real_fsync(descriptor)

    def rename(old: str, new: str) -> None:
        order.append("rename")
        real_rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    drop.put(RECEIVER, PACKAGE, b"sealed")
    assert order == ["fsync", "rename", "fsync"]


def test_what_was_not_fetched_can_be_taken_back(drop: FileDrop) -> None:
    drop.put(RECEIVER, PACKAGE, b"sealed")
    drop.take_back(RECEIVER, PACKAGE)
    assert names(drop) == []
    assert not drop.waits(RECEIVER, PACKAGE)
    drop.take_back(RECEIVER, PACKAGE)


def test_when_the_folder_is_away_nobody_says_what_is_in_it(drop: FileDrop) -> None:
    drop.put(RECEIVER, PACKAGE, b"sealed")
    away = drop.root.rename(drop.root.with_name("away"))
    for act in (drop.waits, drop.take_back):
        with pytest.raises(FileNotFoundError):
            act(RECEIVER, PACKAGE)
    with pytest.raises(FileNotFoundError):
        drop.put(RECEIVER, PACKAGE, b"written somewhere else")
    assert not drop.root.exists()
    drop.root.mkdir()  # the empty place of a disk that is not mounted
    with pytest.raises(FileNotFoundError):
        drop.waits(RECEIVER, PACKAGE)
    drop.root.rmdir()
    away.rename(drop.root)
    assert drop.waits(RECEIVER, PACKAGE)


@pytest.mark.parametrize(
    ("receiver", "name"),
    [("..", PACKAGE), ("a/b", PACKAGE), ("Demo", PACKAGE), (RECEIVER, "../x"), (RECEIVER, "x")],
)
def test_no_name_leads_out_of_the_folder(drop: FileDrop, receiver: str, name: str) -> None:
    for act in (drop.take_back, drop.waits):
        with pytest.raises(ValueError, match="out of the folder"):
            act(ReceiverId(receiver), PackageId(name))
    with pytest.raises(ValueError, match="out of the folder"):
        drop.put(ReceiverId(receiver), PackageId(name), b"")
