"""Installed Python packages: the headers of `METADATA` and `PKG-INFO` (PEP 566, PEP 376)."""

from packaging.utils import canonicalize_name

from tidegate.scan.inventory import zips
from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.packages import Kind

_HEADERS_BYTES = 1024 * 1024


def metadata(content: bytes) -> Facts:
    """The package. Raises `BadFile` when it has no name or version."""
    fields: dict[str, str] = {}
    for line in content[:_HEADERS_BYTES].decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and key.lower() in ("name", "version"):
            fields.setdefault(key.lower(), value.strip())
    name = fields.get("name", "")
    if len(name) > 500:
        raise BadFile("its name is too long")
    return Facts(packages=(Found(Kind.PYPI, canonicalize_name(name), fields.get("version", "")),))


def egg(content: bytes) -> Facts:
    """The package of a zipped egg. Raises `BadFile`."""
    with zips.opened(content) as zipped:
        try:
            info = zipped.getinfo("EGG-INFO/PKG-INFO")
        except KeyError as error:
            raise BadFile("the egg does not tell what it is") from error
        return metadata(zips.read(zipped, info, zips.Budget.of(content)))
