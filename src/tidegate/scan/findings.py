"""From what matched to what the gate judges: findings with their origin, and what is not known."""

from collections.abc import Iterator
from itertools import groupby

from tidegate.core.findings import Finding, Origin, Severity
from tidegate.scan.advisories.severity import rank
from tidegate.scan.match import Match, Matching
from tidegate.scan.packages import Inventory, Kind, Package

_NAMED = 3
_KINDS = {Kind.MAVEN: "a jar that does not tell its group", Kind.RPM: "an rpm without its module"}


def findings(inventory: Inventory, matching: Matching) -> tuple[Finding, ...]:
    """Each match as a finding, in the order of the matches.

    What a notice covers is no alias: to waive one CVE of it is not to waive the rest.
    """
    return tuple(_finding(inventory, match) for match in matching.matches)


def origin(inventory: Inventory, package: Package) -> Origin:
    """Where the package came from: path, layer, the step that made the layer, base or not."""
    layers = {layer.index: layer for layer in inventory.layers}
    layer = layers.get(package.layer)
    return Origin(
        path=package.path,
        layer=package.layer_digest,
        step=layer.created_by if layer else "",
        base=inventory.of_base(package),
    )


def unjudged(inventory: Inventory, matching: Matching) -> tuple[str, ...]:
    """What nothing is known of, each as a phrase for a person; empty when all could be judged."""
    found = [
        f"{note.path}: {note.text}" if note.path else note.text
        for note in inventory.notes
        if note.blinds
    ]
    if inventory.complete and not inventory.packages:
        found.append("no package was found in it")
    found += [f"there are no advisories for {name}" for name in matching.uncovered]
    found += _unidentified(matching)
    return tuple(dict.fromkeys(found))


def unordered(matching: Matching) -> tuple[str, ...]:
    """Findings that stand only because nobody can order the versions: they may be none.

    They have no fixed version, so a policy that counts only what can be mended would let them
    through as if they were known.
    """
    unsure = [match for match in matching.matches if not match.certain]
    named = [f"{m.package.name} {m.package.version} ({m.id})" for m in unsure]
    if not named:
        return ()
    return (f"versions that cannot be ordered: {listed(named)}",)


def listed(names: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _finding(inventory: Inventory, match: Match) -> Finding:
    package = match.package
    return Finding(
        id=match.id,
        package=package.name,
        version=package.version,
        severity=_level(match),
        fixed_version=match.fixed_version,
        aliases=match.aliases,
        purl=package.purl,
        exploited=match.exploited,
        epss=match.chance,
        published_at=match.published_at,
        origin=origin(inventory, package),
    )


def _level(match: Match) -> Severity:
    """The severity; of what a distribution has given up, at most MEDIUM, unless it is exploited.

    Its maintainers will not fix it there: an alert that nobody can act on is noise.
    """
    if match.status == "end-of-life" and not match.exploited:
        return min(match.severity, Severity.MEDIUM, key=rank)
    return match.severity


def _unidentified(matching: Matching) -> Iterator[str]:
    def kind(package: Package) -> str:
        return package.kind.value

    for _, group in groupby(sorted(matching.unidentified, key=kind), kind):
        packages = list(group)
        names = listed([f"{p.name} {p.version}" for p in packages])
        yield f"cannot be looked up ({_KINDS.get(packages[0].kind, 'no name')}): {names}"
