"""What this machine needs for Tidegate: see what is missing, install it, say what is wrong."""

from tidegate.local.setup.dockerd import stop_own_dockerd
from tidegate.local.setup.doctor import Check, CheckState, doctor
from tidegate.local.setup.ports import free_pair
from tidegate.local.setup.steps import Step, StepKind, plan_setup, run_setup

__all__ = [
    "Check",
    "CheckState",
    "Step",
    "StepKind",
    "doctor",
    "free_pair",
    "plan_setup",
    "run_setup",
    "stop_own_dockerd",
]
