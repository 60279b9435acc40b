"""A webhook for a pipeline whose source comes with a GitHub token.

Its secret is made here and is not the token: a token that signs web calls is a token on the wire.
"""

from aws_cdk import Fn
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_secretsmanager as secrets

from tidegate.aws.stack.parts import Parts


def webhook(parts: Parts, pipeline: codepipeline.CfnPipeline) -> None:
    """The webhook, registered with GitHub by CodePipeline."""
    secret = secrets.CfnSecret(
        parts.stack,
        "WebhookSecret",
        description="Signs GitHub's calls to the pipeline; not the token",
        generate_secret_string={"passwordLength": 40, "excludePunctuation": True},
        kms_key_id=parts.key_arn,
    )
    codepipeline.CfnWebhook(
        parts.stack,
        "Webhook",
        authentication="GITHUB_HMAC",
        authentication_configuration={
            "secretToken": Fn.join("", ["{{resolve:secretsmanager:", secret.ref, "}}"])
        },
        filters=[{"jsonPath": "$.ref", "matchEquals": f"refs/heads/{parts.app.pipeline.branch}"}],
        register_with_third_party=True,
        target_action="Source",
        target_pipeline=pipeline.ref,
        target_pipeline_version=1,
    )
