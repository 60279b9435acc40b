"""Other scanners behind the same port: Trivy, Grype, osv-scanner, and the findings of ECR.

`ecr` is a pure mapping on the standard library and the core, so that a Lambda can carry it.
`choose` is the one place that picks the scanner of an app; nothing else names a tool.
"""
