"""The smoke checks of a service, from a function in the network to the test listener."""

import http.client
import ssl
import time
import urllib.error
import urllib.request

from tidegate.core.model import TrafficCheck

_MOST_BYTES = 1024 * 1024
_BETWEEN_S = 1.0


def failing(url: str, checks: tuple[TrafficCheck, ...]) -> str:
    """What the first check that fails was answered, or nothing. Each has its attempts."""
    for one in checks:
        wrong = ""
        for attempt in range(one.attempts):
            if attempt:
                time.sleep(_BETWEEN_S)
            wrong = _wrong(url.rstrip("/") + one.path, one)
            if not wrong:
                break
        if wrong:
            return f"GET {one.path} {wrong}"
    return ""


def _wrong(url: str, one: TrafficCheck) -> str:
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    request = urllib.request.Request(url, headers={"user-agent": "tidegate-check"})
    timeout_s = one.timeout_ms / 1_000
    try:
        with _opener(context).open(request, timeout=timeout_s) as answer:
            return _judged(answer.status, answer.read(_MOST_BYTES), one)
    except urllib.error.HTTPError as error:
        with error:
            return _judged(error.code, error.read(_MOST_BYTES), one)
    except TimeoutError:
        return f"did not answer in {one.timeout_ms} ms"
    except (OSError, http.client.HTTPException) as error:
        return f"could not be asked: {getattr(error, 'reason', error)}"


def _judged(status: int, body: bytes, one: TrafficCheck) -> str:
    if status != one.status:
        return f"answered {status}, not {one.status}"
    if one.contains is not None and one.contains.encode() not in body:
        return f"answered {status} without {one.contains!r} in it"
    return ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: a check may expect it."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """No proxy of the environment, no redirect followed."""
    secure = urllib.request.HTTPSHandler(context=context)
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), secure, _Stay)
