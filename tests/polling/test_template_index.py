"""The template names that one dataset provides and others wait for."""

import asyncio
from functools import partial

from insights_exporter.datasets.base import Template
from insights_exporter.polling.template_index import TemplateIndex
from tests.polling.polled_deployment import run_on_fast_clock

DOCKER = {"a": Template("a", "docker", "acme")}


def test_ids_in_use_are_those_of_the_window() -> None:
    """Each window has its own ids, none before its first report."""
    index = TemplateIndex(lambda: None)
    index.set_in_use("7d", ("a", "b"))
    index.set_in_use("30d", ("c",))
    index.set_in_use("7d", ("b",))

    assert [("b",), ("c",), ()] == [index.get_in_use(window) for window in ("7d", "30d", "today")]
    assert [True, False] == [index.has_report(window) for window in ("7d", "today")]


def test_failed_list_keeps_the_known_names() -> None:
    """Names are kept if templates cannot be listed."""
    index = TemplateIndex(lambda: None)
    index.set_templates(DOCKER)
    index.set_templates(None)

    assert DOCKER == index.templates


def test_unknown_template_is_listed_again() -> None:
    """The list is requested again once for each unknown id, since deleted templates are never listed."""
    calls: list[int] = []
    index = TemplateIndex(lambda: calls.append(1))
    index.set_in_use("7d", ("deleted", "a"))
    index.set_templates(DOCKER)
    for in_use, expected in ((("deleted", "a"), 0), (("a", "new"), 1), (("a", "new"), 1), (("newer",), 2)):
        index.set_in_use("7d", in_use)

        assert expected == len(calls)


def test_wait_for_the_report_and_the_list() -> None:
    """`wait_ready` waits for the window's own report and for one try to list templates."""

    async def scenario() -> list[bool]:
        index = TemplateIndex(lambda: None)
        waiting = asyncio.create_task(index.wait_ready("7d"))
        waited = []
        for step in (
            partial(index.set_in_use, "30d", ()),
            partial(index.set_templates, None),
            partial(index.set_in_use, "7d", ()),
        ):
            step()
            await asyncio.sleep(1)
            waited.append(waiting.done())
        return waited

    assert [False, False, True] == run_on_fast_clock(scenario)
