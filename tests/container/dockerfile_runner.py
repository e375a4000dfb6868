"""Run the instructions of a Dockerfile in folders instead of containers, as far as possible.

Every absolute path is one below the stage's own folder. What an image would
bring, a Python with pip in `/usr/local`, is a virtual environment there.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.container.dockerfile import ROOT, Instruction, Stage, read_dockerignore

PYTHON_IMAGE = "docker.io/library/python:"
ABSOLUTE = re.compile(r"(?<![^\s=])/(?=\w)")
NO_REGISTRY = re.compile(r"Temporary failure in name resolution|NewConnectionError|Network is unreachable")


class NoRegistryError(Exception):
    """The locked packages could not be downloaded."""


@dataclass
class BuiltStage:
    """A stage that was built: its folder, its variables, its working directory."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"

    def place(self, path: str) -> Path:
        """Return where a path of the container is."""
        return self.folder / os.path.join(self.workdir, path).lstrip("/")  # noqa: PTH118 -- as in the container


class Builder:
    """Builds stages below one folder."""

    def __init__(self, found: list[Stage], folder: Path, arguments: dict[str, str]) -> None:
        self.stages = {stage.name: stage for stage in found}
        self.folder, self.arguments = folder, arguments
        self.built: dict[str, BuiltStage] = {}

    def build(self, name: str) -> BuiltStage:
        """Build a stage, once.

        Raises:
            NoRegistryError: pip reached no registry.
        """
        if name not in self.built:
            self.built[name] = BuiltStage(self.folder / name)
            self._continue(self.stages[name], self.built[name])
        return self.built[name]

    def _continue(self, stage: Stage, built: BuiltStage) -> None:
        """Do the instructions of a stage in a folder, those of the stage it begins with first."""
        if stage.base in self.stages:
            self._continue(self.stages[stage.base], built)
        elif stage.base.startswith(PYTHON_IMAGE):
            run(sys.executable, "-m", "venv", str(built.folder / "usr/local"))
            (built.folder / "usr/bin").mkdir()
        for instruction in stage.instructions:
            getattr(self, f"_{instruction.word.lower()}")(instruction, built)

    def _arg(self, instruction: Instruction, built: BuiltStage) -> None:
        for name, value in instruction.pairs().items():
            given = self.arguments.get(name, value)
            built.env |= {name: given} if given else {}

    def _env(self, instruction: Instruction, built: BuiltStage) -> None:
        for name, value in instruction.pairs().items():
            built.env[name] = ABSOLUTE.sub(f"{built.folder}/", value)

    def _workdir(self, instruction: Instruction, built: BuiltStage) -> None:
        built.workdir = instruction.rest
        built.place(".").mkdir(parents=True, exist_ok=True)

    def _copy(self, instruction: Instruction, built: BuiltStage) -> None:
        *sources, target = instruction.words()
        origin = [flag.removeprefix("--from=") for flag in instruction.flags if flag.startswith("--from=")]
        for source in sources:
            found = self.build(origin[0]).place(source) if origin else find_in_context(source)
            copy(found, built.place(target), into=target.endswith("/"))

    def _run(self, instruction: Instruction, built: BuiltStage) -> None:
        command = ABSOLUTE.sub(f"{built.folder}/", instruction.rest)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        path = f"{built.folder / 'usr/local/bin'}{os.pathsep}{os.defpath}"
        run("/bin/sh", "-c", command, cwd=built.place("."), env=kept | built.env | {"PATH": path})


def find_in_context(source: str) -> Path:
    """Return a file or folder that the build may see.

    Raises:
        FileNotFoundError: `.dockerignore` hides it.
    """
    if source not in read_dockerignore():
        raise FileNotFoundError(f"{source} is hidden by .dockerignore")
    return ROOT / source


def copy(source: Path, target: Path, *, into: bool) -> None:
    """Copy as COPY does: of a folder its content, a file to a name or into a folder."""
    if source.is_dir():
        shutil.copytree(
            source, target, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
        return
    place = target / source.name if into else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, place)


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command that must succeed.

    Raises:
        NoRegistryError: pip reached no registry.
        AssertionError: it failed for another reason; contains its output.
    """
    done = subprocess.run(
        command, cwd=cwd, env=env, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    output = done.stdout + done.stderr
    if done.returncode and NO_REGISTRY.search(output):
        raise NoRegistryError(output)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{output}"
