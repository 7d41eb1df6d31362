"""The product: users, directories, tokens and the log. Decides; reaches storage only through ports."""
