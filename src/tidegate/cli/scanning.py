"""What `tidegate scan` and `tidegate sbom` do: a target in, a report and the gate's word out."""

import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType

from tidegate.cli import output
from tidegate.cli.bars import bars
from tidegate.cli.here import Here
from tidegate.cli.render import findings as render
from tidegate.core import gate
from tidegate.core.errors import Busy, GateError, NotFound
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, GatePolicy
from tidegate.core.waivers import in_scope
from tidegate.local import engine_socket
from tidegate.local.clock import unix_ms
from tidegate.local.scanning import Assessor, Evidence, LocalAdvisories, Settings
from tidegate.local.scanning.apt import SecuritySuites
from tidegate.local.scanning.assessor import SCANNER
from tidegate.scan import sbom as cyclonedx
from tidegate.scan.advice import Advice, advise
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import sources_for
from tidegate.scan.inventory import LayerCache
from tidegate.scan.sarif import sarif
from tidegate.scan.target import Target, look_into
from tidegate.spec import load
from tidegate.spec.waivers import Folder, collect

_RELEASE = re.compile(r"v\d+")


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan by hand: what was scanned, what was found, and the gate's word on it."""

    target: Target
    report: ScanReport
    judgement: gate.Judgement
    advice: Advice

    @property
    def may_run(self) -> bool:
        """Whether the gate would let it run."""
        return self.judgement.may_run

    def value(self) -> dict[str, Any]:
        """All of it, as `--json` prints it."""
        return {
            "image": self.target.name,
            "kind": self.target.kind,
            "verdict": self.judgement.kind,
            "reason": self.judgement.reason,
            "may_run": self.may_run,
            "advice": self.advice,
            "judgement": self.judgement,
            "report": self.report,
        }

    def sarif(self) -> dict[str, Any]:
        """The findings as SARIF 2.1.0."""
        return sarif(self.report, self.target.name, SCANNER.partition(" ")[2])

    def shown(self) -> RenderableType:
        """All of it, for a person."""
        return render.report(self.report, self.advice, self.judgement)


def scan(now: Here, image: str, *, offline: bool, platform: str) -> Scanned:
    """Scan what `image` names. Raises `NotFound`, `GateError`, and for a wrong app file its own."""
    policy = _policy(now)
    settings = Settings.of_user()
    target = _target(image, settings, platform)
    advisories = LocalAdvisories(settings.root)
    suites = SecuritySuites.of(settings)
    assessor = Assessor(advisories, suites)
    if not offline and settings.refresh_ms:
        assessor = Assessor(advisories, suites, lambda names: _bring(advisories, settings, names))
    report = assessor.assess(target.inventory, target.inventory.digest)
    report = replace(report, scanner=SCANNER)
    waivers = in_scope(policy.waivers, "", report.digest)
    judgement = gate.judge(policy, report, None, waivers, unix_ms())
    base = target.inventory.base
    advice = advise(report.findings or (), base.name if base else "")
    return Scanned(target, report, judgement, advice)


def _policy(now: Here) -> GatePolicy:
    """The gate of the app that is here, else the default; with the waivers of the files beside."""
    app = load(now.file) if now.file.exists() else App("", ())
    return collect(app, Folder(now.folder)).gate


def sbom(now: Here, image: str) -> bytes:
    """The stored SBOM of a release, or one made now. Raises `NotFound`, `GateError`."""
    if _RELEASE.fullmatch(image):
        return _stored(now, image)
    target = _target(image, Settings.of_user(), "")
    stamp = datetime.fromtimestamp(unix_ms() // 1000, UTC).isoformat()
    return cyclonedx.write(target.inventory, target.name, str(uuid.uuid4()), stamp)


def _stored(now: Here, release: str) -> bytes:
    """The SBOM that a release was judged by."""
    digest = now.client.show(int(release[1:])).release.digest
    evidence = Evidence(now.home.evidence)
    entry = evidence.of(digest)
    if entry is None:
        raise NotFound(
            f"there is no SBOM of {release}",
            cause="its image was never scanned: its app file says gate: off",
            remedy=f"tidegate sbom {digest}",
            code="TG730",
        )
    return evidence.get(entry.sbom)


def _target(image: str, settings: Settings, platform: str) -> Target:
    layers = LayerCache(settings.layers)
    return look_into(image, lambda: engine_socket.connect().api, layers, platform)


def _bring(advisories: LocalAdvisories, settings: Settings, ecosystems: Collection[str]) -> None:
    """Fetch what is missing, with bars; that it fails is a warning of the report."""
    missing = advisories.missing(sources_for(ecosystems), unix_ms())
    if not missing:
        return
    with bars() as report:
        fetcher = Fetcher(settings.addresses, report=report)
        try:
            advisories.update(missing, fetcher, unix_ms(), report)
        except (GateError, Busy) as error:
            output.progress(str(error))
