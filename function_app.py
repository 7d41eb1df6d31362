"""Registers the functions; nothing else."""

import os

from scim.app import create_app

app = create_app(os.environ)
