"""Package URLs, with the qualifiers by which other scanners find what a package was built from."""

from functools import lru_cache

from packageurl import PackageURL

from tidegate.scan.inventory.facts import Found
from tidegate.scan.packages import Kind, OsRelease


@lru_cache(maxsize=16_384)
def purl(package: Found, os: OsRelease | None) -> str:
    """`pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc`."""
    namespace, name, version = "", package.name, package.version
    qualifiers: dict[str, str] = {}
    match package.kind:
        case Kind.DEB | Kind.APK | Kind.RPM:
            namespace = os.id if os else ""
            qualifiers = _of_system(package, os)
            if package.kind is Kind.RPM and ":" in version:
                qualifiers["epoch"], version = version.split(":", 1)
        case Kind.NPM:
            namespace, _, name = name.rpartition("/")
        case Kind.MAVEN:
            namespace, _, name = name.rpartition(":")
        case Kind.GO:
            namespace, _, name = name.rpartition("/")
            version = version if package.name == "stdlib" else f"v{version}"
        case Kind.PYPI:
            pass
    made = PackageURL(package.kind.value, namespace, name, version, qualifiers)
    return made.to_string()


def _of_system(package: Found, os: OsRelease | None) -> dict[str, str]:
    found = {
        "arch": package.architecture,
        "distro": f"{os.id}-{os.version}".rstrip("-") if os else "",
    }
    name, version = package.source_name, package.source_version
    if package.kind is Kind.RPM:
        found["upstream"] = f"{name}-{version}.src.rpm"
    elif version != package.version:
        found["upstream"] = f"{name}@{version}"
    elif name != package.name:
        found["upstream"] = name
    return {key: value for key, value in found.items() if value}
