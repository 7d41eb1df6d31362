"""What stands between host and functions: calls the registered functions of this process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import azure.functions as func
from azure.functions.timer import TimerRequest

from local.functions import Function, HttpFunction, Refused, TimerFunction, described


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned for a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Worker(Protocol):
    """Knows the functions and calls them; what a function raises is raised."""

    functions: Sequence[Function]

    async def http(self, function: HttpFunction, request: func.HttpRequest) -> Answer:
        """Call an HTTP function."""
        ...

    async def timer(self, function: TimerFunction) -> None:
        """Call a timer function."""
        ...

    def close(self) -> None:
        """Release threads."""
        ...


# `get_functions` may be asked once per app, because it registers anew; tests serve an app twice.
_registered: WeakKeyDictionary[func.FunctionApp, list[Any]] = WeakKeyDictionary()


class DirectWorker:
    """Calls the functions of a FunctionApp: `async def` in the loop, `def` in a thread."""

    functions: Sequence[Function]

    def __init__(self, app: func.FunctionApp) -> None:
        if app not in _registered:
            _registered[app] = app.get_functions()
        self._calls: dict[str, Callable[..., Any]] = {}
        functions = []
        for registered in _registered[app]:
            function = described(registered.get_function_name(), registered.get_raw_bindings())
            self._calls[function.name] = _callable(registered.get_user_function(), function)
            functions.append(function)
        self.functions = functions
        self._threads = ThreadPoolExecutor(thread_name_prefix="function")

    async def http(self, function: HttpFunction, request: func.HttpRequest) -> Answer:
        """Call an HTTP function; raise TypeError when it returns anything but a response."""
        response = await self._call(function, request)
        if isinstance(response, str):  # the worker takes text, and nothing else
            response = func.HttpResponse(response)
        if not isinstance(response, func.HttpResponse):
            raise TypeError(f"{function.name} returned a {type(response).__name__}, no response")
        # Last one wins where a name is repeated: the worker reports headers as a map.
        headers = {name.lower(): value for name, value in response.headers.items()}
        headers.setdefault("content-type", _content_type(response))
        return Answer(response.status_code, headers, response.get_body())

    async def timer(self, function: TimerFunction) -> None:
        """Call a timer function, never past due: this host keeps no record of its runs."""
        await self._call(function, TimerRequest(past_due=False))

    async def _call(self, function: Function, argument: object) -> object:
        call, arguments = self._calls[function.name], {function.parameter: argument}
        if inspect.iscoroutinefunction(call):
            return await call(**arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: call(**arguments))

    def close(self) -> None:
        """Wait for the threads that still work."""
        self._threads.shutdown()


def _callable(call: Callable[..., Any], function: Function) -> Callable[..., Any]:
    """Return `call` if the real worker would index it with these parameters."""
    parameters = set(inspect.signature(call).parameters)
    if parameters != {function.parameter}:
        raise Refused(
            f"The function {function.name!r} takes {sorted(parameters)}; its trigger passes "
            f"{function.parameter!r} alone."
        )
    return call


def _content_type(response: func.HttpResponse) -> str:
    if response.mimetype.startswith("text/"):
        return f"{response.mimetype}; charset={response.charset}"
    return str(response.mimetype)
