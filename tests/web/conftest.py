"""The event loops that tests of the HTTP server run on."""

from asyncio import AbstractEventLoop, new_event_loop
from collections.abc import Callable, Mapping

import pytest
import uvloop

_LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": new_event_loop}
_CONNECTIONS = frozenset({"test_connection", "test_strictness", "test_tls_listener"})


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Run tests of connections on the event loops of `serve` and of Python, all others on Python's."""
    return {
        name: loop for name, loop in _LOOPS.items() if name == "asyncio" or item.path.stem in _CONNECTIONS
    }
