"""CodePipeline, CodeDeploy and CodeBuild with a memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.aws.fake import NOW, Refused
from tests.support.aws.services import time_of


@dataclass
class CodePipeline:
    """`executions` by pipeline, the newest first; `actions` by execution; `answers` to jobs."""

    executions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    actions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)

    def add(self, pipeline: str, uuid: str, status: str, *stages: tuple[str, str, str]) -> None:
        """An execution with (stage, status, summary) for each action so far."""
        self.executions.setdefault(pipeline, []).insert(
            0,
            {
                "pipelineExecutionId": uuid,
                "status": status,
                "startTime": time_of(NOW - 300_000),
                "lastUpdateTime": time_of(NOW - 10_000),
                "sourceRevisions": [
                    {"actionName": "Source", "revisionId": "c" * 40, "revisionSummary": "Basket"}
                ],
                "trigger": {"triggerType": "WebhookV2", "triggerDetail": "arn:…/ann"},
            },
        )
        self.actions[uuid] = [
            {
                "pipelineExecutionId": uuid,
                "actionExecutionId": f"{uuid}-{number}",
                "stageName": stage,
                "actionName": stage,
                "startTime": time_of(NOW - 290_000 + number * 20_000),
                "lastUpdateTime": time_of(NOW - 280_000 + number * 20_000),
                "status": state,
                "input": {
                    "actionTypeId": {
                        "category": "Build",
                        "owner": "AWS",
                        "provider": "CodeBuild" if stage == "Build" else "Lambda",
                        "version": "1",
                    }
                },
                "output": {
                    "executionResult": {
                        "externalExecutionId": f"{stage}:1",
                        "externalExecutionSummary": summary,
                    }
                },
            }
            for number, (stage, state, summary) in enumerate(stages)
        ]

    def ListPipelineExecutions(self, pipelineName: str, **_: Any) -> Any:
        return {"pipelineExecutionSummaries": self.executions.get(pipelineName, [])}

    def ListActionExecutions(self, pipelineName: str, filter: Any) -> Any:
        return {"actionExecutionDetails": self.actions.get(filter["pipelineExecutionId"], [])}

    def GetPipelineState(self, name: str) -> Any:
        return {"pipelineName": name, "stageStates": self.states.get(name, [])}

    def GetPipeline(self, name: str) -> Any:
        kind = {"category": "Source", "owner": "AWS", "provider": "CodeStar", "version": "1"}
        source = {"name": "Source", "actions": [{"name": "Checkout", "actionTypeId": kind}]}
        stages = [source, {"name": "Build", "actions": []}]
        role = "arn:aws:iam::123456789012:role/pipeline"
        return {"pipeline": {"name": name, "roleArn": role, "stages": stages}}

    def StartPipelineExecution(self, name: str, **asked: Any) -> Any:
        uuid = f"11111111-{len(self.executions.get(name, [])):04d}"
        self.add(name, uuid, "InProgress")
        return {"pipelineExecutionId": uuid}

    def PutApprovalResult(self, **asked: Any) -> Any:
        self.approvals.append(asked)
        return {"approvedAt": time_of(NOW)}

    def PutJobSuccessResult(self, **asked: Any) -> None:
        self.answers.append(("success", asked))

    def PutJobFailureResult(self, **asked: Any) -> None:
        self.answers.append(("failure", asked))


@dataclass
class CodeDeploy:
    """Deployments by id, the newest first."""

    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, service: str, status: str, target: dict[str, Any]) -> None:
        self.deployments[name] = {
            "deploymentId": name,
            "applicationName": "shop",
            "deploymentGroupName": service,
            "status": status,
            "createTime": time_of(NOW - 400_000),
            "startTime": time_of(NOW - 390_000),
        }
        self.targets[name] = target

    def ListDeployments(self, applicationName: str, deploymentGroupName: str, **asked: Any) -> Any:
        wanted = asked.get("includeOnlyStatuses")
        found = [
            name
            for name, one in self.deployments.items()
            if one["deploymentGroupName"] == deploymentGroupName
            and (not wanted or one["status"] in wanted)
        ]
        return {"deployments": found}

    def GetDeployment(self, deploymentId: str) -> Any:
        return {"deploymentInfo": self.deployments[deploymentId]}

    def ListDeploymentTargets(self, deploymentId: str) -> Any:
        service = self.deployments[deploymentId]["deploymentGroupName"]
        return {"targetIds": [f"shop-cluster:{service}"]}

    def BatchGetDeploymentTargets(self, deploymentId: str, targetIds: list[str]) -> Any:
        target = {"deploymentTargetType": "ECSTarget", "ecsTarget": self.targets[deploymentId]}
        return {"deploymentTargets": [target]}

    def StopDeployment(self, deploymentId: str, autoRollbackEnabled: bool) -> Any:
        one = self.deployments[deploymentId]
        if one["status"] in ("Succeeded", "Failed", "Stopped"):
            raise Refused("DeploymentAlreadyCompletedException", "It is over.")
        one["status"] = "Stopped"
        return {"status": "Succeeded"}

    def ContinueDeployment(self, deploymentId: str, deploymentWaitType: str) -> None:
        self.told.append({"id": deploymentId, "wait": deploymentWaitType})

    def CreateDeployment(self, **asked: Any) -> Any:
        self.created.append(asked)
        return {"deploymentId": "d-NEW000000"}

    def PutLifecycleEventHookExecutionStatus(self, **asked: Any) -> Any:
        self.told.append(asked)
        hook = asked["lifecycleEventHookExecutionId"]
        return {"lifecycleEventHookExecutionId": hook}


@dataclass
class CodeBuild:
    """A build goes on for one look, then it has succeeded."""

    looks: int = 0

    def StartBuild(self, projectName: str, **asked: Any) -> Any:
        return {"build": {"id": f"{projectName}:1", "buildStatus": "IN_PROGRESS"}}

    def BatchGetBuilds(self, ids: list[str]) -> Any:
        self.looks += 1
        over = self.looks > 1
        told = {
            "buildStatus": "SUCCEEDED" if over else "IN_PROGRESS",
            "currentPhase": "COMPLETED" if over else "BUILD",
        }
        return {
            "builds": [{"id": ids[0], **told, "logs": {"groupName": "/build", "streamName": "one"}}]
        }
