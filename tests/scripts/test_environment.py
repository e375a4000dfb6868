"""Setup: the Pythons that are rejected, and the error."""

import pytest

from scripts.environment import check_python


def test_supported_python_with_pip_is_accepted() -> None:
    """Python 3.11 with its venv module is enough."""
    assert "" == check_python((3, 11, 0), has_pip=True)


@pytest.mark.parametrize(
    ("version", "has_pip", "said"),
    [
        pytest.param((3, 9, 2), True, "Python 3.11 or newer is needed, this one is 3.9.2", id="old"),
        pytest.param((3, 12, 1), False, "apt-get install python3-venv", id="no venv"),
        pytest.param((3, 9, 2), False, "make PYTHON=", id="old and no venv"),
    ],
)
def test_refusal_names_cause_and_remedy(version: tuple[int, ...], has_pip: bool, said: str) -> None:
    """A Python that is too old or incomplete is reported, with what to do."""
    assert said in check_python(version, has_pip)
