"""The built-in scanner as a process of its own: `python -m bench.scan_ours ARCHIVE CACHE`.

The SBOM goes to stdout. `--index FOLDER FILE` builds an index of a folder of dumps instead.
"""

import sys
from pathlib import Path

from tidegate.scan import sbom
from tidegate.scan.advisories.build import Builder
from tidegate.scan.advisories.dump import Dump
from tidegate.scan.advisories.settings import Bounds
from tidegate.scan.archive import open_archive
from tidegate.scan.inventory import of_image
from tidegate.scan.inventory.cache import LayerCache


def inventory(archive: Path, cache: Path) -> bytes:
    """The archive's SBOM; layers that were seen before come from the cache."""
    found = of_image(open_archive(archive), LayerCache(cache))
    return sbom.write(found, archive.name, "0", "2026-01-01T00:00:00Z")


def index(folder: Path, file: Path) -> int:
    """An index of the dumps; how many records are in it."""
    count = 0
    with Builder(file) as builder:
        for path in sorted(folder.glob("*/all.zip")):
            dump = Dump(path.parent.name, path, Bounds())
            builder.add(dump.advisories())
            count += dump.read
        builder.finish()
    return count


if __name__ == "__main__":
    if sys.argv[1] == "--index":
        sys.stdout.write(f"{index(Path(sys.argv[2]), Path(sys.argv[3]))}\n")
    else:
        sys.stdout.buffer.write(inventory(Path(sys.argv[1]), Path(sys.argv[2])))
