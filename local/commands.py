"""The command line. Only the standard library is imported before the environment stands."""

import argparse
import sys
from pathlib import Path

from local.setup import SetupFailed, enter


def main(arguments: list[str]) -> int:
    """Set up, run the command and return its exit status."""
    options = parse(arguments)
    try:
        enter(arguments)
        return run(options)
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace) -> int:
    """Run a command inside the environment; each loads only what it needs."""
    if options.command == "start":
        import local.start  # noqa: PLC0415 - its packages exist only now

        return local.start.main(options)
    if options.command == "check":
        import local.check  # noqa: PLC0415 - as above

        return local.check.main(options.data)
    if options.command in ("save", "restore"):
        import local.backup  # noqa: PLC0415 - as above

        return local.backup.main(options)
    if options.command == "bench":
        import bench.command  # noqa: PLC0415 - as above

        return bench.command.main(options)
    if options.command == "fuzz":
        import local.fuzz  # noqa: PLC0415 - as above

        return local.fuzz.main(options)
    import local.test  # noqa: PLC0415 - as above

    return local.test.fix() if options.command == "fix" else local.test.main(options.pytest)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; everything behind `test` belongs to pytest."""
    own, pytest = arguments, []
    if arguments[:1] == ["test"] and arguments[1:2] not in (["-h"], ["--help"]):
        own, pytest = arguments[:1], arguments[1:]
    options = parser().parse_args(own)
    options.pytest = pytest
    return options


def parser() -> argparse.ArgumentParser:
    """Describe the commands and their options."""
    top = argparse.ArgumentParser(prog="python3 -m local", description="Rollcall on this machine.")
    commands = top.add_subparsers(dest="command", required=True)

    start = commands.add_parser("start", help="run the product here, set up from nothing")
    start.add_argument("--port", type=port, default=7071, help="default 7071; 0 = any free one")
    start.add_argument("--data", type=Path, default=Path(".local"), help="default .local")
    start.add_argument("--fresh", action="store_true", help="begin with an empty store")
    start.add_argument(
        "--directory", action="append", metavar="NAME", help="instead of demo; repeatable"
    )
    start.add_argument("--store", choices=["sqlite", "azurite"], default="sqlite")
    start.add_argument("--json", action="store_true", help="one line for programs when ready")

    check = commands.add_parser("check", help="check the rows of the store against each other")
    check.add_argument("--data", type=Path, default=Path(".local"), help="default .local")

    for name, does in (("save", "a table into a file"), ("restore", "an empty table from a file")):
        backup = commands.add_parser(name, help=f"{does}; docs/operations.md explains it")
        backup.add_argument("file", type=Path, help="JSON lines, compressed by gzip")
        backup.add_argument("--table", required=True, help="address of the table in Azure")

    usage = "python3 -m local test [arguments of pytest]"
    commands.add_parser("test", help="format, lint, types, imports, tests", usage=usage)
    bench = commands.add_parser("bench", help="requests per second, round trips, memory")
    bench.add_argument("--quick", action="store_true", help="some seconds, in small directories")
    bench.add_argument(
        "--rules", action="store_true", help="instead: 200 rules applied to 100 000 users, minutes"
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write all results there too")
    fuzz = commands.add_parser("fuzz", help="random requests, and scim2-models as an oracle")
    fuzz.add_argument("--seed", type=int, help="repeat a run; default a new one")
    fuzz.add_argument("--pairs", type=int, default=20_000, help="to compare; default 20000")
    fuzz.add_argument("--requests", type=int, default=200_000, help="to send; default 200000")
    fuzz.add_argument("--minutes", type=float, help="go on for so long, whatever the numbers")
    commands.add_parser("fix", help="format the code and apply safe fixes")
    return top


def port(text: str) -> int:
    """Read a port number."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number
