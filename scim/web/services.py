"""What the functions call: the services of one installation, built when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from scim.protocol.schema import Json, ResourceType
from scim.provisioning.changes.idempotency import Idempotency
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.directories.directories import Directories
from scim.provisioning.groups.groups import Groups
from scim.provisioning.log.contacts import ContactBook
from scim.provisioning.log.entries import Call
from scim.provisioning.log.failures import Failures
from scim.provisioning.masking import Masking
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Storage, Vault
from scim.provisioning.queries.collections import Stored_co
from scim.provisioning.queries.cursors import Cursors
from scim.provisioning.queries.queries import Queries
from scim.provisioning.rule_sync.changes import RuleChanges
from scim.provisioning.rule_sync.sync import RuleSync
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.tokens.access_tokens import AccessTokens
from scim.provisioning.tokens.assertions import Assertions
from scim.provisioning.tokens.clients import Clients
from scim.provisioning.tokens.tokens import Tokens
from scim.provisioning.tokens.usage import TokenUsage
from scim.provisioning.tokens.verification import Verifier
from scim.provisioning.upkeep.retention import Retention
from scim.provisioning.upkeep.upkeep import Upkeep
from scim.provisioning.users.users import Users
from scim.web.rate import Rate


class Misconfigured(Exception):
    """The app settings do not let the services be built; `problems` is for admins only."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the app settings are incomplete")
        self.problems = problems


class Provisioner(Protocol[Stored_co]):
    """Who changes the resources of a type."""

    async def create(self, call: Call, body: Json) -> Stored_co: ...  # noqa: D102

    async def get(self, directory: str, resource_id: str, /) -> Stored_co: ...  # noqa: D102

    async def replace(self, call: Call, resource_id: str, body: Json, /) -> Stored_co: ...  # noqa: D102

    async def patch(self, call: Call, resource_id: str, message: Json, /) -> Stored_co: ...  # noqa: D102

    async def delete(self, call: Call, resource_id: str, /) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes that a setting decides."""

    page: int
    page_max: int
    body: Mapping[str, int]  # bytes, by resource type


@dataclass(frozen=True, slots=True)
class Services:
    """The installation. `public_base` is the address that clients use, without a final slash."""

    public_base: str
    now: Callable[[], datetime]
    limits: Limits
    policy: Policy
    deleted_for: timedelta  # a deleted directory can be restored
    rate: Rate
    storage: Storage
    vault: Vault
    directories: Directories
    tokens: Tokens
    usage: TokenUsage
    idempotency: Idempotency
    failures: Failures
    contacts: ContactBook
    masking: Masking
    verifier: Verifier
    clients: Clients
    client_secrets: Verifier
    assertions: Assertions
    access_tokens: AccessTokens
    resource_types: tuple[ResourceType, ...]
    users: Users
    user_queries: Queries[StoredUser]
    groups: Groups
    group_queries: Queries[StoredGroup]
    cursors: Cursors
    jobs: Jobs
    rules: RuleSets
    rule_changes: RuleChanges
    rule_sync: RuleSync
    retention: Retention
    upkeep: Upkeep

    def base_url(self, directory_id: str) -> str:
        """Return a directory's Base URL, which Entra calls Tenant URL."""
        return f"{self.public_base}/scim/v2/{directory_id}"

    def token_url(self, directory_id: str) -> str:
        """Return the address of a directory's token endpoint."""
        return f"{self.public_base}/oauth/{directory_id}/token"


Provider = Callable[[], Services]  # raises Misconfigured
