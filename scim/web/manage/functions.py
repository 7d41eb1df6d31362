"""The functions of the management API: one for each family of calls."""

from __future__ import annotations

import azure.functions as func

from scim.web.manage.addresses import NAMES, ROOT
from scim.web.scim import METHODS
from scim.web.services import Provider


def blueprint(provider: Provider) -> func.Blueprint:
    """Return a function per family of calls, and one that describes them."""
    functions = func.Blueprint()
    for family in NAMES:
        _register(functions, provider, family)
    return functions


def _register(functions: func.Blueprint, provider: Provider, family: str) -> None:
    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        # When first called: these models take a third of the time in which the app is imported, and
        # an identity provider that wakes it has no use for them.
        from scim.web.manage.families import routes_of  # noqa: PLC0415 - see above
        from scim.web.manage.routes import answer  # noqa: PLC0415 - see above

        return await answer(provider, req, routes_of(family))

    functions.function_name(f"manage_{family.partition('.')[0]}")(
        functions.route(
            route=f"{ROOT[1:]}/{family}/{{*rest}}",
            methods=METHODS,
            auth_level=func.AuthLevel.FUNCTION,
        )(serve)
    )
