"""A new set of rules: put in force, or held, and applied to every user."""
