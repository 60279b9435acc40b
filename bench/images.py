"""The images of a bench: one app in several versions, and the balancer of the peer.

All are made on the private engine from the machine's own Debian packages, so no registry is asked.
A version differs from the next by its environment alone.
"""

import io
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from tidegate.local import engine_socket
from tidegate.local.bases import stand_in
from tidegate.local.bases.recipes import RECIPES, Recipe

APP = Path(__file__).parent / "app" / "app.py"
HAPROXY = Recipe("haproxy", "haproxy", ("haproxy",), ("haproxy", "-db", "-f", "/haproxy.cfg"))
BALANCER = "localhost/bench-balancer:1"
# Debian compiles Python's library when it is installed, which a stand-in never was.
_APP = """\
FROM {base}
RUN ["python3", "-S", "-c", "import asyncio"]
COPY app.py /app.py
CMD ["python3", "-I", "-S", "/app.py"]
ENV VERSION={version} MODE={mode} ERRORS={errors}
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the app: its name in the answers, and what is wrong with it."""

    name: str
    mode: str = "good"
    errors: int = 0

    @property
    def image(self) -> str:
        """The name of its image."""
        return f"localhost/bench-app:{self.name}"


GOOD = (Version("v1"), Version("v2"))
ABRUPT = (Version("abrupt1", "abrupt"), Version("abrupt2", "abrupt"))
ERRORS_3 = Version("errors3", "errors", 3)
ERRORS_5 = Version("errors5", "errors", 5)
SLOW = Version("slow3", "slow")
ALL = (*GOOD, *ABRUPT, ERRORS_3, ERRORS_5, SLOW)


def make(engine: str, balancer: str) -> None:
    """Make every image on the engine; `balancer` is the configuration of the peer's HAProxy."""
    client = engine_socket.connect(engine)
    base = stand_in(RECIPES["python"], client, say).image
    app = APP.read_bytes()
    for one in ALL:
        text = _APP.format(base=base, version=one.name, mode=one.mode, errors=one.errors)
        _build(client, one.image, text, {"app.py": app})
    proxy = stand_in(HAPROXY, client, say).image
    text = f"FROM {proxy}\nCOPY haproxy.cfg /haproxy.cfg\n"
    _build(client, BALANCER, text, {"haproxy.cfg": balancer.encode()})


def say(text: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


def _build(client: DockerClient, name: str, dockerfile: str, files: dict[str, bytes]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, data in {**files, "Dockerfile": dockerfile.encode()}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    packed.seek(0)
    client.images.build(fileobj=packed, custom_context=True, tag=name, rm=True)
