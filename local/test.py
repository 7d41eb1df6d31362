"""`python3 -m local test`: everything that must hold, all failures at once; and `fix`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import (
    azurite,
    costs_page,
    infra_checks,
    package_check,
    settings_page,
    settings_parameters,
    telemetry_page,
    worker_check,
)
from local.setup import ROOT, SetupFailed, say
from local.start import AZURITE


class StepFailed(Exception):
    """A step found a fault; its message, if any, was not printed yet."""


class StepSkipped(Exception):
    """A step cannot run on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must hold."""

    name: str
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended: ok, FAILED or skipped."""

    step: str
    outcome: str
    seconds: float
    why: str = ""


def main(pytest_arguments: Sequence[str]) -> int:
    """Run all steps and return 1 if any failed."""
    results = [_carry_out(step) for step in steps(pytest_arguments)]
    print(summary(results))
    return 1 if any(result.outcome == "FAILED" for result in results) else 0


def fix() -> int:
    """Format the code, apply ruff's safe fixes, and write what is made from tables."""
    settings_page.write()
    settings_parameters.write()
    telemetry_page.write()
    costs_page.write()
    fixed = _tool("ruff", "check", "--fix"), _tool("ruff", "format")
    return max(subprocess.call(command, cwd=ROOT) for command in fixed)


def steps(pytest_arguments: Sequence[str]) -> list[Step]:
    """Return what runs, the quick ones first."""
    lint_imports = str(Path(sys.executable).with_name("lint-imports"))
    return [
        Step("format", _command(_tool("ruff", "format", "--check"))),
        Step("lint", _command(_tool("ruff", "check"))),
        Step("import contract", _command([lint_imports])),
        Step("types", _command(_tool("mypy"))),
        Step("bicep", _infra(infra_checks.check_offline)),
        Step("bicep compiler", _infra(infra_checks.compile_bicep)),
        Step("checkov", _infra(infra_checks.run_checkov)),
        Step("azurite", _install_azurite),
        Step("tests", _command(_tool("pytest", "-n", "2", *pytest_arguments))),
        Step("worker library", _compare_with_worker_library),
        Step("package", _check_package),
    ]


def summary(results: Sequence[Result]) -> str:
    """Return the table of steps, what was skipped and why, and the counts."""
    width = max(len(result.step) for result in results)
    lines = ["", "Summary"]
    lines += [
        f"  {result.step:{width}}  {result.outcome:7}  {result.seconds:6.1f} s"
        for result in results
    ]
    lines += [f"Skipped: {each.step}: {each.why}" for each in results if each.why]
    counts = {
        label: sum(result.outcome == outcome for result in results)
        for label, outcome in (("passed", "ok"), ("failed", "FAILED"), ("skipped", "skipped"))
    }
    lines.append(", ".join(f"{count} {label}" for label, count in counts.items() if count))
    return "\n".join(lines)


def _carry_out(step: Step) -> Result:
    print(f"\n=== {step.name}", flush=True)
    begun = time.monotonic()
    outcome, why = "ok", ""
    try:
        step.run()
    except (StepFailed, SetupFailed) as error:
        outcome = "FAILED"
        say(str(error))
    except StepSkipped as error:
        outcome, why = "skipped", str(error)
    return Result(step.name, outcome, time.monotonic() - begun, why)


def _tool(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _command(command: Sequence[str]) -> Callable[[], None]:
    def run() -> None:
        status = subprocess.call(command, cwd=ROOT)
        if status != 0:
            raise StepFailed(f"{Path(command[0]).name} ended with status {status}")

    return run


def _infra(check: Callable[[], str | None]) -> Callable[[], None]:
    def run() -> None:
        try:
            if report := check():
                print(report)
        except infra_checks.Missing as error:
            raise StepSkipped(str(error)) from error
        except infra_checks.Faulty as error:
            raise StepFailed(str(error)) from error

    return run


def _install_azurite() -> None:
    azurite.install(AZURITE)


def _compare_with_worker_library() -> None:
    interpreter = _python_of_azure()
    try:
        calls = worker_check.compare(interpreter)
    except worker_check.Different as error:
        raise StepFailed(str(error)) from error
    print(f"{calls} calls were answered alike by the local host and under azure-functions-runtime")


def _check_package() -> None:
    interpreter = _python_of_azure()
    try:
        print(package_check.check(interpreter))
    except worker_check.Different as error:
        raise StepFailed(str(error)) from error


def _python_of_azure() -> str:
    interpreter = worker_check.find_python()
    if interpreter is None:
        raise StepSkipped("no Python 3.13 found on PATH, in pyenv or by the py launcher")
    return interpreter
