"""What a build is sent, and what a revision may not hold."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.support.engine import tar_of
from tidegate.core.errors import BuildError
from tidegate.core.model import Build
from tidegate.local.jobs import context


def sent(path: Path, build: Build, source: bytes) -> dict[str, tuple[str, int]]:
    """Each member of the context: its content (or where a link points) and its mode."""
    (path / "source.tar").write_bytes(source)
    found = {}
    with (
        context.revision(path / "source.tar") as tar,
        context.make(tar, build, lambda text: text.replace("base", "stand-in")) as made,
        tarfile.open(fileobj=made) as out,
    ):
        for member in out:
            file = out.extractfile(member) if member.isreg() else None
            text = file.read().decode() if file else member.linkname
            found[member.name] = (text, member.mode)
    return found


def with_link(name: str, target: str, *files: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    """A tar with a Dockerfile, a link, and then files."""
    target_file = io.BytesIO()
    with tarfile.open(fileobj=target_file, mode="w") as tar:
        for plain in ("Dockerfile", None, *files):
            info = tarfile.TarInfo(plain or name)
            if plain is None:
                info.type, info.linkname = kind, target
            tar.addfile(info)
    return target_file.getvalue()


def test_only_the_folder_is_sent_with_its_dockerfile_rewritten(tmp_path: Path) -> None:
    source = tar_of({"web/Dockerfile": "FROM base", "web/a/b": "c", "other": "x"}).getvalue()
    assert sent(tmp_path, Build("web"), source) == {
        "Dockerfile": ("FROM stand-in", 0o755),
        "a/b": ("c", 0o755),
    }


def test_a_dockerfile_of_another_name_in_a_folder_below(tmp_path: Path) -> None:
    source = tar_of({"docker/prod": "FROM base", "app": "x"}).getvalue()
    found = sent(tmp_path, Build(".", "docker/prod"), source)
    assert found["docker/prod"][0] == "FROM stand-in"


def test_the_dockerignore_file_leaves_out_and_takes_back(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM base",
        ".dockerignore": "# no secrets\nsecrets\n**/*.pyc\n!secrets/public\nDockerfile\n",
        "secrets/key": "",
        "secrets/public": "",
        "a/b/c.pyc": "",
        "a/b/c.py": "",
    }
    found = sent(tmp_path, Build(), tar_of(files).getvalue())
    assert set(found) == {"Dockerfile", ".dockerignore", "secrets/public", "a/b/c.py"}


def test_links_are_sent_as_links(tmp_path: Path) -> None:
    assert sent(tmp_path, Build(), with_link("current", "releases/1"))["current"][0] == "releases/1"


@pytest.mark.parametrize(
    "source",
    [
        with_link("out", "/etc", "out/passwd"),
        with_link("a/out", "../..", "a/out/x/y"),
        with_link("../up", "x"),
        with_link("/root", "x"),
        with_link("a/../../up", "x"),
        with_link("hard", "/etc/shadow", kind=tarfile.LNKTYPE),
        with_link("device", "", kind=tarfile.CHRTYPE),
        with_link("pipe", "", kind=tarfile.FIFOTYPE),
    ],
)
def test_a_tar_that_reaches_outside_itself_is_refused(tmp_path: Path, source: bytes) -> None:
    with pytest.raises(BuildError, match="not inside it"):
        sent(tmp_path, Build(), source)


def test_a_build_folder_outside_the_revision_is_refused(tmp_path: Path) -> None:
    for folder in ("..", "../other", "/etc", "web/../../x"):
        with pytest.raises(BuildError, match="has no folder"):
            sent(tmp_path, Build(folder), tar_of({"Dockerfile": ""}).getvalue())


def test_a_dockerfile_that_is_a_link_out_of_the_revision_is_refused(tmp_path: Path) -> None:
    source = with_link("Prod", "/etc/passwd")
    with pytest.raises(BuildError, match="has no"):
        sent(tmp_path, Build(".", "Prod"), source)


def test_a_tar_cut_short_is_refused(tmp_path: Path) -> None:
    source = tar_of({"Dockerfile": "FROM base\n" * 200}).getvalue()[:1_000]
    with pytest.raises(BuildError, match="cannot be read"):
        sent(tmp_path, Build(), source)
