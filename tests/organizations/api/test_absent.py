"""What an organization never has: /organizations/{organization}/alert-rules/ and its like."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization

PATH = "/api/0/organizations/acme/"


@pytest.mark.parametrize(
    "below, answer",
    [
        ("alert-rules/", []),
        ("combined-rules/", []),
        ("detectors/", []),
        ("integrations/", []),
        ("replays/", {"data": []}),
        ("workflows/", []),
    ],
)
def test_there_are_none(
    api: APIClient,
    organization: Organization,
    count_queries: Callable[..., int],
    below: str,
    answer: Any,
) -> None:
    response = api.get(PATH + below, {"query": "x", "statsPeriod": "14d"})
    assert (response.status_code, response.json()) == (200, answer)
    assert response["Link"].count('results="false"') == 2
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert api.get(PATH + below, {"cursor": "x"}).status_code == 400
    assert count_queries(api.get, PATH + below) == 2
