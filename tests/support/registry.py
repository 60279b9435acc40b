"""A small private registry: one image, given only to who logs in (OCI distribution API, pull)."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.support.web import running

USER, PASSWORD = "me", "secret"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@contextmanager
def private_registry(name: str) -> Iterator[str]:
    """`127.0.0.1:PORT/NAME:1` in a registry that answers 401 to strangers, until the block ends."""
    blobs, manifest = _image(name)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            if self.headers.get("Authorization") != f"Basic {_token()}":
                self._say(401, "application/json", b"{}", ("WWW-Authenticate", 'Basic realm="r"'))
            elif self.path == "/v2/":
                self._say(200, "application/json", b"{}")
            elif "/manifests/" in self.path:
                self._say(200, _MANIFEST, manifest)
            else:
                self._say(200, "application/octet-stream", blobs[self.path.rpartition("/")[2]])

        do_GET = do_HEAD = _handle

        def _say(self, status: int, kind: str, body: bytes, *more: tuple[str, str]) -> None:
            self.send_response(status)
            headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
            for header in (*headers, ("Docker-Content-Digest", _digest(body)), *more):
                self.send_header(*header)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test says what went wrong."""

    with running(Handler) as port:
        yield f"127.0.0.1:{port}/{name}:1"


def log_in(folder: Path, image: str) -> None:
    """What `docker login` writes to the folder that DOCKER_CONFIG names."""
    known = {image.partition("/")[0]: {"auth": _token()}, "another.example": {"auth": _token()}}
    (folder / "config.json").write_text(json.dumps({"auths": known}))


def _token() -> str:
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _image(content: str) -> tuple[dict[str, bytes], bytes]:
    """The blobs of an image with one file, by digest, and its manifest."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        member = tarfile.TarInfo("is")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content.encode()))
    packed = gzip.compress(layer.getvalue(), mtime=0)
    rootfs = {"type": "layers", "diff_ids": [_digest(layer.getvalue())]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [{"mediaType": _LAYER, "size": len(packed), "digest": _digest(packed)}],
    }
    return {_digest(blob): blob for blob in (config, packed)}, json.dumps(manifest).encode()
