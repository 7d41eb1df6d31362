"""`python3 -m local start`: the product on this machine, behind the local host."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TextIO

import azure.functions as func
from aiohttp.http_exceptions import HttpProcessingError

from local import azurite, greeting
from local.data import Data
from local.directories import provided
from local.functions import Refused
from local.host import Host, listen
from local.readiness import demand_ready
from local.setup import ROOT, SetupFailed, say
from local.worker import Worker

AZURITE = ROOT / ".local" / "tools" / "azurite"  # where the tests look too
UPKEEP_SCHEDULE = "0 * * * * *"  # every minute
STORES = {"sqlite": "SQLite", "azurite": "Azurite, in memory"}


def function_app() -> func.FunctionApp:
    """Return the product's functions, which read the settings made before."""
    from function_app import app  # noqa: PLC0415 - the import would read the environment

    return app


def main(
    options: argparse.Namespace, load: Callable[[], func.FunctionApp | Worker] = function_app
) -> int:
    """Serve until SIGTERM or Ctrl-C; raise SetupFailed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    data = Data(options.data.resolve())
    try:
        with reserved_output() as output, ExitStack() as stack:
            key = data.open(fresh=options.fresh)
            listener = stack.enter_context(_listener(options.port))
            connection = None
            if options.store == "azurite":
                azurite.install(AZURITE)
                connection = stack.enter_context(azurite.running(AZURITE))
            origin = "http://{}:{}".format(*listener.getsockname())
            os.environ.update(app_settings(data, origin, connection))
            host = Host(load(), key=key, settings=os.environ)
            asyncio.run(_serve(host, listener, key, options, output))
    except Refused as error:
        raise SetupFailed(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        logging.disable()  # of clients left open: the product has no end of its own in Azure
        say("Stopped.")
    return 0


@contextmanager
def reserved_output() -> Iterator[TextIO]:
    """Give standard output to the greeting alone; what else is printed goes to standard error.

    By file descriptor, so that child processes and libraries are held to it too.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        yield output


def app_settings(data: Data, origin: str, connection: str | None) -> Mapping[str, str]:
    """Return what an admin would enter in the portal."""
    if connection:
        storage = {"STORAGE_ENGINE": "tables", "TABLES_CONNECTION_STRING": connection}
    else:
        storage = {"STORAGE_ENGINE": "sqlite", "SQLITE_PATH": str(data.store)}
    return {
        "UPKEEP_SCHEDULE": os.environ.get("UPKEEP_SCHEDULE", UPKEEP_SCHEDULE),
        # Whoever tries or measures the product here is not to be slowed down for others' sake.
        "REQUESTS_PER_SECOND": os.environ.get("REQUESTS_PER_SECOND", "10000"),
        "PUBLIC_BASE_URL": origin,
        "VAULT_ENGINE": "sqlite",
        "VAULT_PATH": str(data.vault),
        **storage,
    }


def _listener(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise SetupFailed(
            f"Cannot listen on port {port} ({os.strerror(error.errno or 0)}); "
            "choose another with --port, or any free one with --port 0."
        ) from error


async def _serve(
    host: Host, listener: socket.socket, key: str, options: argparse.Namespace, output: TextIO
) -> None:
    _cancel_on_sigterm()
    async with host.serving(listener=listener) as origin:
        await demand_ready(origin, key)
        directories = await provided(origin, key, options.directory or ["demo"])
        if options.json:
            text = greeting.for_program(origin, key, directories)
        else:
            text = greeting.for_person(origin, key, directories, STORES[options.store])
        print(text, file=output, flush=True)
        _log_requests()
        await asyncio.Event().wait()


def _cancel_on_sigterm() -> None:
    """Let SIGTERM do what asyncio lets Ctrl-C do; by `signal`, because Windows has no more."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))


def _log_requests() -> None:
    """Show the log from here on; warnings show before, too."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("azure").setLevel(logging.WARNING)
    # aiohttp would print malformed requests with all that they hold.
    logging.getLogger("aiohttp.server").addFilter(
        lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
    )
