"""nginx as a reverse proxy with TLS."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import require
from tests.integration.waiting import eventually

_CONFIG = """\
daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1; {user} events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; server_name localhost;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    proxy_set_header Host $http_host;
    {location}
  }}
}}
"""


@contextmanager
def run_proxy(folder: Path, authority: trustme.CA, location: str) -> Iterator[str]:
    """Serve `location`, as nginx' config has it, until the block ends; yields the address without a path."""
    program, port = require("nginx"), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    user = "user root;" if os.geteuid() == 0 else ""
    config = _CONFIG.format(folder=folder, user=user, port=port, location=location)
    (folder / "nginx.conf").write_text(config, encoding="utf-8")
    words = (program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors"))
    with running(words, folder, clean_environment(folder, {})) as process:
        try:
            eventually(lambda: _accepts(port), ignoring=(OSError,))
            process.check_alive()
            yield f"https://localhost:{port}"
        finally:
            process.stop()  # one that is killed leaves its worker behind


def _accepts(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
