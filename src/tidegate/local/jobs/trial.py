"""Run a service's `test` command inside its image: a throw-away, hardened container, no network."""

import threading
from collections.abc import Iterator
from contextlib import suppress

from docker.errors import APIError
from docker.models.containers import Container

from tidegate.core.decision import RunTests
from tidegate.core.errors import BuildError
from tidegate.core.model import Service
from tidegate.local import images
from tidegate.local.containers.creation import hardening
from tidegate.local.containers.failures import one_line
from tidegate.local.jobs.log import Log
from tidegate.local.jobs.site import Site
from tidegate.local.podman import podman

_JOB = "tidegate.io/job"
_NO_NAME = "failed to exec pid1"
"""Podman's init program does not say which command it could not start."""


def test(site: Site, job: RunTests, log: Log) -> str:
    """Run the tests of one service after the other. Raises `BuildError` at the first that fails."""
    digests = dict(job.images)
    limit_s = site.app_of(job).pipeline.stage_timeout_ms / 1000
    for service in job.services:
        log.say(f"{service.name}: {' '.join(service.test)}")
        container = _create(site, job, service, digests[service.name])
        try:
            _run(container, service, log, limit_s)
        finally:
            container.remove(force=True, v=True)
    count = len(job.services)
    return f"the tests of {count} service{'' if count == 1 else 's'} passed"


def _create(site: Site, job: RunTests, service: Service, digest: str) -> Container:
    """The container of the trial. What a crash has left of the same trial goes first."""
    name = f"tidegate-{site.home.owner}-test-{job.execution}-{service.name}"
    for old in site.client.containers.list(all=True, filters={"name": f"^/?{name}$"}):
        old.remove(force=True, v=True)
    image_user = site.client.images.get(digest).attrs["Config"].get("User", "")
    return site.client.containers.create(
        digest,
        name=name,
        entrypoint=[service.test[0]],
        command=list(service.test[1:]),
        environment=dict(service.environment),
        labels={**images.labels(site.home.owner, site.app_of(job).name), _JOB: job.id},
        network_mode="none",
        mem_limit=f"{service.memory_mib}m",
        memswap_limit=f"{service.memory_mib}m",
        pids_limit=service.security.pids_limit,
        **hardening(service, image_user, podman(site.client) is not None),
        init=True,
    )


def _run(container: Container, service: Service, log: Log, limit_s: float) -> None:
    late = threading.Event()

    def kill() -> None:
        late.set()
        with suppress(APIError):  # it has just ended on its own
            container.kill()

    try:
        container.start()
    except APIError as error:
        what = f"tests of {service.name} cannot be started: {one_line(error)}"
        raise BuildError(what, code="TG313") from error
    timer = threading.Timer(limit_s, kill)
    timer.start()
    last = ""
    try:
        for line in _lines(container):
            log.say(f"{service.name}: {line}")
            last = line.strip() or last
        code = container.wait()["StatusCode"]
    finally:
        timer.cancel()
    if late.is_set():
        raise BuildError(f"tests of {service.name} were not done in {limit_s:g} s", code="TG310")
    container.reload()
    if container.attrs["State"]["OOMKilled"]:
        cause = f"ran out of memory ({service.memory_mib} MiB)"
        raise BuildError(f"tests of {service.name} {cause}", code="TG311")
    if code:
        said = f": {last}" if last else ""
        if _NO_NAME in last:
            said += f" ({service.test[0]})"
        what = f"tests of {service.name} failed with exit code {code}{said}"
        raise BuildError(what, code="TG312")


def _lines(container: Container) -> Iterator[str]:
    """The lines of both outputs, until the container ends."""
    rest = b""
    for chunk in container.logs(stream=True, follow=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
