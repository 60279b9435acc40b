"""A full disk: a clear error, traffic that flows, an abort that wins, and nothing lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shop import Shop
from tidegate.core import decision as d

pytestmark = [
    pytest.mark.engine,
    pytest.mark.haproxy,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]


@pytest.fixture
def shop(place: Path) -> Iterator[Shop]:
    """The app with its state directory on a disk of 24 MiB."""
    shop = Shop(place)
    shop.space.prepare()
    shop.home.path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(shop.home.path)]
    subprocess.run(mount, check=True)
    try:
        shop.open({"every: 3s": "every: 6s", "bake: 3s": "bake: 1s"})
        yield shop
    finally:
        shop.close()
        subprocess.run(["umount", "--lazy", str(shop.home.path)], check=True)


def fill(folder: Path, name: str) -> Path:
    """Write until nothing more fits; the file that took it all."""
    hog = folder / name
    with hog.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                assert error.errno == 28, error
    return hog


def test_on_a_full_disk_an_abort_wins_and_a_push_is_refused_with_a_reason(shop: Shop) -> None:
    shop.push_a_colour()
    shop.until(lambda: shop.story.weight_bp("cats") >= 2_000, "shifting")
    hogs = [fill(shop.home.path, "first")]

    aborted = shop.tidegate("abort", "cats")
    assert aborted.returncode == 0, aborted.stderr
    shop.must_serve("royalblue")

    hogs.append(fill(shop.home.path, "second"))  # the reserve that the abort has made room with
    shop.space.change("colour", "Cats turn teal", ("seagreen", "teal"))
    assert shop.space.push() != 0
    said = " ".join(shop.said[-6:])
    assert "free some disk space" in said or "No space left" in said, said

    for hog in hogs:
        hog.unlink()
    shop.until(shop.story.quiet, "ended")
    assert shop.story.last_deployment("cats").outcome is d.Outcome.ROLLED_BACK
    assert shop.space.push() == 0, shop.said
    shop.until(shop.story.quiet, "ended")
    shop.must_serve("teal")
    shop.must_be_quiet()
    shop.must_have_dropped(nothing=0)
