"""All functions of the app, registered whatever the settings say."""

from __future__ import annotations

import azure.functions as func

from scim.web import access, health, oauth, scim, upkeep
from scim.web.manage import functions as manage
from scim.web.services import Provider


def function_app(provider: Provider) -> func.FunctionApp:
    """Return the app. Tokens and clients are checked by us; function keys by the host."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for part in (access, health, manage, oauth, scim, upkeep):
        app.register_functions(part.blueprint(provider))
    return app
