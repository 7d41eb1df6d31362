"""A resource type as it is served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

from scim.protocol.schema import Resource, ResourceType
from scim.provisioning.queries.collections import Stored
from scim.provisioning.queries.queries import Queries
from scim.web.services import Provisioner


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Stored]):
    """One resource type: who provisions it, who finds it, and how it is shown.

    `show` returns the whole resource as far as the names in `wants` need it; `patch_shows` tells
    whether a PATCH is answered with the resource even when nobody asks.
    """

    kind: ResourceType
    provisioner: Provisioner[Stored]
    queries: Queries[Stored]
    show: Callable[[Stored, Callable[[str], bool]], Awaitable[Resource]]
    patch_shows: bool
