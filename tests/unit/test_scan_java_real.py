"""Real jars are called what the Maven repository that they lie in calls them.

The path in a repository is the reference: group/artifact/version/artifact-version.jar. It knows
nothing of what is in the jar, and the inventory nothing of the path.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.scan.inventory import java

REPOSITORIES = (Path("~/.m2/repository").expanduser(), Path("/usr/share/maven-repo"))
MOST = 400


def jars() -> Iterator[tuple[str, str, str, Path]]:
    """Group, artifact, version and file; Debian's "debian" and "3.x" stand for what there is."""
    for repository in REPOSITORIES:
        for path in sorted(repository.rglob("*.jar")):
            *group, artifact, version, file = path.relative_to(repository).parts
            named = file == f"{artifact}-{version}.jar"
            if group and named and version != "debian" and not version.endswith(".x"):
                yield ".".join(group), artifact, version, path


REAL = list(jars())
REAL = REAL[:: max(1, len(REAL) // MOST)]


@pytest.mark.skipif(len(REAL) < 20, reason="no Maven repository with jars on this machine")
def test_a_jar_is_called_what_its_repository_calls_it_or_says_that_it_has_no_group() -> None:
    outcomes: Counter[str] = Counter()
    wrong = []
    for group, artifact, version, path in REAL:
        found = java.archive(path.name, path.read_bytes())
        own = {(one.name, one.version) for one in found.packages if not one.inside}
        if (f"{group}:{artifact}", version) in own:
            outcomes["equal"] += 1
        elif (artifact, version) in own:
            outcomes["without a group"] += 1
        else:
            wrong.append((group, artifact, version, sorted(own)))
    assert wrong == []
    assert outcomes["equal"] > outcomes["without a group"], outcomes
