"""Build an image for each service of a revision, with the engine's own builder.

The builder's cache answers the same image id for the same files, which is how "nothing to deploy"
is known. A change of the commit's time alone does not count (the cache ignores times).
"""

import re
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from docker.errors import APIError

from tidegate.core.decision import BuildImages
from tidegate.core.errors import BuildError
from tidegate.core.model import App, Build, Service
from tidegate.local import images
from tidegate.local.clean import clean
from tidegate.local.containers.failures import one_line
from tidegate.local.jobs import context
from tidegate.local.jobs.log import Log
from tidegate.local.jobs.site import Say, Site
from tidegate.local.scanning.bases import bases_of
from tidegate.scan.inventory import KnownBase

AT_ONCE = 2
_STEP = re.compile(r"(?:\[\d+/\d+\] )?(?:Step|STEP) (\d+)/\d+ ?: (.*)")
_CACHED = re.compile(r" ?-+> Using cache")
_NOISE = re.compile(
    r" ?-+> (Running in )?[0-9a-f]{11,12}$|Removing intermediate container|[0-9a-f]{64}$"
    r"|(?:\[\d+/\d+\] )?(?:COMMIT$|(?:Step|STEP) \S+:? ?:? LABEL \"?tidegate)"
)
_EXIT = re.compile(r"returned a non-zero code: (\d+)|: exit status (\d+)$")
"""What Docker's builder says, and Podman's, which is Buildah."""


@dataclass(frozen=True, slots=True)
class Built:
    """The image of each service, and how many of the images were there before."""

    images: tuple[tuple[str, str], ...]
    reused: int

    @property
    def summary(self) -> str:
        """As in `3 images, 2 reused`."""
        count = len({digest for _, digest in self.images})
        plural = "" if count == 1 else "s"
        return f"{count} image{plural}" + (f", {self.reused} reused" if self.reused else "")


def build(site: Site, job: BuildImages, log: Log) -> Built:
    """Build or find every service's image, two at a time. Raises `BuildError` on the first failure.

    Services with one and the same `build` share an image.
    """
    before = set(images.owned(site.client, site.home.owner))
    groups: dict[Build, list[Service]] = {}
    for service in job.services:
        groups.setdefault(service.build, []).append(service)
    with context.revision(site.home.source(job.execution)) as tar:
        maker = _Maker(site, job.execution, site.app_of(job), tar, log)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="build") as pool:
            digests = dict(zip(groups, pool.map(maker.make, groups.values()), strict=True))
    answer = tuple((service.name, digests[service.build]) for service in job.services)
    return Built(answer, len(before.intersection(digests.values())))


@dataclass(slots=True)
class _Maker:
    """Makes the image of services that share a `build`."""

    site: Site
    execution: str
    app: App
    tar: tarfile.TarFile
    log: Log
    reading: threading.Lock = field(default_factory=threading.Lock)

    def make(self, services: list[Service]) -> str:
        """The image id, tagged for each of the services."""
        wanted, name = services[0].build, services[0].name

        def say(line: str) -> None:
            self.log.say(f"{name}: {line}")

        froms: list[KnownBase] = []

        try:
            if wanted.image:
                say(f"image {wanted.image}")
                return images.obtain(self.site.client, wanted.image)
            digest = self._run(wanted, say, froms)
        except BuildError as error:
            error.what = f"{name}: {error.what}"
            raise
        for service in services:
            repository = images.repository(self.app.name, service.name)
            self.site.client.api.tag(digest, repository, self.execution)
        self.site.evidence.keep_bases(digest, froms)
        return digest

    def _run(self, wanted: Build, say: Say, froms: list[KnownBase]) -> str:
        """The image id; `froms` gets what it is built on."""

        def resolve(text: str) -> str:
            resolved = self.site.resolve(text, self.site.client, say, dict(wanted.args))
            froms.extend(bases_of(text, resolved, dict(wanted.args), self.site.client))
            return resolved

        with ExitStack() as stack:
            with self.reading:  # one tar file, read from two threads
                made = context.make(self.tar, wanted, resolve)
                sent = stack.enter_context(made)
            stack.enter_context(_refusals(wanted.dockerfile))
            lines = self.site.client.api.build(
                fileobj=sent,
                custom_context=True,
                dockerfile=wanted.dockerfile,
                buildargs=dict(wanted.args),
                labels=images.image_labels(self.site.home.owner),
                decode=True,
                rm=True,
                forcerm=True,
                pull=False,
                timeout=self.app.pipeline.stage_timeout_ms // 1000 or 1,
            )
            return _Output(say).read(lines, self.app.pipeline.stage_timeout_ms)


@contextmanager
def _refusals(dockerfile: str) -> Iterator[None]:
    """The builder's word on a Dockerfile that it does not take at all, as `BuildError` TG316."""
    try:
        yield
    except APIError as error:
        if not error.is_client_error():
            raise
        cause, what = one_line(error), "the builder refuses the Dockerfile"
        raise BuildError(what, cause=cause, where=dockerfile, code="TG316") from error


@dataclass(slots=True)
class _Output:
    """Reads what the builder says: lines for the log, the image id or the error at the end."""

    say: Say
    step: str = ""
    instruction: str = ""
    last: str = ""

    def read(self, lines: Iterator[dict[str, Any]], limit_ms: int) -> str:
        """The image id. Raises `BuildError` with the step that failed."""
        until = time.monotonic() + limit_ms / 1000
        digest = ""
        for line in lines:
            if time.monotonic() > until:
                raise BuildError(f"not built after {limit_ms / 60_000:g} minutes", code="TG307")
            if "error" in line:
                raise self._failure(str(line["error"]))
            self._stream(str(line.get("stream", "")))
            digest = line.get("aux", {}).get("ID", digest)
        if not digest:
            raise BuildError("the builder ended without an image", cause=self.last, code="TG308")
        return str(digest)

    def _stream(self, text: str) -> None:
        for line in filter(None, map(clean, text.splitlines())):
            if _NOISE.match(line):
                continue
            self.say(line)
            found = _STEP.match(line)
            if found:
                self.step, self.instruction = found.groups()
                self.last = ""
            elif not _CACHED.match(line):
                self.last = line

    def _failure(self, error: str) -> BuildError:
        self.say(error)
        code = _EXIT.search(error.strip())
        where = f"step {self.step} ({self.instruction})" if self.step else "the build"
        if code:
            said = f": {self.last}" if self.last else ""
            what = f"{where} failed with exit code {code[1] or code[2]}{said}"
            return BuildError(what, code="TG309")
        return BuildError(f"{where} failed: {error}", code="TG309")
