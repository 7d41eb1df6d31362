"""What the functions call: the services of one installation, built when first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scim.protocol.schema import ResourceType
from scim.provisioning.directories import Directories
from scim.provisioning.ports import Storage, Vault
from scim.provisioning.tokens import Tokens
from scim.provisioning.user_queries import UserQueries
from scim.provisioning.users import Users
from scim.provisioning.verification import Verifier


class Misconfigured(Exception):
    """The app settings do not let the services be built; `problems` is for admins only."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the app settings are incomplete")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes that a setting decides."""

    page: int
    page_max: int


@dataclass(frozen=True, slots=True)
class Services:
    """The installation. `public_base` is the address that clients use, without a final slash."""

    public_base: str
    now: Callable[[], datetime]
    limits: Limits
    storage: Storage
    vault: Vault
    directories: Directories
    tokens: Tokens
    verifier: Verifier
    resource_types: tuple[ResourceType, ...]
    users: Users
    user_queries: UserQueries

    def base_url(self, directory_id: str) -> str:
        """Return a directory's Base URL, which Entra calls Tenant URL."""
        return f"{self.public_base}/scim/v2/{directory_id}"


Provider = Callable[[], Services]  # raises Misconfigured
