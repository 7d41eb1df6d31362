"""Jobs: work longer than a request; the check of a directory's rows; the erasure of a person."""

from __future__ import annotations

from scim.protocol.errors import NotFound
from scim.provisioning.changes import stored_jobs as stored
from scim.provisioning.identifiers import resource_id
from scim.provisioning.ports import Conflict
from scim.provisioning.upkeep.erasure import begin_erasure
from scim.web.manage.models import Shown, Time
from scim.web.manage.pages import PAGING, Page, page
from scim.web.manage.problems import Refused
from scim.web.manage.routes import Managed, Reply, Route


class Job(Shown):
    """A job; `error` is the last failure, `problems` are what a check has found."""

    id: str
    directory: str
    kind: str
    target: str
    state: str
    done: int
    total: int
    failures: int
    error: str | None
    problems: tuple[str, ...]
    started_at: Time
    message_id: str


async def _list(call: Managed) -> Reply:
    items = [
        _shown(directory.id, job_id, job)
        for directory in await call.services.directories.all()
        for job_id, job in await call.services.jobs.all(directory.id)
    ]
    return Reply(await page(call, items, lambda each: [each.id], lambda each: each))


async def _get(call: Managed) -> Reply:
    return Reply(await _found(call))


async def _retry(call: Managed) -> Reply:
    found = await _found(call)
    try:
        opened = await call.services.jobs.retry(found.directory, found.id, call.by)
    except Conflict:
        opened = None  # another admin was first
    if opened is None:
        raise Refused("The job has not failed; only one that did can be tried again.")
    return Reply(_shown(found.directory, found.id, opened))


async def _found(call: Managed) -> Job:
    wanted = call.parts["job"]
    for directory in await call.services.directories.all():
        job = await call.services.jobs.read(directory.id, wanted)
        if job is not None:
            return _shown(directory.id, wanted, job)
    raise NotFound("There is no such job; a job that is done is gone, a check stays for a day.")


async def _check(call: Managed) -> Reply:
    directory = await call.directory()
    job_id = resource_id(call.by.at)
    job = stored.Job(
        kind="check",
        target=directory.id,
        message_id=call.by.message_id,
        actor=call.by.actor,
        started=call.by.at,
    )
    await call.services.jobs.add(directory.id, job_id, job)
    return Reply(_shown(directory.id, job_id, job), f"jobs/{job_id}")


async def _erase(call: Managed) -> Reply:
    directory, services = await call.directory(), call.services
    job_id, job = await begin_erasure(
        services.storage, services.jobs, directory.id, call.parts["user"], call.by
    )
    return Reply(_shown(directory.id, job_id, job), f"jobs/{job_id}")


def _shown(directory: str, job_id: str, job: stored.Job) -> Job:
    return Job(
        id=job_id,
        directory=directory,
        kind=job.kind,
        target=job.target,
        state=job.state,
        done=job.done,
        total=job.total,
        failures=job.failures,
        error=job.error or None,
        problems=job.problems,
        started_at=job.started,
        message_id=job.message_id,
    )


ROUTES = (
    Route("GET", "", _list, "List jobs", gives=Page[Job], query=PAGING),
    Route("GET", "{job}", _get, "Read a job", gives=Job),
    Route("POST", "{job}/retry", _retry, "Let a failed job go on where it stopped", gives=Job),
)
CHECK = Route(
    "POST",
    "{directory}/check",
    _check,
    "Check the rows of a directory against each other, as a job",
    gives=Job,
    status=202,
)
ERASE = Route(
    "POST",
    "{directory}/users/{user}/erase",
    _erase,
    "Erase a deleted user's values from the log and from failed events, as a job",
    gives=Job,
    status=202,
)
