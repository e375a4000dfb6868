"""The environment variables that mean something, and those that were meant to."""

import difflib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from insights_exporter.config.problems import Problem

OWN_PREFIX = "INSIGHTS_EXPORTER_"

FLAG_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "INSIGHTS_EXPORTER_CONFIG_FILE": "--config.file",
        "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS": "--web.listen-address",
        "INSIGHTS_EXPORTER_WEB_SYSTEMD_SOCKET": "--web.systemd-socket",
        "INSIGHTS_EXPORTER_WEB_CONFIG_FILE": "--web.config.file",
        "INSIGHTS_EXPORTER_WEB_TELEMETRY_PATH": "--web.telemetry-path",
        "INSIGHTS_EXPORTER_WEB_EXTERNAL_URL": "--web.external-url",
        "INSIGHTS_EXPORTER_WEB_ROUTE_PREFIX": "--web.route-prefix",
        "INSIGHTS_EXPORTER_WEB_ENABLE_LIFECYCLE": "--web.enable-lifecycle",
        "INSIGHTS_EXPORTER_WEB_MAX_REQUESTS": "--web.max-requests",
        "INSIGHTS_EXPORTER_LOG_LEVEL": "--log.level",
        "INSIGHTS_EXPORTER_LOG_FORMAT": "--log.format",
        "INSIGHTS_EXPORTER_SHARD": "--shard",
        "INSIGHTS_EXPORTER_TOTAL_SHARDS": "--total-shards",
    }
)
"""Flags that may be given by the environment; the command line wins."""

CODER_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "CODER_URL": "Where Coder is.",
        "CODER_SESSION_TOKEN": "The token. Read anew at each poll.",
        "CODER_SESSION_TOKEN_FILE": "File that holds the token, instead; read anew at each poll.",
        "CODER_CONFIG_DIR": "Where Coder's own CLI keeps the session that `coder login` made.",
    }
)
"""What sets a deployment where no file is given."""

_MEANT = MappingProxyType(
    {
        "CODER_URI": "CODER_URL",
        "CODER_ENDPOINT": "CODER_URL",
        "CODER_SERVER_URL": "CODER_URL",
        "CODER_HOST": "CODER_URL",
        "CODER_SESSION": "CODER_SESSION_TOKEN",
        "CODER_TOKEN": "CODER_SESSION_TOKEN",
        "CODER_API_TOKEN": "CODER_SESSION_TOKEN",
        "CODER_API_KEY": "CODER_SESSION_TOKEN",
        "CODER_TOKEN_FILE": "CODER_SESSION_TOKEN_FILE",
    }
)
_CODERS_OWN = re.compile(
    "CODER_(ACCESS_URL|AGENT_.*|PROXY_.*|PROVISIONER_.*|WORKSPACE_.*|USER_.*|CONFIG_PATH|SESSION_DURATION|.*_LIFETIME)"
)
_BY_KUBERNETES = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")
_LIKE_ENOUGH = 0.85


def unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    """Warn of variables that nothing reads and that were most likely meant for the exporter."""
    for name, value in sorted(environ.items()):
        if _BY_KUBERNETES.fullmatch(name) or value.startswith(("tcp://", "udp://")):
            continue
        if name.startswith(OWN_PREFIX) and name not in FLAG_VARIABLES:
            near = difflib.get_close_matches(name, FLAG_VARIABLES, n=1, cutoff=0.8)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(FLAG_VARIABLES)}"
            yield Problem("", name, "is not a known variable", remedy)
        elif meant := _meant_for_coder(name):
            yield Problem("", name, "is not read", f"did you mean {meant}?")


def _meant_for_coder(name: str) -> str | None:
    if not name.startswith("CODER_") or name in CODER_VARIABLES or _CODERS_OWN.fullmatch(name):
        return None
    names = {**{known: known for known in CODER_VARIABLES}, **_MEANT}
    near = difflib.get_close_matches(name, names, n=1, cutoff=_LIKE_ENOUGH)
    return names[near[0]] if near else None
