"""The app file as HAProxy's configuration. Pure text: nothing here touches the machine.

The way of a request, cheapest first. As long as nothing shifts, one check says so, and one look
finds the target group by the path (`settled`); rules for headers rule this way out. Else the path
names the service, and the service where its traffic goes (`routing`). Only for a service that
shifts do the test header, the cookie and the draw by weight follow.
"""

import hashlib
import os
from dataclasses import dataclass

from tidegate.core.model import App, Colour, Listener, Service
from tidegate.core.routing import listener_key
from tidegate.local.haproxy import parts, settled
from tidegate.local.haproxy.quoting import quoted, word
from tidegate.local.haproxy.reports import Reports
from tidegate.local.haproxy.routes import PathRules, path_rules
from tidegate.local.haproxy.routing import TEST, group
from tidegate.local.haproxy.servers import Servers, with_servers

PRODUCTION = "production"
TESTS = "tests"
_LISTENER = "# listener "


@dataclass(frozen=True, slots=True)
class Configuration:
    """`text` is the configuration file; `routes` the map that it reads under `routes_name`."""

    text: str
    routes: str
    routes_name: str


def render(app: App, servers: Servers, reports: Reports, max_connections: int) -> Configuration:
    """Everything that HAProxy needs to serve the app with these targets.

    The map of routes is named by its content, so that a new configuration and its map take effect
    together. Raises `SetupError` TG226 for a value that cannot be written in it.
    """
    rules = path_rules(app.services)
    routes_name = f"routes-{_digest(rules.map)}.map"
    sections = [
        _LISTENER + listener_key(app),
        parts.GLOBAL.format(
            max_connections=max_connections,
            mark=mark(listener_key(app), reports),
            port=reports.port,
        ),
        parts.DEFAULTS.format(log=parts.LOG.format(word=reports.word, mark="")),
        _production(app, rules, routes_name),
        _tests(app, rules, routes_name, reports.word),
        parts.OWN,
        *(_successor(name) for name in (PRODUCTION, TESTS)),
        *(_group(s, colour) for s in app.services for colour in Colour),
    ]
    return Configuration(with_servers("\n\n".join(sections), servers), rules.map, routes_name)


def listener_of(configuration: str) -> str:
    """The listener key of the app that the configuration was made from, "" without one."""
    first = configuration.partition("\n")[0]
    return first.removeprefix(_LISTENER) if first.startswith(_LISTENER) else ""


def bound(configuration: str) -> frozenset[str]:
    """The addresses (`host:port`) that the configuration listens on."""
    lines = (line.split() for line in configuration.splitlines())
    return frozenset(w[1] for w in lines if w[:1] == ["bind"] and not w[1].startswith("unix@"))


def mark(listener: str, reports: Reports) -> str:
    """What a process that runs with this listener says of itself (`description`).

    The parts of the file count too: a new Tidegate does not take an old one's process as its own.
    """
    return f"tidegate-{_digest(f'{listener} {reports} {parts.ALL}')}"


def _production(app: App, rules: PathRules, routes_name: str) -> str:
    """The listener of production traffic: the cookie, then the draw; tests go to their own.

    A request with the test header is handed to the listener of test traffic.
    """
    header = f"{{ req.hdr({word(app.listener.test_header)}) -m found }}"
    cookies = [
        line.format(service=service.name)
        for service in app.services
        if service.sticky
        for line in (parts.STAY_GREEN, parts.STAY_BLUE)
    ]
    choose = [parts.BY_HEADER.format(header=header), *cookies, parts.DRAW]
    bind = _bind(app.listener, app.listener.port)
    find, send = rules.always(routes_name), [parts.SEND]
    if not rules.choices:
        find.insert(0, parts.END_IF_SETTLED)
        look = rules.look(settled.of_groups(routes_name))
        send.append(parts.SEND_IF_SETTLED.format(look=look))
    return _frontend(PRODUCTION, bind, find, [*choose, *send])


def _tests(app: App, rules: PathRules, routes_name: str, word_of_lines: str) -> str:
    """The listener of test traffic: it needs no header, and no cookie holds it back."""
    choose = [parts.TO_TEST, parts.DRAW, parts.SEND]
    bind = _bind(app.listener, app.listener.test_port)
    log = "  " + parts.LOG.format(word=word_of_lines, mark=TEST)
    return _frontend(TESTS, f"{bind}\n{log}", rules.always(routes_name), choose)


def _frontend(name: str, bind: str, find: list[str], choose: list[str]) -> str:
    head = [f"frontend {name}", bind, f"  bind unix@{name}.sock mode 600 accept-proxy", parts.START]
    handed = parts.TO_SUCCESSOR.format(name=name)
    return "\n".join([*head, *find, handed, parts.END_UNLESS_SHIFT, *choose, parts.SEND_NOWHERE])


def _successor(name: str) -> str:
    return f"{parts.SUCCESSOR.format(name=name)}\n{parts.SAFE_TO_REPEAT}"


def _bind(listener: Listener, port: int) -> str:
    """The address, with TLS when there is a certificate."""
    line = f"  bind {word(listener.address)}:{port}"
    if listener.certificate is None:
        return line
    secure = "  http-request set-header X-Forwarded-Proto https"
    certificate = quoted(os.path.abspath(listener.certificate))
    return f"{line} ssl crt {certificate} alpn h2,http/1.1\n{secure}"


def _group(service: Service, colour: Colour) -> str:
    """The section of one target group, without its targets."""
    name = group(service.name, colour)
    lines = [f"backend {name}", "  balance roundrobin", parts.FORWARDED_FOR]
    if not service.retry_unsafe:
        lines.append(parts.SAFE_TO_REPEAT)
    if service.sticky:
        lines.append(parts.COOKIE.format(service=service.name, colour=colour))
    return "\n".join(lines)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
