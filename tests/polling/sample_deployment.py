"""A deployment of known size, and the number of requests to poll it.

Run as a program, it prints the requests of a whole day:
`python -m tests.polling.sample_deployment`.
"""

import asyncio
import json
import sys
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx

from insights_exporter.demo import EmbeddedCoder, Population
from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import START, poll_deployment, run_on_fast_clock

PARAMETERS = 30
DECLARED = 8
"""How many of the parameters one template declares."""
WORKSPACES = 13
GROUPS = 20
"""Two of them are those of all members of an organization."""
HOUR = 3600.0


def generate_parameters(template: int) -> Iterator[dict[str, Any]]:
    """Return the parameter values that the workspaces of a template use."""
    for number in {(template * 7 + place * 3) % PARAMETERS for place in range(DECLARED)}:
        chosen = Counter(_value(number, template * WORKSPACES + one) for one in range(WORKSPACES))
        values = [{"value": value, "count": count} for value, count in chosen.items()]
        yield {"name": f"parameter-{number}", "type": "string", "template_ids": [], "values": values}


def _value(number: int, workspace: int) -> str:
    """Return distinct text for every fifth parameter, a number for every fifth, else one of few options."""
    kinds = (f"feature/{workspace}", str(workspace % 12), "small", "large" if workspace % 3 else "huge", "eu")
    return kinds[number % len(kinds)]


class SampleDeployment(httpx.AsyncBaseTransport):
    """A Coder whose responses are computed once and repeated with the current time.

    `request_times` has the times of all requests, in seconds of the loop, `paths`
    counts them by path, `groups` is the number of groups.
    """

    def __init__(self, users: int, templates: int) -> None:
        self.request_times: list[float] = []
        self.paths: Counter[str] = Counter()
        self._responses: dict[tuple[object, ...], bytes] = {}
        population = Population(seed=1, users=users, templates=templates, teams=GROUPS - 2)
        self.groups = len(population.groups)
        self._coder = httpx.ASGITransport(create_app(EmbeddedCoder(population=population, rate_limit=-1)))
        self._ids = [template.id for template in population.catalog.templates if not template.deleted]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond, and record the request."""
        self.request_times.append(asyncio.get_running_loop().time())
        path, query = request.url.path.removeprefix("/api/v2"), request.url.params
        self.paths[f"{path} of one template" if "template_ids" in query else path] += 1
        key = (path, query.get("template_ids"), _days(query))
        if key not in self._responses:
            self._responses[key] = await self._build(request, query.get("template_ids"))
        date = {"Date": format_datetime(datetime.now(UTC), usegmt=True)}
        return httpx.Response(200, headers=date, stream=httpx.ByteStream(self._responses[key]))

    async def _build(self, request: httpx.Request, template: str | None) -> bytes:
        query = {name: text for name, text in request.url.params.items() if name != "tz_offset"}
        sent = httpx.Request("GET", request.url.copy_with(params=query), headers=request.headers)
        body = await (await self._coder.handle_async_request(sent)).aread()
        if not request.url.path.endswith("/insights/templates"):
            return body
        return json.dumps(self._with_parameters(json.loads(body), template)).encode()

    def _with_parameters(self, response: dict[str, Any], template: str | None) -> dict[str, Any]:
        """Mark every template as in use, and add the parameters chosen in them."""
        template_ids = [template] if template else self._ids
        report = response["report"]
        report["template_ids"] = [one for one in template_ids if one in self._ids]
        report["parameters_usage"] = [
            row for one in report["template_ids"] for row in generate_parameters(self._ids.index(one))
        ]
        return response

    def most_in_a_minute(self) -> int:
        """Return the most requests that came within any 60 seconds."""
        recent, most = deque[float](), 0
        for time in self.request_times:
            recent.append(time)
            while recent[0] <= time - 60:
                recent.popleft()
            most = max(most, len(recent))
        return most

    def in_hour(self, number: int) -> int:
        """Count the requests of an hour, the first being 1."""
        return sum((number - 1) * HOUR <= time < number * HOUR for time in self.request_times)


def _days(query: Mapping[str, str]) -> str:
    return query.get("start_time", "") and str(
        (datetime.fromisoformat(query["end_time"]) - datetime.fromisoformat(query["start_time"])).days
    )


def run_polls(sample: SampleDeployment, hours: float, start: datetime = START, **config: object) -> str:
    """Poll a deployment for some hours from `start` and return the last exposition."""

    async def scenario() -> str:
        async with poll_deployment(sample, **config) as polled:
            await asyncio.sleep(hours * HOUR)
            return polled.page()

    return run_on_fast_clock(scenario, start)


if __name__ == "__main__":
    whole = SampleDeployment(users=60, templates=50)
    run_polls(whole, 24)
    total = len(whole.request_times)
    sys.stdout.write(f"{total} requests a day, {total / 1440:.2f} a minute\n")
    sys.stdout.write(f"{whole.most_in_a_minute()} in the busiest 60 seconds\n")
    sys.stdout.writelines(f"  {count:5d} {path}\n" for path, count in whole.paths.most_common())
