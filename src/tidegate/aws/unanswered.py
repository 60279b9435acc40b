"""What one machine answers and an account does not yet, each with where AWS has it."""

from tidegate.core.errors import UsageError
from tidegate.engine.drills import Drill
from tidegate.engine.views.capacity import CapacityView
from tidegate.engine.views.gate import GateView


class Unanswered:
    """Refusals; `AwsOperations` takes them over."""

    def capacity(self) -> CapacityView:
        """Not from AWS yet: its providers tell neither zones nor costs of instances."""
        raise UsageError(
            "capacity on AWS is not shown here yet",
            cause="ECS tells of providers and instances, not what they have cost",
            remedy="aws ecs describe-capacity-providers, and the dashboard of the platform's stack",
            code="TG173",
        )

    def explain_gate(self, subject: str) -> tuple[GateView, ...]:
        """Not from AWS yet: the verdict stands in the execution, its evidence in the bucket."""
        raise UsageError(
            f"the gate's word on {subject[:60]} is not explained from AWS yet",
            cause="its evidence lies in the artifacts bucket under evidence/SERVICE/, as JSON",
            remedy="see the verdict: tidegate releases --target aws",
            code="TG176",
        )

    def interrupt(self, drill: Drill, by: str) -> tuple[str, ...]:
        """Not by us on AWS: its own service takes spot instances back."""
        raise UsageError(
            "spot capacity on AWS is taken back by AWS alone",
            cause="a drill there is an experiment of AWS Fault Injection Service",
            remedy="aws fis start-experiment, with aws:ec2:send-spot-instance-interruptions",
            code="TG180",
        )
