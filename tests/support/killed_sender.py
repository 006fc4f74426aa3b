"""A process that sends referrals and dies, by SIGKILL, in the moment after a file was written.

python -m tests.support.killed_sender REDIS_URL KEY_FOLDER RECEIVERS DROP
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bot.app import build
from bot.domain.consent import PackageId, ReceiverId
from handoff.referral.file_drop import FileDrop
from tests.support.service import settings_for


class DeadlyDrop(FileDrop):
    """Writes, and kills the process."""

    def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
        super().put(receiver, name, content)
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    redis_url, folder, receivers, drop = sys.argv[1:]
    settings = settings_for(redis_url, Path(folder)).model_copy(
        update={"receivers": Path(receivers), "drop": Path(drop)}
    )
    async with build(settings) as service:
        leaving = service.delivery.leaving
        gate = replace(leaving.gate, drop=DeadlyDrop(Path(drop)))
        await replace(service.delivery, leaving=replace(leaving, gate=gate)).work()


if __name__ == "__main__":
    asyncio.run(main())
