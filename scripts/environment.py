"""Create a virtual environment with exactly the packages of the lock files.

Runs under any Python 3, so that it can report a version that is too old:

    python3 scripts/environment.py .venv requirements/runtime.lock requirements/build.lock
"""

import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


def check_python(version: "tuple[int, ...]", has_pip: bool) -> str:  # noqa: FBT001  one fact, tested by name
    """Return the error and its remedy if this Python cannot create the environment, else an empty string."""
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
    """Return whether venv and ensurepip are installed; Debian has them in a package of their own."""
    try:
        import ensurepip  # noqa: F401, PLC0415  only imported to see whether it is installed
        import venv  # noqa: F401, PLC0415  as above
    except ImportError:
        return False
    return True


def run(*command: str) -> None:
    """Run `command`; if it fails, exit with a line that contains it."""
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit("Failed with status {}: {}".format(done.returncode, " ".join(command)))


def main(arguments: "list[str]") -> None:
    """Create the environment `arguments[0]` from the lock files that follow."""
    directory, locks = Path(arguments[0]), arguments[1:]
    refusal = check_python(sys.version_info[:3], can_make_environments())
    if refusal:
        sys.exit(refusal)
    run(sys.executable, "-m", "venv", "--clear", str(directory))
    python = directory / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-input"]
    run(*pip, "--no-deps", "--require-hashes", *(part for lock in locks for part in ("-r", lock)))


if __name__ == "__main__":
    main(sys.argv[1:])
