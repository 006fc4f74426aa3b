"""What whoever starts the service is told when it cannot."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.process import ServiceProcess


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


@pytest.mark.parametrize("name", ["FIRSTPOINT_PORT", "FIRSTPOINT_KEEP_MINUTES"])
async def test_a_setting_that_is_not_possible_is_told_without_its_value(
    tmp_path: Path, name: str
) -> None:
    service = ServiceProcess(tmp_path, {name: "zq-hunter2"})
    with pytest.raises(AssertionError, match="A setting is not possible"):
        await service.start()
    assert "zq-hunter2" not in service.log.read_text()
