"""The functions of the management API."""

from __future__ import annotations

import azure.functions as func

from scim.web.manage import directories, jobs
from scim.web.manage.routes import register
from scim.web.services import Provider


def blueprint(provider: Provider) -> func.Blueprint:
    """Return a function per family of calls."""
    functions = func.Blueprint()
    register(functions, provider, "directories", [*directories.ROUTES, jobs.CHECK])
    register(functions, provider, "jobs", jobs.ROUTES)
    return functions
