"""Make a virtual environment that holds exactly what locks say.

Runs under any Python 3, so that one that is too old can be told so:

    python3 scripts/environment.py .venv requirements/runtime.lock requirements/build.lock
"""

import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


def unusable(version: "tuple[int, ...]", has_pip: bool) -> str:  # noqa: FBT001  one fact, tested by name
    """Return why this Python cannot make the environment and what to do; empty when it can."""
    spelled = ".".join(str(part) for part in version[:3])
    if version < OLDEST:
        return (
            f"Python 3.11 or newer is needed, this one is {spelled}. "
            "Name a newer one: make PYTHON=/path/to/python3.12 ..."
        )
    if not has_pip:
        return (
            f"This Python {spelled} cannot make virtual environments: "
            "its venv or ensurepip module is missing. On Debian and Ubuntu: apt-get install python3-venv"
        )
    return ""


def can_make_environments() -> bool:
    """Return whether the modules are there that Debian packages apart."""
    try:
        import ensurepip  # noqa: F401, PLC0415  only asked for, and absent on some machines
        import venv  # noqa: F401, PLC0415  as above
    except ImportError:
        return False
    return True


def run(*command: str) -> None:
    """Run `command`; end with one line that names it where it fails."""
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit("Failed with status {}: {}".format(done.returncode, " ".join(command)))


def main(arguments: "list[str]") -> None:
    """Make the environment `arguments[0]` from the locks that follow."""
    directory, locks = Path(arguments[0]), arguments[1:]
    refusal = unusable(sys.version_info[:3], can_make_environments())
    if refusal:
        sys.exit(refusal)
    run(sys.executable, "-m", "venv", "--clear", str(directory))
    python = directory / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-input"]
    run(*pip, "--no-deps", "--require-hashes", *(part for lock in locks for part in ("-r", lock)))


if __name__ == "__main__":
    main(sys.argv[1:])
