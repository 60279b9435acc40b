"""Where the daemon of an app listens."""

from pathlib import Path

import pytest

from tidegate.local.home import Home
from tidegate.wiring.daemon import _listening


def port_of(home: Home) -> int:
    """The port of a daemon that starts and ends."""
    with _listening(home) as listening:
        return int(listening.getsockname()[1])


def test_the_port_stays_the_same_from_start_to_start_while_it_is_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = port_of(home)
    assert port_of(home) == first
    with _listening(home) as holder:
        holder.listen()
        assert port_of(home) != first


@pytest.mark.parametrize("kept", ["", "80 81", "99999999"], ids=["cut short", "no number", "none"])
def test_a_port_file_that_a_full_disk_has_spoilt_stops_no_start(tmp_path: Path, kept: str) -> None:
    home = Home(tmp_path)
    (home.path / "port").write_text(kept)
    port = port_of(home)
    assert (home.path / "port").read_text() == str(port)
