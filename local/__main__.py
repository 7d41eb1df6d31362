"""Starts the commands: `python3 -m local start`, `test`, `bench`, `fuzz`, `fix`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - says so to those who have only an older one
    sys.exit("Rollcall needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

from local.commands import main

sys.exit(main(sys.argv[1:]))
