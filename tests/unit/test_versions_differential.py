"""The comparators beside the ecosystems' own implementations, on versions made at random."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tidegate.scan.versions import Unordered, comparator

Pair = tuple[str, str]
PAIRS = 1500
SYSTEM_PYTHON = "/usr/bin/python3"
MAVEN = Path("/usr/share/maven/lib/maven-artifact-3.x.jar")
SEMVER = (
    Path("/usr/lib/node_modules/npm/node_modules/semver"),
    Path("/usr/local/lib/node_modules/npm/node_modules/semver"),
    Path("/usr/share/nodejs/semver"),
)


def made(pieces: Sequence[str], shape: Callable[[Callable[[], str]], str]) -> list[Pair]:
    """Pairs of versions; half of them are near: one is the other with one piece changed."""
    dice = random.Random(20)

    def piece() -> str:
        return dice.choice(pieces)

    def near(version: str) -> str:
        at = dice.randrange(len(version))
        return version[:at] + piece() + version[at + dice.randrange(2) :]

    firsts = [shape(piece) for _ in range(PAIRS)]
    return [(v, near(v) if dice.random() < 0.5 else shape(piece)) for v in firsts]


def asked(command: Sequence[str], text: str = "") -> str:
    """What another implementation prints."""
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=60)
    if done.returncode:
        pytest.skip(f"{command[0]} does not do it here: {done.stderr.strip()[-200:]}")
    return done.stdout


def needs(*programs: str) -> None:
    """Skip without them."""
    missing = [name for name in programs if not (shutil.which(name) or Path(name).exists())]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")


def sign(number: int) -> int:
    """-1, 0 or 1."""
    return (number > 0) - (number < 0)


def differing(ecosystem: str, pairs: Sequence[Pair], theirs: Sequence[int]) -> list[object]:
    """The pairs on which we and they do not agree. What only they take is left out."""
    assert len(pairs) == len(theirs) > 0
    compare, wrong, refused = comparator(ecosystem), list[object](), 0
    for (a, b), their in zip(pairs, theirs, strict=True):
        try:
            ours = sign(compare(a, b))
        except Unordered:
            refused += 1
            continue
        if ours != sign(their):
            wrong.append((a, b, ours, their))
    assert refused < len(pairs) / 10
    return wrong


def debian_pairs() -> list[Pair]:
    pieces = ("0", "1", "2", "9", "10", "01", ".", "~", "+", "a", "b", "rc", "-1", "dfsg", "")
    return made(pieces, lambda p: f"1{p()}{p()}.{p()}{p()}-{p()}1{p()}")


def test_debian_versions_sort_as_apt_does() -> None:
    needs(SYSTEM_PYTHON)
    pairs = debian_pairs()
    script = (
        "import apt_pkg, json, sys; apt_pkg.init()\n"
        "print(json.dumps([apt_pkg.version_compare(a, b) for a, b in json.load(sys.stdin)]))"
    )
    theirs = json.loads(asked([SYSTEM_PYTHON, "-c", script], json.dumps(pairs)))
    assert differing("Debian:12", pairs, theirs) == []


def test_debian_versions_sort_as_dpkg_does() -> None:
    needs("dpkg")
    for a, b in debian_pairs()[:60]:
        lower = subprocess.run(["dpkg", "--compare-versions", a, "lt", b], capture_output=True)
        assert (comparator("Debian:12")(a, b) < 0) == (lower.returncode == 0), (a, b)


def test_rpm_versions_sort_as_rpm_does() -> None:
    needs("rpm")
    pieces = ("0", "1", "2", "9", "10", "01", ".", "~", "^", "_", "a", "Z", "rc", "el9", "..", "")
    pairs = made(pieces, lambda p: f"{p()}1{p()}{p()}.{p()}{p()}")
    calls = "".join(f"print(rpm.vercmp([[{a}]], [[{b}]]) .. ' ')" for a, b in pairs)
    theirs = [int(number) for number in asked(["rpm", "--eval", f"%{{lua:{calls}}}"]).split()]
    assert differing("AlmaLinux:9", pairs, theirs) == []


def test_semantic_versions_sort_as_npm_does() -> None:
    needs("node")
    semver = next((path for path in SEMVER if path.exists()), None)
    if semver is None:
        pytest.skip("npm's semver is not on this machine")
    pieces = ("0", "1", "2", "10", "a", "B", "rc", ".", "-", "x1", "alpha", "")
    pairs = made(pieces, lambda p: f"1.{len(p())}.2-{p()}{p()}.{p()}{p()}")
    script = (
        f"const s = require({json.dumps(str(semver))});"
        "const v = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(v.map(([a, b]) =>"
        " s.valid(a) && s.valid(b) ? s.compare(a, b) : null)))"
    )
    theirs = json.loads(asked(["node", "-e", script], json.dumps(pairs)))
    taken = [(pair, their) for pair, their in zip(pairs, theirs, strict=True) if their is not None]
    assert len(taken) > PAIRS / 5
    assert differing("npm", [pair for pair, _ in taken], [their for _, their in taken]) == []


def test_maven_versions_sort_as_maven_does() -> None:
    needs("java", str(MAVEN))
    pieces = ("0", "1", "10", ".", "-", "a", "m", "rc", "cr", "ga", "Final", "RELEASE", "sp", "x")
    pairs = made((*pieces, "alpha", "SNAPSHOT", ""), lambda p: f"1{p()}{p()}{p()}{p()}")
    words = [version for pair in pairs for version in pair]
    lines = asked(["java", "-jar", str(MAVEN), *words]).splitlines()
    told = [line.split(" ")[-2] for line in lines if line.startswith("   ")][::2]
    assert differing("Maven", pairs, [{"<": -1, "==": 0, ">": 1}[word] for word in told]) == []


def test_alpine_versions_sort_as_apk_does() -> None:
    needs("apk")
    ends = {"0": "", "1": "_alpha1", "2": "a_p", "10": "_rc2", "01": "_git20230101"}
    valid = [first for first, _ in made(tuple(ends), lambda p: f"{p()}.{p()}{ends[p()]}-r{p()}")]
    pairs = [*pairwise(valid)][:200]  # apk orders what is no version as well, and we do not
    told = [asked(["apk", "version", "-t", a, b]).strip() for a, b in pairs]
    assert differing("Alpine:v3.20", pairs, [{"<": -1, "=": 0, ">": 1}[w] for w in told]) == []
