"""The shipped proxy files, tried with the programs they are for: limits, and what is packed on the way."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.house.source import ROOT

DEPLOY = ROOT / "deploy"
PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
CADDY, NGINX = (shutil.which(name, path=PATH) for name in ("caddy", "nginx"))
WORDS = b"many words that repeat, many words that repeat\n" * 200
pytestmark = pytest.mark.processes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Upstream(BaseHTTPRequestHandler):
    """Answers as our server does, as far as proxies see it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        is_open = self.path.startswith(("/help", "/static/", "/ap/"))
        self._answer(200, WORDS, "public, max-age=60" if is_open else "no-store")

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        if length > 1024 * 1024:
            self._answer(413, b"too large", "no-store")
            with contextlib.suppress(OSError):
                self.rfile.read(length)
            return
        self.rfile.read(length)
        self._answer(200, b"taken", "no-store")

    def _answer(self, status: int, body: bytes, cache: str) -> None:
        kind = "application/activity+json" if self.path.startswith("/ap/") else "text/html; charset=utf-8"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", cache)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def running(command: list[str], port: int, **environ: str) -> Iterator[int]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": PATH, **environ}
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=20)


def through_caddy(upstream: int, directory: Path) -> contextlib.AbstractContextManager[int]:
    assert CADDY is not None
    port, text = free_port(), (DEPLOY / "Caddyfile").read_text()
    version = subprocess.run([CADDY, "version"], capture_output=True, text=True, check=True).stdout
    if version.lstrip("v").startswith(("2.4", "2.5", "2.6", "2.7")):
        text = text.replace("log_skip", "skip_log")  # as the file says
    file = directory / "Caddyfile"
    file.write_text(text.replace("{\n", "{\n\tadmin off\n", 1))
    command = [CADDY, "run", "--config", str(file), "--adapter", "caddyfile"]
    domain, to = f"http://localhost:{port}", f"127.0.0.1:{upstream}"
    return running(command, port, DOMAIN=domain, UPSTREAM=to, HOME=str(directory))


def through_nginx(upstream: int, directory: Path) -> contextlib.AbstractContextManager[int]:
    assert NGINX is not None
    port, text = free_port(), (DEPLOY / "nginx.conf").read_text()
    text = text.partition("server {\n    listen 80;")[0].replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    lines = [line for line in text.splitlines() if "ssl_" not in line and "listen [::]" not in line]
    text = "\n".join(lines).replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    text = text.replace("/var/log/nginx", str(directory))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    spaces = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    user = "user root; " if os.geteuid() == 0 else ""
    file = directory / "nginx.conf"
    file.write_text(
        f"daemon off; {user}pid {directory}/pid; error_log {directory}/errors;\n"
        f"events {{}}\nhttp {{\n{spaces}{text}\n}}\n"
    )
    return running([NGINX, "-c", str(file)], port)


@pytest.fixture(
    params=[
        pytest.param(through_caddy, id="caddy", marks=pytest.mark.skipif(
            CADDY is None, reason="CADDY IS NOT INSTALLED: deploy/Caddyfile is not tried")),
        pytest.param(through_nginx, id="nginx", marks=pytest.mark.skipif(
            NGINX is None, reason="NGINX IS NOT INSTALLED: deploy/nginx.conf is not tried")),
    ]
)  # fmt: skip
def proxy(request: pytest.FixtureRequest, upstream: int) -> Iterator[int]:
    directory = Path(tempfile.mkdtemp(prefix="fs-proxy-"))
    try:
        with request.param(upstream, directory) as port:
            yield port
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(method, path, body or None, {"Host": f"localhost:{port}", **named})
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer


def test_a_body_beyond_the_limit_is_413(proxy: int) -> None:
    assert ask(proxy, "POST", "/ap/inbox", b"x" * (1024 * 1024 + 1)).status == 413
    assert ask(proxy, "POST", "/ap/inbox", b"x" * (1024 * 1024)).status == 200


def test_header_lines_of_less_than_the_limit_pass_and_longer_ones_do_not(proxy: int) -> None:
    assert ask(proxy, "GET", "/", Cookie="x" * 30_000).status == 200
    assert ask(proxy, "GET", "/", Cookie="x" * 70_000).status in (400, 431)


def test_what_holds_no_secret_is_packed_and_nothing_else(proxy: int) -> None:
    for path in ("/help", "/static/style.css", "/ap/o/x"):
        assert ask(proxy, "GET", path, Accept_Encoding="gzip").getheader("content-encoding") == "gzip", path
    for path in ("/home", "/sign-in", "/api/v1/timelines/home"):
        assert ask(proxy, "GET", path, Accept_Encoding="gzip").getheader("content-encoding") is None, path


def test_what_is_for_operators_is_not_shown_outside(proxy: int) -> None:
    assert ask(proxy, "GET", "/metrics").status == ask(proxy, "GET", "/readyz").status == 404
