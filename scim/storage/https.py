"""Documents from the web, over HTTPS alone."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from scim.provisioning.ports import Unavailable

if TYPE_CHECKING:
    import aiohttp

SECONDS: Final = 5.0  # for all of it: somebody waits for an answer meanwhile
BYTES: Final = 256 * 1024  # ten times Entra's key set


class HttpsFetch:
    """Fetches one document at a time; seldom, so that no connection is kept.

    `trusted` stands in for the platform's certificates.
    """

    def __init__(self, trusted: ssl.SSLContext | None = None) -> None:
        self._trusted = trusted

    async def __call__(self, address: str) -> bytes:
        """Return the document. Raises Unavailable."""
        # Imported when first needed: it costs 0.2 s of a cold start.
        import aiohttp  # noqa: PLC0415 - see above

        if not address.startswith("https://"):
            raise Unavailable("a document is fetched over https only")
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=SECONDS), auto_decompress=False
                ) as session,
                session.get(
                    address,
                    allow_redirects=False,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                    ssl=self._trusted or True,
                ) as answer,
            ):
                if answer.status != 200:
                    raise Unavailable(f"the document is answered with {answer.status}")
                return await _body(answer.content)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # Not the error's text: it quotes the address and what came from there.
            raise Unavailable(f"the document cannot be had: {type(error).__name__}") from error


async def _body(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > BYTES:
            raise Unavailable(f"the document has more than {BYTES} bytes")
    return bytes(body)
