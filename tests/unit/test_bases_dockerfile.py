"""Which images a Dockerfile takes from outside, and how they are exchanged."""

import pytest

from tidegate.local.bases.dockerfile import exchange, outside_images


def images(text: str, **args: str) -> list[str]:
    return [found.image for found in outside_images(text, args)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM nginx:stable\nCOPY x /x\n", ["nginx:stable"]),
        ("  from nginx\n", ["nginx"]),
        ("FROM scratch\n", []),
        ("FROM node:18 AS build\nFROM nginx\nCOPY --from=build /a /b\n", ["node:18", "nginx"]),
        ("FROM node AS Build\nFROM build\nFROM build AS last\n", ["node"]),
        ("FROM a@sha256:0011 as x\n", ["a@sha256:0011"]),
        ("ARG TAG=1.22\nFROM nginx:${TAG}\n", ["nginx:1.22"]),
        ('ARG A=x B="y"\nFROM $A/$B\n', ["x/y"]),
        ("ARG A=3\nARG B=python:$A\nFROM $B\n", ["python:3"]),
        ("ARG TAG\nFROM nginx:${TAG:-stable}\n", ["nginx:stable"]),
        ("ARG V=1\nFROM nginx${V:+:1.22}\n", ["nginx:1.22"]),
        ("FROM a\nARG TAG=9\nFROM b:${TAG:-1}\n", ["a", "b:1"]),
        ("# FROM none\nFROM \\\n  # a word between\n  nginx \\\n  AS web\n", ["nginx"]),
        ("# escape=`\nFROM `\n nginx\n", ["nginx"]),
        ("FROM a\nRUN echo \\\n  FROM b\n", ["a"]),
        ("FROM a\nRUN <<END\nFROM b\nEND\nFROM c\n", ["a", "c"]),
        ("FROM a\nLABEL x='FROM b'\n", ["a"]),
    ],
)
def test_only_images_from_outside_are_found(text: str, found: list[str]) -> None:
    assert images(text) == found


def test_a_build_argument_wins_over_the_default() -> None:
    assert images("ARG TAG=1\nFROM nginx:$TAG\n", TAG="2") == ["nginx:2"]


def test_the_platform_is_read() -> None:
    (found,) = outside_images("FROM --platform=linux/arm64 nginx AS web\n", {})
    assert (found.platform, found.image, found.stage) == ("linux/arm64", "nginx", "web")


def test_an_exchanged_line_keeps_its_stage_and_every_line_its_number() -> None:
    text = (
        "ARG T=1\nFROM --platform=$BUILDPLATFORM \\\n  node:$T \\\n  AS build\nRUN x\nFROM nginx\n"
    )
    first, second = outside_images(text, {})
    assert exchange(text, {first: "ours:1"}) == (
        "ARG T=1\nFROM ours:1 AS build\n#\n#\nRUN x\nFROM nginx\n"
    )
    assert exchange(text, {second: "ours:2"}).endswith("RUN x\nFROM ours:2\n")
