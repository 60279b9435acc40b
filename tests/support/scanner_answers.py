"""What Trivy, Grype and osv-scanner say, written by us after their documented schemas."""

from typing import Any

from tests.support.advisory_files import CRITICAL, affected, record

Json = dict[str, Any]


def trivy(layer: str, **more: Any) -> Json:
    """Trivy's report, schema version 2: an OS package and a Python package."""
    return {
        "SchemaVersion": 2,
        "CreatedAt": "2026-11-01T12:00:00.123456789Z",
        "ArtifactName": "image.tar",
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}, "ImageConfig": {"os": "linux"}},
        "Results": [
            {
                "Target": "image.tar (debian 12.5)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Packages": [{"Name": "openssl", "Version": "3.0.11"}, {"Name": "zlib1g"}],
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2026-1",
                        "VendorIDs": ["DSA-1-1"],
                        "PkgID": "openssl@3.0.11",
                        "PkgName": "openssl",
                        "PkgIdentifier": {"PURL": "pkg:deb/debian/openssl@3.0.11?distro=12.5"},
                        "InstalledVersion": "3.0.11",
                        "FixedVersion": "3.0.12",
                        "Status": "fixed",
                        "Layer": {"DiffID": layer},
                        "Severity": "CRITICAL",
                        "CVSS": {"nvd": {"V3Score": 9.8}},
                        "PublishedDate": "2026-10-01T00:00:00Z",
                    },
                ],
            },
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Packages": [{"Name": "requests", "Version": "2.19.0"}],
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "GHSA-a",
                        "PkgName": "requests",
                        "PkgPath": "app/requests-2.19.0.dist-info/METADATA",
                        "InstalledVersion": "2.19.0",
                        "Status": "affected",
                        "Layer": {"DiffID": layer},
                        "Severity": "UNKNOWN",
                    },
                ],
            },
            {"Target": "app/package-lock.json", "Class": "lang-pkgs", "Vulnerabilities": None},
        ],
        **more,
    }


def grype(layer: str, **more: Any) -> Json:
    """Grype's document: one match."""
    return {
        "matches": [
            {
                "vulnerability": {
                    "id": "GHSA-a",
                    "dataSource": "https://advisories.example/GHSA-a",
                    "severity": "Critical",
                    "urls": [],
                    "cvss": [{"version": "3.1", "vector": CRITICAL, "metrics": {"baseScore": 9.8}}],
                    "epss": [{"cve": "CVE-2026-1", "epss": 0.25, "percentile": 0.9}],
                    "knownExploited": [{"cve": "CVE-2026-1"}],
                    "fix": {"versions": ["2.20.0"], "state": "fixed"},
                    "advisories": [],
                    "risk": 96.2,
                },
                "relatedVulnerabilities": [{"id": "CVE-2026-1", "severity": "High"}],
                "matchDetails": [{"type": "exact-direct-match"}],
                "artifact": {
                    "id": "1",
                    "name": "requests",
                    "version": "2.19.0",
                    "type": "python",
                    "locations": [
                        {"path": "/app/requests-2.19.0.dist-info/METADATA", "layerID": layer}
                    ],
                    "purl": "pkg:pypi/requests@2.19.0",
                    "upstreams": None,
                },
            },
        ],
        "source": {"type": "image", "target": {"imageID": "sha256:0"}},
        "distro": {"name": "debian", "version": "12", "idLike": None},
        "descriptor": {
            "name": "grype",
            "version": "0.110.0",
            "db": {"status": {"schemaVersion": "v6.1.9", "built": "2026-11-01T06:00:00Z",
                              "from": "somewhere", "valid": True}},
        },
        **more,
    }  # fmt: skip


def osv_scanner(layer: str, **more: Any) -> Json:
    """osv-scanner's results: two records of one vulnerability in a group, and a clean package."""
    package = ("Debian:12", "openssl")
    told: Json = {"severity": [{"type": "CVSS_V3", "score": CRITICAL}]}
    return {
        "results": [
            {
                "source": {"path": "image.tar:/var/lib/dpkg/status", "type": "os"},
                "packages": [
                    {
                        "package": {
                            "name": "openssl",
                            "os_package_name": "libssl3",
                            "version": "3.0.11-1",
                            "ecosystem": "Debian:12",
                            "image_origin_details": {"index": 0},
                        },
                        "vulnerabilities": [
                            record("DEBIAN-CVE-2026-1",
                                   affected(package, "introduced 0", "fixed 3.0.12-1")),
                            record("DSA-1-1", affected(package, "introduced 0", "fixed 3.0.12-1"),
                                   upstream=["CVE-2026-1"], **told),
                        ],
                        "groups": [
                            {"ids": ["DSA-1-1", "DEBIAN-CVE-2026-1"],
                             "aliases": ["CVE-2026-1", "DSA-1-1"], "max_severity": "9.8"},
                        ],
                    },
                    {
                        "package": {"name": "zlib", "version": "1.2.13", "ecosystem": "Debian:12"},
                        "groups": None,
                    },
                ],
            },
        ],
        "experimental_config": {"licenses": {"summary": False, "allowlist": None}},
        "image_metadata": {
            "os": "Debian",
            "layer_metadata": [{"diff_id": layer, "command": "COPY", "is_empty": False}],
        },
        **more,
    }  # fmt: skip
