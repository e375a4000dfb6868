"""Everything that exporter-toolkit checks is checked here too."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from insights_exporter.config.errors import ConfigError
from tests.integration.promtool import Promtool
from tests.web.webconfig.certificates import DATA, load, write_case


class Check(NamedTuple):
    """A check of the toolkit with the invalid files that violate it, or the test that covers it."""

    of: str
    files: tuple[str, ...] = ()
    otherwise: str = ""


CHECKS = (
    Check("the file is there", otherwise="test_a_missing_file_is_refused"),
    Check("it is YAML", ("not-yaml",)),
    Check("its top is a map", ("text-at-top", "list-at-top")),
    Check("sections are known", ("unknown-section",)),
    Check("keys of tls_server_config are known", ("unknown-tls-key",)),
    Check("keys of http_server_config are known", ("unknown-http-key",)),
    Check("keys of rate_limit are known", ("unknown-rate-limit-key",)),
    Check("no key is there twice", ("key-twice",)),
    Check(
        "sections are maps",
        ("section-is-list", "empty-list-for-section", "users-are-text", "headers-are-list"),
    ),
    Check("texts are scalars", ("cert-file-is-list",)),
    Check("switches are true or false", ("http2-is-number", "prefer-is-word")),
    Check("lists are lists", ("suites-are-map",)),
    Check("there is a certificate", ("certificate-missing", "cert-file-blank", "cert-blank")),
    Check("there is a key", ("key-missing", "key-file-blank", "key-blank")),
    Check("cert_file can be read", ("cert-file-missing", "cert-file-is-directory")),
    Check("key_file can be read", ("key-file-missing",)),
    Check("the certificate is one", ("cert-without-certificate", "cert-is-broken")),
    Check("the key is one, without a passphrase", ("key-without-key", "key-is-encrypted")),
    Check("certificate and key belong together", ("key-of-another-certificate",)),
    Check("client_ca_file can be read", ("client-ca-file-missing",)),
    Check("client_auth_type is known", ("client-auth-unknown",)),
    Check(
        "client CAs go with client certificates", ("client-ca-without-auth", "client-ca-with-no-client-cert")
    ),
    Check("versions are known", ("min-version-unknown", "max-version-unknown", "version-is-number")),
    Check("suites are known", ("suite-unknown", "suite-insecure", "suite-named-as-openssl-does")),
    Check("curves are known", ("curve-unknown",)),
    Check("headers are known", ("header-unknown", "header-in-small-letters")),
    Check("X-Frame-Options has a known value", ("header-frame-options", "header-frame-options-blank")),
    Check("X-Content-Type-Options has a known value", ("header-content-type-options",)),
    Check("hashes are long enough", ("password-in-plain-text", "password-null", "hash-cut-short")),
    Check("hashes are bcrypt's", ("hash-not-bcrypt",)),
    Check("their cost is between 4 and 31", ("hash-cost-too-low", "hash-cost-too-high")),
    Check("interval is a duration", ("interval-in-days",)),
    Check("burst is an integer", ("burst-is-text",)),
    Check(
        "HTTP/2 finds a suite that it demands",
        otherwise="HTTP/2 is not supported, so any suite is allowed",
    ),
    Check("a client's certificate has an allowed name", otherwise="test_client_auth.py, at each handshake"),
)

STRICTER = frozenset(
    {
        "any-certificate",
        "any-certificate-with-sans",
        "both-blank",
        "both-null",
        "burst-missing",
        "burst-negative",
        "burst-zero",
        "cert-twice",
        "client-ca-without-certificate",
        "client-ca-is-broken",
        "client-ca-is-device",
        "client-ca-twice",
        "hash-too-long",
        "header-of-two-lines",
        "interval-negative",
        "interval-without-unit",
        "key-twice-given",
        "many-at-once",
        "merge-key",
        "no-certificate-but-version",
        "sans-blank-entry",
        "sans-empty",
        "sans-without-auth",
        "suites-of-tls13-without-tls13",
        "two-documents",
        "user-with-colon",
        "versions-crossed",
    }
)
"""Invalid files that the toolkit accepts without the expected effect, and one with many errors."""

JUDGED = {
    path.name: verdict[1]
    for path in sorted(DATA.glob("*.yml"))
    if (
        verdict := re.search(
            "^# promtool: (refuses|accepts)$", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    )
}
"""The result of promtool by file, the same in all of its versions."""


def test_each_check_has_a_file_that_breaks_it() -> None:
    """Each check has a bad file or a reason, and each bad file a check."""
    bad = {path.stem.removeprefix("bad-") for path in DATA.glob("bad-*.yml")}
    named = [name for check in CHECKS for name in check.files]

    assert [] == [check.of for check in CHECKS if not check.files and not check.otherwise]
    assert sorted(bad) == sorted([*named, *STRICTER])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    missing = tmp_path / "web.yml"

    with pytest.raises(ConfigError) as refused:
        load(missing)

    assert f"{missing} cannot be read: no such file or directory; check the path and the permissions" == str(
        refused.value
    )


def test_promtool_results_match_the_comments(directory: Path, promtool: Promtool) -> None:
    """The comments of the files match the results of promtool."""
    files = [str(write_case(directory, name)) for name in JUDGED]

    judged = promtool.run("check", "web-config", *files)

    expected = (judged.stdout + judged.stderr).splitlines()
    taken = {Path(line.removesuffix(" SUCCESS")).name for line in expected if line.endswith(" SUCCESS")}
    assert {name: "accepts" if name in taken else "refuses" for name in JUDGED} == JUDGED, judged.stderr
