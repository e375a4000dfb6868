"""The response has the format and encoding that the client prefers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.exposition.negotiation import Format, negotiate

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_NATIVE = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
    + PROMETHEUS_3
)
PROMETHEUS_3_TEXT = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
)

ACCEPT = {
    "no headers": (None, Format.TEXT),
    "an empty header": ("", Format.TEXT),
    "anything": ("*/*", Format.TEXT),
    "a browser": ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.TEXT),
    "Prometheus 2": (PROMETHEUS_2, Format.OPENMETRICS),
    "Prometheus 3": (PROMETHEUS_3, Format.OPENMETRICS),
    "Prometheus 3 that prefers protobuf": (PROMETHEUS_3_NATIVE, Format.OPENMETRICS),
    "Prometheus 3 set to text": (PROMETHEUS_3_TEXT, Format.TEXT),
    "OpenMetrics without a version": ("application/openmetrics-text", Format.OPENMETRICS),
    "OpenMetrics of a version we have not": ("application/openmetrics-text;version=0.0.1", Format.TEXT),
    "OpenMetrics with a quoted version": (
        'Application/OpenMetrics-Text; Version="1.0.0"',
        Format.OPENMETRICS,
    ),
    "the higher quality later": ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Format.TEXT),
    "the higher quality by wildcard": ("application/openmetrics-text;q=0.4, */*;q=0.5", Format.TEXT),
    "any application type": ("application/*", Format.OPENMETRICS),
    "a wildcard and a refusal": ("text/plain;q=0, */*;q=0.1", Format.OPENMETRICS),
    "equals, OpenMetrics first": ("application/openmetrics-text, text/plain", Format.OPENMETRICS),
    "equals, text first": ("text/plain, application/openmetrics-text", Format.TEXT),
    "equals, one by name": ("*/*, application/openmetrics-text", Format.OPENMETRICS),
    "both refused": ("text/plain;q=0, application/openmetrics-text;q=0.000", Format.TEXT),
    "both refused, OpenMetrics first": ("application/openmetrics-text;q=0, text/plain;q=0", Format.TEXT),
    "our version liked less than others": (
        "application/openmetrics-text, application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.5",
        Format.TEXT,
    ),
    "only what we have not": ("application/json", Format.TEXT),
    "quality that is none": ("application/openmetrics-text;q=nan", Format.TEXT),
    "quality above one": ("application/openmetrics-text;q=5, text/plain;q=0.1", Format.TEXT),
    "the hundredth element": ("," * 99 + "application/openmetrics-text", Format.OPENMETRICS),
    "behind the hundredth element": ("," * 100 + "application/openmetrics-text", Format.TEXT),
    "commas and semicolons": (",;=,;q=1,application/openmetrics-text;;,", Format.OPENMETRICS),
}

ACCEPT_ENCODING = {
    "no headers": (None, False),
    "an empty header": ("", False),
    "Prometheus": ("gzip", True),
    "a browser": ("gzip, deflate, br, zstd", True),
    "its old name": ("x-gzip", True),
    "upper case": ("GZIP;Q=0.5", True),
    "refused": ("gzip;q=0", False),
    "refused with digits": ("gzip; q=0.000", False),
    "anything": ("*", True),
    "anything but this": ("*, gzip;q=0", False),
    "nothing but this": ("gzip, *;q=0", True),
    "plain only": ("identity", False),
    "plain rather": ("identity, gzip;q=0.5", False),
    "plain rather, by wildcard": ("gzip;q=0.1, *;q=0.5", False),
    "plain refused": ("identity;q=0, gzip;q=0.1", True),
    "others only": ("br, zstd", False),
    "quality that is none": ("gzip;q=much", False),
}


@pytest.mark.parametrize(("accept", "expected"), ACCEPT.values(), ids=ACCEPT)
def test_preferred_format(accept: str | None, expected: Format) -> None:
    """The quality decides, then the specificity, then the position; the default is plain text."""
    assert expected == negotiate(accept, None).format_


@pytest.mark.parametrize(("accept_encoding", "expected"), ACCEPT_ENCODING.values(), ids=ACCEPT_ENCODING)
def test_compressed_if_preferred(accept_encoding: str | None, expected: bool) -> None:
    """Responses are compressed if the client accepts gzip and does not prefer identity."""
    assert expected == negotiate(None, accept_encoding).gzip


QUALITIES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
ANYTHING = st.text() | st.text(',;=*/q.01gzip "')


@given(ANYTHING, ANYTHING)
def test_any_header_has_a_result(accept: str, accept_encoding: str) -> None:
    """Any header value is accepted."""
    assert negotiate(accept, accept_encoding).format_ in Format


@given(QUALITIES, QUALITIES)
def test_higher_quality_wins(openmetrics: float, text: float) -> None:
    """Of both formats, in either order, the one with the higher quality is sent."""
    named = [f"application/openmetrics-text;q={openmetrics}", f"text/plain;q={text}"]
    expected = Format.OPENMETRICS if openmetrics > text else Format.TEXT

    assert expected == negotiate(", ".join(reversed(named)), None).format_
    if openmetrics != text:
        assert expected == negotiate(", ".join(named), None).format_


@given(ANYTHING)
def test_unknown_elements_are_ignored(odd: str) -> None:
    """An element that is neither a format nor a wildcard changes nothing."""
    unknown = odd.replace(",", "").replace("*", "").replace("/", "")

    assert Format.OPENMETRICS == negotiate(f"{unknown},application/openmetrics-text", None).format_


@given(QUALITIES)
def test_quality_zero_refuses_gzip(quality: float) -> None:
    """Only a quality of zero refuses gzip."""
    assert (quality > 0) == negotiate(None, f"gzip;q={quality}").gzip
