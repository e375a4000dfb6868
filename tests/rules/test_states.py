"""The exact alerts that fire in each state of the real exporter, over hours."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from insights_exporter.datasets.registry import DATASETS
from tests.integration.promtool import Promtool
from tests.polling.polled_deployment import poll_deployment
from tests.rules.rule_files import RULES, load_rules
from tests.rules.simulation import (
    BEFORE_THE_FIRST_POLL,
    MINUTES,
    START,
    Play,
    Scrape,
    Stage,
    input_series,
    simulate,
)

EVER_FIRED: Final = (
    "group by (alertname, severity, deployment, dataset, instance) "
    '(present_over_time(ALERTS{alertstate="firing"}[1d]))'
)
NAMES: Final = re.compile(
    "|".join(
        sorted(
            set(
                re.findall(
                    r"\b(?:insights_exporter|coder_insights)_\w+",
                    str(load_rules("record") + load_rules("alert")),
                )
            )
        )
    )
    + "|up"
)
"""What the rules read."""

Change = Callable[[Stage], None]


def after_an_hour(change: Change, hours: float = 3) -> Play:
    """Return a play with a change after an hour without faults."""

    async def play(stage: Stage) -> None:
        await stage.scrape(1)
        change(stage)
        await stage.scrape(hours)

    return play


def stay_healthy(_: Stage) -> None:
    """Change nothing."""


async def from_the_start(stage: Stage) -> None:
    """Let hours pass."""
    await stage.scrape(3)


def begin_fault(fault: str, *paths: str) -> Change:
    """Return the change that begins a fault of the Coder, everywhere or at some paths."""

    def change(stage: Stage) -> None:
        stage.coder.fail(fault, *paths)

    return change


def change_coder(name: str, value: object) -> Change:
    """Return the change of one attribute of the Coder."""
    return lambda stage: setattr(stage.coder, name, value)


fail_latency = begin_fault("500", "/insights/user-latency")
switch_to_open_source = begin_fault("404-route", "/entitlements")


def revoke(stage: Stage) -> None:
    """Have the Coder accept another token only."""
    stage.coder.token = "another000-coderdemocoderdemocode"  # noqa: S105  it opens nothing but the demo


def break_connections(stage: Stage) -> None:
    """Cut the network."""
    stage.network.cut = True


async def failing_from_the_start(stage: Stage) -> None:
    """Have one dataset fail inside Coder before its first poll."""
    fail_latency(stage)
    await stage.scrape(1.5)


async def nameless_templates(stage: Stage) -> None:
    """Have the list of templates fail inside Coder from the start, for longer than a day."""
    stage.coder.fail("500", "/templates")
    await stage.scrape(26)


async def never_licensed(stage: Stage) -> None:
    """Have an open-source build from the start."""
    switch_to_open_source(stage)
    await stage.scrape(3)


def break_users(stage: Stage) -> None:
    """Have one row of the activity of users be of an unknown shape."""

    def change(path: str, body: bytes) -> bytes:
        if not path.endswith("/insights/user-activity"):
            return body
        response = json.loads(body)
        if response["report"]["users"]:
            response["report"]["users"].append({"user_id": 1})
        return json.dumps(response).encode()

    stage.network.change = change


async def outage_with_recovery(stage: Stage) -> None:
    """Cut the network for hours, and then for no longer."""
    await stage.scrape(1)
    stage.network.cut = True
    await stage.scrape(3.5)
    stage.network.cut = False
    await stage.scrape(1.5)


async def restarted_behind_a_proxy(stage: Stage) -> None:
    """Replace the exporter while a proxy responds to everything with 404."""
    await stage.scrape(1)
    stage.coder.fail("404-route")
    async with poll_deployment(stage.network) as stage.polled:
        await asyncio.sleep(BEFORE_THE_FIRST_POLL)
        await stage.scrape(3)


async def exporter_dies(stage: Stage) -> None:
    """Stop the exporter after an hour."""
    await stage.scrape(1)
    stage.miss(2)


async def deployment_removed(stage: Stage) -> None:
    """Remove the deployment from the config of a running exporter."""
    await stage.scrape(1)
    removed: Scrape = {'insights_exporter_config_last_reload_successful{job="insights-exporter"}': "1"}
    stage.scrapes += [removed] * stage.count(hours=2)


def list_fired(
    alertname: str, severity: str = "warning", deployment: str = "dev", **labels: str
) -> dict[str, str]:
    """Return the labels of an alert."""
    return {"alertname": alertname, "severity": severity, "deployment": deployment, **labels}


NOT_POLLED: Final = list_fired("InsightsDeploymentNotPolled")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of the exporter, and the alerts that ever fire in it.

    `description` is the text of the first one at the end, durations to the hour.
    """

    play: Play = from_the_start
    alerts: tuple[Mapping[str, str], ...] = ()
    description: str = ""
    coder: Mapping[str, Any] = field(default_factory=dict)
    cut: bool = False
    minutes: int = MINUTES
    config: Mapping[str, Any] = field(default_factory=dict)
    neighbor: Play | None = None
    """What happens to a second deployment of the exporter, of the same length."""


ONLY_TEMPLATES: Final = {
    "datasets": {
        name: {"enabled": name in {"template-list", "templates", "template-breakdown"}, "every": "1h"}
        for name in DATASETS
    },
}
"""A config that has the series of templates in few polls."""

KEPT: Final = " Series keep their last values until max_age and then expire."

STATES: Final[Mapping[str, State]] = {
    "healthy": State(),
    "wrong token": State(
        coder={"token": "another000-coderdemocoderdemocode"},
        alerts=(NOT_POLLED,),
        description="Every poll of dev fails (unauthorized). "
        "None has succeeded since the exporter started, so there is no data.",
    ),
    "token revoked": State(
        play=after_an_hour(revoke),
        alerts=(NOT_POLLED,),
        description=f"Every poll of dev fails (unauthorized). The last one succeeded 3h ago.{KEPT}",
    ),
    "user suspended": State(
        play=after_an_hour(begin_fault("401-suspended")),
        alerts=(NOT_POLLED,),
        description=f"Every poll of dev fails (unauthorized). The last one succeeded 3h ago.{KEPT}",
    ),
    "member role": State(
        coder={"role": "member"},
        alerts=(list_fired("InsightsTokenLacksRole"),),
    ),
    "role lost": State(
        play=after_an_hour(change_coder("role", "member")), alerts=(list_fired("InsightsTokenLacksRole"),)
    ),
    "template admin": State(
        coder={"role": "template-admin"},
        alerts=(list_fired("InsightsDatasetRefused", dataset="daus"),),
        description="Coder denies the token for dev access to daus (forbidden). "
        "The token's user lacks a permission, or the token lacks a scope. Other datasets are not affected.",
    ),
    "statistics off": State(coder={"usage_stats": False}),
    "statistics switched off": State(play=after_an_hour(change_coder("usage_stats", value=False))),
    "unreachable": State(
        play=after_an_hour(break_connections),
        alerts=(NOT_POLLED,),
        description=f"Every poll of dev fails (connection). The last one succeeded 3h ago.{KEPT}",
    ),
    "never reached": State(
        cut=True,
        alerts=(NOT_POLLED,),
        description="Every poll of dev fails (connection). "
        "None has succeeded since the exporter started, so there is no data.",
    ),
    "outage with recovery": State(play=outage_with_recovery, alerts=(NOT_POLLED,)),
    "one dataset failing": State(
        play=after_an_hour(fail_latency),
        alerts=(list_fired("InsightsDataTooOld", dataset="user-latency"),),
        description="user-latency of dev (server_error): its oldest data is from 3h ago, "
        "longer than max_age, so those series have expired.",
    ),
    "one dataset failing from the start": State(
        play=failing_from_the_start,
        alerts=(list_fired("InsightsDataTooOld", dataset="user-latency"),),
        description="user-latency of dev (server_error): one or more of its polls have not succeeded since "
        "the exporter started, so their data is missing.",
    ),
    "one dataset rate limited": State(
        play=after_an_hour(begin_fault("429-seconds", "/insights/user-latency")),
        alerts=(list_fired("InsightsDataTooOld", dataset="user-latency"),),
    ),
    "rate limit nearly exhausted": State(
        play=after_an_hour(change_coder("rate_limit", 20)),
        alerts=(list_fired("InsightsRateLimitNearlyExhausted"),),
    ),
    "token ending": State(
        coder={"token_expires": START + timedelta(days=6, hours=7)},
        alerts=(list_fired("InsightsTokenExpiresSoon", "info"),),
        description="The token for dev expires in 6d 4h; using it does not extend it. "
        "Replace it before then, or every poll fails.",
    ),
    "token about to end": State(
        coder={"token_expires": START + timedelta(hours=5)},
        alerts=(list_fired("InsightsTokenExpiresSoon"),),
        description="The token for dev expires in 2h; using it does not extend it. "
        "Replace it before then, or every poll fails.",
    ),
    "token expired": State(
        coder={"token_expires": START + timedelta(hours=1)},
        alerts=(NOT_POLLED, list_fired("InsightsTokenExpiresSoon")),
    ),
    "rows of an unknown shape": State(
        play=after_an_hour(break_users),
        alerts=(list_fired("InsightsRowsInvalid", "info", dataset="user-activity"),),
    ),
    "license in its grace period": State(
        play=after_an_hour(begin_fault("grace-period")),
        alerts=(list_fired("InsightsLicenseInvalid"),),
        description="The license of dev has expired. Coder still serves its features, for a limited time.",
    ),
    "license removed": State(
        play=after_an_hour(begin_fault("not-licensed")),
        alerts=(list_fired("InsightsLicenseInvalid"),),
        description="The license of dev was removed, or its grace period is over. Premium features are off.",
    ),
    "switched to the open-source build": State(
        play=after_an_hour(switch_to_open_source),
        alerts=(list_fired("InsightsLicenseInvalid"),),
        description="The license of dev is missing: Coder responds to `/entitlements` with 404, as its "
        "open-source build does. Premium features are off.",
    ),
    "never licensed": State(play=never_licensed),
    "restarted while a proxy responds with 404": State(play=restarted_behind_a_proxy, alerts=(NOT_POLLED,)),
    "planned aggregation": State(config={"users": {"limit": 2}, "parameters": {"limit": 1}}),
    "above max_series": State(
        config={"max_series": 100},
        alerts=(list_fired("InsightsSeriesDropped", "info"),),
    ),
    "templates without names": State(
        play=nameless_templates,
        minutes=4,
        config=ONLY_TEMPLATES,
        alerts=(list_fired("InsightsDataTooOld", dataset="template-list"),),
    ),
    "one of two deployments unreachable": State(
        play=after_an_hour(break_connections),
        neighbor=after_an_hour(stay_healthy),
        alerts=(NOT_POLLED,),
    ),
    "two deployments with different causes": State(
        play=after_an_hour(break_connections),
        neighbor=after_an_hour(fail_latency),
        alerts=(NOT_POLLED, list_fired("InsightsDataTooOld", deployment="lab", dataset="user-latency")),
    ),
    "exporter down": State(
        play=exporter_dies,
        alerts=(list_fired("InsightsExporterDown", deployment="", instance="10.0.0.1:12112"),),
    ),
    "deployment removed": State(play=deployment_removed),
}


def add_neighbor(scrapes: tuple[Scrape, ...], neighbor: tuple[Scrape, ...]) -> tuple[Scrape, ...]:
    """Return the scrapes of an exporter that polls a second deployment too."""
    named = [
        {name.replace('deployment="dev"', 'deployment="lab"'): value for name, value in scrape.items()}
        for scrape in neighbor
    ]
    return tuple({**scrape, **other} for scrape, other in zip(scrapes, named, strict=True))


def run_promtool(
    promtool: Promtool, folder: Path, minutes: int, scrapes: tuple[Scrape, ...], checks: Mapping[str, Any]
) -> str:
    """Return what promtool finds wrong with `checks`, empty if nothing is, durations to the hour."""
    file = folder / "state.yaml"
    groups = ("recording", "exporter", "usage")
    content = {
        "rule_files": sorted(map(str, RULES.glob("*.yaml"))),
        "group_eval_order": [f"insights-exporter.{group}" for group in groups],
        "evaluation_interval": f"{minutes}m",
        "tests": [{"interval": f"{minutes}m", "input_series": input_series(scrapes, NAMES), **checks}],
    }
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper), encoding="utf-8")
    done = promtool.run("test", "rules", str(file))
    return re.sub(r"(\dh) \d+m \d+s", r"\1", done.stdout + done.stderr) if done.returncode else ""


@pytest.mark.parametrize("name", STATES)
def test_exactly_the_alerts_of_a_state_fire(promtool: Promtool, tmp_path: Path, name: str) -> None:
    """Over hours, from the first scrape on, one cause fires one alert, with a text that fits the reason."""
    state = STATES[name]
    scrapes = simulate(state.play, state.coder, cut=state.cut, minutes=state.minutes, **state.config)
    if state.neighbor:
        scrapes = add_neighbor(scrapes, simulate(state.neighbor))
    at = f"{(len(scrapes) - 1) * state.minutes}m"
    samples = [{"labels": format_labels(labels), "value": 1} for labels in state.alerts]
    fired = {"promql_expr_test": [{"expr": EVER_FIRED, "eval_time": at, "exp_samples": samples}]}
    described = [{"eval_time": at, "alertname": state.alerts[0]["alertname"]}] if state.description else []
    wrong = run_promtool(promtool, tmp_path, state.minutes, scrapes, {**fired, "alert_rule_test": described})

    assert "expr:" not in wrong, wrong
    assert (f'description="{state.description}"' in wrong) if state.description else not wrong


def format_labels(labels: Mapping[str, str]) -> str:
    """Return labels in the form of a selector."""
    return "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items() if value) + "}"
