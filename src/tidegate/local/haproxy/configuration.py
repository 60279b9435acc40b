"""The app file as HAProxy's configuration. Pure text: nothing here touches the machine.

The way of a request, cheapest first. One look finds the service by its path and where its traffic
goes (`routing`); as long as no deployment runs, that is a target group, and the rules end there.
Only during a shift do the test header, the cookie and the draw by weight follow.
"""

import hashlib
import os
from dataclasses import dataclass

from tidegate.core.model import App, Colour, Listener, Service
from tidegate.core.routing import listener_key
from tidegate.local.haproxy.quoting import quoted, word
from tidegate.local.haproxy.routes import PathRules, path_rules
from tidegate.local.haproxy.routing import SHIFT, group
from tidegate.local.haproxy.servers import Servers, with_servers

NO_SERVICE = "no-service"
PRODUCTION = "production"
TESTS = "tests"
_LISTENER = "# listener "


@dataclass(frozen=True, slots=True)
class Configuration:
    """`text` is the configuration file; `routes` the map that it reads under `routes_name`."""

    text: str
    routes: str
    routes_name: str


def render(app: App, servers: Servers, max_connections: int) -> Configuration:
    """Everything that HAProxy needs to serve the app with these targets.

    The map of routes is named by its content, so that a new configuration and its map take effect
    together. Raises `SetupError` TG226 for a value that cannot be written in it.
    """
    rules = path_rules(app.services)
    routes_name = f"routes-{_digest(rules.map)}.map"
    sections = [
        _LISTENER + listener_key(app),
        _GLOBAL.format(max_connections=max_connections, mark=mark(listener_key(app))),
        _DEFAULTS,
        _production(app, rules, routes_name),
        _tests(app, rules, routes_name),
        _OWN,
        *(_SUCCESSOR.format(name=name) for name in (PRODUCTION, TESTS)),
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


def mark(listener: str) -> str:
    """What a process that runs with this listener says of itself (`description`).

    The templates are part of it: a new Tidegate does not take an old one's process for its own.
    """
    return f"tidegate-{_digest(listener + _TEMPLATES)}"


# --- the parts of the file -------------------------------------------------------------------

# A line for each request goes to the collector: R, group, status, how it ended, the second of its
# end, microseconds to the response's headers ("-" without) and to the end. One thread keeps the
# lines in the order of their time, which is what makes a heartbeat's line a watermark.
_GLOBAL = """\
global
  nbthread 1
  maxconn {max_connections}
  description {mark}
  stats socket unix@worker.sock mode 600 level admin expose-fd listeners
  stats timeout 1h
  hard-stop-after 1h
  log ring@requests format raw local0 info
  ssl-default-bind-options ssl-min-ver TLSv1.2

ring requests
  format raw
  maxlen 256
  size 8388608
  timeout connect 1s
  timeout server 10s
  server collector unix@collector.sock"""

# `timeout connect` is also the pause before a retry on the same target. The targets are near.
# `abortonclose`: a client that gave up shows in the metrics then, not at the server's timeout.
_DEFAULTS = """\
defaults
  mode http
  log global
  log-format "R %b %ST %ts %[date] %[var(txn.first)] %[date(0,us),sub(txn.start)]"
  timeout connect 100ms
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout check 500ms
  http-reuse always
  option abortonclose
  option http-ignore-probes
  option idle-close-on-response
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
  http-error status 503 content-type text/plain string "503: no healthy target\\n\""""

_OWN = """\
frontend heartbeat
  bind unix@heartbeat.sock mode 600
  http-request return status 200

backend no-service
  http-request return status 404 content-type text/plain string "404: no such service\\n\""""

_START = "  http-request set-var(txn.start) date(0,us)"
_FIRST = "  http-after-response set-var(txn.first) date(0,us),sub(txn.start)"
_END_UNLESS_SHIFT = f"  http-request allow unless {{ var(txn.to) -m beg {SHIFT} }}"
_TO_TEST = "  http-request set-var(txn.colour) var(txn.to),field(3,:) if !{ var(txn.to) -m end :- }"
_DRAW = """\
  http-request set-var(txn.green) var(txn.to),field(2,:) unless { var(txn.colour) -m found }
  http-request set-var(txn.draw) rand(10000),sub(txn.green) unless { var(txn.colour) -m found }
  http-request set-var(txn.colour) str(green) if { var(txn.draw) -m int lt 0 }
  http-request set-var(txn.colour) str(blue) unless { var(txn.colour) -m found }
  http-request set-var(txn.to) var(txn.service),concat(-,txn.colour)"""
# After a reload, an idle connection of the old worker may still bring one request. It knows neither
# the new targets nor the new weights, so it hands the request to its successor.
_SEND = f"""\
  use_backend successor-{{name}} if {{{{ stopping }}}}
  use_backend %[var(txn.to)]
  default_backend {NO_SERVICE}"""
_SUCCESSOR = """\
backend successor-{name}
  server successor unix@{name}.sock send-proxy-v2"""

# RFC 9110 §9.2.2: these may be sent twice. Anything else a target might have begun to act on.
_SAFE_TO_REPEAT = (
    "  http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE }"
)
_COOKIE = (
    '  http-response add-header Set-Cookie "tidegate-{service}={colour}; Path=/; HttpOnly; '
    'SameSite=Lax" if {{ var(txn.draw) -m found }}'
)
_STAY_GREEN = (
    "  http-request set-var(txn.colour) str(green) if !{{ var(txn.colour) -m found }} "
    "{{ var(txn.service) -m str {service} }} {{ req.cook(tidegate-{service}) -m str green }} "
    "!{{ var(txn.to) -m beg shift:0: }}"
)
_STAY_BLUE = (
    "  http-request set-var(txn.colour) str(blue) if !{{ var(txn.colour) -m found }} "
    "{{ var(txn.service) -m str {service} }} {{ req.cook(tidegate-{service}) -m str blue }} "
    "!{{ var(txn.to) -m beg shift:10000: }}"
)
_TEMPLATES = "".join(
    (_GLOBAL, _DEFAULTS, _OWN, _SUCCESSOR, _DRAW, _SEND, _COOKIE, _STAY_GREEN, _STAY_BLUE)
)


def _production(app: App, rules: PathRules, routes_name: str) -> str:
    """The listener of production traffic: tests by header, then the cookie, then the draw."""
    header = f"{{ req.hdr({word(app.listener.test_header)}) -m found }}"
    cookies = [
        line.format(service=service.name)
        for service in app.services
        if service.sticky
        for line in (_STAY_GREEN, _STAY_BLUE)
    ]
    choose = [rules.in_shift(routes_name), f"{_TO_TEST} {header}", *cookies, _DRAW]
    bind = _bind(app.listener, app.listener.port)
    return _frontend(PRODUCTION, bind, rules.always(routes_name), choose)


def _tests(app: App, rules: PathRules, routes_name: str) -> str:
    """The listener of test traffic: it needs no header, and no cookie holds it back."""
    choose = [rules.in_shift(routes_name), _TO_TEST, _DRAW]
    bind = _bind(app.listener, app.listener.test_port)
    return _frontend(TESTS, bind, rules.always(routes_name), choose)


def _frontend(name: str, bind: str, find: list[str], choose: list[str]) -> str:
    head = [f"frontend {name}", bind, f"  bind unix@{name}.sock mode 600 accept-proxy", _START]
    tail = [*choose, _FIRST, _SEND.format(name=name)]
    return "\n".join([*head, *find, _END_UNLESS_SHIFT, *tail])


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
    lines = [f"backend {name}", "  balance roundrobin", "  option forwardfor"]
    if not service.retry_unsafe:
        lines.append(_SAFE_TO_REPEAT)
    if service.sticky:
        lines.append(_COOKIE.format(service=service.name, colour=colour))
    return "\n".join(lines)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
