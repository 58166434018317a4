"""The server in this process, for stories and for any input."""

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.flows.stack import Stack


@pytest.fixture
def stack(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    # As in a server, only sooner.
    monkeypatch.setattr("sentrylite.ingest.journal.INTERVAL", 0.05)
    # Its threads' connections must not outlive the test's database.
    monkeypatch.setitem(connections.databases["default"], "CONN_MAX_AGE", 0)
    with Stack() as stack:
        yield stack
