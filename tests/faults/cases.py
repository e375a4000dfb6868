"""What can go wrong with a server, and what the exporter makes of it: one row a fault."""

from collections.abc import Callable
from dataclasses import dataclass

from insights_exporter.coder.errors import UNAVAILABLE
from insights_exporter.demo import EmbeddedCoder
from tests.demo.certificates import Authority

DAUS, TEMPLATES, STATUSES = "daus", "templates", "user-status-counts"
DATASETS = (DAUS, TEMPLATES, STATUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """One fault, and its expected effects."""

    name: str
    reason: str
    """The reason in `request_failures_total`; empty where nothing fails."""
    dataset: str = DAUS
    """Whose path has the fault; the others' are well, unless the whole server has it."""
    whole_server: bool = False
    begin: Callable[[EmbeddedCoder, Authority], None]
    available: bool = True
    """Whether the dataset still counts as one that the server has."""
    patient: bool = False
    """Whether the next try comes only after a time that the test does not wait for."""
    from_start: bool = False
    """Whether there never are any data; a name that is lost later is tried in `test_names`."""

    @property
    def deployment(self) -> str:
        """Name the deployment that has this fault."""
        return self.name

    @property
    def well(self) -> tuple[str, ...]:
        """Return the names of the datasets that the fault must not affect."""
        return () if self.whole_server else tuple(name for name in DATASETS if name != self.dataset)


def fail_path(fault: str, reason: str, dataset: str = DAUS, *, patient: bool = False) -> FaultCase:
    """Have one fault at the path of one dataset."""
    return FaultCase(
        name=fault if dataset == DAUS else f"{fault}-{dataset}",
        reason=reason,
        dataset=dataset,
        begin=lambda coder, _: coder.fail(fault, f"/insights/{dataset}"),
        available=reason not in UNAVAILABLE,
        patient=patient,
    )


def fail_server(fault: str, reason: str) -> FaultCase:
    """Start a fault of the whole server."""
    return FaultCase(name=fault, reason=reason, whole_server=True, begin=lambda coder, _: coder.fail(fault))


CASES = (
    fail_server("refused", "connection"),
    fail_path("no-response", "timeout"),
    fail_path("slow", "timeout"),
    fail_path("reset", "connection"),
    fail_path("truncated", "connection"),
    fail_path("wrong-length", "invalid"),
    fail_path("sign-in-page", "invalid"),
    fail_path("gzip-bomb", "too_large"),
    fail_path("endless", "too_large"),
    fail_path("bad-utf8", "invalid"),
    fail_path("wrong-shape", "invalid"),
    fail_path("redirect", "redirect"),
    fail_path("400", "rejected"),
    fail_path("400", "rejected", TEMPLATES),
    fail_path("401", "unauthorized"),
    fail_path("401-suspended", "unauthorized"),
    fail_path("403", "forbidden"),
    fail_path("403-premium", "not_licensed", patient=True),
    fail_path("413", "refused_by_proxy"),
    fail_path("404-route", "not_found"),
    fail_path("404-route", "unsupported", STATUSES, patient=True),
    fail_path("404-no-access", "not_permitted"),
    fail_path("404-disabled", "disabled", patient=True),
    fail_path("408", "timeout"),
    fail_path("429-seconds", "rate_limited", patient=True),
    fail_path("429-date", "rate_limited", patient=True),
    fail_path("500", "server_error"),
    fail_path("502", "server_error"),
    fail_path("503", "server_error"),
    fail_path("504", "server_error"),
    fail_server("clock-ahead", ""),
    fail_server("clock-behind", ""),
    fail_server("clock-far-future", ""),
    FaultCase(
        name="dns",
        reason="connection",
        whole_server=True,
        begin=lambda _, __: None,
        from_start=True,
        patient=True,
    ),
    FaultCase(
        name="expired-certificate",
        reason="connection",
        whole_server=True,
        begin=lambda coder, authority: authority.install(authority.expired(), coder),
    ),
    FaultCase(
        name="self-signed-certificate",
        reason="connection",
        whole_server=True,
        begin=lambda coder, authority: authority.install(authority.self_signed(), coder),
    ),
)
"""All faults; those without certificates are the demo's."""

LIKE_OTHERS = {
    **dict.fromkeys(
        ("401-missing", "401-malformed", "401-secret", "401-expired", "401-login"), "401-suspended"
    ),
    "403-proxy": "403",
    "not-licensed": "403-premium",
    "groups-not-licensed": "403-premium",
    **dict.fromkeys(("grace-period", "seats-not-licensed", "no-build-times"), "clock-ahead"),
    **dict.fromkeys(("405", "407", "421", "431", "451"), "413"),
}
"""Faults that differ from one of CASES in their words, their status or their paths alone."""
