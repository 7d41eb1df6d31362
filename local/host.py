"""The Functions host on a laptop: serves what a function app registers, over HTTP and on time."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import azure.functions as func
from aiohttp import web

from local import exchange
from local.functions import HttpFunction, TimerFunction
from local.routes import Routes
from local.timers import Clock, SystemClock, next_run, schedule_of
from local.worker import DirectWorker, Worker

HOST_JSON = Path(__file__).resolve().parent.parent / "host.json"
ADMIN = "/admin/functions/"
GRACE = 10  # seconds that open requests get when the host stops
LOOPBACK = "127.0.0.1"
LINE = 64 * 1024  # of a request or header; far above the limits of the product, which answers

log = logging.getLogger(__name__)


class Host:
    """Serves one function app: `key` is its host key and its master key.

    `settings` are the app settings that schedules name. Raises Refused for what the real host
    would not serve.
    """

    def __init__(
        self,
        app: func.FunctionApp | Worker,
        *,
        key: str,
        settings: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
        host_json: Path = HOST_JSON,
    ) -> None:
        self._worker = DirectWorker(app) if isinstance(app, func.FunctionApp) else app
        self._key = key
        self._clock = clock or SystemClock()
        functions = self._worker.functions
        http = [function for function in functions if isinstance(function, HttpFunction)]
        self._routes = Routes(http, _route_prefix(host_json))
        self._timers = [function for function in functions if isinstance(function, TimerFunction)]
        self._schedules = [(timer, schedule_of(timer, settings)) for timer in self._timers]
        self._background: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(
        self, port: int = 0, *, listener: socket.socket | None = None
    ) -> AsyncIterator[str]:
        """Serve on a loopback port (0 = any free one), or on a bound socket; give the origin."""
        listener = listener or listen(port)
        # Bodies pass as sent: neither the host nor the worker decompresses them.
        server = web.Server(
            self._answer_and_log,
            access_log=None,
            auto_decompress=False,
            max_line_size=LINE,
            max_field_size=LINE,
        )
        runner = web.ServerRunner(server, shutdown_timeout=GRACE)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        loops = [self._start(self._run_on_schedule(*scheduled)) for scheduled in self._schedules]
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            await runner.cleanup()
            for loop in loops:
                loop.cancel()
            if self._background:
                await asyncio.wait(self._background, timeout=GRACE)
            self._worker.close()

    async def _answer_and_log(self, request: web.BaseRequest) -> web.StreamResponse:
        begun = time.perf_counter()
        response = await self._answer(request)
        spent = (time.perf_counter() - begun) * 1000
        path = request.raw_path.partition("?")[0]
        log.info("%-7s %s %d %.1f ms", request.method, ascii(path)[1:-1], response.status, spent)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            path, query = exchange.path_and_query(request)
            if path.lower().startswith(ADMIN):
                return await self._run_now(request, path[len(ADMIN) :], query)
            return await self._call(request, path, query)
        except exchange.Bare as bare:
            return web.Response(status=bare.status)

    async def _call(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        found = self._routes.find(request.method, path)
        if found is None:  # also for a method that no function declares
            raise exchange.Bare(404)
        function, route_params = found
        if not function.anonymous:
            self._demand_key(request, query)
        call = await exchange.to_function(request, path, query, route_params)
        try:
            return exchange.to_client(await self._worker.http(function, call), request)
        except Exception as error:  # whatever a function raises, the host answers
            log.exception("The function %s failed", function.name)
            raise exchange.Bare(500) from error

    def _demand_key(self, request: web.BaseRequest, query: str) -> None:
        offered = request.headers.get("x-functions-key")
        if offered is None:
            offered = exchange.parameters_of(query).get("code", "")
        if not hmac.compare_digest(offered.encode(errors="replace"), self._key.encode()):
            raise exchange.Bare(401)

    async def _run_now(self, request: web.BaseRequest, name: str, query: str) -> web.Response:
        """Answer `POST /admin/functions/NAME`, which runs a timer function at once."""
        self._demand_key(request, query)
        timers = [timer for timer in self._timers if timer.name.lower() == name.lower()]
        if request.method != "POST":
            raise exchange.Bare(404)
        if not await exchange.body_of(request):
            raise exchange.Bare(400)
        if not timers:
            raise exchange.Bare(404)
        self._start(self._run(timers[0]))
        return web.Response(status=202)

    async def _run_on_schedule(self, timer: TimerFunction, schedule: str) -> None:
        due = self._clock.now()
        while True:  # runs never overlap; what falls due during one is skipped
            due = next_run(schedule, max(due, self._clock.now()))
            await self._clock.sleep_until(due)
            await self._run(timer)

    async def _run(self, timer: TimerFunction) -> None:
        try:
            await self._worker.timer(timer)
        except Exception:  # a failed run is followed by the next one
            log.exception("The function %s failed", timer.name)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)  # the loop itself keeps no reference
        task.add_done_callback(self._background.discard)
        return task


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a loopback port; raise OSError when it is taken."""
    return socket.create_server((LOOPBACK, port))


def _route_prefix(host_json: Path) -> str:
    settings = json.loads(host_json.read_text("utf-8"))
    prefix: str = settings.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return prefix.strip("/")
