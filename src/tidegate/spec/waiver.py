"""The keys of a waiver: one vulnerability, why it may stand, who says so, and for how long."""

from typing import Annotated

from tidegate.core import model
from tidegate.core.model import DAY_MS
from tidegate.spec.days import Date, day_ms
from tidegate.spec.keys import Keys, key, needed
from tidegate.spec.kinds import Name, shaped

WaiverId = Annotated[
    str,
    shaped(r"[A-Za-z][A-Za-z0-9._:-]{1,99}", "the id of a vulnerability, such as `CVE-2026-0001`"),
]
Said = Annotated[str, shaped(r"[\s\S]*\S[\s\S]*", "a few words", 500)]
Package = Annotated[
    str, shaped(r"\S+", "a package's name, with `*` for any characters, or a purl", 300)
]


class WaiverKeys(Keys):
    """A finding that may stand for a while. Any of its names will do as the id."""

    id: WaiverId = needed("The vulnerability, by any of its names.", "CVE-2026-0001")
    reason: Said = needed("Why it may stand.", "the parser is never called")
    owner: Said = needed("Who answers for it.", "ann@example.org")
    expires: Date = needed("The last day (UTC) on which the waiver counts.", "2026-12-31")
    package: Package | None = key(None, "Only in this package.", "openssl*")
    service: Name | None = key(None, "Only in this service.", "cats")

    def core(self) -> model.Waiver:
        """As the core knows it."""
        return model.Waiver(
            self.id,
            " ".join(self.reason.split()),
            " ".join(self.owner.split()),
            (day_ms(self.expires) or 0) + DAY_MS,
            (self.package,) if self.package else (),
            self.service or "",
        )
