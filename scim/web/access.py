"""What applications ask at sign-in: who a user is, and what it has access to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import azure.functions as func
import orjson

from scim.protocol.errors import InvalidValue, MethodNotAllowed, NotFound
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.changes.preconditions import matches_version
from scim.provisioning.directories.stored import Directory
from scim.provisioning.identifiers import is_resource_id, resource_id
from scim.provisioning.profile import profile
from scim.provisioning.queries.access_report import find_user
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.stored_users import StoredUser, load_user
from scim.provisioning.tokens.tokens import Scope
from scim.provisioning.users.former import latest_former, load_former
from scim.web import calls, failures, responses
from scim.web.authentication import admit
from scim.web.manage.problems import problem
from scim.web.requests import Request, read_request
from scim.web.scim import METHODS
from scim.web.services import Provider, Services

MAX_AGE: Final = 30  # seconds that an application may go by an answer
_HEADERS: Final = {"Cache-Control": f"private, max-age={MAX_AGE}", "Vary": "Authorization"}
_READS: Final = ("GET", "HEAD")


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the function `access_users`."""
    functions = func.Blueprint()

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(provider, req)

    functions.function_name("access_users")(
        functions.route(route="access/v1/{directory}/users/{*rest}", methods=METHODS)(serve)
    )
    return functions


async def _answer(provider: Provider, req: func.HttpRequest) -> func.HttpResponse:
    """Answer a call; every refusal and fault becomes a problem document."""
    message_id = "unknown"
    try:
        services = provider()
        now = services.now()
        message_id = resource_id(now)
        response = await _dispatch(services, read_request(req), message_id, now)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        response = problem(responses.to_error(error, message_id), message_id)
    response.headers["x-message-id"] = message_id
    return response


async def _dispatch(
    services: Services, request: Request, message_id: str, started: datetime
) -> func.HttpResponse:
    directory_id, *rest = (request.segments[2], *request.segments[4:])
    directory, token = await failures.authenticated(services, request, directory_id, message_id)
    call = calls.begin(services, request, directory, token, message_id, started)
    try:
        request.check_query()
        admit(directory, token, request, Scope.ACCESS)
        services.rate.take(directory.id, call.policy.requests_per_second)
        return await _served(services, request, directory, rest)
    except Exception as error:
        refusal = responses.to_error(error, message_id)
        await failures.keep_question(services, call, request, rest, refusal)
        raise refusal from error


async def _served(
    services: Services, request: Request, directory: Directory, rest: Sequence[str]
) -> func.HttpResponse:
    if request.method not in _READS:
        raise MethodNotAllowed("Only reading is possible here.", headers={"Allow": "GET, HEAD"})
    if len(rest) > 1:
        raise NotFound("Nothing is served below a user.")
    name = request.query.get("username")
    if rest:
        shown = await _by_id(services, directory, rest[0])
    elif name:
        shown = await _by_name(services, directory, name)
    else:
        raise InvalidValue("Say whom: …/users/{id}, or …/users?userName= with the name.")
    if shown is None:
        raise NotFound("There is no such user in this directory.")
    body = orjson.dumps(shown)
    headers = {**_HEADERS, "ETag": f'"{sha256(body).hexdigest()[:32]}"'}
    if matches_version(request.headers.get("if-none-match", ""), headers["ETag"]):
        return func.HttpResponse(status_code=304, headers=headers)
    if request.method == "HEAD":
        body = b""
    return func.HttpResponse(body, headers=headers, mimetype="application/json")


async def _by_id(services: Services, directory: Directory, user_id: str) -> dict[str, Any] | None:
    partition = rows.partition(directory.id)
    user = await load_user(services.storage, partition, user_id)
    if user is not None and not user.leaving:
        return _shown(services, directory, user.resource, user)
    if not is_resource_id(user_id):
        return None
    # Deleted, but its record is kept where the policy says so.
    former = await load_former(services.storage, partition, user_id)
    return _shown(services, directory, former.resource) if former else None


async def _by_name(services: Services, directory: Directory, name: str) -> dict[str, Any] | None:
    partition = rows.partition(directory.id)
    user = await find_user(services.storage, partition, name)
    if user is not None:
        return _shown(services, directory, user.resource, user)
    former = await latest_former(services.storage, partition, name)
    return await _by_id(services, directory, former) if former else None


def _shown(
    services: Services, directory: Directory, resource: Resource, user: StoredUser | None = None
) -> dict[str, Any]:
    mapping = services.policy.overridden_by(directory.policy).profile
    return {
        "id": resource["id"],
        "userName": resource["userName"],
        "active": bool(resource.get("active")),
        "profile": profile(resource, mapping, services.users.kind),
        "access": [
            {"tenant": each.tenant, "role": each.role, "rules": each.rules}
            for each in (read_access(user) if user else ())
        ],
    }
