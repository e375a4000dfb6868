"""Rate limit, users and headers in front of the application."""

import base64
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import bcrypt
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from insights_exporter.web.response import EXCHANGE
from insights_exporter.web.webconfig.auth import (
    BasicAuthMiddleware,
    PasswordChecker,
    TooManyLogins,
    parse_credentials,
)
from insights_exporter.web.webconfig.loader import ReloadingConfig
from tests.web.webconfig.server import METRICS, ServedApp, serving

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
WEB = f"""
http_server_config:
  headers:
    Content-Security-Policy: default-src 'none'
    X-Frame-Options: deny
    X-XSS-Protection: ""
basic_auth_users:
  alice: {HASH}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a user and headers, without TLS."""
    path = tmp_path / "web.yml"
    path.write_text(WEB, encoding="utf-8")
    return path


@pytest.fixture
def served(file: Path) -> Iterator[ServedApp]:
    """Serve with that file."""
    with serving(file) as running:
        yield running


def get(served: ServedApp, user: tuple[str, str] | None = None, **headers: str) -> httpx.Response:
    """Request the metrics, logged in as `user`."""
    return httpx.get(
        served.url("http"), auth=httpx.BasicAuth(*user) if user else None, headers=headers, trust_env=False
    )


@pytest.mark.parametrize(
    ("user", "status"),
    [
        pytest.param(None, 401, id="no login"),
        pytest.param(("alice", "secret"), 200, id="right"),
        pytest.param(("alice", "wrong"), 401, id="wrong password"),
        pytest.param(("bob", "secret"), 401, id="unknown user"),
        pytest.param(("", ""), 401, id="empty"),
    ],
)
def test_login(served: ServedApp, user: tuple[str, str] | None, status: int) -> None:
    """Only users get the metrics; others get the challenge."""
    response = get(served, user)

    assert status == response.status_code
    assert (status == 200) == (METRICS in response.text)
    expected = None if status == 200 else 'Basic realm="insights-exporter", charset="UTF-8"'
    assert expected == response.headers.get("www-authenticate")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("Basic", id="no credentials"),
        pytest.param("Basic !!!", id="not base64"),
        pytest.param("Basic " + base64.b64encode(b"alice").decode(), id="no colon"),
        pytest.param("Bearer secret", id="another scheme"),
        pytest.param("", id="empty"),
    ],
)
def test_broken_credentials_are_none(served: ServedApp, sent: str) -> None:
    """Invalid credentials are refused like a wrong password."""
    assert 401 == get(served, Authorization=sent).status_code


def test_the_scheme_is_read_in_any_case() -> None:
    """The authentication scheme is case-insensitive."""
    sent = b"bAsIc " + base64.b64encode(b"alice:se:cret")

    assert (b"alice", b"se:cret") == parse_credentials([(b"host", b"x"), (b"authorization", sent)])


def test_credentials_without_a_colon() -> None:
    """Credentials without a colon are invalid."""
    sent = [b"Basic " + base64.b64encode(text) for text in (b"alice", b"alice:")]

    assert [None, (b"alice", b"")] == [parse_credentials([(b"authorization", value)]) for value in sent]


@pytest.mark.parametrize("user", [None, ("alice", "secret")], ids=["refused", "let in"])
def test_each_response_has_the_headers(served: ServedApp, user: tuple[str, str] | None) -> None:
    """Each response has the headers of the file, refusals too; empty ones are not set."""
    response = get(served, user)

    assert "default-src 'none'" == response.headers["content-security-policy"]
    assert "deny" == response.headers["x-frame-options"]
    assert "x-xss-protection" not in response.headers


def test_refusals_of_the_server_have_the_headers(served: ServedApp) -> None:
    """A request that the server refuses gets the headers in place of the defaults."""
    response = httpx.get(f"{served.url('http')}/{'x' * 20_000}", trust_env=False)

    assert httpx.codes.REQUEST_URI_TOO_LONG == response.status_code
    assert ["default-src 'none'"] == response.headers.get_list("content-security-policy")
    assert ["deny"] == response.headers.get_list("x-frame-options")


def test_headers_replace_those_of_the_application(file: Path) -> None:
    """Headers of the file replace those of the application."""

    async def own(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"X-Frame-Options", b"sameorigin"), (b"content-length", b"0"), (b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    with serving(file, own) as served:
        response = get(served, ("alice", "secret"))

    assert ["deny"] == response.headers.get_list("x-frame-options")
    assert "1" == response.headers["x-own"]


def test_a_changed_password_holds_from_the_next_request(served: ServedApp, file: Path) -> None:
    """A changed password is used from the next request on."""
    other = bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
    before = get(served, ("alice", "secret")).status_code
    file.write_text(WEB.replace(HASH, other), encoding="utf-8")
    served.clock.now += 1

    assert 200 == before
    assert 401 == get(served, ("alice", "secret")).status_code
    assert 200 == get(served, ("alice", "other")).status_code


def test_requests_above_the_limit_wait(file: Path) -> None:
    """Requests above the limit get 429 with Retry-After and the headers, before any login."""
    file.write_text(WEB + "rate_limit: {interval: 1m30s, burst: 2}\n", encoding="utf-8")
    with serving(file) as served:
        statuses = [get(served, ("alice", "secret")).status_code for _ in range(2)]
        refused = get(served, ("alice", "secret"))
        served.clock.now += 90
        later = get(served, ("alice", "secret"))

    assert [200, 200] == statuses
    assert 429 == refused.status_code
    assert "90" == refused.headers["retry-after"]
    assert "deny" == refused.headers["x-frame-options"]
    assert 200 == later.status_code


def test_a_changed_limit_holds_at_once(served: ServedApp, file: Path) -> None:
    """A changed limit begins with a full bucket; a removed one has no effect."""
    limited = []
    for burst in (1, 2):
        file.write_text(f"{WEB}rate_limit: {{interval: 1h, burst: {burst}}}\n", encoding="utf-8")
        served.clock.now += 1
        limited += [get(served).status_code for _ in range(burst + 1)]
    file.write_text(WEB, encoding="utf-8")
    served.clock.now += 1

    assert [401, 429, 401, 401, 429] == limited
    assert 401 == get(served).status_code


def test_login_that_cannot_be_checked(served: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that cannot be checked gets 429 with Retry-After."""

    async def too_many(*_: object) -> bool:
        raise TooManyLogins(1)

    monkeypatch.setattr(PasswordChecker, "verify", too_many)
    response = get(served, ("alice", "secret"))

    assert 429 == response.status_code
    assert "1" == response.headers["retry-after"]


async def test_logins_of_a_network_wait_together(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins from the addresses of an IPv6 network wait as those of one client."""
    clients: list[object] = []

    async def verify(*arguments: object) -> bool:
        clients.append(arguments[4])
        return False

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Never be called."""

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None:
        """Discard the response."""

    monkeypatch.setattr(PasswordChecker, "verify", verify)
    guard = BasicAuthMiddleware(app, ReloadingConfig(file))
    login = (b"authorization", b"Basic " + base64.b64encode(b"alice:wrong"))
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
        scope = {
            "type": "http",
            "client": (address, 1),
            "headers": [login],
            "extensions": {EXCHANGE: SimpleNamespace(peer=None)},
        }
        await guard(scope, receive, send)

    first, second, elsewhere = clients
    assert (True, False) == (first == second, first == elsewhere)
