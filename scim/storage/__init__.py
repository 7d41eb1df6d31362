"""Table Storage, SQLite and Key Vault behind the ports of `scim.provisioning.ports`."""
