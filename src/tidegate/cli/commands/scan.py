"""Commands that need no daemon and no app file: scan, sbom."""

import json
import re
import sys
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.cli import output
from tidegate.cli.bars import bars
from tidegate.cli.here import Here, here
from tidegate.cli.output import AsJson
from tidegate.cli.render import findings as shown
from tidegate.core import gate
from tidegate.core.errors import Busy, GateError, NotFound
from tidegate.core.model import GatePolicy
from tidegate.core.seen import ScanReport
from tidegate.engine.codec import plain
from tidegate.local import engine_socket
from tidegate.local.scanning import Assessor, Evidence, LocalAdvisories, Settings
from tidegate.local.scanning.assessor import SCANNER
from tidegate.scan import sbom as cyclonedx
from tidegate.scan.advice import advise
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import sources_for
from tidegate.scan.inventory import LayerCache
from tidegate.scan.sarif import sarif
from tidegate.scan.target import Target, look_into
from tidegate.spec import load
from tidegate.wiring import scanning

_RELEASE = re.compile(r"v\d+")


def scan(
    context: typer.Context,
    image: Annotated[
        str,
        typer.Argument(
            help="An image of the engine, the tar of `docker save`, an OCI layout (folder or tar), "
            "a folder of files, or a CycloneDX SBOM in JSON."
        ),
    ],
    *,
    as_json: AsJson = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0.")] = False,
    to: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the JSON or SARIF there instead."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not fetch advisories that are missing.")
    ] = False,
    platform: Annotated[
        str, typer.Option(help="Which image of an archive with several: linux/arm64.")
    ] = "",
) -> None:
    """Find the known vulnerabilities of an image, and judge them as the gate would.

    The gate's policy is that of the nearest tidegate.yaml, else the default. Exit code 0: it may
    run. Exit code 5: it is refused, or UNKNOWN, which the policy may let run.
    """
    settings = Settings.of_user()
    target = _target(image, settings, platform)
    report = _report(target, settings, offline)
    judged = _judged(here(context), report)
    base = target.inventory.base
    advice = advise(report.findings or (), base.name if base else "")
    said = {"image": target.name, "kind": target.kind, **judged, "advice": advice, "report": report}
    machine = sarif(report, target.name, _version()) if as_sarif else said
    if to:
        to.write_text(json.dumps(plain(machine), indent=2, ensure_ascii=False) + "\n")
    text = shown.report(report, advice, judged)
    output.result(machine, text, (as_json or as_sarif) and not to)
    if not judged["may_run"]:
        raise typer.Exit(GateError.exit_code)


def sbom(
    context: typer.Context,
    image: Annotated[
        str, typer.Argument(help="A release of this app (v42), or what `tidegate scan` takes.")
    ],
) -> None:
    """Print the CycloneDX SBOM: the stored one of a release, or that of an image."""
    if _RELEASE.fullmatch(image):
        sys.stdout.buffer.write(_stored(here(context), image))
        return
    target = _target(image, Settings.of_user(), "")
    stamp = datetime.fromtimestamp(scanning.unix_ms() // 1000, UTC).isoformat()
    serial = str(uuid.uuid4())
    sys.stdout.buffer.write(cyclonedx.write(target.inventory, target.name, serial, stamp))


def _stored(now: Here, release: str) -> bytes:
    """The SBOM that a release was judged by. Raises `NotFound` TG730."""
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


def _report(target: Target, settings: Settings, offline: bool) -> ScanReport:
    """The report; what is missing of the advisories is fetched first, unless offline."""
    advisories = LocalAdvisories(settings.root)

    def bring(ecosystems: Collection[str]) -> None:
        held, lately = advisories.store.states(), advisories.failures()
        missing = [n for n in sources_for(ecosystems) if n not in held and n not in lately]
        if missing:
            with bars() as report:
                fetcher = Fetcher(settings.addresses, report=report)
                try:
                    advisories.update(missing, fetcher, scanning.unix_ms(), report)
                except (GateError, Busy) as error:
                    output.progress(str(error))

    nothing = offline or not settings.refresh_ms
    suites = scanning.suites(settings)
    assessor = Assessor(advisories, suites) if nothing else Assessor(advisories, suites, bring)
    found = assessor.assess(target.inventory, target.inventory.digest)
    return replace(found, scanner=SCANNER)


def _judged(now: Here, report: ScanReport) -> dict[str, Any]:
    """The gate's word, by the policy of the app that is here, else by the default."""
    policy = load(now.file).gate if now.file.exists() else GatePolicy()
    verdict, reason = gate.judge(policy, report.digest, {report.digest: report})
    return {"verdict": verdict, "reason": reason, "may_run": verdict in gate.MAY_RUN}


def _version() -> str:
    return SCANNER.partition(" ")[2]
