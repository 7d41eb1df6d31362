"""The product under Microsoft's own worker library, `azure-functions-runtime`; Python 3.13.

    python -m local.runtime_worker [options of start]

does what `start` does, except that the library indexes and calls the functions.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import azure_functions_runtime as runtime  # type: ignore[import-not-found]  # only in .venv-3.13

from local import start
from local.commands import parse
from local.functions import Function, HttpFunction, TimerFunction, described
from local.setup import ROOT, SetupFailed
from local.worker import Answer


class Message(SimpleNamespace):
    """Stands in for a message of the protocol between host and worker; unset fields are absent."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the name is protobuf's
        """Return the name of the one field that is set."""
        return next(iter(vars(self)), None)


class BindingInfo(Message):
    """Its enumerations, by the numbers of the protocol."""

    undefined = 0
    out, inout = 1, 2


class StatusResult(Message):
    """Its enumeration, by the numbers of the protocol."""

    Failure, Success = 0, 1


MESSAGES = (
    "FunctionLoadResponse FunctionMetadataResponse InvocationResponse ParameterBinding RpcException"
    " RpcFunctionMetadata RpcHttp TypedData WorkerInitResponse WorkerMetadata"
)
PROTOCOL = SimpleNamespace(
    **dict.fromkeys(MESSAGES.split(), Message), BindingInfo=BindingInfo, StatusResult=StatusResult
)


class Failed(Exception):
    """The worker library reported a failure; the host answers 500."""


class RuntimeWorker:
    """Passes calls to the worker library as the host does, without the wire between them."""

    functions: Sequence[Function]

    def __init__(self) -> None:
        runtime.start_threadpool_executor()
        listed = asyncio.run(_index())
        self._ids = {each.name: each.function_id for each in listed}
        self.functions = [described(each.name, each.raw_bindings) for each in listed]

    async def http(self, function: HttpFunction, request: func.HttpRequest) -> Answer:
        """Call an HTTP function."""
        http = Message(
            method=request.method,
            url=request.url,
            headers=dict(request.headers),
            body=Message(bytes=request.get_body()),
            params=dict(request.route_params),
            query=dict(request.params),
        )
        metadata = {name: Message(string=value) for name, value in http.params.items()}
        value = (await self._invoke(function, Message(http=http), metadata)).http
        return Answer(int(value.status_code), value.headers, value.body.bytes)

    async def timer(self, function: TimerFunction) -> None:
        """Call a timer function."""
        await self._invoke(function, Message(json=json.dumps({"IsPastDue": False})), {})

    async def _invoke(self, function: Function, data: Message, metadata: Mapping[str, Any]) -> Any:  # noqa: ANN401 - their message
        call = Message(
            invocation_id=str(uuid.uuid4()),
            function_id=self._ids[function.name],
            input_data=[_Input(name=function.parameter, data=data)],
            trigger_metadata=metadata,
            trace_context=Message(trace_parent="", trace_state="", attributes={}),
            retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
        )
        response = await runtime.invocation_request(_envelope(invocation_request=call))
        _demand_success(response)
        return response.return_value

    def close(self) -> None:
        """Wait for the threads that still work."""
        runtime.stop_threadpool_executor()


class _Input(Message):
    """A parameter binding: beside its oneof it has a name."""

    def WhichOneof(self, group: str) -> str:  # noqa: N802 - the name is protobuf's
        """Return the one kind of data that the host sends for these triggers."""
        return {"rpc_data": "data"}[group]


async def _index() -> list[Any]:
    init = Message(capabilities={}, function_app_directory=str(ROOT))
    _demand_success(await runtime.worker_init_request(_envelope(worker_init_request=init)))
    metadata = await runtime.functions_metadata_request(
        _envelope(functions_metadata_request=Message(function_app_directory=str(ROOT)))
    )
    listed: list[Any] = metadata.function_metadata_results
    for each in listed:
        load = Message(function_id=each.function_id, metadata=each)
        _demand_success(await runtime.function_load_request(_envelope(function_load_request=load)))
    return listed


def _envelope(**request: Message) -> Message:
    properties = {"host": "127.0.0.1", "protos": PROTOCOL}
    return Message(request=Message(**request), properties=properties)


def _demand_success(response: Any) -> None:  # noqa: ANN401 - their message
    if response.result.status != StatusResult.Success:
        raise Failed(
            f"{response.result.exception.message}\n{response.result.exception.stack_trace}"
        )


def main(arguments: list[str]) -> int:
    """Serve like `start`."""
    try:
        return start.main(parse(["start", *arguments]), RuntimeWorker)
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
