"""The CloudFormation stacks of an app, written with the CDK. The only importer of `aws_cdk`.

Every resource is the CDK's plain `Cfn…` class: its logical id is the name in the code, its roles
are spelled out, and nothing is made that the code does not say. What the CDK adds over hand-written
templates is types, tokens and the reviewers that read its tree (cdk-nag).
"""
