from __future__ import annotations

import re
from typing import Any

from azure.functions import FunctionApp

from local import settings_parameters
from scim.app import create_app
from scim.settings import Settings, read_settings
from tests.infra import bicep_text


def test_the_parameters_are_the_settings_of_the_app() -> None:
    """Names, types, limits and meanings are the table's; `python3 -m local fix` writes them."""
    assert settings_parameters.FILE.read_text("utf-8") == settings_parameters.text()


def test_what_is_not_a_parameter_exists_and_is_set_elsewhere() -> None:
    """A setting leaves the parameters only by a name that it has, and for a reason that holds."""
    assert set(Settings.model_fields) >= settings_parameters.NOT_DECLARED
    created = {"TABLES_ENDPOINT", "KEY_VAULT_URL", "AZURE_CLIENT_ID"}
    assert created <= settings_parameters.NOT_DECLARED & set(bicep_text.platform_settings())


def test_booleans_are_read_as_bicep_writes_them() -> None:
    """string(true) is True in Bicep."""
    assert Settings.model_validate({"STRICT": "True"}).STRICT is True
    assert Settings.model_validate({"STRICT": "False"}).STRICT is False


def test_a_deployment_sets_all_that_the_app_needs() -> None:
    """With nothing but what every deployment sets, the app has no complaint."""
    environ = {
        **dict.fromkeys(bicep_text.platform_settings(), "https://x.example.com"),
        **bicep_text.default_settings(),
        "TABLE_NAME": bicep_text.table_name(),
        "WEBSITE_HOSTNAME": "x.example.com",
        "WEBSITE_INSTANCE_ID": "0",
    }
    settings = read_settings(environ)
    assert settings.in_azure


def test_the_table_that_is_created_is_the_one_that_is_used() -> None:
    """Without a setting, Bicep and the app mean the same table."""
    assert bicep_text.table_name() == Settings().TABLE_NAME
    assert bicep_text.platform_settings()["TABLE_NAME"] == "tableName"


def test_every_schedule_has_a_setting() -> None:
    """The platform knows no defaults: what a timer names as %SETTING% is set, to the app's own."""
    named = set(re.findall(r"%(\w+)%", " ".join(map(str, _functions(create_app({}))))))
    assert named == {"UPKEEP_SCHEDULE"}
    assert bicep_text.default_settings()["UPKEEP_SCHEDULE"] == Settings().UPKEEP_SCHEDULE


def _functions(app: FunctionApp) -> list[dict[str, Any]]:
    return [function.get_dict_repr() for function in app.get_functions()]
