"""What whoever starts the service is told when it cannot."""

import asyncio
import socket
from pathlib import Path

import pytest

from bot.content.checks import check_files
from tests.support.process import ServiceProcess
from tests.unit.content.small_content import TODAY, in_three_languages, spoiled, write


async def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    """One of several services refuses: the others end, and the sentence is not lost among them."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = ServiceProcess(tmp_path, port=taken.getsockname()[1])
        await service.start()  # somebody listens there: not we
        assert service.process is not None
        async with asyncio.timeout(60):
            assert await service.process.wait() == 1
    said = service.log.read_text()
    assert f"Nothing can listen on 127.0.0.1 port {service.port}" in said
    assert "Traceback" not in said
    assert "not_caught" not in said


async def test_content_with_problems_is_told_with_remedies_and_its_own_exit_code(
    tmp_path: Path,
) -> None:
    files = spoiled("flows/leave.yaml", "do: end_view", "doo: end_view")
    files = spoiled("flows/erase.yaml", "next: kept", "next: keptt", files)
    files = spoiled("flows/signs.yaml", "sign: HOURS", "sign: HOUR", files)
    content = write(tmp_path / "content", files)
    service = ServiceProcess(tmp_path, {"FIRSTPOINT_CONTENT": str(content)})
    with pytest.raises(AssertionError, match="problems"):
        await service.start()
    assert service.process is not None
    assert await service.process.wait() == 2
    said = service.log.read_text()
    for problem in check_files(files, today=TODAY).problems:
        assert f"{problem.file}:{problem.line}: {problem.code}" in said
        assert f"    {problem.sentence}\n    {problem.remedy}\n" in said
    assert said.count("node:unknown") == 1
    assert "sign:unknown" in said
    assert "Traceback" not in said


async def test_content_with_problems_leaves_the_last_good_release(tmp_path: Path) -> None:
    content = write(tmp_path / "content", in_three_languages())
    service = ServiceProcess(tmp_path, {"FIRSTPOINT_CONTENT": str(content)})
    await service.start()
    await service.stop()
    write(content, spoiled("flows/leave.yaml", "do: end_view", "doo: end_view"))
    await service.start()
    said = service.log.read_text()
    assert "flows/leave.yaml:11: schema:extra_forbidden\n" in said
    assert "the last good release is served" in said
    await service.stop()


@pytest.mark.parametrize("name", ["FIRSTPOINT_PORT", "FIRSTPOINT_KEEP_MINUTES"])
async def test_a_setting_that_is_not_possible_is_told_without_its_value(
    tmp_path: Path, name: str
) -> None:
    service = ServiceProcess(tmp_path, {name: "zq-hunter2"})
    with pytest.raises(AssertionError, match="A setting is not possible"):
        await service.start()
    assert "zq-hunter2" not in service.log.read_text()
