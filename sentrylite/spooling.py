"""Where bodies and the files in them wait until they are read: a little in memory, the rest on
disk, without a name, so that nothing stays behind whatever happens."""

import os
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

IN_MEMORY = 128 * 1024


class _SpooledFile(SpooledTemporaryFile):
    def rollover(self) -> None:
        if settings.SPOOL_DIR:
            os.makedirs(settings.SPOOL_DIR, mode=0o700, exist_ok=True)
        super().rollover()

    def close(self) -> None:
        with suppress(OSError):  # a full disk has no room for what nobody needs any more either
            super().close()

    def __exit__(self, *_: object) -> None:
        self.close()


def spooled_file() -> IO[bytes]:
    """A file that takes no more than 128 KiB of memory."""
    return _SpooledFile(IN_MEMORY, dir=settings.SPOOL_DIR)


class SpooledUploadHandler(FileUploadHandler):
    """Django's files of a multipart body."""

    file: UploadedFile

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = UploadedFile(
            spooled_file(),
            self.file_name,
            self.content_type,
            0,
            self.charset,
            self.content_type_extra,
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
