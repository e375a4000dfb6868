"""Secrets do not appear in errors and reprs, and token files are read safely."""

import asyncio
import os
import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import Request
from insights_exporter.config.loader import load_config
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.coder.deployments import client, deployment
from tests.faults.observation import observe
from tests.integration.exporter import Exporter, StartExporter
from tests.integration.programs import skip
from tests.integration.waiting import eventually

TOKEN = "0123456789-abcdefghijklmnopqrstuv"  # noqa: S105 -- it opens nothing
OTHER = "9876543210-vutsrqponmlkjihgfedcba"
SMALL = Population(seed=1, users=5, templates=2)


@pytest.mark.parametrize("fault", ["401", "redirect", "no-response", "reset"])
async def test_no_secret_in_a_traceback(fault: str) -> None:
    """Neither the traceback of a failure nor its chained errors contain a token."""
    coder = EmbeddedCoder(population=SMALL, token=TOKEN)
    coder.fail(fault)
    with serve(coder) as url:
        async with client(deployment(url, timeout="1s", token=TOKEN), token=lambda: TOKEN) as one:
            with pytest.raises(ApiError) as failed:
                await one.coder.get(
                    Request("/insights/daus"), one.options(asyncio.get_running_loop().time() + 0.5)
                )

    assert TOKEN not in "".join(traceback.format_exception(failed.value))
    assert TOKEN not in repr(failed.value)
    assert failed.value.__cause__ is None


def test_no_secret_in_a_repr(tmp_path: Path) -> None:
    """The repr of a config contains no secret."""
    config = write_private(
        tmp_path / "config.yml",
        f"deployments: [{{url: 'https://c.example.com', token: {TOKEN}, headers: {{X-A: {OTHER}}}, "
        f"proxy: 'http://u:{OTHER}@p.example.com', users: {{detail: pseudonymous, key: {OTHER}}}}}]",
    )
    loaded = load_config(config, {}, DATASETS)

    for thing in (
        loaded,
        loaded.config,
        *loaded.config.deployments,
        loaded.config.deployments[0].users,
    ):
        for shown in (repr(thing), str(thing), f"{thing}"):
            assert TOKEN not in shown
            assert OTHER not in shown


def replace_file(directory: Path, token: str) -> Callable[[str], None]:
    """Write a token to a file and return a function that changes it."""
    path = directory / "token"

    def write(text: str) -> None:
        write_private(path.with_suffix(".new"), text).replace(path)

    write(token)
    return write


def replace_linked_folder(directory: Path, token: str) -> Callable[[str], None]:
    """Write a token as Kubernetes does and return a function that changes it: a link to another folder."""
    versions = iter(range(10))
    (directory / "token").symlink_to("..data/token")

    def write(text: str) -> None:
        folder = directory / f"..version-{next(versions)}"
        folder.mkdir()
        write_private(folder / "token", text)
        (directory / "..new").symlink_to(folder.name)
        (directory / "..new").replace(directory / "..data")

    write(token)
    return write


@pytest.mark.parametrize("kept", [replace_file, replace_linked_folder])
def test_rotated_token(
    start_exporter: StartExporter, tmp_path: Path, kept: Callable[[Path, str], Callable[[str], None]]
) -> None:
    """A token that is changed in its file is used from the next poll on, without a reload."""
    coder = EmbeddedCoder(population=SMALL, token=TOKEN, rate_limit=-1)
    rotate = kept(tmp_path, TOKEN)
    with serve(coder) as url:
        config = write_private(tmp_path / "config.yml", enable_one_dataset(url, tmp_path / "token"))
        exporter = start_exporter(f"--config.file={config}")
        eventually(lambda: has_polled(exporter, well=True))
        coder.token = OTHER
        eventually(lambda: has_polled(exporter, well=False))
        rotate(OTHER)
        eventually(lambda: has_polled(exporter, well=True))
        output = exporter.running.output()

    assert output.count("reason=unauthorized") == 2
    assert output.count('msg="poll recovered"') == 1
    assert TOKEN not in output
    assert OTHER not in output


@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        pytest.param(0o600, None, 0, id="mine alone"),
        pytest.param(0o644, None, 1, id="open to all"),
        pytest.param(0o640, None, 1, id="open to my group"),
        pytest.param(0o640, 12345, 0, id="another's, open to my group, as Kubernetes' fsGroup has it"),
    ],
)
def test_file_that_others_can_read(
    start_exporter: StartExporter, tmp_path: Path, mode: int, owner: int | None, expected: int
) -> None:
    """A token file that others can read gets one warning, also after a reload that changes nothing."""
    token = write_private(tmp_path / "token", TOKEN)
    token.chmod(mode)
    if owner is not None:
        chown(token, owner)
    with serve(EmbeddedCoder(population=SMALL, token=TOKEN)) as url:
        config = write_private(tmp_path / "config.yml", enable_one_dataset(url, token))
        exporter = start_exporter(f"--config.file={config}", "--web.enable-lifecycle")
        reload = httpx.post(f"{exporter.url}/-/reload", trust_env=False, timeout=30)
        output = exporter.running.output()

    assert (200, "Config reloaded.\n") == (reload.status_code, reload.text)
    assert expected == output.count("is readable by other users")
    assert mode == stat.S_IMODE(token.stat().st_mode)


def chown(path: Path, owner: int) -> None:
    """Return a file away; only root can."""
    if os.geteuid() != 0:
        skip("only root can give a file away")
    os.chown(path, owner, -1)


def has_polled(exporter: Exporter, *, well: bool) -> bool:
    """Return whether the last poll went so."""
    polls = observe(exporter.page(), 0).polls
    return polls["prod", "daus"].success == float(well)


def enable_one_dataset(url: str, token_file: Path) -> str:
    """Return a config that polls one dataset of one deployment repeatedly."""
    off = "".join(
        f", {name}: {{enabled: false}}"
        for name in ("templates", "periods", "user-activity", "user-latency", "user-status-counts")
    )
    return (
        f"deployments: [{{name: prod, url: '{url}', token_file: {token_file}, requests_per_minute: 10000, "
        f"windows: [today], datasets: {{daus: {{every: 1s}}{off}}}}}]"
    )


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner can read."""
    path.write_text(f"{text}\n", encoding="utf-8")
    path.chmod(0o600)
    return path
