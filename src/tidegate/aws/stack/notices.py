"""Who is told: one topic for alarms, approvals and failures, and a budget that speaks up."""

from aws_cdk import Aws, CfnCondition, CfnParameter, Fn, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns

from tidegate.aws.names import TAG_APP, PlatformParameter
from tidegate.aws.stack.roles import document
from tidegate.core.model import App

_PUBLISHERS = ("cloudwatch", "budgets")


def topic(stack: Stack, key_arn: str) -> sns.CfnTopic:
    """The topic, its policy, and the address that is subscribed when one is given."""
    made = sns.CfnTopic(stack, "Topic", kms_master_key_id=key_arn)
    publish = {
        "Effect": "Allow",
        "Principal": {"Service": [f"{one}.amazonaws.com" for one in _PUBLISHERS]},
        "Action": "sns:Publish",
        "Resource": made.ref,
    }
    mine = {"Condition": {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}}
    events = {"Principal": {"Service": "events.amazonaws.com"}}  # it knows no condition here
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": made.ref,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    sns.CfnTopicPolicy(
        stack,
        "TopicPolicy",
        topics=[made.ref],
        policy_document=document([publish | mine, publish | events, tls]),
    )
    address = CfnParameter(
        stack,
        PlatformParameter.NOTIFY.value,
        default="",
        description="Who is told of alarms, approvals and the budget; empty is nobody.",
    )
    given = CfnCondition(
        stack,
        "HasEmail",
        expression=Fn.condition_not(Fn.condition_equals(address.value_as_string, "")),
    )
    subscription = sns.CfnSubscription(
        stack,
        "Subscription",
        topic_arn=made.ref,
        protocol="email",
        endpoint=address.value_as_string,
    )
    subscription.cfn_options.condition = given
    return made


def budget(stack: Stack, app: App, topic_arn: str) -> None:
    """A monthly budget for what has the app's tag, when the file gives one.

    The tag counts once it is activated as a cost allocation tag in the account's billing console.
    """
    if app.aws.budget_usd is None:
        return
    told = [{"address": topic_arn, "subscriptionType": "SNS"}]
    budgets.CfnBudget(
        stack,
        "Budget",
        budget={
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "budgetLimit": {"amount": app.aws.budget_usd, "unit": "USD"},
            "costFilters": {"TagKeyValue": [f"user:{TAG_APP}${app.name}"]},
        },
        notifications_with_subscribers=[
            {
                "notification": {
                    "notificationType": kind,
                    "comparisonOperator": "GREATER_THAN",
                    "threshold": percent,
                    "thresholdType": "PERCENTAGE",
                },
                "subscribers": told,
            }
            for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
        ],
    )
