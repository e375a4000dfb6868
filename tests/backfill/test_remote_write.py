"""Remote write: what is sent, and what happens if the receiver does not accept it."""

import socket
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import AsyncMock

import cramjam
import httpx
import pytest

from insights_exporter.backfill.remote_write import (
    MAX_SAMPLES,
    Receiver,
    RemoteWriteRejected,
    encode_request,
    read_batches,
    send_file,
)
from insights_exporter.coder.http import create_tls_context
from insights_exporter.config.models import TLSConfig
from tests.integration.processes import free_port
from tests.support.backfill import Backfill
from tests.support.receiver import Receiver as ReceivingServer
from tests.support.receiver import decode

HEAD = r'up{job="b",a="x \"y\"\n\\z"}'
FILE = f"# TYPE up gauge\n{HEAD} 1.5 100\n{HEAD} 2 400\n# EOF\n"


async def send(receiver: ReceivingServer, path: Path, pauses: list[float] | None = None) -> None:
    """Send a small file; add the pauses to `pauses` instead of waiting."""

    async def sleep(seconds: float) -> None:
        assert pauses is not None
        pauses.append(seconds)

    path.write_text(FILE, encoding="utf-8")  # noqa: ASYNC240 -- a test
    with httpx.Client() as client:
        await send_file(path, httpx.URL(receiver.url), client, sleep)


async def test_request_holds_labels_sorted_and_milliseconds(
    receiver: ReceivingServer, tmp_path: Path
) -> None:
    """The body holds exactly the samples of the file."""
    await send(receiver, tmp_path / "month.om")

    (body,) = receiver.bodies
    labels = [("__name__", "up"), ("a", 'x "y"\n\\z'), ("job", "b")]
    assert [(labels, [(1.5, 100_000), (2.0, 400_000)])] == decode(bytes(cramjam.snappy.decompress_raw(body)))


def test_message_in_bytes() -> None:
    """The smallest message is, byte for byte, as specified."""
    expected = b"\x0a\x1d" + b"\x0a\x0d\x0a\x08__name__\x12\x01u" + b"\x12\x0c"
    expected += b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f" + b"\x10\xe8\x07"

    assert expected == encode_request(["u 1 1\n"])


@pytest.mark.parametrize("sizes", [(1,), (4999, 1), (4999, 2), (12_345,), (3000, 3000, 3000)])
def test_batches_are_bounded_and_lose_nothing(tmp_path: Path, sizes: Sequence[int]) -> None:
    """No request exceeds the limit; series stay in order, split if necessary."""
    path = tmp_path / "month.om"
    lines = [f'a{{n="{number}"}} 1 {at}\n' for number, size in enumerate(sizes) for at in range(size)]
    path.write_text("".join(lines) + "# EOF\n")

    found = list(read_batches(path))

    counts = [len(batch) for batch in found]
    assert lines == [line for batch in found for line in batch]
    assert [MAX_SAMPLES] * (len(counts) - 1) == counts[:-1]
    assert 0 < counts[-1] <= MAX_SAMPLES


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_busy_receiver_is_retried(receiver: ReceivingServer, tmp_path: Path, status: int) -> None:
    """Transient errors are retried, after longer and longer pauses, with the same bytes."""
    receiver.responses = [(status, {})] * 3
    pauses: list[float] = []

    await send(receiver, tmp_path / "month.om", pauses)

    assert 4 == len(receiver.bodies)
    assert 1 == len(set(receiver.bodies))
    assert [True] * 3 == [low <= pause <= 3 * low for pause, low in zip(pauses, (0.5, 1, 2), strict=True)]


@pytest.mark.parametrize(("retry_after", "pause"), [("7", 7.0), ("0", 0.0), ("100000", 600.0)])
async def test_retry_after_is_respected(
    receiver: ReceivingServer, tmp_path: Path, retry_after: str, pause: float
) -> None:
    """`Retry-After` is the pause, up to ten minutes."""
    receiver.responses = [(429, {"Retry-After": retry_after})]
    pauses: list[float] = []

    await send(receiver, tmp_path / "month.om", pauses)

    assert [pause] == pauses


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "out-of-order time window"),
        (401, "--remote-write-header"),
        (403, "--remote-write-header"),
        (404, "enable-remote-write-receiver"),
        (413, "its log"),
        (301, "not followed"),
    ],
)
async def test_rejection_is_not_retried(
    receiver: ReceivingServer, tmp_path: Path, status: int, remedy: str
) -> None:
    """A rejection is final, and its error has a remedy."""
    receiver.responses = [(status, {})]

    with pytest.raises(RemoteWriteRejected, match=f"HTTP {status}.*{remedy}"):
        await send(receiver, tmp_path / "month.om", [])

    assert 1 == len(receiver.bodies)


async def test_receiver_that_stays_busy_is_given_up(receiver: ReceivingServer, tmp_path: Path) -> None:
    """After some attempts, the command fails at once with an error that recommends another run."""
    receiver.responses = [(503, {})] * 100
    pauses: list[float] = []

    with pytest.raises(RemoteWriteRejected, match="503, 8 times; run it again"):
        await send(receiver, tmp_path / "month.om", pauses)

    assert (8, 7) == (len(receiver.bodies), len(pauses))


async def test_receiver_that_is_not_there(tmp_path: Path) -> None:
    """A receiver that does not listen is retried; the error does not contain the URL's password."""
    path = tmp_path / "month.om"
    path.write_text(FILE, encoding="utf-8")
    url = httpx.URL(f"http://me:secret@127.0.0.1:{free_port()}/")

    with (
        httpx.Client() as client,
        pytest.raises(RemoteWriteRejected, match=r"cannot connect: connection refused.*8 times") as caught,
    ):
        await send_file(path, url, client, AsyncMock())

    assert "secret" not in str(caught.value)
    assert "secret" not in Receiver(url, create_tls_context(TLSConfig())).name


def test_headers_and_password_are_sent(backfill: Backfill, receiver: ReceivingServer) -> None:
    """A receiver gets the headers of the protocol and of the flags."""
    secret = backfill.folder / "secret"
    secret.write_text("Bearer 123\n", encoding="utf-8")

    ended = backfill(
        "2026-04-09",
        f"--remote-write={receiver.url}",
        *("--remote-write-header=X-Scope-OrgID=acme", f"--remote-write-header=Authorization=@{secret}"),
    )

    assert 0 == ended.returncode, ended.stderr
    expected = {
        "content-encoding": "snappy",
        "content-type": "application/x-protobuf",
        "x-prometheus-remote-write-version": "0.1.0",
        "x-scope-orgid": "acme",
        "authorization": "Bearer 123",
    }
    assert expected.items() <= receiver.headers[0].items()
    assert [] == backfill.files()


def test_secrets_that_a_receiver_repeats_are_masked(backfill: Backfill, receiver: ReceivingServer) -> None:
    """Neither the password of the URL nor a secret header is shown; a tenant is, since it explains errors."""
    receiver.responses, receiver.text = [(401, {})], b"bad: hidden-pass, hidden-token, tenant acme"

    ended = backfill(
        "2026-04-09",
        f"--remote-write={receiver.url.replace('://', '://me:hidden-pass@')}",
        *("--remote-write-header=X-Api-Key=hidden-token", "--remote-write-header=X-Scope-OrgID=acme"),
    )

    assert 1 == ended.returncode
    assert "HTTP 401: bad: ***, ***, tenant acme" in ended.stderr
    assert "hidden" not in ended.stderr + ended.stdout


def test_refused_file_is_sent_by_the_next_run(backfill: Backfill, receiver: ReceivingServer) -> None:
    """A rejected file stays, and is sent without requesting its days again."""
    receiver.responses = [(400, {})]
    refused = backfill("2026-04-09", f"--remote-write={receiver.url}")
    kept, requested = backfill.files(), len(backfill.report_queries())
    taken = backfill("2026-04-09", f"--remote-write={receiver.url}")

    assert (1, 0) == (refused.returncode, taken.returncode)
    assert "out-of-order time window" in refused.stderr
    assert 1 == len(kept)
    assert requested == len(backfill.report_queries())
    assert [] == backfill.files()


def test_signal_ends_a_request_that_hangs(backfill: Backfill) -> None:
    """SIGTERM does not wait for a receiver that accepts the connection and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with backfill.start("2026-04-09", f"--remote-write={url}") as process:
            connection, _ = listener.accept()
            with connection:
                status = process.stop(seconds=10)
            output = process.output()

    assert 1 == status
    assert "Traceback" not in output
