"""The workload that a directory trusts instead of a secret (RFC 7523)."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Federation(BaseModel):
    """The workload that a directory trusts; `client_id` is ours, for the identity provider."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    issuer: str
    subject: str
    audience: tuple[str, ...]
    jwks_url: str
    client_id: str
    created_at: datetime

    @property
    def revision(self) -> str:
        """Return what is another one as soon as something else is trusted."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:32]
