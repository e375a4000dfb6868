"""Rules of the sections other than `tls_server_config`."""

from collections.abc import Iterator

from insights_exporter.config.translation import Found
from insights_exporter.web.webconfig.names import HEADERS
from insights_exporter.web.webconfig.written import WebFile


def headers_have_known_values(file: WebFile) -> Iterator[Found]:
    """A header of few values has one of them."""
    for name, value in file.http_server_config.headers.items():
        if HEADERS[name] and value not in HEADERS[name]:
            place = ("http_server_config", "headers", name)
            yield place, "is not a known value", f"write {' or '.join(HEADERS[name])}"


def limit_lets_somebody_in(file: WebFile) -> Iterator[Found]:
    """A limit has at least one request at a time."""
    if file.rate_limit.interval and not file.rate_limit.burst:
        yield ("rate_limit", "burst"), "is 0, so every request would be refused", "write 1 or more"


RULES = (headers_have_known_values, limit_lets_somebody_in)


def warnings(file: WebFile) -> Iterator[Found]:
    """Tell what has no effect here, or is unwise."""
    if file.http_server_config.http2:
        what = "has no effect: the exporter speaks HTTP/1.1 alone"
        yield ("http_server_config", "http2"), what, "remove it or set it to false"
    if file.rate_limit.burst and not file.rate_limit.interval:
        yield ("rate_limit", "burst"), "has no effect without an interval", "write rate_limit.interval"
    if file.basic_auth_users and file.tls_server_config is None:
        what = "without TLS, passwords cross the network readable"
        yield ("basic_auth_users",), what, "set tls_server_config, or listen on loopback alone"
    costs = sorted({int(text.split("$")[2]) for text in file.basic_auth_users.values()})
    if len(costs) > 1:
        listed = ", ".join(map(str, costs))
        what = f"has hashes of the costs {listed}: the time that a login takes shows which users exist"
        yield ("basic_auth_users",), what, "make all of them with `htpasswd -nBC 10`"
