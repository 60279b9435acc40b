"""The states of a deployment that is not over, by AWS's words."""

ECS_MOVING = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)
"""Of an ECS service deployment."""

CODEDEPLOY_MOVING = ("Created", "Queued", "InProgress", "Baking", "Ready")
"""Of a CodeDeploy deployment."""
