"""A small AWS with a memory, held to botocore's own models.

Calls go through boto3's real clients: parameters are validated by botocore, answers by us against
the model's output shape, so that neither side can have a shape that AWS does not have.
"""
