"""The response body: of known length, and readable by every client."""

import gzip
import http.server
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import cast

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import ResponseBody, build_page, build_response
from insights_exporter.exposition.process import process_registry, render_process_metrics
from tests.exposition.snapshots import NAPS, build_snapshot, create_gauges, group_by_family
from tests.integration.programs import require
from tests.integration.promtool import Promtool

SNAPSHOT = build_snapshot("acme", "globex").apply(
    group_by_family({(NAPS, ("acme", "cats", "7d", "")): create_gauges("acme", "7d", 20_000)})
)
PAGE = build_page(SNAPSHOT)
BUILD = MetricFamily(name="cat_build_info", type="gauge", help="The cat.", labels=("version",))
TAIL = render_process_metrics(process_registry(), [Samples(BUILD, [(("1.0",), 1)])])

Reader = Callable[[bytes, Path], bytes]

GO_READER = """package main

import ("compress/gzip"; "io"; "os")

func main() {
	reader, err := gzip.NewReader(os.Stdin)
	if err != nil { panic(err) }
	reader.Multistream(false)
	if _, err = io.Copy(os.Stdout, reader); err != nil { panic(err) }
}
"""


PARSERS = cast(
    "Mapping[Format, Callable[[str], Iterable[Metric]]]",
    {Format.TEXT: parse_text, Format.OPENMETRICS: parse_openmetrics},
)


def read_sent(format_: Format, *, compressed: bool) -> bytes:
    """Return all bytes of a response."""
    return b"".join(build_response(PAGE, TAIL, format_, gzip=compressed).segments)


def decompress_with_python(packed: bytes, _: Path) -> bytes:
    """Decompress with Python's gzip."""
    return gzip.decompress(packed)


def decompress_one_member(packed: bytes, _: Path) -> bytes:
    """Decompress the first member with zlib; nothing must follow it."""
    reader = zlib.decompressobj(31)
    data = reader.decompress(packed)
    assert reader.eof
    assert b"" == reader.unused_data
    return data


def decompress_with_zcat(packed: bytes, _: Path) -> bytes:
    """Decompress with zcat."""
    return subprocess.run([require("zcat")], input=packed, capture_output=True, check=True).stdout


def decompress_with_go(packed: bytes, directory: Path) -> bytes:
    """Decompress the first member with Go's gzip, as Prometheus does."""
    program = directory / "main.go"
    program.write_text(GO_READER, encoding="utf-8")
    return subprocess.run(
        [require("go"), "run", program], input=packed, capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize(
    "read", [decompress_with_python, decompress_one_member, decompress_with_zcat, decompress_with_go]
)
def test_compressed_response_is_one_member(format_: Format, read: Reader, tmp_path: Path) -> None:
    """Every reader finds the plain response in the first and only member."""
    assert read_sent(format_, compressed=False) == read(read_sent(format_, compressed=True), tmp_path)


def test_gzip_finds_no_error() -> None:
    """`gzip -t` accepts the size and the CRC-32."""
    packed = read_sent(Format.TEXT, compressed=True)
    done = subprocess.run([require("gzip"), "-t", "-v"], input=packed, capture_output=True, check=False)

    assert (0, b"OK") == (done.returncode, done.stderr.split()[-1])


@pytest.fixture
def served() -> Iterator[str]:
    """Serve the compressed response and return its address."""
    body = build_response(PAGE, TAIL, Format.OPENMETRICS, gzip=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in body.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.writelines(body.segments)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_curl_reads_the_response(served: str) -> None:
    """Length, encoding and body agree."""
    command = [
        require("curl"),
        "--silent",
        "--fail",
        "--show-error",
        "--noproxy",
        "*",
        "--compressed",
        served,
    ]

    got = subprocess.run(command, capture_output=True, check=True).stdout

    assert read_sent(Format.OPENMETRICS, compressed=False) == got


@pytest.mark.parametrize("format_", Format)
@pytest.mark.parametrize("compressed", [False, True])
def test_headers_describe_the_body(format_: Format, compressed: bool) -> None:
    """Headers state the type, the encoding, the length, and what caches must vary by."""
    body: ResponseBody = build_response(PAGE, TAIL, format_, gzip=compressed)
    headers = dict(body.headers)

    assert len(b"".join(body.segments)) == body.length == int(headers["content-length"])
    assert ("gzip" if compressed else None) == headers.get("content-encoding")
    assert "accept, accept-encoding" == headers["vary"]
    assert headers["content-type"].startswith(
        "text/plain; version=0.0.4"
        if format_ is Format.TEXT
        else "application/openmetrics-text; version=1.0.0"
    )


def test_both_formats_have_the_same_samples() -> None:
    """prometheus_client's two parsers read equal samples."""
    text, openmetrics = (
        parse(read_sent(format_, compressed=False).decode()) for format_, parse in PARSERS.items()
    )

    samples, others = (
        sorted(
            (sample.name, sorted(sample.labels.items()), sample.value)
            for family in parsed
            for sample in family.samples
        )
        for parsed in (text, openmetrics)
    )

    assert 20_000 < len(samples)
    assert samples == others


@pytest.mark.parametrize("format_", Format)
def test_own_families_are_first_and_process_families_last(format_: Format) -> None:
    """A collector that stops at a limit has the exporter's own families."""
    lines = read_sent(format_, compressed=False).splitlines()

    assert b"# HELP cat_build_info The cat." == lines[0]
    assert [line for line in lines if line.startswith((b"process_", b"python_"))][-1] in lines[-2:]


def test_promtool_is_silent(promtool: Promtool) -> None:
    """A page with every type in the text format passes promtool."""
    assert "" == promtool.check_metrics(read_sent(Format.TEXT, compressed=False).decode())
