"""The functions' code is this package's, and decides the same where nothing else of it is."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_aws_gate_function import IMAGE, STRICT, page
from tidegate.aws import bundle
from tidegate.aws.settings import gate_json
from tidegate.core import gate
from tidegate.core.findings import ScanReport
from tidegate.core.model import GatePolicy, UnknownRule, Waiver
from tidegate.core.plain import plain
from tidegate.scan.adapters import ecr

NOW = 1_790_000_000_000
WORLDS = tuple(f"tidegate/{one}/" for one in ("api", "aws", "cli", "engine", "local", "wiring"))
DECIDE = """
import json, sys
sys.path.insert(0, sys.argv[1])
{first}
from tidegate.core import gate
from tidegate.core.model import GatePolicy
from tidegate.core.plain import build, plain
from tidegate.core.waivers import in_scope
from tidegate.scan.adapters import ecr
import tidegate
answers = []
for case in json.load(sys.stdin):
    policy = build(GatePolicy, case["policy"]["gate"])
    report = ecr.report(case["digest"], case["pages"])
    waivers = in_scope(policy.waivers, "cats", case["digest"])
    answers.append(plain(gate.judge(policy, report, None, waivers, case["now"])))
json.dump({{"answers": answers, "from": tidegate.__file__, "path": sys.path}}, sys.stdout)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bundle")
    bundle.write(made)
    return made


def cases() -> list[dict[str, Any]]:
    """Findings and policies that come to every verdict."""
    waiver = Waiver("CVE-7", "not reachable", "ann", until=NOW + 1)
    policies = [
        STRICT,
        GatePolicy(),
        GatePolicy(limits=(("HIGH", 2),), only_fixable=False, waivers=(waiver,)),
        GatePolicy(on_unknown=UnknownRule.WARN),
    ]
    pages = [
        page("COMPLETE"),
        page("COMPLETE", ("CVE-7", "CRITICAL")),
        page("COMPLETE", *((f"CVE-{n}", "HIGH") for n in range(3))),
        page("FAILED"),
    ]
    return [
        {"digest": IMAGE, "pages": [_plain(one)], "policy": json.loads(gate_json(p)), "now": NOW}
        for one in pages
        for p in policies
    ]


def _plain(one: Any) -> Any:
    """As the AWS command line prints it: times as text."""
    return json.loads(json.dumps(one, default=lambda at: at.isoformat()))


def here(case: dict[str, Any]) -> Any:
    report = ecr.report(case["digest"], case["pages"])
    assert isinstance(report, ScanReport)
    policy = next(p for p in _policies() if json.loads(gate_json(p)) == case["policy"])
    return json.loads(json.dumps(plain(gate.judge(policy, report, None, policy.waivers, NOW))))


def _policies() -> list[GatePolicy]:
    waiver = Waiver("CVE-7", "not reachable", "ann", until=NOW + 1)
    return [
        STRICT,
        GatePolicy(),
        GatePolicy(limits=(("HIGH", 2),), only_fixable=False, waivers=(waiver,)),
        GatePolicy(on_unknown=UnknownRule.WARN),
    ]


def elsewhere(place: Path, first: str = "") -> dict[str, Any]:
    """What the bundled code says in a process that has nothing else of Tidegate."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", DECIDE.format(first=first), str(place)],
        input=json.dumps(cases()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_same_findings_get_the_same_verdict_in_the_account_as_here(folder: Path) -> None:
    found = elsewhere(folder / bundle.ZIP)
    assert found["from"].startswith(str(folder))
    assert found["answers"] == [here(case) for case in cases()]
    assert {one["kind"] for one in found["answers"]} == {"passed", "refused", "unknown"}


def test_the_inline_form_decides_the_same(folder: Path, tmp_path: Path) -> None:
    """`index.py` imports boto3 only when it is called, so it loads where there is none."""
    (tmp_path / "index.py").write_text((folder / bundle.INLINE).read_text())
    found = elsewhere(tmp_path, first="import index; assert index.gate and index.hook")
    assert found["from"].startswith("/tmp/tidegate-")
    assert found["answers"] == [here(case) for case in cases()]


def test_the_bundle_is_the_same_bytes_each_time() -> None:
    one, other = bundle.build(), bundle.build()
    assert (one.zip, one.inline, one.digest) == (other.zip, other.inline, other.digest)


def test_nothing_in_the_bundle_imports_more_than_lambda_has(folder: Path) -> None:
    allowed = {*sys.stdlib_module_names, "tidegate", "boto3", "botocore"}
    with zipfile.ZipFile(folder / bundle.ZIP) as archive:
        for name in archive.namelist():
            for node in ast.walk(ast.parse(archive.read(name))):
                named = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert {one.partition(".")[0] for one in named} <= allowed, name


def test_the_sources_in_the_zip_are_the_package_s_own(folder: Path) -> None:
    source = Path(bundle.__file__).parents[2]
    with zipfile.ZipFile(folder / bundle.ZIP) as archive:
        for name in archive.namelist():
            assert archive.read(name) == (source / name).read_bytes()


@pytest.mark.parametrize("kind", list(bundle.HANDLERS))
def test_each_function_alone_fits_into_its_template(kind: str) -> None:
    inline = bundle.build([kind]).inline
    assert len(inline.encode()) <= bundle.MOST_INLINE_BYTES
    assert re.search(rf"^from {bundle.HANDLERS[kind]} import handler as {kind}$", inline, re.M)


def test_the_functions_need_neither_engine_nor_command_line() -> None:
    for name in bundle.build().modules:
        assert not name.startswith(("tidegate/engine", "tidegate/cli", "tidegate/local"))


def test_the_load_generator_packed_is_the_standard_library_and_itself() -> None:
    packed = zipfile.ZipFile(_stream(bundle.packed(["tidegate.load.__main__"])))
    assert "tidegate/load/__main__.py" in packed.namelist()
    for name in packed.namelist():
        for node in ast.walk(ast.parse(packed.read(name))):
            if isinstance(node, ast.Import):
                assert {a.name.split(".")[0] for a in node.names} <= {*sys.stdlib_module_names}
            elif isinstance(node, ast.ImportFrom):
                whence = str(node.module).split(".")[0]
                assert whence == "tidegate" or whence in sys.stdlib_module_names, name
        assert not name.startswith(WORLDS), name


def _stream(body: bytes) -> Any:
    import io

    return io.BytesIO(body)
