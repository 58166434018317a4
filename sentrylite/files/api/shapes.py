"""What answers say of uploads."""

from typing import TypedDict


class ChunkUpload(TypedDict):
    """How to upload in pieces."""

    url: str
    chunkSize: int
    chunksPerRequest: int
    maxFileSize: int
    maxRequestSize: int
    concurrency: int
    hashAlgorithm: str
    compression: list[str]
    accept: list[str]
