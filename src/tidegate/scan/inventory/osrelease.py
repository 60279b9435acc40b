"""Which distribution this is: os-release(5), `KEY=value` lines with shell quoting."""

import re

from tidegate.scan.archive.image import printable
from tidegate.scan.inventory.facts import Facts
from tidegate.scan.packages import OsRelease

_LINE = re.compile(r"^([A-Z_]+)=(?:\"([^\"\n]*)\"|'([^'\n]*)'|(\S*))[ \t]*$", re.MULTILINE)


def os_release(content: bytes) -> Facts:
    """The distribution; nothing when the file has no ID."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    fields = {key: "".join(values) for key, *values in _LINE.findall(text)}
    name = printable(fields.get("PRETTY_NAME", ""))[:200]
    identity, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    if not re.fullmatch(r"[a-z0-9._-]{1,64}", identity) or len(version) > 64:
        return Facts()
    return Facts(os=OsRelease(identity, version if version.isprintable() else "", name))
