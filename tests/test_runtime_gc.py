"""The garbage collector looks through nothing in vain, and leaves nothing behind."""

import gc
from collections.abc import Iterator

import pytest

from insights_exporter.runtime import freeze_gc, gc_paused


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the collector as it was."""
    enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.enable()
    yield
    (gc.enable if enabled else gc.disable)()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_paused_collector_goes_on_afterwards() -> None:
    """Also after an error."""
    with pytest.raises(ValueError, match="odd"):
        _fail_while_paused()

    assert gc.isenabled()


def test_collector_that_is_off_stays_off() -> None:
    """A collector that is off stays off."""
    gc.disable()
    with gc_paused():
        pass

    assert not gc.isenabled()


def test_what_came_meanwhile_is_looked_through_at_once() -> None:
    """What stays of a conversion is no longer among the new objects, which would pile up over many."""
    with gc_paused():
        stays: list[object] = [object()]

    assert any(each is stays for each in gc.get_objects(generation=2))


def test_what_lives_long_is_not_looked_through() -> None:
    """All objects there are become permanent."""
    freeze_gc()

    assert gc.get_freeze_count() > len(gc.get_objects())


def test_what_became_garbage_since_is_collected() -> None:
    """With `collect`, a cycle that was permanent is removed."""
    cycle: list[object] = [_Told()]
    cycle.append(cycle)
    freeze_gc()
    _Told.gone = False
    del cycle
    gc.collect()
    assert not _Told.gone

    freeze_gc(collect=True)

    assert _Told.gone


def _fail_while_paused() -> None:
    with gc_paused():
        assert not gc.isenabled()
        raise ValueError("odd")


class _Told:
    """Tells when it goes."""

    gone = False

    def __del__(self) -> None:
        _Told.gone = True
