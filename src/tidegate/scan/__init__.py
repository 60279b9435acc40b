"""The scan gate's evidence: what is in an image, and which of it is known to be vulnerable.

`archive` reads images, `inventory` finds the packages in them, `sbom` writes that down.
`packages` is the vocabulary that these share with the advisories and the matching.
"""
