from __future__ import annotations

import re

from tests.infra import bicep_text, code_facts

# Ids of Azure's built-in roles, from its documentation.
BUILT_IN = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
OF_THE_HOST = {"Storage Blob Data Owner": "storageId", "Monitoring Metrics Publisher": "insightsId"}
WRITING = {"set_secret", "update_secret_properties"}


def needed() -> dict[str, str]:
    """Return the roles that the product's own calls need, with the scope of each."""
    packages = " ".join(code_facts.azure_packages())
    roles = {}
    if "azure.data.tables" in packages:
        roles["Storage Table Data Contributor"] = "storageId"
    if "azure.keyvault.secrets" in packages:
        writes = WRITING & code_facts.methods_called()
        roles[f"Key Vault Secrets {'Officer' if writes else 'User'}"] = "vaultId"
    return roles


def test_the_app_may_do_what_it_calls_and_no_more() -> None:
    """Each service that the code calls has its role, on that resource; others are the host's."""
    given = {role: scope for role, (_, scope) in bicep_text.assignments().items()}
    assert given == {**OF_THE_HOST, **needed()}


def test_the_code_calls_no_other_service() -> None:
    """A new package of the SDK means a new role to think about."""
    known = ("core", "data.tables", "functions", "identity", "keyvault")
    for name in code_facts.azure_packages():
        assert name.removeprefix("azure.").startswith(known), name


def test_roles_are_the_ones_that_they_are_called() -> None:
    """An id is nothing that a reader can check."""
    for role, (role_id, _) in bicep_text.assignments().items():
        assert BUILT_IN[role] == role_id, role


def test_the_readme_lists_the_same_roles() -> None:
    """The table of infra/README.md is complete."""
    readme = (bicep_text.INFRA / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| ([\w ]+) \| `([0-9a-f-]{36})` \|", readme, re.MULTILINE)
    assert dict(listed) == {role: given[0] for role, given in bicep_text.assignments().items()}
