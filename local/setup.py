"""The virtual environment `.venv`: made, kept current, entered. Standard library only."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent


class SetupFailed(Exception):
    """An environment could not be made; the message says what to do."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the packages of some requirement files."""

    folder: Path
    requirements: tuple[Path, ...]

    @property
    def python(self) -> Path:
        """Return the interpreter inside."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def _stamp(self) -> Path:
        return self.folder / "requirements.sha256"

    def digest(self) -> str:
        """Return what the stamp of a current environment says."""
        contents = b"\0".join(path.read_bytes() for path in self.requirements)
        return hashlib.sha256(contents).hexdigest()

    def is_current(self) -> bool:
        """Tell whether the environment stands and was made from these very requirements."""
        try:
            return self.python.exists() and self._stamp.read_text("ascii") == self.digest()
        except FileNotFoundError:
            return False

    def prepare(self, interpreter: str) -> None:
        """Make the environment with `interpreter`, or bring it up to date; raise SetupFailed."""
        if self.is_current():
            return
        if not self.python.exists():
            say(f"Making the virtual environment {self.folder.name} ...")
            hint = "On Debian and Ubuntu it may need: apt install python3-venv"
            run([interpreter, "-m", "venv", "--clear", str(self.folder)], hint)
        say(f"Installing packages into {self.folder.name} (about a minute the first time) ...")
        files = [part for path in self.requirements for part in ("-r", str(path))]
        pip = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        hint = "Check the network, then run the command again."
        run([*pip, *files], hint, show="Collecting")
        self._stamp.write_text(self.digest(), "ascii")


def run(command: list[str], hint: str, show: str = "") -> None:
    """Run a tool of the set-up; lines that begin with `show` and errors go to standard error."""
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        raise SetupFailed(f"Could not run {command[0]}: {error.strerror}. {hint}") from error
    with process:
        for line in process.stdout or ():
            if line.startswith(show):
                say("  " + line.partition(" (from ")[0].rstrip())  # without pip's reasons
    if process.returncode != 0:
        raise SetupFailed(f"This failed: {' '.join(command)}\n{hint}")


def say(line: str) -> None:
    """Show progress to the person; standard output belongs to the command."""
    print(line, file=sys.stderr, flush=True)


def enter(arguments: list[str]) -> None:
    """Return inside `.venv`; called outside, set it up and start over in there."""
    tools = ROOT / "local" / "requirements.txt"
    environment = Environment(ROOT / ".venv", (ROOT / "requirements.txt", tools))
    environment.prepare(sys.executable)
    if Path(sys.prefix).resolve() != environment.folder.resolve():
        start_over([str(environment.python), "-m", "local", *arguments])


def start_over(command: list[str]) -> NoReturn:
    """Replace this process by `command`, in the folder where the product's modules are found."""
    if os.name == "nt":  # exec on Windows would return to the shell at once
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted
