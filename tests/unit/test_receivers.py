"""The folder of receivers: what cannot be read is named, and takes nothing else with it."""

import os
from pathlib import Path

import pytest

from bot.domain.consent import ReceiverId
from bot.domain.facts import Mode
from bot.receivers import receivers_of
from bot.referral_command import DEMO, make_demo_receiver
from bot.settings import Settings
from tests.support.service import settings_for

RECEIVER = ReceiverId(DEMO)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    make_demo_receiver(tmp_path / "receivers", lambda _: None)
    return settings_for("", tmp_path).model_copy(update={"receivers": tmp_path / "receivers"})


def test_a_demonstration_reaches_made_up_receivers_only(settings: Settings) -> None:
    assert list(receivers_of(settings).receivers) == [RECEIVER]
    production = settings.model_copy(update={"mode": Mode.PRODUCTION})
    assert receivers_of(production).receivers == {}


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_circle(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [make_folder, make_pipe, make_broken_link, make_circle])
def test_an_entry_that_cannot_be_read(settings: Settings, make: object) -> None:
    assert callable(make)
    assert settings.receivers is not None
    make(settings.receivers / "zz.yaml")
    found = receivers_of(settings)
    assert list(found.receivers) == [RECEIVER]
    [bad] = found.problems
    assert (bad.file, bad.problem) == ("zz.yaml", "it cannot be read")
    assert found.is_unread(ReceiverId("zz"))
    assert not found.is_unread(RECEIVER)


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever may do everything can read every file")
def test_a_file_of_another_account(settings: Settings) -> None:
    assert settings.receivers is not None
    (settings.receivers / f"{DEMO}.yaml").chmod(0)
    found = receivers_of(settings)
    assert found.receivers == {}
    assert found.is_unread(RECEIVER)


def test_a_file_that_is_wrong_is_not_one_that_cannot_be_read(settings: Settings) -> None:
    assert settings.receivers is not None
    (settings.receivers / f"{DEMO}.yaml").write_text("schema: 2")
    found = receivers_of(settings)
    assert len(found.problems) == 1
    assert not found.is_unread(RECEIVER)


def test_a_folder_that_is_away(settings: Settings) -> None:
    assert settings.receivers is not None
    settings.receivers.rename(settings.receivers.with_name("elsewhere"))
    found = receivers_of(settings)
    assert found.is_unread(RECEIVER)
    assert len(found.problems) == 1


def test_content_without_receivers_is_no_problem(tmp_path: Path) -> None:
    settings = settings_for("", tmp_path, content=tmp_path)
    assert receivers_of(settings).problems == ()
