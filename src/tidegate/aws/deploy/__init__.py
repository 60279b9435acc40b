"""Stacks into the account and out of it again, with boto3 alone: no CDK, no bucket to prepare."""
