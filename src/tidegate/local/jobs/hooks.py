"""Lifecycle hooks: a command on this machine, or a web call.

A web call's answer may hold `{"hookStatus": "SUCCEEDED" | "FAILED" | "IN_PROGRESS"}` and, with
IN_PROGRESS, `callBackDelay` in seconds, after which it is called again until the time limit
(Amazon ECS developer guide, "Lifecycle hooks for Amazon ECS service deployments").
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from typing import IO
from urllib.parse import urlsplit

import httpx2

from tidegate.core.decision import RunHook
from tidegate.core.errors import DeploymentError
from tidegate.local.jobs import context
from tidegate.local.jobs.leftover import Leftover
from tidegate.local.jobs.log import Log
from tidegate.local.jobs.site import Site

MOST_BYTES = 64 * 1024
CALL_BACK_DELAY_S = 1.0
"""Amazon's is 30 s; on one machine a call is cheap and a hook's time limit is short."""
GRACE_S = 2.0


def facts(job: RunHook) -> dict[str, str]:
    """What a hook is told, by name. A command gets them as TIDEGATE_<NAME>, a web call as JSON."""
    return {
        "deployment": job.deployment,
        "service": job.service,
        "release": f"v{job.release}",
        "stage": job.hook.stage.value,
        "hook": job.hook.name,
        "weight_percent": f"{job.weight_bp / 100:g}",
    }


def run(site: Site, job: RunHook, log: Log) -> str:
    """Run the hook to its end. Raises `DeploymentError` when it fails or is not done in time."""
    if job.hook.url:
        return _call(job, job.hook.url, log)
    with tempfile.TemporaryDirectory(prefix="tidegate-hook-") as folder:
        _unpack(site, job, folder)
        return _command(job, folder, log)


# --- a command ---------------------------------------------------------------------------------


def _unpack(site: Site, job: RunHook, folder: str) -> None:
    """The files of the release's revision, so that the hook's script is of the same commit."""
    release = site.progress().releases.get(job.release)
    source = site.home.source(release.execution if release else "none")
    with context.revision(source) as tar:
        context.unpack(tar, folder)


def _command(job: RunHook, folder: str, log: Log) -> str:
    if ended := Leftover(log.path).end():
        log.say(ended)
    log.say(f"$ {' '.join(job.hook.command)}")
    log.last = ""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    told = {f"TIDEGATE_{name.upper()}": value for name, value in facts(job).items()}
    try:
        process = subprocess.Popen(
            job.hook.command,
            cwd=folder,
            env=known | told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise DeploymentError(f"{job.hook.command[0]}: {error.strerror}", code="TG521") from error
    return _wait(job, process, log)


def _wait(job: RunHook, process: subprocess.Popen[bytes], log: Log) -> str:
    """Wait for the command, then end whatever it has left in its process group."""
    output = process.stdout
    assert output is not None
    reader = threading.Thread(target=_copy, args=(output, log), name="hook-output", daemon=True)
    reader.start()
    leftover = Leftover(log.path)
    try:
        leftover.note(process.pid)
        code = process.wait(job.hook.timeout_ms / 1000)
    except subprocess.TimeoutExpired:
        raise _late(job) from None
    finally:
        _end(process)
        leftover.forget()
        reader.join(GRACE_S)
    if code:
        said = f": {log.last}" if log.last else ""
        raise DeploymentError(f"exit code {code}{said}", code="TG522")
    return f"{job.hook.name}: exit code 0"


def _copy(output: IO[bytes], log: Log) -> None:
    with output:
        for line in output:
            log.say(line.decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to stop and kill it after a grace; its id is the first process's."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# --- a web call --------------------------------------------------------------------------------


def _call(job: RunHook, url: str, log: Log) -> str:
    """Call until the answer is final. The URL may hold a key, so only its host is ever said."""
    until = time.monotonic() + job.hook.timeout_ms / 1000
    host = urlsplit(url).hostname or "?"
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise _late(job)
        status, delay_s = _once(job, url, left)
        log.say(f"POST to {host}: {status}")
        if status == "SUCCEEDED":
            return f"{job.hook.name}: {host} said SUCCEEDED"
        if status != "IN_PROGRESS":
            raise DeploymentError(f"{host} said {status}", code="TG523")
        time.sleep(max(0.0, min(delay_s, until - time.monotonic())))


def _once(job: RunHook, url: str, limit_s: float) -> tuple[str, float]:
    """The status of one call, and after how many seconds to call again."""
    until = time.monotonic() + limit_s
    try:
        with httpx2.stream("POST", url, json=facts(job), timeout=limit_s) as answer:
            if not answer.is_success:
                return f"HTTP {answer.status_code}", 0
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    return "more than 64 KiB", 0
                if time.monotonic() > until:
                    raise _late(job)
    except httpx2.TimeoutException:
        raise _late(job) from None
    except httpx2.HTTPError as error:
        return f"nothing ({type(error).__name__})", 0
    return _status(body)


def _status(body: bytes) -> tuple[str, float]:
    """What the body says; a body that says nothing of it means SUCCEEDED, as the 2xx does."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "hookStatus" not in said:
        return "SUCCEEDED", 0
    status = re.sub(r"[^A-Z_]", "", str(said["hookStatus"]).upper())[:40]
    return status or "nothing known", _delay_s(said.get("callBackDelay"))


def _delay_s(said: object) -> float:
    if isinstance(said, int | float) and not isinstance(said, bool) and said >= 0:
        return float(said)
    return CALL_BACK_DELAY_S


def _late(job: RunHook) -> DeploymentError:
    return DeploymentError(f"not done in {job.hook.timeout_ms / 1000:g} s", code="TG524")
