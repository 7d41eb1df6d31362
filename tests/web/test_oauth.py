"""Access tokens by client credentials: given, used, refused, and ended."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scim.provisioning import refreshed, rows
from scim.provisioning.ports import Delete
from scim.provisioning.tokens import access_tokens, signing_keys, verification
from scim.provisioning.tokens.tokens import CLIENT_SECRET, Scope
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Answer, Directory, Endpoint, running
from tests.web.oauth_client import (
    ASSERTION_TYPE,
    FORM,
    Client,
    admin,
    ask,
    basic,
    check_error,
    granted,
    new_client,
    post,
    scim_status,
)
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


@pytest.fixture
async def client(directory: Directory) -> Client:
    """Make a client with one secret."""
    return await new_client(directory)


async def test_a_client_gets_a_token_and_provisions_with_it(client: Client) -> None:
    """AUTH-006: the form that Entra sends is answered with a token, which SCIM accepts."""
    answer = await client.ask(scope="anything/.default")
    token = granted(answer)
    assert answer.json["scope"] == "scim"
    assert await scim_status(client.directory, token) == 200
    assert await scim_status(client.directory, token, "POST") == 201
    assert (await client.directory.log())[0].actor == f"client {client.id}"


def escape(text: str) -> str:
    """Return the text with every character escaped, as some clients do."""
    return "".join(f"%{ord(each):02x}" for each in text)


async def test_a_client_may_use_http_basic(client: Client) -> None:
    """RFC 6749 §2.3.1: both parts are form-encoded, then Base64; client_id may stand in both."""
    header = basic(client.id, client.secret)
    for form in ({}, {"client_id": client.id}):
        sent = {"grant_type": "client_credentials", **form}
        granted(await ask(client.directory, sent, Authorization=header))
    escaped = base64.b64encode(f"{escape(client.id)}:{escape(client.secret)}".encode()).decode()
    sent = {"grant_type": "client_credentials"}
    granted(await ask(client.directory, sent, Authorization=f"basic {escaped}"))
    wrong = basic(client.id, client.secret + "x")
    sent = {"grant_type": "client_credentials"}
    answer = await ask(client.directory, sent, Authorization=wrong)
    check_error(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


async def test_a_token_says_what_rfc_9068_asks_for(client: Client) -> None:
    """An at+jwt with issuer, audience, subject, client, scope, times and an id of its own."""
    token = await client.token()
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert jwt.get_unverified_header(token)["alg"] == "ES256"
    claims = jwt.decode(token, options={"verify_signature": False})
    base = "https://scim.example.com"
    assert claims["iss"] == f"{base}/oauth/{client.directory.id}"
    assert claims["aud"] == f"{base}/scim/v2/{client.directory.id}"
    assert claims["sub"] == claims["client_id"] == client.id
    assert claims["scope"] == "scim"
    assert claims["exp"] - claims["iat"] == 3600
    other = jwt.decode(await client.token(), options={"verify_signature": False})
    assert other["jti"] != claims["jti"]


async def test_wrong_credentials_are_refused(client: Client) -> None:
    """AUTH-007: 401 invalid_client, with one and the same text whatever was wrong."""
    other = await new_client(client.directory)
    stranger = await new_client(await client.directory.endpoint.directory("other"))
    texts = set()
    for changed in (
        {"client_secret": other.secret},
        {"client_secret": stranger.secret},
        {"client_id": stranger.id, "client_secret": stranger.secret},
        {"client_id": other.id},
        {"client_id": None},
        {"client_id": client.directory.id},
        {"client_secret": client.secret + "x"},
        {"client_secret": client.secret[:-1]},
        {"client_secret": client.secret.replace("rcs_", "rc_")},
        {"client_secret": client.directory.token},
        {"client_secret": "x" * 20_000},
        {"client_secret": "\0"},
        {"client_secret": "kjærsti"},
    ):
        answer = await client.ask(**changed)
        check_error(answer, 401, "invalid_client")
        texts.add(answer.json["error_description"].partition(" (message")[0])
    assert len(texts) == 1
    granted(await client.ask())


async def test_nothing_shown_is_an_unknown_client(client: Client) -> None:
    """A client that shows nothing, or by a method that is not known, is 401 invalid_client."""
    for changed in (
        {"client_secret": None},
        {"client_secret": ""},
        {"client_secret": None, "client_assertion": "x.y.z"},
        {
            "client_secret": None,
            "client_assertion": "x.y.z",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        },
        {
            "client_secret": None,
            "client_assertion": "x.y.z",
            "client_assertion_type": ASSERTION_TYPE,
        },
    ):
        check_error(await client.ask(**changed), 401, "invalid_client")
    for header in ("Basic", "Basic ?", "Basic a2lt", "Bearer x", "Basic kjærsti", "Basic /w=="):
        sent = {"grant_type": "client_credentials"}
        answer = await ask(client.directory, sent, Authorization=header)
        check_error(answer, 401, "invalid_client", "HTTP Basic")


async def test_requests_that_are_no_token_requests(client: Client) -> None:
    """400 with the code of RFC 6749 §5.2 and a text that says what to send."""
    directory, asked = client.directory, f"client_id={client.id}&client_secret={client.secret}"
    grant = "grant_type=client_credentials"
    for body, error, says in (
        ("", "invalid_request", "grant_type is missing"),
        (asked, "invalid_request", "grant_type is missing"),
        (f"{asked}&grant_type=", "invalid_request", "grant_type is missing"),
        (f"{asked}&grant_type=password", "unsupported_grant_type", "client_credentials"),
        (f"{asked}&grant_type=Client_Credentials", "unsupported_grant_type", ""),
        (f"{asked}&{grant}&{grant}", "invalid_request", "twice"),
        (f"{asked}&{grant}&scope=a&scope=b", "invalid_request", "twice"),
        (f"{asked}&{grant}&client_assertion=x", "invalid_request", "one of"),
        (f"{asked}&{grant}&scope=%FF", "invalid_request", "cannot be read"),
        (f"{asked}&{grant}" + "&a=b" * 60, "invalid_request", "cannot be read"),
        ("{}", "invalid_request", "grant_type is missing"),
        ("\ufeff", "invalid_request", "cannot be read"),
    ):
        check_error(await post(directory, body.encode()), 400, error, says)
    right = f"{grant}&{asked}".encode()
    granted(await post(directory, right))
    for headers in (
        {"Content-Type": "application/json"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
    ):
        check_error(await post(directory, right, **headers), 400, "invalid_request", FORM)
    twice = await post(directory, right, Authorization=basic(client.id, client.secret))
    check_error(twice, 400, "invalid_request", "one of")
    other = basic("other", client.secret)
    form = {"grant_type": "client_credentials", "client_id": client.id}
    answer = await ask(directory, form, Authorization=other)
    check_error(answer, 400, "invalid_request", "differ")
    check_error(await post(directory, b"a=" + b"x" * 40_000), 413, "invalid_request")
    unprintable = "?%22%5C%C3%A6=1&%22%5C%C3%A6=2"
    path = f"/oauth/{directory.id}/token{unprintable}"
    answer = await directory.endpoint.send("POST", path, right, {"Content-Type": FORM})
    check_error(answer, 400, "invalid_request", "'''")


async def test_a_chunked_form_cannot_be_read(client: Client) -> None:
    """411: the platform hands over nothing of it."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"grant_type=client_credentials"

    endpoint = client.directory.endpoint
    url = f"{endpoint.origin}/oauth/{client.directory.id}/token"
    headers = {"Content-Type": FORM}
    async with endpoint.session.post(url, data=chunks(), headers=headers) as response:
        answer = Answer(response.status, response.headers, await response.read())
    check_error(answer, 411, "invalid_request", "Content-Length")


async def test_other_methods_and_places(client: Client) -> None:
    """405 with Allow for other methods; credentials in the query are not looked at."""
    path = f"/oauth/{client.directory.id}/token"
    send = client.directory.endpoint.send
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await send(method, path, None, {})
        check_error(answer, 405, "invalid_request")
        assert answer.headers["Allow"] == "POST"
    query = f"?client_id={client.id}&client_secret={client.secret}"
    answer = await send(
        "POST", path + query, b"grant_type=client_credentials", {"Content-Type": FORM}
    )
    check_error(answer, 401, "invalid_client")
    unknown = Directory(client.directory.endpoint, "nobody", "")
    check_error(await Client(unknown, client.id, client.secret).ask(), 401, "invalid_client")


async def test_several_secrets_live_at_once(client: Client) -> None:
    """AUTH-004: the old and the new secret both work until the old one is deleted."""
    new = await client.add_secret()
    tokens = [await client.token(), await new.token()]
    for token in tokens:
        assert await scim_status(client.directory, token) == 200
    endpoint = client.directory.endpoint
    await endpoint.services.tokens.revoke(
        client.directory.id, client.secret_id, admin(endpoint), client=client.id
    )
    endpoint.clock.forward(seconds=60)
    check_error(await client.ask(), 401, "invalid_client")
    assert [await scim_status(client.directory, token) for token in tokens] == [401, 200]
    granted(await new.ask())


async def test_a_deleted_client_ends_with_all_it_was_given(client: Client) -> None:
    """Within 60 seconds neither its secrets nor its access tokens are worth anything."""
    new = await client.add_secret()
    tokens = [await client.token(), await new.token()]
    endpoint = client.directory.endpoint
    await endpoint.services.clients.delete(client.directory.id, client.id, admin(endpoint))
    endpoint.clock.forward(seconds=60)
    for each in (client, new):
        check_error(await each.ask(), 401, "invalid_client")
    assert {await scim_status(client.directory, token) for token in tokens} == {401}


async def test_a_deleted_directory_ends_its_clients(client: Client) -> None:
    """Within 60 seconds no token is given and none accepted."""
    token = await client.token()
    endpoint = client.directory.endpoint
    assert await scim_status(client.directory, token) == 200
    gone = Delete(rows.directory(client.directory.id), None)
    await endpoint.storage.commit(rows.INSTALLATION, [gone])
    endpoint.clock.forward(seconds=60)
    assert await scim_status(client.directory, token) == 401
    check_error(await client.ask(), 401, "invalid_client")


async def test_a_secret_lives_as_long_as_was_said(directory: Directory) -> None:
    """After that it gives no token, and its access tokens end with it."""
    client = await new_client(directory, days=365)
    directory.endpoint.clock.forward(days=364, hours=23, minutes=30)
    token = await client.token()
    assert await scim_status(directory, token) == 200
    directory.endpoint.clock.forward(minutes=30)
    check_error(await client.ask(), 401, "invalid_client")
    assert await scim_status(directory, token) == 401


async def test_an_access_token_lives_for_sixty_minutes(client: Client) -> None:
    """It is accepted in the last second of the hour, and not in the one after."""
    clock = client.directory.endpoint.clock
    clock.moment = clock.moment.replace(microsecond=0)
    token = await client.token()
    clock.forward(minutes=59, seconds=59)
    assert await scim_status(client.directory, token) == 200
    clock.forward(seconds=1)
    assert await scim_status(client.directory, token) == 401


async def test_a_token_of_another_directory_is_worth_nothing(client: Client) -> None:
    """401, whichever of the two directories its client belongs to."""
    other = await client.directory.endpoint.directory("other")
    assert await scim_status(other, await client.token()) == 401
    assert await scim_status(client.directory, await (await new_client(other)).token()) == 401


async def test_a_client_for_reading_only_reads(directory: Directory) -> None:
    """The scope of the client is that of its tokens, and is told with each."""
    client = await new_client(directory, Scope.SCIM_READ)
    answer = await client.ask(scope="scim")
    assert answer.json["scope"] == "scim.read"
    assert await scim_status(directory, granted(answer)) == 200
    assert await scim_status(directory, granted(answer), "POST") == 403


async def test_verifying_asks_nobody(client: Client, vault: WaveringVault) -> None:
    """Within the minute of the caches a call with a JWT costs what one with a token costs."""
    token = await client.token()
    assert await scim_status(client.directory, token) == 200
    vault.asked.clear()
    client.directory.endpoint.storage.calls.clear()
    with_jwt = Directory(client.directory.endpoint, client.directory.id, token)
    for _ in range(5):
        assert (await with_jwt.send("GET", "/ServiceProviderConfig")).status == 200
    assert not vault.asked
    assert not client.directory.endpoint.storage.calls


async def forgeries(token: str, endpoint: Endpoint) -> dict[str, str]:
    """Return tokens that say the same but are not ours."""
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    key = (await endpoint.services.access_tokens._keys.signing()).private
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    thief = ec.generate_private_key(ec.SECP256R1())
    first, second, third = token.split(".")
    later = base64.urlsafe_b64encode(json.dumps(claims | {"exp": claims["exp"] + 1}).encode())

    def signed(key: Any, algorithm: str, payload: Any = claims, **changed: Any) -> str:
        return jwt.encode(payload, key, algorithm, headers=header | {"alg": algorithm} | changed)

    def by_hand(alg: str, key: bytes = b"") -> str:
        """Sign as the library refuses to: with a public key as if it were a shared secret."""
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        parts = [json.dumps(header | {"alg": alg}).encode(), json.dumps(claims).encode()]
        text = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
        seal = base64.urlsafe_b64encode(mac.sign(text, key)).rstrip(b"=") if key else b""
        return (text + b"." + seal).decode()

    return {
        "without a signature": by_hand("none"),
        "none in capitals": by_hand("NONE"),
        "the public key as a secret": by_hand("HS256", public),
        "another key under our kid": signed(thief, "ES256"),
        "another kid": signed(key, "ES256", kid="0" * 20),
        "a kid that is a path": signed(key, "ES256", kid="../signing-key"),
        "no kid": jwt.encode(claims, key, "ES256", headers={"typ": "at+jwt"}),
        "another type": signed(key, "ES256", typ="JWT"),
        "an extension that must be understood": signed(key, "ES256", crit=["x"], x="y"),
        "another payload": f"{first}.{later.decode().rstrip('=')}.{third}",
        "a part missing": f"{first}.{second}.",
        "a part too many": f"{token}.{third}",
        "no JSON": f"{first}.AAAA.{third}",
        "nothing": "..",
        "another directory": signed(key, "ES256", claims | {"directory": "other"}),
        "another audience": signed(key, "ES256", claims | {"aud": "https://other.example"}),
        "several audiences": signed(key, "ES256", claims | {"aud": [claims["aud"]]}),
        "another issuer": signed(key, "ES256", claims | {"iss": "https://sts.windows.net/3f7c/"}),
        "another client": signed(key, "ES256", claims | {"client_id": "0" * 16}),
        "another secret": signed(key, "ES256", claims | {"credential_id": "0" * 16}),
        "a federation there is not": signed(key, "ES256", claims | {"credential": "federation"}),
        "a time that is none": signed(key, "ES256", claims | {"exp": str(claims["exp"])}),
        "too long": signed(key, "ES256", claims | {"x": "x" * 5000}),
        "a claim missing": signed(key, "ES256", {k: v for k, v in claims.items() if k != "exp"}),
    }


async def test_forged_tokens_are_refused(client: Client) -> None:
    """401 for each, also for what only the holder of our key could have signed."""
    token = await client.token()
    assert await scim_status(client.directory, token) == 200
    for what, forged in (await forgeries(token, client.directory.endpoint)).items():
        assert await scim_status(client.directory, forged) == 401, what
    assert await scim_status(client.directory, token) == 200


async def test_tokens_of_entra_itself_are_refused(client: Client) -> None:
    """AUTH-011: a JWT that Entra issues for testing is 401, and asks neither vault nor storage."""
    thief = ec.generate_private_key(ec.SECP256R1())
    claims = {"iss": "https://sts.windows.net/3f7c/", "aud": "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"}
    token = jwt.encode(claims, thief, "ES256", headers={"kid": "nOo3ZDrODXEK1jKWhXslHR_KXEg"})
    client.directory.endpoint.storage.calls.clear()
    assert await scim_status(client.directory, token) == 401
    assert not client.directory.endpoint.storage.calls


async def test_a_flood_of_unknown_keys_is_looked_up_once_a_second(
    client: Client, vault: WaveringVault
) -> None:
    """Tokens that name keys like ours reach storage and vault within bounds."""
    token = await client.token()
    thief = ec.generate_private_key(ec.SECP256R1())
    endpoint = client.directory.endpoint
    endpoint.clock.forward(seconds=2)
    vault.asked.clear()
    endpoint.storage.calls.clear()
    flood = [
        jwt.encode({}, thief, "ES256", headers={"kid": f"{number:020d}"}) for number in range(30)
    ]
    statuses = [await scim_status(client.directory, each) for each in flood]
    assert statuses == [401] * 30
    assert endpoint.storage.calls == {"get": 1}
    assert vault.asked == {"get": 1}
    assert await scim_status(client.directory, token) == 200


async def test_what_is_remembered_of_tokens_is_bounded(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that asks for ever new tokens grows no memory, and all of them work."""
    monkeypatch.setattr(access_tokens, "REMEMBERED", 3)
    tokens = [await client.token() for _ in range(6)]
    for token in tokens * 2:
        assert await scim_status(client.directory, token) == 200
    assert len(client.directory.endpoint.services.access_tokens._checked) == 3


async def test_an_outage_of_the_vault(client: Client, vault: WaveringVault) -> None:
    """What was verified goes on for 15 minutes; what is unknown is 503 with Retry-After."""
    token = await client.token()
    unused = await new_client(client.directory)
    assert await scim_status(client.directory, token) == 200
    vault.down = True
    client.directory.endpoint.clock.forward(minutes=10)
    assert await scim_status(client.directory, token) == 200
    granted(await client.ask())
    check_error(await unused.ask(), 503, "temporarily_unavailable")
    client.directory.endpoint.clock.forward(minutes=6)
    assert await scim_status(client.directory, token) == 503
    check_error(await client.ask(), 503, "temporarily_unavailable")
    vault.down = False
    client.directory.endpoint.clock.forward(seconds=20)
    assert await scim_status(client.directory, token) == 200


async def test_a_known_token_does_not_wait_for_a_silent_vault(
    client: Client, vault: WaveringVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call waits a little, the next ones not at all; an answer that comes at last counts."""
    monkeypatch.setattr(verification, "PATIENCE", 0.02)
    monkeypatch.setattr(refreshed, "PATIENCE", 0.02)
    token = await client.token()
    assert await scim_status(client.directory, token) == 200
    vault.silent = True
    client.directory.endpoint.clock.forward(seconds=60)
    vault.asked.clear()
    async with asyncio.timeout(5):
        assert await scim_status(client.directory, token) == 200
        monkeypatch.setattr(verification, "PATIENCE", 60)
        monkeypatch.setattr(refreshed, "PATIENCE", 60)
        for _ in range(5):
            assert await scim_status(client.directory, token) == 200
    assert vault.asked == {"get": 2}  # the signing key and the secret
    vault.silent = False
    async with asyncio.timeout(5):
        assert await scim_status(client.directory, token) == 200


async def test_the_first_key_needs_the_vault(client: Client, vault: WaveringVault) -> None:
    """Without it no token is given, 503; with it again, the next request gets one."""
    client.directory.endpoint.clock.forward(seconds=20)
    secrets = client.directory.endpoint.services.client_secrets
    assert await secrets.verify(client.secret)
    vault.down = True
    check_error(await client.ask(), 503, "temporarily_unavailable")
    vault.down = False
    granted(await client.ask())


async def test_keys_rotate_with_overlap(client: Client, vault: WaveringVault) -> None:
    """A new key is made after 90 days, signs five minutes later; old tokens live to their end."""
    endpoint = client.directory.endpoint
    before = await client.token()
    endpoint.clock.forward(days=90)
    announcing = await client.token()
    endpoint.clock.forward(minutes=5)
    after = await client.token()
    first, second, third = (
        jwt.get_unverified_header(each)["kid"] for each in (before, announcing, after)
    )
    assert first == second != third
    endpoint.clock.forward(minutes=54)
    assert await scim_status(client.directory, announcing) == 200
    assert await scim_status(client.directory, after) == 200
    endpoint.clock.forward(days=90)
    await client.token()
    names = [each.name async for each in vault.list() if each.name.startswith("signing-key-")]
    assert len(names) == 2
    assert f"signing-key-{first}" not in names


async def test_a_rotation_that_fails_waits(client: Client, vault: WaveringVault) -> None:
    """While no key can be made, the old one goes on signing."""
    await client.token()
    endpoint = client.directory.endpoint
    endpoint.clock.forward(days=90, seconds=-30)
    kept = await client.token()
    vault.down = True
    endpoint.clock.forward(seconds=45)
    late = await client.token()
    assert [jwt.get_unverified_header(each)["kid"] for each in (kept, late)] == [
        jwt.get_unverified_header(kept)["kid"]
    ] * 2


async def test_a_key_that_is_gone_from_the_vault_is_replaced(
    client: Client, vault: WaveringVault
) -> None:
    """An admin who suspects a key deletes it: within a minute its tokens are worth nothing."""
    stolen = await client.token()
    assert await scim_status(client.directory, stolen) == 200
    await vault.delete(f"signing-key-{jwt.get_unverified_header(stolen)['kid']}")
    client.directory.endpoint.clock.forward(seconds=60)
    assert await scim_status(client.directory, stolen) == 401
    assert await scim_status(client.directory, await client.token()) == 200


async def test_two_processes_make_one_key(tmp_path: Path) -> None:
    """However many calls are first, all tokens verify in both processes, and one key is left."""
    async with AsyncExitStack() as stack:
        endpoints = [
            await stack.enter_async_context(
                running(
                    tmp_path,
                    SqliteStorage(str(tmp_path / "state.db")),
                    LocalVault(tmp_path / "vault.db"),
                )
            )
            for _ in range(2)
        ]
        directory = await endpoints[0].directory("demo")
        client = await new_client(directory)
        both = [Directory(endpoint, directory.id, directory.token) for endpoint in endpoints]
        asked = [Client(each, client.id, client.secret).token() for each in both for _ in range(5)]
        tokens = await asyncio.gather(*asked)
        assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 1
        for each in both:
            each.endpoint.clock.forward(seconds=2)
            assert {await scim_status(each, token) for token in tokens} == {200}
        vault = endpoints[0].services.vault
        kept = [each.name async for each in vault.list() if each.name.startswith("signing-key-")]
        assert len(kept) == 1


async def test_a_commit_of_the_first_key_that_is_lost(client: Client) -> None:
    """After a race that another process wins, its key signs and ours is deleted."""
    endpoint = client.directory.endpoint
    keys = endpoint.services.access_tokens._keys
    empty = await keys._read()
    won = await keys.signing()
    await keys._make(empty)
    assert (await keys.signing()).id == won.id
    names = [each.name async for each in endpoint.services.vault.list()]
    assert [name for name in names if name.startswith("signing-key-")] == [f"signing-key-{won.id}"]


async def test_a_flood_of_secrets_reaches_the_vault_within_bounds(
    client: Client, vault: WaveringVault
) -> None:
    """Unknown secrets are looked up 20 times a second; beyond, 503; a known one is served."""
    granted(await client.ask())
    vault.asked.clear()
    clock = client.directory.endpoint.clock
    clock.moment = clock.moment.replace(microsecond=0) + timedelta(seconds=1)
    flood = [
        client.ask(client_secret=CLIENT_SECRET.build(f"{number:016d}", bytes(32)))
        for number in range(40)
    ]
    answers = await asyncio.gather(*flood)
    assert {answer.status for answer in answers} == {401, 503}
    assert vault.asked["get"] == verification.STRANGERS_PER_SECOND
    granted(await client.ask())


def test_the_limits_fit_entra() -> None:
    """The gallery wants tokens of 60 minutes to six hours."""
    assert 60 <= signing_keys.TOKEN_LIFE.total_seconds() / 60 <= 360
