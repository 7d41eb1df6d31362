"""Who may call: bearer tokens of a directory, through floods and outages of the vault."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.identifiers import lower_id
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens import verification
from scim.provisioning.tokens.credentials import digest
from scim.provisioning.tokens.tokens import TOKEN, Scope
from scim.storage.local_vault import LocalVault
from tests.endpoint import HOST_KEY, SCIM_JSON, Answer, Directory, Endpoint, running
from tests.web.refusals import check_refusal
from tests.web.wavering_vault import WaveringVault


@pytest.fixture
async def vault(tmp_path: Path) -> WaveringVault:
    """Make an empty vault that can be told to waver."""
    return WaveringVault(LocalVault(tmp_path / "vault.db"))


@pytest.fixture
async def endpoint(tmp_path: Path, vault: WaveringVault) -> AsyncIterator[Endpoint]:
    """Run the product on that vault."""
    async with running(tmp_path, vault=vault) as endpoint:
        yield endpoint


def unknown_token() -> str:
    """Return a token that is built rightly, but that nobody was given."""
    return TOKEN.build(lower_id(16), secrets.token_bytes(32))


async def call(directory: Directory, authorization: str | None, **sent: Any) -> Answer:
    """Call with exactly this Authorization header; by default a GET of the users."""
    path = f"/scim/v2/{directory.id}{sent.pop('path', '/Users')}"
    headers = {} if authorization is None else {"Authorization": authorization}
    if sent.get("data") is not None:
        headers["Content-Type"] = SCIM_JSON
    method = sent.pop("method", "GET")
    return await directory.endpoint.send(method, path, sent.pop("data", None), headers)


async def status(directory: Directory, token: str | None = None) -> int:
    """Return the status of a GET with a token, the directory's own by default."""
    return (await call(directory, f"Bearer {token or directory.token}")).status


@pytest.mark.parametrize(
    "template",
    [
        "Bearer {}",
        "bearer {}",
        "BEARER {}",
        "bEaReR {}",
        "Bearer    {}",
        "Bearer {}   ",
    ],
)
async def test_the_scheme_is_read_in_any_case(directory: Directory, template: str) -> None:
    """Blanks around the token do not matter either."""
    assert (await call(directory, template.format(directory.token))).status == 200


@pytest.mark.parametrize(
    ("authorization", "challenged_with"),
    [
        (None, ""),
        ("", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Basic a2ltOmtpbQ==", ""),
        ("{token}", ""),
        ("Bearer:{token}", ""),
        ("Token {token}", ""),
        ("Bearer {token}x", "invalid_token"),
        ("Bearer x{token}", "invalid_token"),
        ("Bearer {token} {token}", "invalid_token"),
        ("Bearer {token},Bearer {token}", "invalid_token"),
        ("Bearer '{token}'", "invalid_token"),
        ("Bearer null", "invalid_token"),
        ("Bearer rc_", "invalid_token"),
        ("Bearer kjærsti", "invalid_token"),
        ("Bearer " + "x" * 60_000, "invalid_token"),
        ("Bearer rc_" + "0" * 16 + "_" + "0" * 49, "invalid_token"),
    ],
    ids=lambda text: str(text)[:20],
)
async def test_what_is_no_token_is_refused_without_asking_the_vault(
    directory: Directory,
    vault: WaveringVault,
    authorization: str | None,
    challenged_with: str,
) -> None:
    """401 as a SCIM error, with the challenge of RFC 6750 §3.1."""
    vault.asked.clear()
    header = authorization and authorization.replace("{token}", directory.token)
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("GET", "/Unknown")):
        answer = await call(directory, header, method=method, path=path)
        check_refusal(answer, 401)
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="')
        assert (f'error="{challenged_with}"' in challenge) is bool(challenged_with)
    assert not vault.asked


@pytest.mark.parametrize("position", [3, 18, 20, 40, 63, 68])
async def test_one_wrong_letter_is_seen_by_the_checksum(
    directory: Directory, vault: WaveringVault, position: int
) -> None:
    """A mistyped token costs no look-up."""
    vault.asked.clear()
    other = "1" if directory.token[position] == "0" else "0"
    wrong = directory.token[:position] + other + directory.token[position + 1 :]
    assert await status(directory, wrong) == 401
    assert not vault.asked


async def test_an_unknown_token_is_asked_for_once_in_ten_seconds(
    directory: Directory, vault: WaveringVault
) -> None:
    """That there is none is remembered for a while, and asked again then."""
    unknown = unknown_token()
    vault.asked.clear()
    for _ in range(5):
        assert await status(directory, unknown) == 401
    assert vault.asked["get"] == 1
    directory.endpoint.clock.forward(seconds=10)
    assert await status(directory, unknown) == 401
    assert vault.asked["get"] == 2


async def test_the_id_of_a_token_is_not_enough(directory: Directory) -> None:
    """Another secret under a known id is refused, and the right one goes on."""
    assert await status(directory) == 200
    forged = TOKEN.build(TOKEN.id_of(directory.token) or "", secrets.token_bytes(32))
    assert await status(directory, forged) == 401
    assert await status(directory) == 200


async def test_a_token_of_another_directory_is_worth_nothing(directory: Directory) -> None:
    """401, for reading as for writing."""
    other = await directory.endpoint.directory("other")
    for method in ("GET", "POST", "DELETE"):
        answer = await call(directory, f"Bearer {other.token}", method=method)
        check_refusal(answer, 401, says=("not valid for this directory",))
    assert await status(other) == 200


async def test_a_token_lives_for_a_year(directory: Directory) -> None:
    """The second of its expiry is too late."""
    clock = directory.endpoint.clock
    expiry = clock.moment + timedelta(days=365)
    directory.endpoint.clock.moment = expiry - timedelta(seconds=2)
    assert await status(directory) == 200
    directory.endpoint.clock.moment = expiry
    assert await status(directory) == 401


async def test_a_revoked_token_is_refused_within_a_minute(
    directory: Directory, vault: WaveringVault
) -> None:
    """Disabled or deleted in the vault, by whatever way; enabled again, it serves again."""
    name = TOKEN.secret_name(TOKEN.id_of(directory.token) or "")
    assert await status(directory) == 200
    await vault.update(name, enabled=False)
    directory.endpoint.clock.forward(seconds=60)
    assert await status(directory) == 401
    await vault.update(name, enabled=True)
    directory.endpoint.clock.forward(seconds=10)
    assert await status(directory) == 200
    await vault.delete(name)
    directory.endpoint.clock.forward(seconds=60)
    assert await status(directory) == 401


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"directory": "{directory}"},
        {"scope": "scim"},
        {"directory": "{directory}", "scope": "?"},
    ],
)
async def test_a_secret_without_our_tags_is_worth_nothing(
    directory: Directory, vault: WaveringVault, tags: dict[str, str]
) -> None:
    """A secret that somebody made by hand is refused; it is no fault of the endpoint."""
    token = unknown_token()
    tags = {name: value.format(directory=directory.id) for name, value in tags.items()}
    name = TOKEN.secret_name(TOKEN.id_of(token) or "")
    await vault.put(name, digest(token), expires_at=None, tags=tags)
    assert await status(directory, token) == 401


WRITES = [
    ("POST", "/Users"),
    ("PUT", "/Users/{id}"),
    ("PATCH", "/Users/{id}"),
    ("DELETE", "/Users/{id}"),
    ("POST", "/Groups"),
    ("PUT", "/Groups/{id}"),
    ("PATCH", "/Groups/{id}"),
    ("DELETE", "/Groups/{id}"),
    ("POST", "/Bulk"),
    ("POST", "/Bulk/"),
    ("DELETE", "/Users/.search"),
    ("PATCH", "/Users/{id}/.search"),
]


async def test_a_token_for_reading_reads(directory: Directory) -> None:
    """GET, HEAD, OPTIONS and searches pass; every write is 403 and changes nothing."""
    services = directory.endpoint.services
    reader = await services.tokens.create(directory.id, "reads", Scope.SCIM_READ)
    bearer = f"Bearer {reader.value}"
    kim = (await directory.create_user())["id"]
    for method, path in (
        ("GET", "/Users"),
        ("HEAD", "/Users"),
        ("OPTIONS", "/Users"),
        ("GET", f"/Users/{kim}"),
        ("GET", "/Schemas"),
        ("POST", "/Users/.search"),
        ("POST", "/users/.SEARCH/"),
        ("POST", "/.search"),
    ):
        data = b"{}" if method == "POST" else None
        answer = await call(directory, bearer, method=method, path=path, data=data)
        assert answer.status in (200, 204), answer.raw
    before = await directory.state()
    for method, path in WRITES:
        answer = await call(
            directory, bearer, method=method, path=path.format(id=kim), data=b'{"userName": "lee"}'
        )
        check_refusal(answer, 403, says=("scim.read", "needs scim"))
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert await directory.state() == before


async def test_no_write_hides_behind_a_search(directory: Directory) -> None:
    """A path that only ends in .search opens nothing to a token for reading."""
    reader = await directory.endpoint.services.tokens.create(directory.id, "reads", Scope.SCIM_READ)
    before = await directory.state()
    bulk = (
        b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": '
        b'[{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "lee"}}]}'
    )
    for path in ("/Bulk/.search", "/Users/x/.search", "/Bulk/x/.search"):
        answer = await call(
            directory, f"Bearer {reader.value}", method="POST", path=path, data=bulk
        )
        assert answer.status in (403, 404, 405), answer.raw
    assert await directory.state() == before


async def test_a_token_for_access_opens_no_scim(directory: Directory) -> None:
    """403 for reads and writes alike."""
    services = directory.endpoint.services
    token = await services.tokens.create(directory.id, "of an application", Scope.ACCESS)
    for method, path in (("GET", "/Users"), ("POST", "/.search"), ("OPTIONS", "/Users"), *WRITES):
        answer = await call(directory, f"Bearer {token.value}", method=method, path=path)
        check_refusal(answer, 403, says=("scope of this token is access",))


async def test_a_known_token_outlives_an_outage_of_the_vault(
    directory: Directory, vault: WaveringVault
) -> None:
    """For 15 minutes after the vault last answered; then 503 with Retry-After, never 401."""
    assert await status(directory) == 200
    vault.down = True
    for _ in range(14):
        directory.endpoint.clock.forward(seconds=60)
        assert await status(directory) == 200
    directory.endpoint.clock.forward(seconds=61)
    answer = await call(directory, f"Bearer {directory.token}")
    check_refusal(answer, 503, says=("later",))
    assert int(answer.headers["Retry-After"]) > 0
    vault.down = False
    assert await status(directory) == 200


async def test_an_unknown_token_in_an_outage_is_told_to_come_back(
    directory: Directory, vault: WaveringVault
) -> None:
    """503 with Retry-After: whether it is valid nobody knows, and 401 would stop the client."""
    new = await directory.endpoint.services.tokens.create(directory.id, "not used yet")
    vault.down = True
    for token in (unknown_token(), new.value):
        answer = await call(directory, f"Bearer {token}")
        check_refusal(answer, 503)
        assert answer.headers["Retry-After"] == "7"
    vault.down = False
    assert await status(directory, new.value) == 200


async def test_a_vault_that_does_not_answer_is_seldom_asked(
    directory: Directory, vault: WaveringVault
) -> None:
    """In an outage a known token costs a look-up in ten seconds, not one a request."""
    assert await status(directory) == 200
    vault.down = True
    directory.endpoint.clock.forward(seconds=60)
    vault.asked.clear()
    for _ in range(30):
        assert await status(directory) == 200
    assert vault.asked["get"] == 1
    directory.endpoint.clock.forward(seconds=10)
    assert await status(directory) == 200
    assert vault.asked["get"] == 2


async def test_a_known_token_does_not_wait_for_a_silent_vault(
    directory: Directory, vault: WaveringVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is served after a short patience; what the vault says at last counts from then on."""
    monkeypatch.setattr(verification, "PATIENCE", 0.02)
    assert await status(directory) == 200
    await vault.update(TOKEN.secret_name(TOKEN.id_of(directory.token) or ""), enabled=False)
    vault.silent = True
    directory.endpoint.clock.forward(seconds=60)
    async with asyncio.timeout(5):
        assert await status(directory) == 200
    vault.silent = False
    async with asyncio.timeout(5):
        while await status(directory) == 200:
            pass


async def test_a_flood_of_tokens_reaches_the_vault_within_bounds(
    directory: Directory, vault: WaveringVault
) -> None:
    """Look-ups are bounded by the second; beyond, 503; a known token is served all the time."""
    assert await status(directory) == 200
    clock = directory.endpoint.clock
    vault.asked.clear()
    for second in range(3):
        clock.moment = clock.moment.replace(microsecond=0) + timedelta(seconds=1)
        flood = [status(directory, unknown_token()) for _ in range(40)]
        answers = await asyncio.gather(*flood, status(directory))
        assert answers.pop() == 200
        assert set(answers) == {401, 503}
        assert vault.asked["get"] == (second + 1) * verification.STRANGERS_PER_SECOND


async def test_a_flood_of_tokens_does_not_grow_memory(
    directory: Directory, vault: WaveringVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered is bounded, and a known token is not pushed out."""
    monkeypatch.setattr(verification, "REMEMBERED", 15)
    verifier = directory.endpoint.services.verifier
    assert await status(directory) == 200
    for _ in range(4):
        directory.endpoint.clock.forward(seconds=1)
        for _ in range(10):
            assert await verifier.verify(unknown_token()) is None
    assert sum(map(len, verifier._known.values())) <= 2 * 15
    assert not verifier._fetching
    vault.down = True
    directory.endpoint.clock.forward(seconds=60)
    assert await status(directory) == 200


async def test_waiting_calls_share_one_look_up(directory: Directory, vault: WaveringVault) -> None:
    """A burst of an identity provider asks the vault once."""
    new = await directory.endpoint.services.tokens.create(directory.id, "of a burst")
    vault.asked.clear()
    vault.silent = True
    burst = [asyncio.create_task(status(directory, new.value)) for _ in range(20)]
    async with asyncio.timeout(5):
        while not vault.asked["get"]:
            await directory.endpoint.send("GET", "/health", None, {})
    vault.silent = False
    assert set(await asyncio.gather(*burst)) == {200}
    assert vault.asked["get"] == 1


async def test_a_token_is_shown_nowhere(
    endpoint: Endpoint, vault: WaveringVault, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither it nor its digest is in any log record, answer, stored row or repr."""
    caplog.set_level(logging.DEBUG)
    directory = await endpoint.directory("demo")
    new = await endpoint.services.tokens.create(directory.id, "another")
    answers = []
    for authorization in (
        f"Bearer {directory.token}",
        f"Bearer {directory.token}x",
        f"Basic {directory.token}",
        f"Bearer {new.value}",
        directory.token,
    ):
        answers.append(await call(directory, authorization))
        body = b'{"userName": 7}'
        answers.append(await call(directory, authorization, method="POST", data=body))
    vault.down = True
    endpoint.clock.forward(minutes=20)
    answers.append(await call(directory, f"Bearer {directory.token}"))
    answers.append(await endpoint.send("GET", "/health/ready", None, {"x-functions-key": HOST_KEY}))
    verifier = endpoint.services.verifier
    texts = [
        caplog.text,
        *(str(record.__dict__) for record in caplog.records),
        *(answer.raw.decode() + str(answer.headers) for answer in answers),
        repr(new),
        repr(verifier._known),
        repr(endpoint.services),
        repr(await vault.inner.get(TOKEN.secret_name(new.id))),
    ]
    for partition in (rows.INSTALLATION, rows.partition(directory.id)):
        found = scan_rows(endpoint.services.storage, partition, "", rows.END)
        texts.extend([str(row) async for row in found])
    assert any(new.id in text for text in texts)
    for token in (directory.token, new.value):
        secret = token.rpartition("_")[2]
        for text in texts:
            assert secret not in text
            assert digest(token) not in text
