"""Remote write: what is sent, and what becomes of it when the receiver does not take it."""

from collections.abc import Sequence
from pathlib import Path

import cramjam
import httpx
import pytest

from insights_exporter.backfill.cancellation import Cancelled, CancelToken
from insights_exporter.backfill.remote_write import (
    BATCH,
    Receiver,
    RemoteWriteRejected,
    RemoteWriteSink,
    Run,
    batches,
    send_file,
    write_request,
)
from insights_exporter.coder.http import tls_context
from insights_exporter.config.models import TLSConfig
from tests.integration.processes import free_port
from tests.support.backfill import Backfill
from tests.support.receiver import Receiver as ReceivingServer
from tests.support.receiver import decoded

HEAD = r'up{job="b",a="x \"y\"\n\\z"}'
FILE = f"# TYPE up gauge\n{HEAD} 1.5 100\n{HEAD} 2 400\n# EOF\n"


class Patient(CancelToken):
    """Takes note of pauses, and makes none."""

    def __init__(self, stop_after: int = 1000) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._stop_after = stop_after

    def pause(self, seconds: float) -> None:
        """Go on at once, or stop."""
        if seconds:
            self.pauses.append(seconds)
        if len(self.pauses) > self._stop_after:
            raise Cancelled


def send(receiver: ReceivingServer, path: Path, cancel_token: CancelToken) -> int:
    """Send a small file."""
    path.write_text(FILE, encoding="utf-8")
    with httpx.Client() as client:
        return send_file(path, httpx.URL(receiver.url), client, cancel_token)


def test_request_holds_labels_sorted_and_milliseconds(receiver: ReceivingServer, tmp_path: Path) -> None:
    """A receiver finds in the body just what stands in the file."""
    assert 1 == send(receiver, tmp_path / "month.om", CancelToken())

    (body,) = receiver.bodies
    labels = [("__name__", "up"), ("a", 'x "y"\n\\z'), ("job", "b")]
    assert [(labels, [(1.5, 100_000), (2.0, 400_000)])] == decoded(bytes(cramjam.snappy.decompress_raw(body)))


def test_message_in_bytes() -> None:
    """The smallest message is, byte for byte, what the format says."""
    expected = b"\x0a\x1d" + b"\x0a\x0d\x0a\x08__name__\x12\x01u" + b"\x12\x0c"
    expected += b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f" + b"\x10\xe8\x07"

    assert expected == write_request([Run("u", [("1", "1")])])


@pytest.mark.parametrize("sizes", [(1,), (4999, 1), (4999, 2), (12_345,), (3000, 3000, 3000)])
def test_batches_are_bounded_and_lose_nothing(tmp_path: Path, sizes: Sequence[int]) -> None:
    """No request has more than the most samples; series stay in order, split where they must."""
    path = tmp_path / "month.om"
    lines = [f'a{{n="{number}"}} 1 {at}\n' for number, size in enumerate(sizes) for at in range(size)]
    path.write_text("".join(lines) + "# EOF\n")

    found = list(batches(path))

    counts = [sum(len(run.samples) for run in batch) for batch in found]
    sent = [f"{run.head} {value} {at}\n" for batch in found for run in batch for at, value in run.samples]
    assert lines == sent
    assert [BATCH] * (len(counts) - 1) == counts[:-1]
    assert 0 < counts[-1] <= BATCH


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_busy_receiver_is_asked_again(receiver: ReceivingServer, tmp_path: Path, status: int) -> None:
    """What may pass is tried again, after longer and longer pauses, with the same bytes."""
    receiver.responses = [(status, {})] * 3
    cancel_token = Patient()

    assert 1 == send(receiver, tmp_path / "month.om", cancel_token)

    assert 4 == len(receiver.bodies)
    assert 1 == len(set(receiver.bodies))
    assert [True] * 3 == [
        low <= pause <= 3 * low for pause, low in zip(cancel_token.pauses, (0.5, 1, 2), strict=True)
    ]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", None), ("100000", 600.0)])
def test_wait_that_is_asked_for_is_kept(
    receiver: ReceivingServer, tmp_path: Path, asked: str, waited: float | None
) -> None:
    """`Retry-After` tells how long to wait, up to ten minutes."""
    receiver.responses = [(429, {"Retry-After": asked})]
    cancel_token = Patient()

    send(receiver, tmp_path / "month.om", cancel_token)

    assert [waited] * (waited is not None) == cancel_token.pauses


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "out-of-order window"),
        (401, "credentials"),
        (403, "credentials"),
        (404, "enable-remote-write-receiver"),
        (413, "own log"),
        (301, "not followed"),
    ],
)
def test_refusal_is_never_tried_again(
    receiver: ReceivingServer, tmp_path: Path, status: int, remedy: str
) -> None:
    """Who says no is told to the user with the remedy, and not asked again."""
    receiver.responses = [(status, {})]

    with pytest.raises(RemoteWriteRejected, match=f"HTTP {status}.*{remedy}"):
        send(receiver, tmp_path / "month.om", Patient())

    assert 1 == len(receiver.bodies)


def test_receiver_that_stays_busy_is_given_up(receiver: ReceivingServer, tmp_path: Path) -> None:
    """After some tries it ends, and says that the next run may send all again."""
    receiver.responses = [(503, {})] * 100

    with pytest.raises(RemoteWriteRejected, match="503, 8 times; run again"):
        send(receiver, tmp_path / "month.om", Patient())

    assert 8 == len(receiver.bodies)


def test_pause_ends_when_called_off(receiver: ReceivingServer, tmp_path: Path) -> None:
    """Nobody waits for a receiver after Ctrl-C."""
    receiver.responses = [(503, {})] * 100

    with pytest.raises(Cancelled):
        send(receiver, tmp_path / "month.om", Patient(stop_after=1))

    assert 2 == len(receiver.bodies)


def test_receiver_that_is_not_there(tmp_path: Path) -> None:
    """A receiver that does not listen is tried again, then told without the password of its URL."""
    path = tmp_path / "month.om"
    path.write_text(FILE, encoding="utf-8")
    url = httpx.URL(f"http://me:secret@127.0.0.1:{free_port()}/")

    with (
        httpx.Client() as client,
        pytest.raises(RemoteWriteRejected, match=r"ConnectError.*8 times") as caught,
    ):
        send_file(path, url, client, Patient())

    assert "secret" not in str(caught.value)
    assert "secret" not in RemoteWriteSink(Receiver(url, tls_context(TLSConfig()))).name


def test_headers_and_password_are_sent(backfill: Backfill, receiver: ReceivingServer) -> None:
    """A receiver gets what its protocol wants, the headers of the flags, and the user of the URL."""
    secret = backfill.room / "secret"
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
    """What was not taken stays, and is sent without asking Coder again."""
    receiver.responses = [(400, {})]
    refused = backfill("2026-04-09", f"--remote-write={receiver.url}")
    kept, asked = backfill.files(), len(backfill.asked())
    taken = backfill("2026-04-09", f"--remote-write={receiver.url}")

    assert (1, 0) == (refused.returncode, taken.returncode)
    assert "out-of-order window" in refused.stderr
    assert 1 == len(kept)
    assert asked == len(backfill.asked())
    assert [] == backfill.files()
