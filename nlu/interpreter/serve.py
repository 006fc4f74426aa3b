"""Serves a trained model on loopback: `python -m nlu.interpreter.serve MODEL PORT`.

The token that every request must carry comes in the environment, so that no list of processes
shows it. This process talks to nobody else: it cannot open a connection beyond this machine. It
prints nothing of what it reads, and ends with the process that started it.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
import threading
import time
from typing import Any

TOKEN = "FIRSTPOINT_INTERPRETER_TOKEN"  # noqa: S105 - a name
_LOOK_EVERY_SECONDS = 1.0


def _only_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or arguments[0].family == socket.AF_UNIX:
        return
    if not ipaddress.ip_address(arguments[1][0]).is_loopback:
        raise PermissionError("the interpreter talks to nobody")


def _end_with(parent: int) -> None:
    """End when the process that started this one has ended, however that happened."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    os._exit(0)


def _be_quiet() -> None:
    """Rasa writes every text it reads into its log unless it is told not to."""
    import structlog  # comes with Rasa

    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def main(model: str, port: str) -> None:
    """Serve until the process is stopped."""
    sys.addaudithook(_only_this_machine)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    from rasa.core.run import serve_application  # takes seconds

    _be_quiet()
    serve_application(
        model, interface="127.0.0.1", port=int(port), auth_token=os.environ[TOKEN], channel="rest"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
