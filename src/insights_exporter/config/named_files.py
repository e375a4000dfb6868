"""Whether the files that a deployment names can be used, and by whom else."""

import os
import ssl
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from insights_exporter.config.problems import Place, Problem, Wrong
from insights_exporter.config.settings import Deployment, Tls
from insights_exporter.config.tokens import current_token, file_text, key_of_file, unreadable
from insights_exporter.config.translation import Found


def unusable_files(deployment: Deployment, environ: Mapping[str, str]) -> Iterator[Found]:
    """Return which files and variables of `deployment` cannot be used now."""
    if deployment.token_file or deployment.token_env:
        key = "token_file" if deployment.token_file else "token_env"
        yield from _tried((key,), lambda: current_token(deployment, environ))
    if key_file := deployment.users.key_file:
        yield from _tried(("users", "key_file"), lambda: key_of_file(key_file))
    for place, what, remedy in unusable_certificates(deployment.tls):
        yield ("tls", *place), what, remedy


def unusable_certificates(tls: Tls) -> Iterator[Found]:
    """Return which files of `tls` cannot be used now, by their keys."""
    if ca_file := tls.ca_file:
        yield from _tried(("ca_file",), lambda: _load_authorities(ca_file))
    if (cert_file := tls.cert_file) and (own_key := tls.key_file):
        yield from _tried(("cert_file",), lambda: _load_certificate(cert_file, own_key))


def unusable_key_log(environ: Mapping[str, str]) -> Iterator[Problem]:
    """Return what is wrong with the file that Python writes TLS keys to when it makes a context."""
    if path := environ.get("SSLKEYLOGFILE"):
        try:
            Path(path).open("ab").close()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "not a path").lower()
            yield Problem(
                "", "SSLKEYLOGFILE", f"cannot be written: {reason}", "unset it, or name another file"
            )


def open_files(deployment: Deployment) -> Iterator[Found]:
    """Warn of files with secrets that others can read."""
    named = {
        ("token_file",): deployment.token_file,
        ("users", "key_file"): deployment.users.key_file,
        ("tls", "key_file"): deployment.tls.key_file,
    }
    for place, path in named.items():
        if path is not None and (mode := _open_mode(path)):
            yield place, f"{path} is open to others (mode {mode:04o})", f"chmod 600 {path}"


def open_settings(path: Path, deployments: Iterable[Deployment]) -> Iterator[Found]:
    """Warn of a settings file that holds secrets itself and that others can read."""
    held = any(one.token or one.users.key or one.headers or one.proxy for one in deployments)
    if held and (mode := _open_mode(path)):
        what = f"holds secrets and is open to others (mode {mode:04o})"
        yield (), what, f"chmod 600 {path}, or keep them in files of their own"


def _load_authorities(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise Wrong(f"{path} holds no certificates", "name a file in PEM form") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _load_certificate(cert_file: Path, key_file: Path) -> None:
    for path in (cert_file, key_file):
        file_text(path)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(cert_file, key_file, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError):
        what = f"{cert_file} and {key_file} are not a certificate and its unencrypted key"
        raise Wrong(what, "name two PEM files that belong together") from None


def _tried(place: Place, attempt: Callable[[], object]) -> Iterator[Found]:
    try:
        attempt()
    except Wrong as wrong:
        yield place, wrong.what, wrong.remedy


def _open_mode(path: Path) -> int:
    """Give the mode of a file that more people can use than must, else 0.

    A group is in order where the file belongs to somebody else: then it is
    by the group that the exporter may read it, as with Kubernetes' secrets.
    """
    try:
        status = path.stat()
    except OSError:
        return 0
    theirs = stat.S_IRWXO | (stat.S_IRWXG if status.st_uid == os.geteuid() else 0)
    return stat.S_IMODE(status.st_mode) if status.st_mode & theirs else 0
