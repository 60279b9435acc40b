"""A VEX file of either kind; what a statement says of which image and packages."""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.core.model import Waiver
from tidegate.spec.waivers.parts import package_of, purl_of


@dataclass(frozen=True, slots=True)
class Statement:
    """One word on one vulnerability. `frees`: the product is not affected, or is mended."""

    id: str
    frees: bool
    reason: str
    aliases: tuple[str, ...] = ()
    product: str = ""
    parts: tuple[str, ...] = ()


def waivers(statements: Iterable[Statement], owner: str, source: str) -> list[Waiver]:
    """The waivers that they come to. Of two on one thing the later one holds."""
    last = {(s.id.upper(), s.product, s.parts): s for s in statements}
    return [_waiver(one, owner, source) for one in last.values() if one.frees]


def _waiver(said: Statement, owner: str, source: str) -> Waiver:
    """A product that is an image narrows it to that image, or to the service of its name."""
    purl = purl_of(said.product) if said.product else None
    parts = tuple(package_of(part) for part in said.parts)
    digest = service = ""
    if purl and purl.type in ("oci", "docker"):
        version = purl.version or ""
        digest = version if version.startswith("sha256:") else ""
        service = "" if digest else purl.name
    elif said.product and not parts:
        parts = (package_of(said.product),)
    return Waiver(
        said.id,
        said.reason,
        owner,
        packages=parts,
        service=service,
        digest=digest,
        aliases=said.aliases,
        source=source,
    )
