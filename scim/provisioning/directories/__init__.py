"""Directories: each one connection to one identity provider."""
