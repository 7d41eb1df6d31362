"""Whole conversations, as the known identity providers hold them: real HTTP, nothing mocked."""
