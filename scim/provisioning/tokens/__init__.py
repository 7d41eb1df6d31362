"""Credentials of directories: made, rotated, verified, exchanged."""
