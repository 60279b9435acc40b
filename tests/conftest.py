"""Nothing that a test starts reads or writes what this machine's user has, or asks any server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import podman
from tests.support.user import own_places

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # that the machine is slow proves nothing


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--podman`: the tests of the container engine run on a Podman of their own."""
    parser.addoption(
        "--podman", action="store_true", help="run the tests marked `engine` on Podman"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nothing is run on another engine than the one that was asked for."""
    if config.getoption("--podman") and (why := podman.why_not()):
        for item in items:
            if item.get_closest_marker("engine"):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session", autouse=True)
def _engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """The engine that the tests use: this machine's, or with `--podman` one of their own."""
    if not request.config.getoption("--podman") or podman.why_not():
        yield
        return
    with podman.podman_service() as url, pytest.MonkeyPatch.context() as patch:
        for name in ("TIDEGATE_ENGINE", "DOCKER_HOST"):
            patch.setenv(name, url)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The settings and the data of a user who has none, and whose advisories come from nowhere."""
    before = dict(os.environ)
    os.environ.update(own_places(tmp_path_factory.mktemp("user")))
    yield
    os.environ.clear()
    os.environ.update(before)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are called by their argument's name: what they hold may differ from process to process,
    and tests that run side by side must have the same names in each."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of this test's own: the folder of the advisories' settings and data."""
    folder = tmp_path / "user"
    for name, value in own_places(folder).items():
        monkeypatch.setenv(name, value)
    return folder
