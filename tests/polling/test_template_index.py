"""What one dataset learns and another waits for."""

import asyncio
from functools import partial

from insights_exporter.datasets.base import Template
from insights_exporter.polling.server_info import TemplateIndex
from tests.polling.polled_deployment import on_fast_clock

DOCKER = {"a": Template("a", "docker", "acme")}


def test_ids_in_use_are_those_of_the_window() -> None:
    """Windows do not mix, and before a report there are none."""
    names = TemplateIndex()
    names.set_in_use("7d", ("a", "b"))
    names.set_in_use("30d", ("c",))
    names.set_in_use("7d", ("b",))

    assert [("b",), ("c",), ()] == [names.in_use(window) for window in ("7d", "30d", "today")]
    assert [True, False] == [names.has_report(window) for window in ("7d", "today")]


def test_list_that_cannot_be_had_leaves_the_known_one() -> None:
    """Names are kept over a failure."""
    names = TemplateIndex()
    names.set_templates(DOCKER)
    names.set_templates(None)

    assert DOCKER == names.templates


def test_list_is_asked_for_again_when_a_template_is_younger() -> None:
    """Once for each id, since a deleted template is not listed however often one asks."""
    calls: list[int] = []
    names = TemplateIndex(lambda: calls.append(1))
    names.set_in_use("7d", ("deleted", "a"))
    names.set_templates(DOCKER)
    for in_use, expected in ((("deleted", "a"), 0), (("a", "new"), 1), (("a", "new"), 1), (("newer",), 2)):
        names.set_in_use("7d", in_use)

        assert expected == len(calls)


def test_who_asks_waits_for_the_report_and_the_list() -> None:
    """For the window's own report, and for one try to get the list, whatever its end."""

    async def scenario() -> list[bool]:
        names = TemplateIndex()
        waiting = asyncio.create_task(names.wait_ready("7d"))
        told = []
        for learn in (
            partial(names.set_in_use, "30d", ()),
            partial(names.set_templates, None),
            partial(names.set_in_use, "7d", ()),
        ):
            learn()
            await asyncio.sleep(1)
            told.append(waiting.done())
        return told

    assert [False, False, True] == on_fast_clock(scenario)
