"""Jobs: work longer than a request, and the check of a directory's rows."""

from __future__ import annotations

from typing import Any

import azure.functions as func

from scim.protocol.errors import NotFound
from scim.provisioning.identifiers import resource_id
from scim.provisioning.jobs import Job
from scim.provisioning.versions import timestamp
from scim.web.manage.routes import Managed, Route, answer


async def _list(call: Managed) -> func.HttpResponse:
    items = [
        _job(directory.id, job_id, job)
        for directory in await call.services.directories.all()
        for job_id, job in await call.services.jobs.all(directory.id)
    ]
    return answer(200, {"items": items, "nextCursor": None})


async def _get(call: Managed) -> func.HttpResponse:
    wanted = call.parts["job"]
    for directory in await call.services.directories.all():
        job = await call.services.jobs.read(directory.id, wanted)
        if job is not None:
            return answer(200, _job(directory.id, wanted, job))
    raise NotFound("There is no such job; a job that is done is gone, a check stays for a day.")


async def _check(call: Managed) -> func.HttpResponse:
    directory = await call.directory()
    now = call.services.now()
    job_id = resource_id(now)
    job = Job(
        kind="check",
        target=directory.id,
        message_id=call.message_id,
        actor="management key",
        started=now,
    )
    await call.services.jobs.add(directory.id, job_id, job)
    location = f"{call.services.public_base}/manage/v1/jobs/{job_id}"
    return answer(202, _job(directory.id, job_id, job), {"Location": location})


def _job(directory: str, job_id: str, job: Job) -> dict[str, Any]:
    return {
        "id": job_id,
        "directory": directory,
        "kind": job.kind,
        "target": job.target,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "failures": job.failures,
        "error": job.error or None,
        "problems": job.problems,
        "startedAt": timestamp(job.started),
        "messageId": job.message_id,
    }


ROUTES = (Route("GET", "", _list), Route("GET", "{job}", _get))
CHECK = Route("POST", "{directory}/check", _check)
