"""The parsers of what people write, and of what the parts beside us answer: app files, waivers,
HAProxy's tables, replies under load, the journal."""

import json
from collections.abc import Iterable

from tests.support.app_files import EVERYTHING
from tests.support.parser import Parser
from tidegate.cli.reference import sample
from tidegate.core.model import App, Service
from tidegate.engine import codec
from tidegate.load.reply import Malformed, Reply
from tidegate.local.haproxy import routing, tables
from tidegate.spec import loads
from tidegate.spec.waivers import collect


class _One:
    """A revision with one file of waivers beside its app file."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name, self._data = name, data

    def names(self) -> Iterable[str]:
        return [self._name]

    def read(self, path: str, most: int) -> bytes | None:
        return self._data[:most]


def _waivers(name: str, *seeds: str) -> Parser:
    app = App("shop", (Service("cats"),))
    return Parser(
        lambda data: collect(app, _One(name, data)).gate.waivers,
        tuple(seed.encode() for seed in seeds),
    )


def _journal(data: bytes) -> object:
    """What can be read can be written, and read again, and is the same."""
    event = codec.decode(data.decode("utf-8", "replace"))
    written = codec.encode(event)
    if codec.encode(codec.decode(written)) != written:
        raise AssertionError("an event is another one after it was written and read")
    return event


def _tables(data: bytes) -> object:
    """Four answers of HAProxy and those of an old worker, parted by lines of `=`."""
    answers = data.decode("utf-8", "replace").split("\n=\n")
    workers, sessions, *look = [*answers, *[""] * 6][:8]
    found: list[object] = [tables.parse_sessions(sessions, ("shop-blue", "t1"))]
    try:
        pids = tables.parse_workers(workers)
        seen = tables.parse_look(pids, look[:4], [look[4:6]] * (len(pids) - 1))
        found.append([routing.routing(name, said) for name, said in seen.services.items()])
        found += [pids, seen, seen.active(("shop-blue", "t1"))]
    except (ValueError, KeyError) as refused:  # what they say they raise
        found.append(type(refused))
    return found


def _reply(data: bytes) -> object:
    """Cut anywhere, it says the same."""
    whole = _fed(data, len(data) or 1)
    if whole != _fed(data, 7):
        raise AssertionError("a reply in pieces reads otherwise than at once")
    return whole


def _fed(data: bytes, size: int) -> tuple[object, ...]:
    reply = Reply(False, "X-Group")
    try:
        for at in range(0, len(data), size):
            if reply.done:
                break
            reply.feed(data[at : at + size])
        reply.end()
    except Malformed:
        return ("malformed",)
    return reply.done, reply.status, reply.tag


_TRIVY_YAML = """vulnerabilities:
  - id: CVE-2026-1
    expired_at: 2026-12-31
    statement: not reachable
    purls: [pkg:pypi/a@1]
"""
_OSV_TOML = """[[IgnoredVulns]]
id = "CVE-2026-1"
ignoreUntil = 2026-12-31
reason = "not reachable"

[[PackageOverrides]]
name = "a"
ecosystem = "PyPI"
ignore = true
"""
_OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "author": "ann",
    "timestamp": "2026-01-01T00:00:00Z",
    "statements": [
        {
            "vulnerability": {"name": "CVE-2026-1", "aliases": ["GHSA-1"]},
            "products": [{"@id": "pkg:oci/shop", "subcomponents": [{"@id": "pkg:pypi/a@1"}]}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_present",
        }
    ],
}
_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"bom-ref": "a", "type": "library", "name": "a", "purl": "pkg:pypi/a@1"}],
    "vulnerabilities": [
        {
            "id": "CVE-2026-1",
            "analysis": {"state": "not_affected", "justification": "code_not_present"},
            "affects": [{"ref": "a"}],
        }
    ],
}
_STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port
3 shop-blue 1 t1 127.0.0.1 2 0 100 8080
3 shop-blue 2 t2 127.0.0.1 2 8 0 8081
"""
_STAT = """# pxname,svname,scur,status,req_tot
shop-blue,t1,2,UP,
shop-blue,t2,0,MAINT,
shop-blue,BACKEND,2,UP,17
"""
_PROC = "#<PID> <type> <reloads>\n10 master 2\n# workers\n30 worker 0\n# old workers\n20 worker 1\n"
_SESS = "0x1: proto=tcpv4 fe=l be=shop-blue srv=t1 ts=00\n"
_INFO = "Name: HAProxy\nPid: 30\ndescription: 3f9c\n"
_MAP = "0x1 shop shift:2500:green\n0x2 cats cats-green\n"
_ANSWERS = "\n=\n".join((_PROC, _SESS, _INFO, _MAP, _STATE, _STAT, _STATE, _STAT))
_REPLIES = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Group: blue\r\n\r\n"
    b"5;name=x\r\nhello\r\n11\r\n, colour=green ok\r\n0\r\nTrailer: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\nConnection: keep-alive\r\n"
    b"Content-Length: 4\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\n\r\nto the end",
)

PARSERS_OF_TEXT: dict[str, Parser] = {
    "app file": Parser(loads, (EVERYTHING.encode(), b"app: shop\nservices: {cats: {}}\n")),
    "trivyignore": _waivers(".trivyignore", "# why\nCVE-2026-1 exp:2026-12-31\n\nGHSA-1\n"),
    "trivyignore yaml": _waivers(".trivyignore.yaml", _TRIVY_YAML),
    "osv-scanner toml": _waivers("osv-scanner.toml", _OSV_TOML),
    "vex": _waivers("vex.json", json.dumps(_OPENVEX), json.dumps(_CYCLONEDX)),
    "haproxy tables": Parser(_tables, (_ANSWERS.encode(),)),
    "load reply": Parser(_reply, _REPLIES),
    "journal": Parser(
        _journal, tuple(codec.encode(sample(kind)).encode() for kind in codec.EVENTS.values())
    ),
}
