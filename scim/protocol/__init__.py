"""SCIM itself (RFC 7643, RFC 7644): pure functions on plain values, no I/O."""
