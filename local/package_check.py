"""Starts the package that is deployed, with nothing beside it, and talks to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local import package
from local.setup import ROOT, Environment
from local.stamps import Stamp, files_below
from local.telemetry_probe import RECORD
from local.worker_check import REQUIREMENTS, Different, converse, differences

WORKER = ["-r", str(REQUIREMENTS[1]), "azurefunctions-extensions-base", "python-dateutil", "six"]
RUNS = 3
IMPORT = """
import time
began = time.process_time()
{what}
print(time.process_time() - began)
"""


def check(interpreter: str) -> str:
    """Build, start, converse, measure; return the figures. Raises Different, SetupFailed."""
    stamp = Stamp("package", _looked_at())
    if report := stamp.report():
        return f"{report} (unchanged since)"
    environment = Environment(ROOT / ".venv-3.13", REQUIREMENTS)
    environment.prepare(interpreter)
    with tempfile.TemporaryDirectory() as folder:
        app, worker = Path(folder, "app"), Path(folder, "worker")
        source = package.build(app, environment.python)
        report = _figures(interpreter, app, source)
        # What the platform brings: its worker, and here the host in front of it. Without what
        # these need in turn, so that the package has to bring all that is its own.
        package.install(environment.python, worker, ["--no-deps", *WORKER])
        shutil.copytree(ROOT / "local", app / "local")
        environ = _environ(app, worker)
        _demand_fields(_run([interpreter, "-S", "-m", "local.telemetry_probe"], app, environ))
        ours = converse([sys.executable, "-m", "local", "start"])
        theirs = converse([interpreter, "-S", "-m", "local.runtime_worker"], app, environ)
    if found := differences(ours, theirs):
        raise Different("\n".join(found))
    report = f"{len(theirs)} calls were answered alike by the package; {report}"
    stamp.keep(report)
    return report


def _looked_at() -> tuple[Path, ...]:
    ours = {ROOT / path for path in package.files()}
    return (*ours, *files_below(ROOT / "local"))


def _environ(app: Path, *more: Path) -> Mapping[str, str]:
    """Return an environment in which Python finds the package's own packages, and no others."""
    places = [app / package.PACKAGES, *more]
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if os.name == "nt" else {}),
    }


def _figures(interpreter: str, app: Path, source: int) -> str:
    whole = sum(path.stat().st_size for path in files_below(app))
    bare = _import_seconds(interpreter, app, "import azure.functions as f; f.FunctionApp()")
    seconds = _import_seconds(interpreter, app, "import function_app")
    telemetry = _import_seconds(interpreter, app, "import azure.monitor.opentelemetry")
    return (
        f"{source / 1e3:.0f} kB of code, {whole / 1e6:.1f} MB with its packages; "
        f"imported in {seconds:.2f} s of CPU, an empty app in {bare:.2f} s, "
        f"telemetry in {telemetry:.2f} s more"
    )


def _import_seconds(interpreter: str, app: Path, what: str) -> float:
    """Return the least of some runs; the first one compiles."""
    command = [interpreter, "-S", "-c", IMPORT.format(what=what)]
    return min(float(_run(command, app, _environ(app))) for _ in range(RUNS))


def _demand_fields(arrived: str) -> None:
    """Raise Different unless a log record arrives with the fields that alerts read."""
    wanted = {name: str(value) for name, value in RECORD.items()}
    if not any(wanted.items() <= each.items() for each in json.loads(arrived)):
        raise Different(f"A log record has lost its fields on the way: {arrived}")


def _run(command: list[str], app: Path, environ: Mapping[str, str]) -> str:
    ran = subprocess.run(command, cwd=app, env=environ, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Different(f"In the package this failed: {' '.join(command)}\n{ran.stderr}")
    return ran.stdout
