"""Azure Key Vault behind the vault port: which of its answers mean "none", and which "not now"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.rest import HttpRequest

from scim.provisioning.ports import Secret, SecretProperties, Unavailable

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault import secrets
    from azure.keyvault.secrets.aio import SecretClient

# A call of the port, retries and all, ends within this: the caller still has a request to answer.
CALL_SECONDS = 12.0
CONNECT_SECONDS = 3
READ_SECONDS = 5
# A connection that fails is tried once more. A status is not: whoever is throttled must not ask
# again, and the callers' caches bridge the rest.
RETRIES = {"retry_total": 1, "retry_connect": 1, "retry_read": 1, "retry_status": 0}
# A name that is being deleted or recovered is refused for some seconds: 8 at most are waited.
NAME_ATTEMPTS = 16
NAME_PAUSE_SECONDS = 0.5

# Only Key Vault's own words say that a secret is not there: a proxy's 404 must revoke nobody.
ABSENT = frozenset({"SecretNotFound", "SecretDisabled"})
NETWORK = "check the vault's URL, firewall and private endpoint, and name resolution"
IDENTITY = "check the app's managed identity, its client id, and that the vault is in its tenant"
ROLE = "give the app's managed identity the role Key Vault Secrets Officer on the vault"
# A 403 for another cause than a missing role.
NETWORK_REFUSALS = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})


class KeyVault:
    """Secrets of one Key Vault, asked through one client that lives as long as the process.

    Raises ValueError for what Key Vault can never accept: a malformed name, too large a value.
    The credential is shared; whoever made it closes it. `verify_challenge_resource` and
    `connection_verify` (a file of trusted certificates) are for a vault that is not in Azure.
    """

    def __init__(
        self,
        url: str,
        credential: AsyncTokenCredential,
        *,
        verify_challenge_resource: bool = True,
        connection_verify: bool | str = True,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._url = url
        self._credential = credential
        self._verify_challenge_resource = verify_challenge_resource
        self._connection_verify = connection_verify
        self._call_seconds = call_seconds
        self._opened: SecretClient | None = None

    async def get(self, name: str) -> Secret | None:
        """Return the current version; None when there is none, it is disabled, or deleted."""
        async with self._answering():
            try:
                found = await self._client().get_secret(name)
            except HttpResponseError as error:
                if _code(error) in ABSENT:
                    return None
                raise
        return Secret(found.value or "", _properties(found.properties))

    async def put(
        self, name: str, value: str, *, expires_at: datetime | None, tags: Mapping[str, str]
    ) -> None:
        """Create the secret, or give it a new version, enabled; a soft-deleted one comes back."""
        async with self._answering():
            for attempts_left in reversed(range(NAME_ATTEMPTS)):
                try:
                    await self._client().set_secret(
                        name, value, enabled=True, expires_on=expires_at, tags=dict(tags)
                    )
                except HttpResponseError as error:
                    if error.status_code != 409 or not attempts_left:
                        raise
                    if _code(error) == "ObjectIsDeletedButRecoverable":
                        await self._recover(name)
                else:
                    return
                await asyncio.sleep(NAME_PAUSE_SECONDS)

    async def update(
        self, name: str, *, enabled: bool | None = None, expires_at: datetime | None = None
    ) -> bool:
        """Change the current version in place; None leaves a property; False if there is none."""
        async with self._answering():
            try:
                await self._client().update_secret_properties(
                    name, enabled=enabled, expires_on=expires_at
                )
            except HttpResponseError as error:
                if _code(error) in ABSENT:
                    return False
                raise
        return True

    async def delete(self, name: str) -> bool:
        """Delete the secret, softly; False if there was none."""
        async with self._answering():
            try:
                await self._send("DELETE", f"/secrets/{quote(name, safe='')}")
            except HttpResponseError as error:
                if _code(error) in ABSENT:
                    return False
                raise
        return True

    async def list(self) -> AsyncIterator[SecretProperties]:
        """Iterate over all secrets that are not deleted; each page is a call of its own."""
        pages = self._client().list_properties_of_secrets().by_page()
        while True:
            async with self._answering():
                page = await anext(pages, None)
                found = [] if page is None else [_properties(each) async for each in page]
            if page is None:
                return
            for properties in found:
                yield properties

    async def close(self) -> None:
        """Close the connections."""
        if self._opened:
            await self._opened.close()

    def _client(self) -> SecretClient:
        if self._opened is None:
            # Imported when first needed: the SDK costs 0.1 s of a cold start.
            from azure.core.pipeline.transport import (  # noqa: PLC0415 - see above
                AioHttpTransport,
            )
            from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415 - see above

            self._opened = SecretClient(
                self._url,
                self._credential,
                verify_challenge_resource=self._verify_challenge_resource,
                # The environment is read anew for every request otherwise, a quarter of its cost.
                transport=AioHttpTransport(
                    use_env_settings=False,
                    connection_verify=self._connection_verify,
                    connection_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                ),
                **RETRIES,
            )
        return self._opened

    async def _recover(self, name: str) -> None:
        try:
            await self._send("POST", f"/deletedsecrets/{quote(name, safe='')}/recover")
        except HttpResponseError as error:
            # Another process was faster; the next attempt at the name shows how it stands.
            if error.status_code not in {404, 409}:
                raise

    async def _send(self, method: str, path: str) -> None:
        # The SDK's own delete and recover wait, two seconds at a time, until the change has gone
        # through the vault. Here it is enough that it is accepted.
        answer = await self._client().send_request(HttpRequest(method, path))
        answer.raise_for_status()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._call_seconds):
                yield
        except TimeoutError as error:
            raise Unavailable(f"Key Vault does not answer in time: {NETWORK}") from error
        except ClientAuthenticationError as error:
            raise Unavailable(f"Key Vault does not know this app: {IDENTITY}") from error
        except HttpResponseError as error:
            raise _refusal(error) from error
        except AzureError as error:
            raise Unavailable(f"Key Vault cannot be reached: {NETWORK}") from error
        except ValueError as error:
            # The SDK's guard against sending a token to a host that is not a vault.
            raise Unavailable(f"whoever answers is not Key Vault: {NETWORK}") from error


def _refusal(error: HttpResponseError) -> Unavailable | ValueError:
    answer = f"Key Vault answers {error.status_code} {_code(error)}".rstrip()
    if error.status_code == 400:
        return ValueError(answer)
    if error.status_code == 403:
        return Unavailable(f"{answer}: {NETWORK if _code(error) in NETWORK_REFUSALS else ROLE}")
    after = getattr(error.response, "headers", {}).get("Retry-After", "")
    if after.isdecimal():
        return Unavailable(answer, retry_after=max(1, int(after)))
    return Unavailable(answer)


def _code(error: HttpResponseError) -> str:
    """Return Key Vault's own name for the cause, the inner one if there is one, or ""."""
    if error.error is None:
        return ""
    inner = error.error.innererror or {}
    return str(inner.get("code") or error.error.code or "")


def _properties(found: secrets.SecretProperties) -> SecretProperties:
    return SecretProperties(
        found.name or "", bool(found.enabled), found.expires_on, found.tags or {}
    )
