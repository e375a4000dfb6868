"""A Dockerfile as its stages, and each stage as its instructions."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword, its flags as `--name=value`, and its arguments."""

    word: str
    flags: tuple[str, ...]
    rest: str

    def words(self) -> list[str]:
        """Return the arguments, split as by a shell or from a JSON list."""
        exec_form: list[str] = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return exec_form

    def pairs(self) -> dict[str, str]:
        """Return the arguments as names and values; a name without a value has an empty one."""
        return dict(word.partition("=")[::2] for word in self.words())


@dataclass(frozen=True, slots=True)
class Stage:
    """What one FROM begins."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, word: str) -> list[Instruction]:
        """Return the instructions with this keyword."""
        return [instruction for instruction in self.instructions if instruction.word == word]

    def pairs(self, word: str) -> dict[str, str]:
        """Return the names and values of all instructions with this keyword."""
        return {name: value for instruction in self.of(word) for name, value in instruction.pairs().items()}


def parse_stages(text: str) -> list[Stage]:
    """Read a Dockerfile."""
    found: list[Stage] = []
    for instruction in _parse_instructions(text):
        if instruction.word == "FROM":
            base, _, name = instruction.rest.partition(" AS ")
            found.append(Stage(base, name, ()))
        else:
            last = found[-1]
            found[-1] = Stage(last.base, last.name, (*last.instructions, instruction))
    return found


def read_dockerfile() -> list[Stage]:
    """Return the stages of this project's Dockerfile."""
    return parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def read_dockerignore() -> list[str]:
    """Return what `.dockerignore` lets through of everything it ignores first."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def _parse_instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [_parse_instruction(line) for line in joined.splitlines()]


def _parse_instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    flags: list[str] = []
    while rest.startswith("--") and word != "CMD":
        flag, _, rest = rest.partition(" ")
        flags.append(flag)
    return Instruction(word, tuple(flags), rest)
