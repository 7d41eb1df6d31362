"""App settings, typed: the installation's defaults, as an admin sets them in the portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

from scim.protocol.errors import ScimError
from scim.protocol.extensions import read_extensions
from scim.protocol.presence import presence
from scim.protocol.schema import Schema, user_type
from scim.provisioning.masking import is_secret
from scim.provisioning.policy import LOGGED_MOST
from scim.provisioning.rules.access_extension import ACCESS_URN
from scim.provisioning.rules.declared import read_declared

_HTTPS_ADDRESSES: Final = ("TABLES_ENDPOINT", "KEY_VAULT_URL")


class SettingsError(Exception):
    """App settings are missing or wrong; `problems` names each with what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _unit(name: str) -> JsonDict:
    return {"unit": name}


class Settings(BaseModel):
    """Every app setting by its name in the portal; docs/settings.md is made from this table."""

    model_config = ConfigDict(frozen=True)

    PUBLIC_BASE_URL: str = Field(
        default="",
        description="Address under which identity providers reach the endpoint, without a path; "
        "empty is the host name that the platform gives.",
    )
    STORAGE_ENGINE: Literal["tables", "sqlite"] = Field(
        default="tables", description="Where state lives; sqlite is for a laptop only."
    )
    TABLES_ENDPOINT: str = Field(
        default="", description="Address of the storage account's table service."
    )
    TABLES_CONNECTION_STRING: str = Field(
        default="",
        repr=False,
        description="Connection string of a storage emulator; for tests and a laptop only.",
    )
    TABLE_NAME: str = Field(
        default="rollcall",
        pattern="^[A-Za-z][A-Za-z0-9]{2,62}$",
        description="Table that holds the state.",
    )
    SQLITE_PATH: str = Field(default="", description="File of the SQLite engine.")
    VAULT_ENGINE: Literal["keyvault", "sqlite"] = Field(
        default="keyvault", description="Where token digests live; sqlite is for a laptop only."
    )
    KEY_VAULT_URL: str = Field(default="", description="Address of the Key Vault.")
    VAULT_PATH: str = Field(default="", description="File of the local vault.")
    AZURE_CLIENT_ID: str = Field(
        default="", description="Client id of the user-assigned managed identity."
    )
    WEBSITE_HOSTNAME: str = Field(default="", description="Set by the platform.")
    WEBSITE_INSTANCE_ID: str = Field(default="", description="Set by the platform.")
    UPKEEP_SCHEDULE: str = Field(
        default="0 * * * * *",
        description="When the timer runs, in the six fields of NCRONTAB (UTC); the platform reads "
        "it, so it has to be set.",
    )
    PAGE_SIZE: int = Field(
        default=100,
        ge=1,
        le=1000,
        json_schema_extra=_unit("resources"),
        description="Resources on a page when the client does not say.",
    )
    PAGE_SIZE_MAX: int = Field(
        default=200,
        ge=100,
        le=1000,
        json_schema_extra=_unit("resources"),
        description="Most resources on a page.",
    )
    SCAN_LIMIT: int = Field(
        default=20_000,
        ge=100,
        json_schema_extra=_unit("resources"),
        description="Most resources that one call may read when no index serves its filter.",
    )
    TOKEN_DAYS: int = Field(
        default=365,
        ge=1,
        le=1095,
        json_schema_extra=_unit("days"),
        description="Life of a token for which nobody says another.",
    )
    DELETED_DIRECTORY_DAYS: int = Field(
        default=30,
        ge=1,
        le=3650,
        json_schema_extra=_unit("days"),
        description="Time in which a deleted directory can be restored; then its data is purged.",
    )

    HOME_TENANT: str = Field(
        default="home",
        min_length=1,
        max_length=100,
        description="Tenant in which the default rules grant their roles.",
    )
    RULES: str = Field(
        default="[]",
        description="JSON list of user management rules as the management API takes them; there "
        "they are read-only. While it is wrong no call is served, as with any other setting: no "
        "rule that was to withdraw access is passed over in silence.",
    )

    GUARD_USERS: int = Field(
        default=10,
        ge=0,
        json_schema_extra=_unit("users"),
        description="New rules that withdraw access from more users than this, and more than "
        "GUARD_PERCENT, wait until somebody confirms them; also the measure for the alert on a "
        "burst of deactivations.",
    )
    GUARD_PERCENT: int = Field(
        default=20,
        ge=0,
        le=100,
        json_schema_extra=_unit("percent of those who have access"),
        description="See GUARD_USERS; the larger of the two counts.",
    )
    LOG_RETENTION_DAYS: int = Field(
        default=180,
        ge=1,
        le=3650,
        json_schema_extra=_unit("days"),
        description="Time in which log entries and failed events are kept; statistics stay.",
    )

    # The policy of every directory; a directory's own overrides it, field by field.
    REQUIRED_ATTRIBUTES: str = Field(
        default="userName",
        description="Attributes that every user needs, as PATCH paths with commas between, such "
        'as userName, name.givenName, emails[type eq "work"].value',
    )
    ALLOW_CREATE_USERS: bool = Field(default=True, description="Whether POST may create users.")
    ALLOW_UPDATE_USERS: bool = Field(
        default=True, description="Whether users may be changed and activated again."
    )
    ALLOW_DEACTIVATE_USERS: bool = Field(
        default=True, description="Whether users may be deactivated."
    )
    ALLOW_DELETE_USERS: bool = Field(default=True, description="Whether DELETE may remove users.")
    ALLOW_CREATE_GROUPS: bool = Field(default=True, description="Whether POST may create groups.")
    ALLOW_UPDATE_GROUPS: bool = Field(
        default=True, description="Whether groups may be renamed or changed, members apart."
    )
    ALLOW_DELETE_GROUPS: bool = Field(default=True, description="Whether DELETE may remove groups.")
    ALLOW_CHANGE_MEMBERSHIPS: bool = Field(
        default=True, description="Whether members may be added to groups and removed."
    )
    DELETE_USER_MEANS: Literal["delete", "disable"] = Field(
        default="delete",
        description="What DELETE of a user does; with disable its record stays for admins, "
        "inactive, while the identity provider sees it gone.",
    )
    DEACTIVATE_USER_MEANS: Literal["disable", "delete"] = Field(
        default="disable",
        description="What happens to a user that is set inactive; delete is as by DELETE.",
    )
    STRICT: bool = Field(
        default=False,
        description="Whether requests are refused that only an identity provider's dialect allows.",
    )
    LOGGED_VALUES: str = Field(
        default="active, userType",
        description="Attributes whose old and new values stand in the provisioning log, not only "
        "their names, with commas between; name only what is harmless.",
    )
    REQUESTS_PER_SECOND: int = Field(
        default=100,
        ge=1,
        le=10_000,
        json_schema_extra=_unit("requests per second"),
        description="Most requests per second and directory that one process answers.",
    )
    EXTENSION_SCHEMAS: str = Field(
        default="[]",
        description="JSON list of Schema documents (RFC 7643 §7) that extend users, or groups if "
        "a document's resourceType is Group.",
    )

    @property
    def required_attributes(self) -> tuple[str, ...]:
        """Return the names in REQUIRED_ATTRIBUTES."""
        return _names(self.REQUIRED_ATTRIBUTES)

    @property
    def logged_values(self) -> tuple[str, ...]:
        """Return the names in LOGGED_VALUES."""
        return _names(self.LOGGED_VALUES)

    @property
    def extensions(self) -> Mapping[str, tuple[Schema, ...]]:
        """Return the schemas in EXTENSION_SCHEMAS by the name of the resource type they extend."""
        return read_extensions(self.EXTENSION_SCHEMAS, [])

    @property
    def in_azure(self) -> bool:
        """Whether the platform runs this process."""
        return bool(self.WEBSITE_INSTANCE_ID)

    @property
    def public_base(self) -> str:
        """Return the address under which the endpoint is reached, without a slash at its end."""
        return (self.PUBLIC_BASE_URL or f"https://{self.WEBSITE_HOSTNAME}").rstrip("/")

    def problems(self) -> list[str]:
        """Return what is missing, or wrong together with others."""
        needed = {
            "PUBLIC_BASE_URL": self.PUBLIC_BASE_URL or self.WEBSITE_HOSTNAME,
            **(
                {"TABLES_ENDPOINT": self.TABLES_ENDPOINT or self.TABLES_CONNECTION_STRING}
                if self.STORAGE_ENGINE == "tables"
                else {"SQLITE_PATH": self.SQLITE_PATH}
            ),
            **(
                {"KEY_VAULT_URL": self.KEY_VAULT_URL}
                if self.VAULT_ENGINE == "keyvault"
                else {"VAULT_PATH": self.VAULT_PATH}
            ),
        }
        problems = [
            f"{name} is not set: {Settings.model_fields[name].description}"
            for name, value in needed.items()
            if not value
        ]
        if self.in_azure and self.STORAGE_ENGINE == "sqlite":
            problems.append(
                "STORAGE_ENGINE is sqlite, which is for a laptop only; set it to tables."
            )
        if self.in_azure and self.VAULT_ENGINE == "sqlite":
            problems.append(
                "VAULT_ENGINE is sqlite, which is for a laptop only; set it to keyvault."
            )
        if self.in_azure and self.TABLES_CONNECTION_STRING:
            problems.append(
                "TABLES_CONNECTION_STRING is for a storage emulator only; "
                "remove it and set TABLES_ENDPOINT."
            )
        if self.PUBLIC_BASE_URL and not _is_origin(self.PUBLIC_BASE_URL):
            problems.append(
                "PUBLIC_BASE_URL has to be https:// and a host name, without a path, such as "
                "https://scim.example.com"
            )
        problems += [
            f"{name} has to be an address that begins with https://"
            for name in _HTTPS_ADDRESSES
            if (value := getattr(self, name)) and not _is_https(value)
        ]
        if self.PAGE_SIZE > self.PAGE_SIZE_MAX:
            problems.append("PAGE_SIZE is larger than PAGE_SIZE_MAX.")
        problems += [
            f"LOGGED_VALUES: {name} is never logged."
            for name in self.logged_values
            if is_secret(name)
        ]
        if len(self.logged_values) > LOGGED_MOST:
            problems.append(f"LOGGED_VALUES: name at most {LOGGED_MOST} attributes.")
        return problems + self._schema_problems()

    def _schema_problems(self) -> list[str]:
        wrong: list[str] = []
        extensions = read_extensions(self.EXTENSION_SCHEMAS, wrong)
        problems = [f"EXTENSION_SCHEMAS: {each}" for each in wrong]
        declared = extensions.get("User", ())
        if any(each.urn.lower() == ACCESS_URN.lower() for each in declared):
            # An identity provider could say there what nobody has granted.
            problems.append(f"EXTENSION_SCHEMAS: {ACCESS_URN} shows a user's access; name another.")
        user = user_type(*declared)
        for name in self.required_attributes:
            try:
                presence(name, user)
            except ScimError as error:
                # It may be of a schema that is wrong itself.
                if not wrong:
                    problems.append(f"REQUIRED_ATTRIBUTES: {error.detail}")
        if not wrong:
            rules: list[str] = []
            read_declared(self.RULES, user, rules)
            problems += [f"RULES: {each}" for each in rules]
        return problems


def _names(text: str) -> tuple[str, ...]:
    names = (name.strip() for name in text.split(","))
    return tuple(name for name in names if name)


def _is_https(address: str) -> bool:
    try:
        url = urlsplit(address)
    except ValueError:
        return False
    return url.scheme == "https" and bool(url.hostname) and not set(address) & set(' <>"\\')


def _is_origin(address: str) -> bool:
    secure = address.replace("http://127.", "https://127.", 1)  # the local host has no certificate
    return _is_https(secure) and urlsplit(secure).path in ("", "/") and not set(secure) & set("?#@")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises SettingsError with all problems at once."""
    known = {
        name: environ[name].strip()
        for name in Settings.model_fields
        if environ.get(name, "").strip()
    }
    problems: list[str] = []
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        problems = [f"{each['loc'][0]}: {each['msg']}" for each in error.errors()]
        # The others are looked at as if these were not set.
        wrong = {each["loc"][0] for each in error.errors()}
        settings = Settings.model_validate(
            {name: value for name, value in known.items() if name not in wrong}
        )
    problems += settings.problems()
    if problems:
        raise SettingsError(problems)
    return settings
