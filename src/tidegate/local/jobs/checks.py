"""Smoke checks: a few requests to the test listener, before the candidate gets production traffic.

A check's path is a full path on the listener. Each is tried up to `attempts` times, a second apart.
"""

import ssl
import time

import httpx2

from tidegate.core.decision import RunChecks
from tidegate.core.errors import DeploymentError
from tidegate.core.model import Listener, Service, TrafficCheck
from tidegate.local.jobs.log import Log

MOST_BYTES = 1024 * 1024
BETWEEN_S = 1.0


def check(listener: Listener, job: RunChecks, log: Log) -> str:
    """Send every check. Raises `DeploymentError` with what was got, at the first that fails."""
    for one in job.checks:
        url = _url(listener, one.path)
        headers = {listener.test_header: "1", **_route_headers(job.service, one.path)}
        for attempt in range(1, one.attempts + 1):
            wrong = _try(url, headers, one)
            log.say(f"GET {url}: {wrong or 'as it should be'} ({attempt} of {one.attempts})")
            if wrong is None:
                break
            if attempt < one.attempts:
                time.sleep(BETWEEN_S)
        else:
            raise DeploymentError(f"GET {one.path} {wrong}", code="TG510")
    count = len(job.checks)
    return f"{count} check{'' if count == 1 else 's'} passed"


def _try(url: str, headers: dict[str, str], one: TrafficCheck) -> str | None:
    """What is wrong with the answer, or None."""
    until = time.monotonic() + one.timeout_ms / 1000
    try:
        with (
            httpx2.Client(verify=_unverified(), trust_env=False) as client,
            client.stream("GET", url, headers=headers, timeout=one.timeout_ms / 1000) as answer,
        ):
            if answer.status_code != one.status:
                return f"answered {answer.status_code}, not {one.status}"
            if one.contains is None:
                return None
            body = b""
            for part in answer.iter_bytes():
                body += part
                if one.contains.encode() in body:
                    return None
                if len(body) > MOST_BYTES or time.monotonic() > until:
                    break
            return f"answered {one.status} without {one.contains!r} in it"
    except httpx2.TimeoutException:
        return f"did not answer in {one.timeout_ms} ms"
    except httpx2.HTTPError as error:
        return f"could not be asked: {error}"


def _url(listener: Listener, path: str) -> str:
    host = listener.address if listener.address not in ("", "0.0.0.0", "::") else "127.0.0.1"
    scheme = "https" if listener.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.test_port}{path}"


def _route_headers(service: Service, path: str) -> dict[str, str]:
    """The headers that a request needs to be routed to the service at all."""
    for route in service.routes:
        if path.startswith(route.path):
            return {header.name: header.value for header in route.headers}
    return {}


def _unverified() -> ssl.SSLContext:
    """Our own listener is asked by its address, which its certificate does not name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
