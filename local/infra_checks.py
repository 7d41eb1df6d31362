"""Checks of infra/ by tools that are not ours: an offline Bicep checker, the compiler, checkov."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.setup import ROOT, Environment
from local.stamps import Stamp, files_below

INFRA = ROOT / "infra"
CHECKOV_REQUIREMENTS = ROOT / "local" / "requirements-checkov.txt"
# checkov passes over a file that it cannot read; only those without resources may be such.
WITHOUT_RESOURCES = {"main.bicep", "settings.bicep", "check.bicep"}
UNREAD = """
import sys
from pycep import BicepParser
for path in sys.argv[1:]:
    try:
        BicepParser().parse(text=open(path, encoding="utf-8").read())
    except Exception as error:
        print(path, str(error).splitlines()[0])
"""


class Faulty(Exception):
    """A tool has found something; the message is what it said, if it was not printed."""


class Missing(Exception):
    """A tool is not on this machine; the message says how it is found."""


def check_offline(environ: Mapping[str, str] = os.environ) -> None:
    """Run the offline checker over infra/, resource types and all. Raises Faulty, Missing."""
    named = environ.get("BICEP_CHECK", "")
    place = Path(named) if named else ROOT.parent / "shared" / "bicep-check"
    script = place / "bicep_check.py" if place.is_dir() else place
    if not script.is_file():
        raise Missing(
            "no bicep_check.py; BICEP_CHECK names it, else ../shared/bicep-check beside this folder"
        )
    _demand([sys.executable, str(script), str(INFRA), "--require-typed"])


def compile_bicep() -> None:
    """Build main and check with the Bicep CLI. Raises Faulty, Missing."""
    compiler = shutil.which("bicep")
    if compiler is None:
        raise Missing("no Bicep CLI on PATH")
    for name in ("main.bicep", "check.bicep"):
        _demand([compiler, "build", str(INFRA / name), "--stdout"], quiet=True)


def run_checkov() -> str:
    """Run checkov over infra/ and return what it counted. Raises Faulty, SetupFailed."""
    stamp = Stamp("checkov", (CHECKOV_REQUIREMENTS, *files_below(INFRA)))
    if report := stamp.report():
        return f"{report} (unchanged since)"
    environment = Environment(ROOT / ".venv-checkov", (CHECKOV_REQUIREMENTS,))
    environment.prepare(sys.executable)
    modules = [path for path in INFRA.rglob("*.bicep") if path.name not in WITHOUT_RESOURCES]
    if unread := _output([str(environment.python), "-c", UNREAD, *map(str, modules)]):
        raise Faulty(f"checkov cannot read, and so would pass over:\n{unread}")
    # Without --skip-download it asks its maker's server for texts.
    options = ["--framework", "bicep", "arm", "--skip-download", "--compact", "--quiet"]
    said = _output(
        [str(environment.python), "-m", "checkov.main", "-d", str(INFRA), *options], demand=True
    )
    report = next(line for line in said.splitlines() if line.startswith("Passed checks"))
    stamp.keep(report)
    return report


def _demand(command: list[str], *, quiet: bool = False) -> None:
    output = subprocess.DEVNULL if quiet else None
    if subprocess.run(command, stdout=output, check=False).returncode != 0:
        raise Faulty(f"{Path(command[0]).name} has found faults in infra/")


def _output(command: list[str], *, demand: bool = False) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if demand and (ran.returncode != 0 or "Failed to run check" in ran.stderr):
        raise Faulty(f"{ran.stdout}\n{ran.stderr[-2000:]}")
    return ran.stdout.strip()
