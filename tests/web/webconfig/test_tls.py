"""What OpenSSL refuses is named."""

import errno
from pathlib import Path

import pytest

from insights_exporter.web.webconfig import WebConfigError, load_web_config
from insights_exporter.web.webconfig import model as names
from insights_exporter.web.webconfig.loader import WebConfig
from tests.web.webconfig.certificates import write_case


def test_a_suite_that_openssl_lacks_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL would leave it out without a word."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES",
        {**names.SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "NO-SUCH-SUITE"},
    )
    with pytest.raises(WebConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load_web_config(write_case(directory, "good-suites.yml"))


def test_usual_suites_may_be_fewer(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenSSL that is held to fewer suites serves with those, where the file asks for none."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES",
        {**names.SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "NO-SUCH-SUITE"},
    )
    context = load_web_config(write_case(directory, "good-tls.yml")).tls

    assert context is not None
    offered = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] == "TLSv1.2"}
    assert set(names.MODERN_SUITES.values()) - {"ECDHE-RSA-AES128-GCM-SHA256"} == offered


def test_no_suite_at_all_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then OpenSSL says something, but not what."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.SUITES", dict.fromkeys(names.SUITES, "NO-SUCH-SUITE")
    )
    with pytest.raises(WebConfigError, match="cipher_suites: has NO-SUCH-SUITE, which OpenSSL"):
        load_web_config(write_case(directory, "good-suites.yml"))


@pytest.mark.parametrize(
    ("version", "flag"), [("TLS10", "HAS_TLSv1"), ("TLS11", "HAS_TLSv1_1")], ids=["TLS 1.0", "TLS 1.1"]
)
def test_a_version_that_openssl_lacks_is_named(
    version: str, flag: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems build OpenSSL without the old ones."""
    monkeypatch.setattr(f"ssl.{flag}", False)
    file = write_case(directory, "good-tls.yml")
    file.write_text(f"{file.read_text(encoding='utf-8')}  min_version: {version}\n", encoding="utf-8")

    with pytest.raises(WebConfigError, match=f"min_version: {version} is not in OpenSSL"):
        load_web_config(file)


def test_a_curve_that_openssl_lacks_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems leave some out."""
    monkeypatch.setattr(
        "insights_exporter.web.webconfig.tls.CURVES", {**names.CURVES, "CurveP384": "no-such-curve"}
    )
    with pytest.raises(WebConfigError, match="curve_preferences: CurveP384 is not in OpenSSL"):
        load_web_config(write_case(directory, "good-curve.yml"))


def test_a_system_out_of_resources_is_told_like_a_wrong_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was before stays then, as with a wrong file."""

    def no_more_files(_pem: bytes) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("insights_exporter.web.webconfig.tls.as_file", no_more_files)
    with pytest.raises(WebConfigError, match="cannot be used now: Too many open files"):
        load_web_config(write_case(directory, "good-tls.yml"))


@pytest.mark.parametrize("name", ["good-tls-inline.yml", "good-users.yml"])
def test_no_secret_is_shown(name: str, directory: Path) -> None:
    """Neither a key nor a hash stands in what a log or a traceback may show."""
    shown = repr(load_web_config(write_case(directory, name)))

    assert "PRIVATE KEY" not in shown
    assert "$2y$" not in shown


def test_an_empty_file_means_nothing(directory: Path) -> None:
    """Plain HTTP for everybody, as often as they like."""
    config = load_web_config(write_case(directory, "good-empty.yml"))

    expected = WebConfig(tls=None, headers=(), users={}, rate_limit=None, warnings=(), stamps=config.stamps)
    assert expected == config
