"""The only place that knows all rooms: settings → engines → services → functions."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from scim.protocol.schema import group_type, user_type
from scim.provisioning.changes.idempotency import Idempotency
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.directories.directories import Directories
from scim.provisioning.groups.groups import Groups
from scim.provisioning.groups.work import GroupWork
from scim.provisioning.log.contacts import ContactBook
from scim.provisioning.log.failures import Failures
from scim.provisioning.masking import Masking
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Fetch, Storage, Unavailable, Vault
from scim.provisioning.queries import collections
from scim.provisioning.queries.cursors import Cursors
from scim.provisioning.queries.queries import Queries
from scim.provisioning.rule_sync.bursts import Bursts
from scim.provisioning.rule_sync.changes import Guard, RuleChanges
from scim.provisioning.rule_sync.sync import RuleSync
from scim.provisioning.rules.access_extension import ACCESS_EXTENSION
from scim.provisioning.rules.declared import read_declared
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.tokens.access_tokens import AccessTokens
from scim.provisioning.tokens.assertions import Assertions
from scim.provisioning.tokens.clients import Clients
from scim.provisioning.tokens.key_sets import KeySets
from scim.provisioning.tokens.refused_calls import RefusedCalls
from scim.provisioning.tokens.signing_keys import SigningKeys
from scim.provisioning.tokens.tokens import CLIENT_SECRET, Tokens
from scim.provisioning.tokens.usage import TokenUsage
from scim.provisioning.tokens.verification import Verifier
from scim.provisioning.upkeep.check_work import CheckWork
from scim.provisioning.upkeep.erasure import ErasureWork
from scim.provisioning.upkeep.retention import Retention
from scim.provisioning.upkeep.upkeep import Upkeep
from scim.provisioning.upkeep.vigilance import Vigilance
from scim.provisioning.users.users import Users
from scim.provisioning.users.work import UserWork
from scim.settings import Settings, SettingsError, read_settings
from scim.storage.credentials import azure_credential
from scim.storage.https import HttpsFetch
from scim.web.functions import function_app
from scim.web.rate import Rate
from scim.web.services import Limits, Misconfigured, Provider, Services

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.functions import FunctionApp


USER_BYTES = 1024 * 1024  # far above what any identity provider sends of a user
COLLECTED_EVERY = 10_000  # objects that are made and not yet gone
GROUP_BYTES = 10 * 1024 * 1024  # a list of 200 000 members


def create_app(environ: Mapping[str, str]) -> FunctionApp:
    """Return the app on the settings in `environ`."""
    return function_app(provider(environ))


def provider(environ: Mapping[str, str]) -> Provider:
    """Return who builds the services when they are first needed.

    `environ` is read then, and at each call until it is right.
    """
    built: list[Services] = []

    def provide() -> Services:
        if not built:
            try:
                settings = read_settings(environ)
            except SettingsError as error:
                raise Misconfigured(error.problems) from None
            storage = _opened("STORAGE_ENGINE", lambda: _storage(settings))
            vault = _opened("VAULT_ENGINE", lambda: _vault(settings))
            built.append(build(settings, storage, vault, _utc_now))
            _spare_the_collector()
        return built[0]

    return provide


def build(
    settings: Settings,
    storage: Storage,
    vault: Vault,
    now: Callable[[], datetime],
    fetch: Fetch | None = None,
) -> Services:
    """Return the services on the engines given."""
    declared = settings.extensions
    user = user_type(ACCESS_EXTENSION, *declared["User"])
    group = group_type(*declared["Group"])
    # Without the access: what rules can test, and what discovery tells identity providers.
    plain = user_type(*declared["User"])
    declared_rules = read_declared(settings.RULES, plain, [])  # settings tell what is wrong
    rules = RuleSets(storage, now, plain, declared_rules, settings.HOME_TENANT)
    work = Jobs(
        storage,
        now,
        {
            "user": UserWork(storage, user, rules),
            "group": GroupWork(storage, rules),
            "check": CheckWork(storage, now, rules),
            "erase": ErasureWork(storage),
        },
    )
    directories = Directories(storage, now)
    guard = Guard(settings.GUARD_USERS, settings.GUARD_PERCENT)
    rule_changes = RuleChanges(storage, now, rules, directories, guard)
    sync = RuleSync(storage, now, rules, rule_changes)
    tokens = Tokens(storage, vault, now, timedelta(days=settings.TOKEN_DAYS))
    contacts = ContactBook(storage, now, RefusedCalls(storage, now).keep)
    kept = timedelta(days=settings.LOG_RETENTION_DAYS)
    retention = Retention(storage, directories, kept, now)
    usage, idempotency = TokenUsage(storage, now), Idempotency(storage, now)
    client_secrets = Verifier(vault, now, CLIENT_SECRET)
    return Services(
        public_base=settings.public_base,
        now=now,
        limits=Limits(
            page=settings.PAGE_SIZE,
            page_max=settings.PAGE_SIZE_MAX,
            body={user.name: USER_BYTES, group.name: GROUP_BYTES},
        ),
        policy=_policy(settings),
        deleted_for=timedelta(days=settings.DELETED_DIRECTORY_DAYS),
        rate=Rate(now),
        storage=storage,
        vault=vault,
        directories=directories,
        tokens=tokens,
        usage=usage,
        idempotency=idempotency,
        failures=Failures(storage, now),
        contacts=contacts,
        masking=Masking([user, group]),
        verifier=Verifier(vault, now),
        clients=Clients(storage, tokens, now),
        client_secrets=client_secrets,
        assertions=Assertions(KeySets(fetch or HttpsFetch(), now), now),
        access_tokens=AccessTokens(
            settings.public_base,
            SigningKeys(storage, vault, now),
            client_secrets,
            directories,
            now,
        ),
        resource_types=(plain, group),
        users=Users(storage, user, now, work, rules),
        user_queries=Queries(storage, collections.users(user), now, settings.SCAN_LIMIT),
        groups=Groups(storage, group, now, work, rules),
        group_queries=Queries(storage, collections.groups(group), now, settings.SCAN_LIMIT),
        cursors=Cursors(storage, now),
        jobs=work,
        rules=rules,
        rule_changes=rule_changes,
        rule_sync=sync,
        retention=retention,
        upkeep=Upkeep(
            storage,
            directories,
            work,
            tokens,
            usage,
            [
                Vigilance(storage, directories, contacts, now).run,
                retention.run,
                sync.run,
                Bursts(storage, directories, guard, now).run,
                lambda _: idempotency.forget_old(),
            ],
            now,
        ),
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        required_attributes=settings.required_attributes,
        create_users=settings.ALLOW_CREATE_USERS,
        update_users=settings.ALLOW_UPDATE_USERS,
        deactivate_users=settings.ALLOW_DEACTIVATE_USERS,
        delete_users=settings.ALLOW_DELETE_USERS,
        create_groups=settings.ALLOW_CREATE_GROUPS,
        update_groups=settings.ALLOW_UPDATE_GROUPS,
        delete_groups=settings.ALLOW_DELETE_GROUPS,
        change_memberships=settings.ALLOW_CHANGE_MEMBERSHIPS,
        delete_user_means=settings.DELETE_USER_MEANS,
        deactivate_user_means=settings.DEACTIVATE_USER_MEANS,
        strict=settings.STRICT,
        logged_values=settings.logged_values,
        requests_per_second=settings.REQUESTS_PER_SECOND,
    )


_Engine = TypeVar("_Engine")


def _opened(setting: str, engine: Callable[[], _Engine]) -> _Engine:
    try:
        return engine()
    except (OSError, ValueError, Unavailable) as error:
        # Not the error's text: it may quote a connection string.
        problem = f"{setting}: the engine cannot be opened with its settings"
        raise Misconfigured([f"{problem} ({type(error).__name__})."]) from None


# Engines are imported when they are needed: each would slow every cold start of the others.


def _storage(settings: Settings) -> Storage:
    if settings.STORAGE_ENGINE == "sqlite":
        from scim.storage.sqlite import SqliteStorage  # noqa: PLC0415 - see above

        return SqliteStorage(settings.SQLITE_PATH)
    from scim.storage.tables import TablesStorage  # noqa: PLC0415 - see above

    if settings.TABLES_CONNECTION_STRING:
        return TablesStorage.from_connection_string(
            settings.TABLES_CONNECTION_STRING, settings.TABLE_NAME, create_table=True
        )
    return TablesStorage(settings.TABLES_ENDPOINT, _credential(settings), settings.TABLE_NAME)


def _vault(settings: Settings) -> Vault:
    if settings.VAULT_ENGINE == "sqlite":
        from scim.storage.local_vault import LocalVault  # noqa: PLC0415 - see above

        return LocalVault(Path(settings.VAULT_PATH))
    from scim.storage.key_vault import KeyVault  # noqa: PLC0415 - see above

    return KeyVault(settings.KEY_VAULT_URL, _credential(settings))


def _credential(settings: Settings) -> AsyncTokenCredential:
    return azure_credential(settings.AZURE_CLIENT_ID or None, in_azure=settings.in_azure)


def _spare_the_collector() -> None:
    """Look for cycles less often: what is there by now stays, and calls leave hardly any behind.

    At Python's thresholds it took 6 % of the CPU of a call that creates a user.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY, 20, 20)


def _utc_now() -> datetime:
    return datetime.now(UTC)
