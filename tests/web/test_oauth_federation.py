"""Access tokens by workload identity federation: whose assertion counts, and at what cost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scim.provisioning import rows
from scim.provisioning.directories import directories
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens import key_sets
from scim.provisioning.tokens.credentials import digest
from scim.storage import https
from scim.storage.https import HttpsFetch
from tests.endpoint import Directory, Endpoint, running
from tests.web.key_set_server import AUDIENCE, ISSUER, SUBJECT, Fault, KeySetServer, rsa_key
from tests.web.oauth_client import (
    admin,
    assert_identity,
    check_error,
    federate,
    granted,
    new_client,
    scim_status,
)


@pytest.fixture
async def idp() -> AsyncIterator[KeySetServer]:
    """Run an identity provider that publishes its keys."""
    async with KeySetServer() as idp:
        yield idp


@pytest.fixture
async def endpoint(tmp_path: Path, idp: KeySetServer) -> AsyncIterator[Endpoint]:
    """Run the product, which trusts the certificate of that identity provider."""
    async with running(tmp_path, fetch=HttpsFetch(idp.trusted)) as endpoint:
        yield endpoint


@pytest.fixture
async def directory(endpoint: Endpoint, idp: KeySetServer) -> Directory:
    """Make a directory that trusts a workload of the identity provider."""
    directory = await endpoint.directory("demo")
    await federate(directory, idp)
    return directory


def assertion(directory: Directory, idp: KeySetServer, **changed: Any) -> str:
    """Return an assertion of the workload, made now."""
    return idp.assertion(directory.endpoint.clock().timestamp(), **changed)


async def test_a_workload_gets_a_token_and_provisions_with_it(
    directory: Directory, idp: KeySetServer
) -> None:
    """AUTH-008: the form that Entra sends is answered with a token, which SCIM accepts."""
    token = granted(await assert_identity(directory, assertion(directory, idp)))
    assert await scim_status(directory, token) == 200
    assert await scim_status(directory, token, "POST") == 201
    assert (await directory.log())[0].actor == "client client-of-the-federation"
    without_id = await assert_identity(directory, assertion(directory, idp), client_id=None)
    granted(without_id)
    assert idp.fetches == 1
    saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    for wrong in (None, saml):
        sent = await assert_identity(
            directory, assertion(directory, idp), client_assertion_type=wrong
        )
        check_error(sent, 401, "invalid_client", "client_assertion_type")


async def test_no_token_is_said_to_be_used(directory: Directory, idp: KeySetServer) -> None:
    """A federation has no last use, and leaves no row of one."""
    token = granted(await assert_identity(directory, assertion(directory, idp)))
    assert await scim_status(directory, token) == 200
    asked = f"/access/v1/{directory.id}/users?userName=kim"
    headers = {"Authorization": f"Bearer {token}"}
    assert (await directory.endpoint.send("GET", asked, None, headers)).status == 403
    services = directory.endpoint.services
    await services.usage.write()
    page = await services.storage.scan(rows.INSTALLATION, "k_", "k_~")
    assert [row.key for row in page.rows if not rows.is_token(row.key)] == []


_SPELLINGS = [AUDIENCE, f"{AUDIENCE}/.default", AUDIENCE.removeprefix("api://")]


@pytest.mark.parametrize("said", _SPELLINGS)
@pytest.mark.parametrize("trusted", _SPELLINGS)
async def test_the_audience_is_an_app_however_entra_spells_it(
    directory: Directory, idp: KeySetServer, said: str, trusted: str
) -> None:
    """Its portal shows one spelling, and the token of either version holds another."""
    await federate(directory, idp, audience=("api://of-before", trusted))
    for aud in (said, ["api://another", said]):
        granted(await assert_identity(directory, assertion(directory, idp, aud=aud)))


async def test_assertions_that_say_something_else(directory: Directory, idp: KeySetServer) -> None:
    """AUTH-009: 401 invalid_client that names the claim, for one fetch of the keys."""
    now = directory.endpoint.clock().timestamp()
    for changed, says in (
        ({"iss": "https://login.microsoftonline.com/other/v2.0"}, "its iss"),
        ({"iss": f"{ISSUER}/"}, "its iss"),
        ({"sub": "another"}, "its sub"),
        ({"sub": SUBJECT.upper()}, "its sub"),
        ({"aud": "api://another"}, "its aud"),
        ({"aud": []}, "its aud"),
        ({"aud": f"{AUDIENCE}/.default/.default"}, "its aud"),
        ({"exp": int(now) - 120}, "expired"),
        ({"nbf": int(now) + 120}, "not valid yet"),
        ({"exp": 1e400}, "lacks"),
        ({"exp": str(int(now) + 60)}, "lacks"),
        ({"exp": True}, "lacks"),
        ({"exp": None}, "lacks"),
        ({"iss": None}, "lacks"),
        ({"sub": None}, "lacks"),
        ({"aud": None}, "lacks"),
        ({"aud": {"a": AUDIENCE}}, "lacks"),
        ({"iss": [ISSUER]}, "lacks"),
    ):
        answer = await assert_identity(directory, assertion(directory, idp, **changed))
        check_error(answer, 401, "invalid_client", says)
    assert idp.fetches == 1
    for clocks_differ in ({"exp": int(now) - 30}, {"nbf": int(now) + 30}, {"nbf": None}):
        granted(await assert_identity(directory, assertion(directory, idp, **clocks_differ)))


async def test_another_client_id_is_refused(directory: Directory, idp: KeySetServer) -> None:
    """Whoever sends one has to send that of the federation."""
    for client_id in ("another", SUBJECT):
        sent = await assert_identity(directory, assertion(directory, idp), client_id=client_id)
        check_error(sent, 401, "invalid_client", "client_id")


async def test_assertions_that_the_provider_did_not_sign(
    directory: Directory, idp: KeySetServer
) -> None:
    """401 for each, also for what only the holder of the provider's key could have signed."""
    right = assertion(directory, idp)
    granted(await assert_identity(directory, right))
    first, second, third = right.split(".")
    key, thief = rsa_key("first"), rsa_key("thief")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = jwt.utils.base64url_encode(b'{"alg": "none", "kid": "first"}').decode()
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    hs256 = jwt.encode({}, b"x" * 32, "HS256", headers={"kid": "first"}).split(".")[0]
    sealed = jwt.utils.base64url_encode(mac.sign(f"{hs256}.{second}".encode(), public)).decode()
    curve = ec.generate_private_key(ec.SECP256R1())
    for what, forged in {
        "another key under a kid that is known": assertion(directory, idp, signed_by=thief),
        "no kid": assertion(directory, idp, key_id=None),
        "another hash": assertion(directory, idp, signed_by=key, algorithm="RS512"),
        "another padding": assertion(directory, idp, signed_by=key, algorithm="PS256"),
        "a curve": assertion(directory, idp, signed_by=curve, algorithm="ES256"),
        "the public key as a secret": f"{hs256}.{second}.{sealed}",
        "no signature": f"{unsigned}.{second}.",
        "an empty signature": f"{first}.{second}.",
        "another payload": f"{first}.{second[:-4]}AAAA.{third}",
        "an extension that must be understood": assertion(
            directory, idp, header={"crit": ["x"], "x": 1}
        ),
        "a key for encryption": assertion(directory, idp, key_id="for-encryption"),
        "a key that is damaged": assertion(directory, idp, key_id="damaged", signed_by=thief),
        "no token": "x",
        "three dots": "...",
        "not ASCII": "kjærsti.kjærsti.kjærsti",
        "deep": jwt.utils.base64url_encode(b"[" * 9000).decode() + f".{second}.{third}",
    }.items():
        answer = await assert_identity(directory, forged)
        assert answer.status == 401, what
        check_error(answer, 401, "invalid_client")
    assert idp.fetches == 1


async def test_a_new_key_is_fetched_once(directory: Directory, idp: KeySetServer) -> None:
    """The provider rotates without notice: its next assertion is accepted, for one fetch more."""
    granted(await assert_identity(directory, assertion(directory, idp)))
    directory.endpoint.clock.forward(minutes=5)
    idp.key_ids = ["first", "second"]
    new = [assertion(directory, idp, key_id="second") for _ in range(10)]
    for answer in await asyncio.gather(*(assert_identity(directory, each) for each in new)):
        granted(answer)
    assert idp.fetches == 2


async def test_a_flood_of_unknown_keys_is_fetched_for_once_a_minute(
    directory: Directory, idp: KeySetServer
) -> None:
    """AUTH-009: whatever their number, unknown kids cost the provider one fetch a minute."""
    granted(await assert_identity(directory, assertion(directory, idp)))
    thief = rsa_key("thief")
    directory.endpoint.clock.forward(minutes=5)
    for minute in range(3):
        flood = [
            assertion(directory, idp, key_id=f"unknown-{number}", signed_by=thief)
            for number in range(20)
        ]
        asked = (assert_identity(directory, each) for each in flood)
        for answer in await asyncio.gather(*asked):
            check_error(answer, 401, "invalid_client", "kid")
        assert idp.fetches == 2 + minute
        granted(await assert_identity(directory, assertion(directory, idp)))
        directory.endpoint.clock.forward(minutes=1)


@pytest.mark.parametrize("fault", Fault)
async def test_known_keys_serve_while_the_key_set_is_down(
    directory: Directory, idp: KeySetServer, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUTH-010: for days, if need be; a kid that is not known is 503, for nobody can tell."""
    monkeypatch.setattr(https, "SECONDS", 0.2)
    granted(await assert_identity(directory, assertion(directory, idp)))
    idp.fault = fault
    for _ in range(3):
        directory.endpoint.clock.forward(hours=25)
        granted(await assert_identity(directory, assertion(directory, idp)))
        granted(await assert_identity(directory, assertion(directory, idp)))
    assert idp.fetches == 4
    unknown = assertion(directory, idp, key_id="second")
    check_error(await assert_identity(directory, unknown), 503, "temporarily_unavailable")


@pytest.mark.parametrize("fault", Fault)
async def test_no_keys_yet_and_a_key_set_that_is_down(
    directory: Directory, idp: KeySetServer, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After; the provider is asked once in five seconds, then all is well."""
    monkeypatch.setattr(https, "SECONDS", 0.2)
    idp.fault = fault
    for _ in range(5):
        answer = await assert_identity(directory, assertion(directory, idp))
        check_error(answer, 503, "temporarily_unavailable")
    assert idp.fetches == 1
    idp.fault = None
    directory.endpoint.clock.forward(seconds=int(answer.headers["Retry-After"]))
    granted(await assert_identity(directory, assertion(directory, idp)))


async def test_keys_that_the_provider_withdrew_are_forgotten(
    directory: Directory, idp: KeySetServer
) -> None:
    """After a day an assertion by a key that is published no more is refused."""
    granted(await assert_identity(directory, assertion(directory, idp)))
    idp.key_ids = ["second"]
    directory.endpoint.clock.forward(hours=24)
    withdrawn = await assert_identity(directory, assertion(directory, idp))
    check_error(withdrawn, 401, "invalid_client", "kid")
    granted(await assert_identity(directory, assertion(directory, idp, key_id="second")))


async def test_a_federation_that_changes_ends_its_tokens(
    directory: Directory, idp: KeySetServer
) -> None:
    """Within 60 seconds, when something else is trusted, and when nothing is."""
    services, clock = directory.endpoint.services, directory.endpoint.clock
    token = granted(await assert_identity(directory, assertion(directory, idp)))
    assert await scim_status(directory, token) == 200
    await federate(directory, idp, subject="another")
    clock.forward(seconds=60)
    assert await scim_status(directory, token) == 401
    check_error(await assert_identity(directory, assertion(directory, idp)), 401, "invalid_client")
    token = granted(await assert_identity(directory, assertion(directory, idp, sub="another")))
    assert await scim_status(directory, token) == 200
    await services.directories.change(
        directory.id, lambda known: known.model_copy(update={"federation": None})
    )
    clock.forward(seconds=60)
    assert await scim_status(directory, token) == 401
    gone = await assert_identity(directory, assertion(directory, idp, sub="another"))
    check_error(gone, 401, "invalid_client")


async def test_a_federation_is_of_one_directory(directory: Directory, idp: KeySetServer) -> None:
    """An assertion counts where its workload is trusted, and its token there alone."""
    other = await directory.endpoint.directory("other")
    sent = assertion(directory, idp)
    check_error(await assert_identity(other, sent), 401, "invalid_client")
    await federate(other, idp, subject="another", client_id="another")
    directory.endpoint.clock.forward(seconds=60)
    check_error(await assert_identity(other, sent), 401, "invalid_client")
    assert await scim_status(other, granted(await assert_identity(directory, sent))) == 401


async def test_a_flood_of_directories_reaches_storage_within_bounds(
    directory: Directory, idp: KeySetServer
) -> None:
    """Unknown ids cost 20 reads a second and no memory; a known directory is served."""
    endpoint = directory.endpoint
    granted(await assert_identity(directory, assertion(directory, idp)))
    known = len(endpoint.services.directories._known)
    endpoint.clock.moment = endpoint.clock.moment.replace(microsecond=0) + timedelta(seconds=1)
    endpoint.storage.calls.clear()
    sent = assertion(directory, idp)
    flood = [
        assert_identity(Directory(endpoint, f"unknown-{number}", ""), sent) for number in range(40)
    ]
    answers = await asyncio.gather(*flood)
    assert {answer.status for answer in answers} == {401, 503}
    assert endpoint.storage.calls == {"get": directories.STRANGERS_PER_SECOND}
    assert len(endpoint.services.directories._known) == known
    granted(await assert_identity(directory, sent))


async def test_what_is_remembered_of_key_sets_is_bounded(
    directory: Directory, idp: KeySetServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An admin who tries many addresses grows no memory, and the last one works."""
    monkeypatch.setattr(key_sets, "REMEMBERED", 2)
    for number in range(4):
        await federate(directory, idp, jwks_url=f"{idp.jwks_url}?{number}")
        granted(await assert_identity(directory, assertion(directory, idp)))
    assert len(directory.endpoint.services.assertions._key_sets._sets) == 2


async def test_nothing_secret_is_shown_anywhere(
    directory: Directory, idp: KeySetServer, caplog: pytest.LogCaptureFixture
) -> None:
    """No secret, digest, assertion, token or key in any log record, answer, stored row or repr."""
    caplog.set_level(logging.DEBUG)
    endpoint = directory.endpoint
    client = await new_client(directory)
    sent = assertion(directory, idp)
    wrong = assertion(directory, idp, sub="another")
    tokens = [await client.token(), granted(await assert_identity(directory, sent))]
    forged = tokens[0][:-4] + "AAAA"
    for each in (*tokens, forged):
        await scim_status(directory, each)
    answers = [
        await client.ask(client_secret=client.secret[:-1]),
        await client.ask(grant_type="password"),
        await client.ask(client_assertion=sent),
        await assert_identity(directory, wrong),
    ]
    texts = [
        caplog.text,
        *(str(record.__dict__) for record in caplog.records),
        *(answer.raw.decode() + str(answer.headers) for answer in answers),
        repr(endpoint.services),
        repr(endpoint.services.client_secrets._known),
        repr(endpoint.services.access_tokens._checked),
        repr(await endpoint.services.access_tokens._keys.signing()),
        repr(
            await endpoint.services.clients.add_secret(
                directory.id, client.id, None, admin(endpoint)
            )
        ),
    ]
    for partition in (rows.INSTALLATION, rows.partition(directory.id)):
        found = scan_rows(endpoint.services.storage, partition, "", rows.END)
        texts.extend([str(row) async for row in found])
    assert any(client.secret_id in text for text in texts)
    assert "assertion_refused" in caplog.text
    secrets = [client.secret.rpartition("_")[2], digest(client.secret), "PRIVATE KEY"]
    secrets += [each.rpartition(".")[2] for each in (*tokens, forged, sent, wrong)]
    for secret in secrets:
        assert len(secret) > 10
        for text in texts:
            assert secret not in text
