"""Who the app is towards Azure: its managed identity there, the developer's own login elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

# Two logins are tried one after the other; both fit into the time one call may take.
LOGIN_SECONDS = 5


def azure_credential(client_id: str | None, *, in_azure: bool) -> AsyncTokenCredential:
    """Return the credential of this process, to be shared by every engine and closed by its owner.

    `client_id` names a user-assigned identity; None is the system-assigned one. Elsewhere than in
    Azure it is not used: there the login of `azd` or `az` counts.
    """
    if in_azure:
        # Imported when first needed: azure-identity costs 0.2 s of a cold start.
        from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415 - see above

        return ManagedIdentityCredential(client_id=client_id)

    from azure.identity.aio import (  # noqa: PLC0415 - see above
        AzureCliCredential,
        AzureDeveloperCliCredential,
        ChainedTokenCredential,
    )

    return ChainedTokenCredential(
        AzureDeveloperCliCredential(process_timeout=LOGIN_SECONDS),
        AzureCliCredential(process_timeout=LOGIN_SECONDS),
    )
