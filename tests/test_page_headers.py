"""The headers of pages, and that answers which are none do without."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from sentrylite.middleware import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address", [reverse("admin:index"), reverse("admin:issues_issue_changelist"), "/accept/", "/no"]
)
def test_every_page_has_a_strict_policy(admin_client: Client, address: str) -> None:
    answer = admin_client.get(address)
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]


def test_answers_of_the_api_are_left_as_they_are(api: APIClient) -> None:
    for address in ("/api/0/", "/api/0/organizations/acme/", "/api/embed/error-page/", "/api/0/no"):
        answer = api.get(address)
        assert "Content-Security-Policy" not in answer.headers
        assert "Permissions-Policy" not in answer.headers


def test_a_refused_form_has_the_policy_too() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {"username": "x"})
    assert answer.status_code == 403
    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
