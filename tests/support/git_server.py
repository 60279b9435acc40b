"""A real git HTTP server: git's own `http-backend` behind a small server that wants a token."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.support.web import running


@dataclass
class GitServer:
    """Serves the repositories below `root`. `refused` counts the requests without the token."""

    root: Path
    token: str
    port: int = 0
    refused: int = 0
    redirect_to: str = ""
    seen: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def opens(self, header: str) -> bool:
        """Whether the Authorization header holds the token, as GitHub takes it."""
        known = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return not self.token or header == f"Basic {known}"


@contextmanager
def git_server(root: Path, token: str = "") -> Iterator[GitServer]:
    """The server on a free port of loopback, until the block ends."""
    server = GitServer(root, token)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            server.seen.append(self.headers.get("Authorization", ""))
            if server.redirect_to:
                self.send_response(302)
                self.send_header("Location", server.redirect_to + self.path)
                self.end_headers()
            elif server.opens(self.headers.get("Authorization", "")):
                self._run(_cgi(server.root, self))
            else:
                server.refused += 1
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()

        do_GET = do_POST = _handle

        def _run(self, environ: dict[str, str]) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            done = subprocess.run(
                ["git", "http-backend"], env=environ, input=body, capture_output=True, check=True
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with running(Handler) as port:
        server.port = port
        yield server


def _cgi(root: Path, request: BaseHTTPRequestHandler) -> dict[str, str]:
    path, _, query = request.path.partition("?")
    return {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": request.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
