"""What the tests of the web config file share."""

from pathlib import Path

import pytest

from tests.web.webconfig.certificates import Authorities, make_authorities, write_parts


@pytest.fixture(scope="session")
def authorities() -> Authorities:
    """Give the authorities of this run."""
    return make_authorities()


@pytest.fixture
def directory(tmp_path: Path, authorities: Authorities) -> Path:
    """Give a directory that holds the files which web config files name."""
    write_parts(tmp_path, authorities)
    return tmp_path
