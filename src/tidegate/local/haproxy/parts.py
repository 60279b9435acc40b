"""The parts of HAProxy's configuration that do not depend on the app, and why they are so.

Source: HAProxy 2.6 configuration manual; the figures were measured under load.
"""

from tidegate.local.haproxy.routing import SHIFT

# A line for each request goes to the collector: its word, group, status, how it ended, the second,
# and the microseconds it took. It is written when the response's headers have come (`logasap`), as
# ALB's TargetResponseTime is measured; without a response, at the end. One thread keeps the lines
# in the order of their time: a heartbeat's line is a watermark. The process id stays out: it costs
# a system call a line. Requests of the test listener are marked: they are no part of what a release
# answered to users.
# A request's buffer is copied whole for a repeat, so it is no larger than it must be: 15 KiB for
# headers, which is what HAProxy's own setting leaves, and 256 bytes for those that are added.
GLOBAL = """\
global
  nbthread 1
  tune.bufsize 15616
  tune.maxrewrite 256
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
  server collector 127.0.0.1:{port}"""

# `timeout connect` is longer than the second after which a lost SYN is sent again. With 100 ms, a
# machine too busy to let HAProxy run, or a target too busy to accept, looked like a target that was
# gone, and was answered with 503. Up to a second of it is the pause before the same target is tried
# again. One that is really gone refuses at once.
# `abortonclose`: a client that gave up shows in the metrics then, not at the server's timeout.
DEFAULTS = """\
defaults
  mode http
  log global
  {log}
  timeout connect 1500ms
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout check 1s
  http-reuse always
  option logasap
  option abortonclose
  option http-ignore-probes
  option idle-close-on-response
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
  http-error status 503 content-type text/plain string "503: no healthy target\\n\""""

OWN = """\
frontend heartbeat
  bind unix@heartbeat.sock mode 600
  http-request return status 200

backend no-service
  http-request return status 404 content-type text/plain string "404: no such service\\n\"

# Nothing is sent there: that its server is up says that the short way may be taken. A worker that
# stops counts no server as up.
backend settled
  server all 127.0.0.1:1 disabled"""

LOG = 'log-format "{word} {mark}%b %ST %ts %[date] %[date(0,us),sub(txn.start)]"'
START = """\
  tcp-request session set-var(sess.client) src,concat()
  http-request set-var(txn.start) date(0,us)"""

# The client's address, written once for each connection: `option forwardfor` words it anew for each
# request. It stands in the target group, so that what goes to a successor gets it once.
FORWARDED_FOR = "  http-request add-header X-Forwarded-For %[var(sess.client)]"

# The short way (`settled`): one check, then one look for the group by the path. HAProxy reads one
# file as two maps when it is named twice; the second one names groups, once it is settled.
END_IF_SETTLED = "  http-request allow if { nbsrv(settled) gt 0 }"
SEND_IF_SETTLED = "  use_backend %[{look}]"

# Fewest rules where most requests pass: the map's entry (`routing`) names both groups, so the draw
# is two rules. What a rule before it has sent somewhere does not begin with `shift:` any more.
END_UNLESS_SHIFT = f"  http-request allow unless {{ var(txn.to) -m beg {SHIFT} }}"
TO_TEST = "  http-request set-var(txn.to) var(txn.to),field(5,:) if !{ var(txn.to) -m end :- }"
BY_HEADER = (
    "  http-request set-var(txn.to) str(successor-tests) if !{{ var(txn.to) -m end :- }} {header}"
)
DRAW = f"""\
  http-request set-var(txn.green) var(txn.to),field(2,:)
  http-request set-var(txn.to) var(txn.to),field(4,:) if {{ rand(10000),sub(txn.green) lt 0 }}
  http-request set-var(txn.to) var(txn.to),field(3,:) if {{ var(txn.to) -m beg {SHIFT} }}"""

# RFC 9110 §9.2.2: these may be sent twice. Anything else a target might have begun to act on.
SAFE_TO_REPEAT = (
    "  http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE }"
)

SEND = "  use_backend %[var(txn.to)] if { var(txn.to) -m found }"
SEND_NOWHERE = "  default_backend no-service"

# After a reload, an idle connection of the old worker may still bring one request. It knows neither
# the new targets nor the new weights, so it hands the request to its successor.
TO_SUCCESSOR = "  http-request set-var(txn.to) str(successor-{name}) if {{ stopping }}"
SUCCESSOR = """\
backend successor-{name}
  server successor unix@{name}.sock send-proxy-v2"""

COOKIE = (
    '  http-response add-header Set-Cookie "tidegate-{service}={colour}; Path=/; HttpOnly; '
    'SameSite=Lax" if {{ var(txn.green) -m found }}'
)
STAY_GREEN = (
    "  http-request set-var(txn.to) str({service}-green) "
    "if {{ var(txn.to) -m sub :{service}-green: }} "
    "{{ req.cook(tidegate-{service}) -m str green }} !{{ var(txn.to) -m beg shift:0: }}"
)
STAY_BLUE = (
    "  http-request set-var(txn.to) str({service}-blue) "
    "if {{ var(txn.to) -m sub :{service}-blue: }} "
    "{{ req.cook(tidegate-{service}) -m str blue }} !{{ var(txn.to) -m beg shift:10000: }}"
)

ALL = "".join(
    (
        *(GLOBAL, DEFAULTS, LOG, OWN, START, END_IF_SETTLED, SEND_IF_SETTLED, END_UNLESS_SHIFT),
        *(TO_TEST, BY_HEADER, DRAW, SEND, SEND_NOWHERE, FORWARDED_FOR, SAFE_TO_REPEAT),
        *(TO_SUCCESSOR, SUCCESSOR, COOKIE, STAY_GREEN, STAY_BLUE),
    )
)
"""Everything, to tell one version of it from another."""
