"""What a scanner found in an image: the vulnerabilities, and where each came from."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is, worst first. UNKNOWN: the data carries none."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    NEGLIGIBLE = "NEGLIGIBLE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a package came from: its path, its layer, and the Dockerfile step that made the layer.

    `base` is True for a layer of the base image, False for one of yours, None when unknown.
    """

    path: str = ""
    layer: str = ""
    step: str = ""
    base: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one package of an image.

    `aliases` are the other ids of the same vulnerability (CVE, GHSA, PYSEC, DSA). `exploited`: it
    is in CISA's catalogue of known exploited vulnerabilities. `epss` is the chance (0..1) that it
    is exploited within 30 days. `published_at` is in ms. None means that the data does not say.
    """

    id: str
    package: str
    version: str
    severity: Severity
    fixed_version: str | None = None
    aliases: tuple[str, ...] = ()
    purl: str = ""
    exploited: bool = False
    epss: float | None = None
    published_at: int | None = None
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scanner found in the image `digest`. `findings` None: it could not tell, and why.

    `unknown` names what could not be judged (an ecosystem without data, a version that nobody can
    order): such an image is UNKNOWN unless the policy says otherwise. `scanner` is its name and
    version, `data` the digest of the vulnerability data and `data_at` its age's start (ms), `sbom`
    the digest of the stored bill of materials.
    """

    digest: str
    findings: tuple[Finding, ...] | None
    note: str = ""
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    packages: int = 0
    scanner: str = ""
    data: str = ""
    data_at: int | None = None
    sbom: str = ""
