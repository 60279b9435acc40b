"""What a person meets first: no Node, a wrong one, no credentials, half of them, no region."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.aws.stack import node
from tidegate.cli.main import call

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that knows nothing of AWS, and a file of three lines."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "JSII_NODE", *KEYS):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "tidegate.yaml").write_text("app: hello\nservices:\n  web: {build: .}\n")


def said(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that cannot begin says; each has something to do about it."""
    assert call(["-C", str(folder), *words]) == 3
    text = capsys.readouterr().err
    assert "\n  remedy  " in text
    return text


def test_without_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("status", "--target", "aws", "--region", "eu-west-1")
    assert said(tmp_path, capsys, *words).startswith("error TG281: there are no AWS credentials")


def test_with_a_profile_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    text = said(tmp_path, capsys, "status", "--target", "aws", "--region", "eu-west-1")
    assert text.startswith("error TG281")
    assert "(nope)" in text


def test_with_half_of_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    text = said(tmp_path, capsys, "status", "--target", "aws", "--region", "eu-west-1")
    assert text.startswith("error TG281")


def test_without_a_region(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    text = said(tmp_path, capsys, "status", "--target", "aws")
    assert text.startswith("error TG284: no AWS region is set")


def test_without_any_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(node, "find_spec", lambda _: None)
    text = said(tmp_path, capsys, "aws", "template", "--out", str(tmp_path / "out"))
    assert text.startswith("error TG248: the templates for AWS need Node 22 or newer")
    assert not (tmp_path / "out").exists()


def test_with_a_node_that_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JSII_NODE", str(tmp_path / "no-node"))
    text = said(tmp_path, capsys, "aws", "template", "--out", str(tmp_path / "out"))
    assert text.startswith("error TG249: the Node that JSII_NODE names does not run")
