"""The same app on AWS: stacks that do the work there, and what reads and steers them.

Only `aws.stack` imports `aws_cdk`, and only when a template is written; nothing outside this
package does. The three functions that run in the account import `core` and boto3.
"""
