"""The names of properties in our SBOMs, and what Trivy calls things in its.

Trivy's properties (`aquasecurity:trivy:…`) are written too: with them an installed Trivy finds in
our SBOM what it finds in the image, without them a quarter to two thirds of it.
"""

from tidegate.scan.packages import Kind

OURS = "tidegate:"
TRIVYS = "aquasecurity:trivy:"

TRIVY_TYPES = {
    Kind.PYPI: "python-pkg",
    Kind.NPM: "node-pkg",
    Kind.GO: "gobinary",
    Kind.MAVEN: "jar",
}
TRIVY_FAMILIES = {"almalinux": "alma", "rhel": "redhat", "amzn": "amazon", "ol": "oracle"}
"""Trivy's word for a distribution where it is not the `ID` of os-release."""


def split_version(version: str) -> tuple[str, str, str]:
    """`1:2.3-4` → ("1", "2.3", "4"): epoch, version and release of a deb or rpm."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "", version
    upstream, dash, release = rest.rpartition("-")
    return (epoch, upstream, release) if dash else (epoch, rest, "")


def join_version(epoch: str, version: str, release: str) -> str:
    """The other way round; an epoch of 0 is left out."""
    front = f"{epoch}:" if epoch not in ("", "0") else ""
    return f"{front}{version}-{release}" if release else f"{front}{version}"
