"""A revision's files as the source of the pipelines, when the app file names no git host."""

import io
import tarfile
import zipfile
from typing import BinaryIO

from tidegate.aws.account import Account
from tidegate.aws.names import SOURCE_KEY
from tidegate.core.errors import BuildError


def upload(account: Account, bucket: str, tar: BinaryIO) -> None:
    """Put the archive where every pipeline's source action looks, as the zip that it takes."""
    body = zipped(tar)
    account.ask("s3", "put_object", Bucket=bucket, Key=SOURCE_KEY, Body=body)


def zipped(tar: BinaryIO) -> bytes:
    """The regular files of a tar as a zip, modes kept. Raises `BuildError` for what is no tar."""
    out = io.BytesIO()
    try:
        with (
            tarfile.open(fileobj=tar, mode="r:*") as files,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for member in files:
                content = files.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                info = zipfile.ZipInfo(member.name, (1980, 1, 1, 0, 0, 0))
                info.external_attr = (0o100000 | member.mode) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content.read())
    except tarfile.TarError as error:
        raise BuildError("the source is no tar archive", cause=str(error), code="TG321") from error
    return out.getvalue()
