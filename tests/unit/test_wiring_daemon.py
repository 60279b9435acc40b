"""Where the daemon of an app listens."""

from pathlib import Path

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
