from __future__ import annotations

import re
from pathlib import Path

import pytest

from local import infra_checks, test
from local.setup import ROOT


def test_a_checker_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The reason names the variable that would help."""
    with pytest.raises(infra_checks.Missing, match="BICEP_CHECK"):
        infra_checks.check_offline({"BICEP_CHECK": str(tmp_path)})


def test_a_skip_stands_in_the_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is neither passed nor failed, and the summary says why."""
    monkeypatch.setenv("BICEP_CHECK", str(tmp_path))
    (step,) = (each for each in test.steps([]) if each.name == "bicep")
    *_, reason, counts = test.summary([test._carry_out(step)]).splitlines()
    assert reason.startswith("Skipped: bicep: no bicep_check.py")
    assert counts == "1 skipped"


@pytest.mark.parametrize("named", ["", "bicep_check.py"])
def test_what_the_checker_finds_is_a_fault(named: str, tmp_path: Path) -> None:
    """It is found by its file or its folder, asked for resource types too, and believed."""
    script = tmp_path / "bicep_check.py"
    wanted = [str(ROOT / "infra"), "--require-typed"]
    script.write_text(f"import sys\nsys.exit(sys.argv[1:] != {wanted!r})", "utf-8")
    infra_checks.check_offline({"BICEP_CHECK": str(tmp_path / named)})
    script.write_text("raise SystemExit(1)", "utf-8")
    with pytest.raises(infra_checks.Faulty):
        infra_checks.check_offline({"BICEP_CHECK": str(tmp_path / named)})


def test_every_resource_is_in_a_file_that_checkov_reads() -> None:
    """What checkov cannot read holds no more than the resource group and types."""
    for name in infra_checks.WITHOUT_RESOURCES:
        text = (infra_checks.INFRA / name).read_text("utf-8")
        assert text.count("\nresource ") == text.count("'Microsoft.Resources/resourceGroups@")


def test_every_exception_has_its_reason() -> None:
    """A check of checkov that is switched off says why, in the place where it applies."""
    for path in infra_checks.INFRA.rglob("*.bicep"):
        for line in path.read_text("utf-8").splitlines():
            if "checkov:" in line:
                assert re.search(r"// checkov:skip=CKV\w+:\w+ \w+", line), line
