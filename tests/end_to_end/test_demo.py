"""The demo: every act holds, and no request is dropped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(600)
@pytest.mark.engine
@pytest.mark.haproxy
def test_every_act_of_the_demo_holds_and_no_request_is_dropped(place: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tidegate",
        "demo",
        "--json",
        "--folder",
        str(place),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout
    told = json.loads(done.stdout)
    acts = {act["name"]: act for act in told["acts"]}
    delivery = ["deployed", "blue-green", "gate", "saved", "crash"]
    assert list(acts) == [*delivery, "scale", "interruption"]
    assert all(act["ok"] for act in acts.values())
    assert told["dropped"] == 0
    assert all(act["requests"] > 300 for act in acts.values())
    assert acts["saved"]["failed"] > 0
    assert acts["saved"]["detect_ms"] > 0
    assert acts["saved"]["detail"]["most_weight_percent"] < 100
    assert acts["gate"]["detail"]["refused"].startswith("scan: cats is refused")
    assert acts["scale"]["detail"]["spot_instances"]["most"] > 0
    for rise in acts["scale"]["detail"]["rise"].values():
        assert rise["decision_ms"] < rise["healthy_ms"]
    cost = acts["interruption"]["detail"]["cost"]
    assert 0 < cost["micros"] < cost["on_demand_micros"]
    assert "seconds" in told["timing"]
