"""What CodeBuild does with a revision: an image by digest, its tests, its SBOM. Pure.

It belongs to the stack, not to the repository: whoever may push cannot change what a push goes
through. No credentials reach the build of the image, and nothing here waits in a loop.
"""

import shlex
from typing import Any

from tidegate.core.model import App, Architecture, Service

_LOGIN = (
    'aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"'
)
_PUSHED = (
    "python3 -c \"import json;print(json.load(open('pushed.json'))['containerimage.digest'])\""
)


def buildspec(app: App, service: Service) -> dict[str, Any]:
    """The build project's specification. `REPOSITORY` and `EVIDENCE` come from the project."""
    return {
        "version": 0.2,
        "env": {
            "shell": "bash",
            "exported-variables": ["IMAGE", "IMAGE_DIGEST", "COMMIT"],
        },
        "phases": {
            "pre_build": {"on-failure": "ABORT", "commands": ["set -o pipefail", *_before()]},
            "build": {"on-failure": "ABORT", "commands": _commands(app, service)},
        },
    }


def _before() -> list[str]:
    return [
        'export COMMIT="${CODEBUILD_RESOLVED_SOURCE_VERSION:-unknown}"',
        'export TAG="c${COMMIT//[^A-Za-z0-9]/}"',
        'export TAG="${TAG:0:13}-${CODEBUILD_BUILD_NUMBER}"',
        _LOGIN,
        "docker buildx create --use --driver docker-container > /dev/null",
    ]


def _commands(app: App, service: Service) -> list[str]:
    arm = app.aws.architecture is Architecture.ARM64
    build = ["docker", "buildx", "build", "--platform", "linux/arm64" if arm else "linux/amd64"]
    build += _source(service)
    line = f"{shlex.join(build[:-1])} {shlex.quote(build[-1])}"
    commands = [] if service.build.image is None else [_from_image(service.build.image)]
    if service.test:
        commands += [
            f"{line} --provenance=false --load --tag tested",
            f"docker run --rm --network none tested {shlex.join(service.test)}",
        ]
    return [
        *commands,
        f'{line} --provenance=false --push --tag "$REPOSITORY:$TAG" --metadata-file pushed.json',
        f"export IMAGE_DIGEST=$({_PUSHED})",
        'export IMAGE="$REPOSITORY@$IMAGE_DIGEST"',
        f"{line} --sbom=true --output type=local,dest=unpacked",
        'aws s3 cp --only-show-errors "$(ls unpacked/sbom*.json | head -1)" '
        f'"s3://$EVIDENCE/sbom/{service.name}/${{IMAGE_DIGEST/:/-}}.spdx.json"',
        'echo "built $IMAGE from $COMMIT"',
    ]


def _source(service: Service) -> list[str]:
    """Options of the build, and its folder at the end."""
    if service.build.image is not None:
        return ["from-image"]
    context = service.build.context
    dockerfile = (
        service.build.dockerfile if context == "." else f"{context}/{service.build.dockerfile}"
    )
    arguments = [
        part for name, value in service.build.args for part in ("--build-arg", f"{name}={value}")
    ]
    return ["--file", dockerfile, *arguments, context]


def _from_image(image: str) -> str:
    """A ready image becomes one of the repository, so that it is scanned and judged like any."""
    return (
        f"mkdir -p from-image && printf 'FROM %s\\n' {shlex.quote(image)} > from-image/Dockerfile"
    )
