"""User management rules, and the access that they grant."""
