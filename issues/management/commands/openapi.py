"""Write the OpenAPI document of the API to where it is served from."""

from typing import Any

import orjson
from django.core.management.base import BaseCommand

from issues.api import operations as issues
from sentrylite.api.openapi import Document
from sentrylite.api.reference import DOCUMENT
from sentrylite.files.api import operations as files
from sentrylite.ingest.openapi import DOORS, SECURITY
from sentrylite.organizations.api import operations as organizations
from sentrylite.releases.api import operations as releases
from sentrylite.symbols.api import operations as symbols
from stats.api import operations as stats

OPERATIONS = {
    **organizations.OPERATIONS,
    **stats.OPERATIONS,
    **files.OPERATIONS,
    **releases.OPERATIONS,
    **symbols.OPERATIONS,
    **issues.OPERATIONS,
}


def document() -> bytes:
    """The whole API, as it is now. Raises TypeError for what does not say what it does."""
    found = Document(OPERATIONS, DOORS, SECURITY).get_schema(public=True)
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = []  # they look at directories of a server

    def handle(self, **options: Any) -> None:
        DOCUMENT.write_bytes(document())
        self.stdout.write(f"wrote {DOCUMENT}")
