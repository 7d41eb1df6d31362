"""The product: users, directories, tokens and the log. Reaches storage only through ports."""
