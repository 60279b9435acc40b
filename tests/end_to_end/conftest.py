"""Where the apps of these tests are."""

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is not there yet; its path is short, as it will hold HAProxy's sockets."""
    return tmp_path_factory.mktemp("app") / "app"
