"""Pieces of files: sent by an organization, named by their checksums, put together.

A piece is kept for a day after the organization was last told that it is there. Only the
organization that sent it can name it (releases contract, section 9; clients contract, section 6).
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection

from sentrylite.arrays import literal
from sentrylite.organizations.models import Organization
from sentrylite.spooling import spooled_file

from . import store
from .models import Blob
from .store import TooLarge

CHUNK_SIZE = 8 * 1024 * 1024
# The sum of it all, and so the most that a client can have uploaded in pieces.
MAX_FILE_SIZE = 2 * 1024 * 1024 * 1024

CHECKSUM = re.compile("[0-9a-f]{40}")

ADD_CHUNKS = """
    INSERT INTO files_chunk (organization_id, blob_id, used_at)
    SELECT %(organization)s, blob_id, %(now)s
    FROM unnest(%(blobs)s::bigint[]) AS sent (blob_id)
    ON CONFLICT (organization_id, blob_id)
    DO UPDATE SET used_at = greatest(files_chunk.used_at, EXCLUDED.used_at)
"""

FIND_CHUNKS = """
    WITH found AS (
        SELECT chunk.id, blob.id AS blob_id, blob.name, blob.checksum, blob.size, blob.is_stored,
            blob.created_at, blob.used_at
        FROM files_chunk chunk JOIN files_blob blob ON blob.id = chunk.blob_id
        WHERE chunk.organization_id = %(organization)s
            AND blob.checksum = ANY(%(checksums)s::text[]) AND blob.is_stored
        ORDER BY chunk.id FOR UPDATE OF chunk
    )
    UPDATE files_chunk SET used_at = greatest(files_chunk.used_at, %(now)s)
    FROM found WHERE files_chunk.id = found.id
    RETURNING found.blob_id AS id, found.name, found.checksum, found.size, found.is_stored,
        found.created_at, found.used_at
"""


class WrongChecksum(Exception):
    """The pieces, put together, are not what they were said to be."""


def add(organization: Organization, blobs: Collection[Blob], now: datetime) -> None:
    """Let an organization name what it has sent. One statement."""
    with connection.cursor() as cursor:
        ids = literal(sorted({blob.pk for blob in blobs}))
        cursor.execute(ADD_CHUNKS, {"organization": organization.pk, "blobs": ids, "now": now})


def find(organization: Organization, checksums: Collection[str], now: datetime) -> dict[str, Blob]:
    """The pieces with these checksums that the organization has sent, by checksum; they are kept
    for a day from now. One statement."""
    names = {
        "organization": organization.pk,
        "checksums": literal(sorted(set(checksums))),
        "now": now,
    }
    return {blob.checksum: blob for blob in Blob.objects.raw(FIND_CHUNKS, names)}


def assemble(pieces: Sequence[Blob], checksum: str, now: datetime, limit: int) -> Blob:
    """Put pieces together to the content that has this checksum; returns its blob.

    Raises WrongChecksum and TooLarge (more than `limit` bytes); nothing is left behind then.
    """
    if sum(piece.size for piece in pieces) > limit:
        raise TooLarge(f"larger than {limit} bytes")
    with spooled_file() as whole:
        for piece in pieces:
            with store.open_blob(piece) as content:
                store.append(whole, content, limit)
        measured = store.measure(whole)
        if (found := measured.checksum) != checksum:
            raise WrongChecksum(f"The checksum of the whole is {found}, not {checksum}.")
        return store.store_measured([measured], now)[0]
