"""What is asked: targets with weights, as ready request bytes; and which hosts may be asked."""

import ipaddress
import math
import re
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from tidegate.core.errors import UsageError

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
VISIBLE = re.compile(r"[\x21-\x7e]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})  # RFC 9110 §9.2.2
MAX_CYCLE = 10_000

Address = tuple[str, int]


class Header(NamedTuple):
    """A header of a request."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Tag:
    """What in a reply names who answered: a header's value, or group 1 of a pattern in the body.

    Give one of the two. A reply without it has the tag "".
    """

    header: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One request: `url` is absolute and `http`; `weight` is its share among the targets."""

    url: str
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    weight: int = 1
    host: str = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        """Take the URL apart. Raises `UsageError` for what cannot be sent as HTTP/1.1."""
        host, port = _host_and_port(self.url)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "port", port)
        wrong = self._fault()
        if wrong:
            raise UsageError(f"the target {self.url!r} has {wrong}", code="TG151")

    def _fault(self) -> str:
        if not VISIBLE.fullmatch(self.url):
            return "characters that must be percent-encoded"
        if not TOKEN.fullmatch(self.method):
            return f"no HTTP method: {self.method!r}"
        if self.weight < 1:
            return f"a weight below 1: {self.weight}"
        for header in self.headers:
            if not TOKEN.fullmatch(header.name) or not VALUE.fullmatch(header.value):
                return f"a header that HTTP does not allow: {header.name!r}"
            if header.name.lower() in ("content-length", "transfer-encoding"):
                return f"a header that the sender sets itself: {header.name}"
        return ""

    @property
    def name(self) -> str:
        """Method and URL without its query, which may hold secrets."""
        return f"{self.method} {self.url.partition('?')[0]}"

    def request(self) -> bytes:
        """The whole request as sent."""
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = {header.name.lower() for header in self.headers}
        lines = [f"{self.method} {path} HTTP/1.1"]
        if "host" not in given:
            lines.append(f"Host: {parts.netloc.rpartition('@')[2]}")
        if "user-agent" not in given:
            lines.append("User-Agent: tidegate-load")
        lines += [f"{header.name}: {header.value}" for header in self.headers]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def _host_and_port(url: str) -> Address:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme == "https":
        raise UsageError(
            f"the target {url!r} wants TLS, which the load generator does not speak",
            remedy="load the plain listener; TLS costs the same on either side of a comparison",
            code="TG152",
        )
    if parts.scheme != "http" or not host:
        raise UsageError(
            f"the target {url!r} is no URL", remedy="write http://HOST[:PORT]/PATH", code="TG151"
        )
    return host, 80 if port is None else port


def cycle(weights: Sequence[int]) -> tuple[int, ...]:
    """The order in which targets are asked, as indices, to be repeated: nginx's smooth weighting.

    Each target appears exactly in its share, spread evenly. Raises `UsageError` when there is no
    target, or a cycle would be longer than 10,000.
    """
    total = sum(weights)
    divisor = math.gcd(*weights)
    if not divisor or total // divisor > MAX_CYCLE:
        raise UsageError(
            f"{len(weights)} targets with weights that add up to {total}",
            remedy=f"give at least one target, and weights that add up to at most {MAX_CYCLE}",
            code="TG151",
        )
    current = [0] * len(weights)
    order = []
    for _ in range(total // divisor):
        current = [now + weight for now, weight in zip(current, weights, strict=True)]
        first = max(range(len(weights)), key=current.__getitem__)
        current[first] -= total
        order.append(first)
    return tuple(order)


def permit(targets: Sequence[Target], hosts: Collection[str] = ()) -> dict[Address, Address]:
    """The address to connect to for each target's (host, port).

    Only loopback is allowed, and hosts (or `host:port`) that the caller names in `hosts`: an app's
    own listeners, or what a person said in words. Raises `UsageError` for any other, and for a
    name that cannot be resolved. A name must resolve to loopback only.
    """
    allowed = {}
    for host, port in {(target.host, target.port) for target in targets}:
        found = _resolve(host, port)
        named = host in hosts or f"{host}:{port}" in hosts
        if not named and not all(ipaddress.ip_address(ip).is_loopback for ip in found):
            raise UsageError(
                f"{host} is not this machine, and not a listener of this app",
                cause="load on somebody else's machine is an attack",
                remedy=f"if it is yours to load, say so: --i-may-load {host}",
                code="TG153",
            )
        allowed[(host, port)] = (found[0], port)
    return allowed


def _resolve(host: str, port: int) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"the host {host!r} cannot be found", cause=str(error), code="TG154"
        ) from error
    # IPv4 first: what listens on a machine's "localhost" listens there.
    return [str(row[4][0]) for row in sorted(rows, key=lambda row: row[0] != socket.AF_INET)]
