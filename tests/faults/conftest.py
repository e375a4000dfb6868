"""All faults at once, seen by several tests."""

from collections.abc import Iterator

import pytest

from tests.faults.scene import Scene, staged


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Provide what was seen of an exporter while each of its deployments had a fault."""
    with staged(tmp_path_factory.mktemp("faults")) as seen:
        yield seen
