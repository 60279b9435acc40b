"""What one stack tells the others and a person: outputs, exports, imports."""

from aws_cdk import CfnOutput, Fn, Stack

from tidegate.aws.names import Names, PlatformOutput, ServiceOutput


def export(stack: Stack, names: Names, output: PlatformOutput, value: str) -> None:
    """An output that services' stacks import. It cannot change while one does."""
    CfnOutput(stack, output.value, value=value, export_name=names.export(output))


def imported(names: Names, output: PlatformOutput) -> str:
    """The value of an output of the platform's stacks."""
    return Fn.import_value(names.export(output))


def tell(stack: Stack, output: ServiceOutput, value: str) -> None:
    """An output of a service's stack."""
    CfnOutput(stack, output.value, value=value)
