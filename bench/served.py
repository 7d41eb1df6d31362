"""A host in a process of its own, as `start` runs it, that tells what it has used.

Settings come from the environment. Writes one line of JSON for each line of standard input, and
one before: {"port": …}, then {"cpu": seconds, "peak": bytes or null}. Ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
import time
from pathlib import Path

from azure.functions import FunctionApp

from local.host import Host


async def serve(app: FunctionApp) -> None:
    """Serve until standard input ends."""
    host = Host(app, key=secrets.token_urlsafe(32), settings={"UPKEEP_SCHEDULE": "0 0 0 1 1 *"})
    async with host.serving() as origin:
        print(json.dumps({"port": int(origin.rpartition(":")[2])}), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"cpu": time.process_time(), "peak": peak()}), flush=True)


def peak() -> int | None:
    """Return the most memory that this process has had, in bytes; None where nobody counts it."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":
        # getrusage counts the process that started this one, too: its memory was ours until exec.
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    import resource  # noqa: PLC0415 - not on Windows

    kilobytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobytes


if __name__ == "__main__":
    from function_app import app as product  # its settings are those of this process

    logging.disable()
    asyncio.run(serve(product))
