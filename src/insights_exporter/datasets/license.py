"""Dataset `license`: how much of the license is used, and whether it is valid."""

from collections.abc import Iterable, Iterator

from insights_exporter.coder.decode import Envelope, NonNegative, Row, decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.parameters import EMPTY, LONGEST_VALUE
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

PATH = "/entitlements"
STATUSES = ("entitled", "grace_period", "not_entitled")

_SECONDS_PER_HOUR = 3600.0
_MILLISECONDS = 1000.0
_NO_LICENSE = "the server is open source, or the response has no such number"

SEATS_USED = MetricFamily(
    name="coder_insights_license_seats_used",
    help="Number of license seats in use, by feature: active accounts for user_limit (an account status, "
    "not activity in a window), AI seats for ai_governance_user_limit (API: entitlements features.actual); "
    "do not add the features up; cached.",
    labels=("deployment", "feature"),
    absent=f"{_NO_LICENSE}; without a license only user_limit is counted",
    example="coder_insights_license_seats_used / coder_insights_license_seats_limit",
)
SEATS_LIMIT = MetricFamily(
    name="coder_insights_license_seats_limit",
    help="Number of seats that the license allows, by feature (API: entitlements features.limit); do not "
    "add the features up; cached.",
    labels=("deployment", "feature"),
    merge="of several licenses, Coder reports the most favorable limit",
    absent=f"{_NO_LICENSE}, there is no license, or the feature has no limit",
    example="coder_insights_license_seats_limit - coder_insights_license_seats_used",
)
AGENT_RUNTIME = MetricFamily(
    name="coder_insights_license_agent_runtime_seconds",
    help="Runtime of Coder Agents in the license term, in seconds, up to one hour behind (API: "
    "entitlements features.agent_runtime_hours.actual_ms); cached.",
    labels=("deployment",),
    absent=f"{_NO_LICENSE}, or the license has no agent runtime",
    example="coder_insights_license_agent_runtime_seconds / 3600",
)
AGENT_RUNTIME_LIMIT = MetricFamily(
    name="coder_insights_license_agent_runtime_limit_seconds",
    help="Limit of the runtime of Coder Agents in the license term, in seconds: purchased, soft or hard "
    "(API: entitlements features.agent_runtime_hours.limit, .soft_limit, .hard_limit); cached.",
    labels=("deployment", "limit_type"),
    absent=f"{_NO_LICENSE}, or the runtime is unlimited",
    example="coder_insights_license_agent_runtime_seconds / ignoring (limit_type) "
    'coder_insights_license_agent_runtime_limit_seconds{limit_type="purchased"}',
)
LICENSE_STATUS = MetricFamily(
    name="coder_insights_license_status",
    help="Whether the license has this status (1) or not (0): entitled, grace_period (expired, but "
    "features still work) or not_entitled (API: entitlements features.user_limit.entitlement); cached.",
    labels=("deployment", "status"),
    absent="the server is open source",
    example='coder_insights_license_status{status="entitled"} == 0',
)


class UserLimit(Row, frozen=True):
    """The licensed users; Coder counts them even without a license, then without a limit."""

    entitlement: str
    actual: NonNegative | None = None
    limit: NonNegative | None = None


class Feature(Row, frozen=True):
    """Another feature of the license, with the numbers that apply to it."""

    actual: NonNegative | None = None
    actual_ms: NonNegative | None = None
    limit: NonNegative | None = None
    soft_limit: NonNegative | None = None
    hard_limit: NonNegative | None = None


class Features(Envelope, frozen=True):
    """The features with numbers that are exposed; every enterprise server has `user_limit`."""

    user_limit: UserLimit
    ai_governance_user_limit: Feature | None = None
    agent_runtime_hours: Feature | None = None


class Entitlements(Envelope, frozen=True):
    """The whole response; its warnings are sentences for administrators and are not read."""

    features: Features


def convert(_context: PollContext, response: Response) -> ConvertResult:
    """Return what the license allows, and how much of it is used."""
    decoded = decode(response.body, Entitlements)
    features = decoded.value.features
    users, seats = features.user_limit, features.ai_governance_user_limit or Feature()
    runtime = features.agent_runtime_hours or Feature()
    used = [("user_limit", users.actual), ("ai_governance_user_limit", seats.actual)]
    allowed = [("user_limit", users.limit), ("ai_governance_user_limit", seats.limit)]
    hours = [("purchased", runtime.limit), ("soft", runtime.soft_limit), ("hard", runtime.hard_limit)]
    seconds = [(name, limit * _SECONDS_PER_HOUR) for name, limit in hours if limit is not None]
    samples = (
        Samples(SEATS_USED, _build_rows(used)),
        Samples(SEATS_LIMIT, _build_rows(allowed)),
        Samples(
            AGENT_RUNTIME, [] if runtime.actual_ms is None else [((), runtime.actual_ms / _MILLISECONDS)]
        ),
        Samples(AGENT_RUNTIME_LIMIT, _build_rows(seconds)),
        Samples(LICENSE_STATUS, list(_build_statuses(users.entitlement))),
    )
    return ConvertResult(samples, invalid=decoded.invalid)


def _build_rows(values: Iterable[tuple[str, float | None]]) -> list[SampleRow]:
    return [((label,), value) for label, value in values if value is not None]


def _build_statuses(entitlement: str) -> Iterator[SampleRow]:
    """Yield each known status, and one that is not known."""
    current = entitlement[:LONGEST_VALUE] or EMPTY
    for status in dict.fromkeys((*STATUSES, current)):
        yield (status,), float(status == current)


DATASET = Dataset(
    name="license",
    families=(SEATS_USED, SEATS_LIMIT, AGENT_RUNTIME, AGENT_RUNTIME_LIMIT, LICENSE_STATUS),
    requests=lambda _context: (Request(PATH),),
    convert=convert,
    default_interval=3600.0,
    roles=(),
    missing_route="not_licensed",
)
