"""The README's table of operations and the routes say the same."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

from sentrylite.ingest.app import matches

README = Path(settings.BASE_DIR.parent, "README.md").read_text()
ROW = re.compile(r"^\| (GET|POST|PUT|DELETE) \| `(/[^`]*)` \| .* \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall(README)

VALUES = {
    "issue_id": "1",
    "event_id": "0" * 32,
    "hook_id": "f" * 32,
    "note_id": "1",
    "tombstone_id": "1",
    "project_id": "1",
}


def served(method: str, path: str) -> bool:
    """Whether something answers this operation."""
    path = re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match[1], "x"), path)
    if path.startswith("/api/"):
        return matches(path)
    try:
        view = resolve(f"/api/0{path}").func
    except Resolver404:
        return False
    return hasattr(getattr(view, "view_class", None), method.lower())


def test_there_is_a_row_for_every_operation() -> None:
    assert len(ROWS) == 142
    assert len({(method, path) for method, path, _ in ROWS}) == 142


@pytest.mark.parametrize("method, path, state", ROWS)
def test_the_table_tells_the_truth(method: str, path: str, state: str) -> None:
    assert served(method, path) == (state != "not yet")
