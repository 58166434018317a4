"""Accepting an invitation in a browser: /accept/{member}/{token}/"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from sentrylite.accounts.models import User
from sentrylite.organizations import invitations
from sentrylite.organizations.models import AuditLogEntry, Organization, OrganizationMember, Team
from tests import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def invited(organization: Organization, team: Team, user: User) -> OrganizationMember:
    return factories.OrganizationMemberFactory(
        organization=organization,
        user=None,
        email="New@example.com",
        role="admin",
        inviter=user,
        teams=[team],
        token_expires_at=datetime.now(UTC) + timedelta(days=30),
    )


@pytest.fixture
def link(invited: OrganizationMember) -> str:
    assert invitations.send(invited.pk, "https://errors.example.com", datetime.now(UTC))
    found = re.search(r"^https://errors\.example\.com(/accept/\S+)$", mail.outbox[-1].body, re.M)
    assert found
    return found[1]


@pytest.fixture
def newcomer(db: None) -> User:
    return User.objects.create_user("nn", "new@example.com", PASSWORD, name="N. N.")


def sign_up(client: Client, link: str, **changes: str) -> Any:
    sent = {"action": "sign-up", "name": "Nova", "password": PASSWORD, "repeated": PASSWORD}
    return client.post(link, sent | changes)


def sign_in(client: Client, link: str, **changes: str) -> Any:
    sent = {"action": "sign-in", "email": "New@Example.com", "password": PASSWORD}
    return client.post(link, sent | changes)


def members() -> list[tuple[str, str]]:
    people = OrganizationMember.objects.filter(user__isnull=False, organization__slug="acme")
    return sorted(people.values_list("user__username", "role"))


def test_the_mail(link: str, user: User) -> None:
    (sent,) = mail.outbox
    assert sent.to == ["New@example.com"]
    assert f"{user} invites you to the organization Acme" in sent.body
    assert "works until" in sent.body


def test_a_name_with_a_line_break_stays_in_the_subject(invited: OrganizationMember) -> None:
    Organization.objects.update(name="Acme\nBcc: all@example.com")
    assert invitations.send(invited.pk, "http://x", datetime.now(UTC))
    assert mail.outbox[0].subject == "Join Acme Bcc: all@example.com on sentrylite"


def test_somebody_new_signs_up(client: Client, link: str, invited: OrganizationMember) -> None:
    page = client.get(link)
    assert page.status_code == 200
    assert "New@example.com" in page.text and "admin" in page.text
    answer = sign_up(client, link)
    assert (answer.status_code, answer["Location"]) == (302, "/accept/")
    made = User.objects.get(username="new@example.com")
    assert (made.email, made.name, made.check_password(PASSWORD)) == (
        "new@example.com",
        "Nova",
        True,
    )
    assert not made.is_staff
    place = OrganizationMember.objects.get(pk=invited.pk)
    assert (place.user, place.role, place.token_hash) == (made, "admin", "")
    assert place.teams.count() == 1
    assert "Welcome to Acme" in client.get("/accept/").text
    entry = AuditLogEntry.objects.get(event="member.accept-invite")
    assert (entry.actor, entry.ip_address) == (made, "127.0.0.1")
    assert client.get(link).status_code == 404


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"password": "short", "repeated": "short"}, "too short"),
        ({"password": "12345678901", "repeated": "12345678901"}, "entirely numeric"),
        ({"repeated": "another horse"}, "The two passwords are not the same."),
        ({"password": ""}, "This field is required."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_signing_up_refuses(
    client: Client, link: str, changes: dict[str, str], text: str
) -> None:
    answer = sign_up(client, link, **changes)
    assert answer.status_code == 400
    assert text in answer.text
    assert not User.objects.filter(username="new@example.com").exists()


def test_somebody_who_is_known_signs_in(client: Client, link: str, newcomer: User) -> None:
    assert "Sign in to accept." in client.get(link).text
    wrong = sign_in(client, link, password="wrong")
    assert wrong.status_code == 400
    assert "The e-mail address or the password is not right." in wrong.text
    assert sign_in(client, link).status_code == 302
    assert ("nn", "admin") in members()


def test_nobody_signs_up_over_an_account(client: Client, link: str, newcomer: User) -> None:
    answer = sign_up(client, link, password="another horse", repeated="another horse")
    assert (answer.status_code, answer["Location"]) == (302, link)
    assert User.objects.get(pk=newcomer.pk).check_password(PASSWORD)
    assert ("nn", "admin") not in members()


def test_an_account_with_another_address(client: Client, link: str) -> None:
    User.objects.create_user("else", "else@example.com", PASSWORD)
    assert 'name="email"' in client.get(f"{link}?sign-in").text
    assert sign_in(client, link, email="ELSE@example.com").status_code == 302
    assert ("else", "admin") in members()


def test_who_is_signed_in_joins(client: Client, link: str, newcomer: User) -> None:
    client.force_login(newcomer)
    page = client.get(link)
    assert "You are signed in as <strong>N. N.</strong>" in page.text
    assert ("nn", "admin") not in members()
    assert client.post(link, {"action": "join"}).status_code == 302
    assert ("nn", "admin") in members()


def test_or_is_somebody_else(client: Client, link: str, user: User) -> None:
    client.force_login(user)
    assert client.post(link, {"action": "sign-out"})["Location"] == link
    assert "Choose a password" in client.get(link).text


def test_a_member_keeps_the_place_he_has(client: Client, link: str, user: User) -> None:
    client.force_login(user)
    assert client.post(link, {"action": "join"}).status_code == 302
    assert members() == [(user.username, "owner")]
    assert not OrganizationMember.objects.filter(user=None).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda invited: invited.delete(),
        lambda invited: OrganizationMember.objects.update(
            token_expires_at=datetime(2026, 1, 1, tzinfo=UTC)
        ),
        lambda invited: invitations.send(invited.pk, "http://x", datetime.now(UTC)),
        lambda invited: Organization.objects.update(status="pending_deletion"),
    ],
    ids=["taken back", "too old", "sent anew", "organization deleted"],
)
def test_a_link_that_is_good_no_more(
    client: Client, link: str, invited: OrganizationMember, change: Callable[..., Any]
) -> None:
    change(invited)
    for answer in (client.get(link), sign_up(client, link)):
        assert answer.status_code == 404
        assert "no longer valid" in answer.text
        assert "Acme" not in answer.text


@pytest.mark.parametrize("path", ["{pk}/nope", "x/{token}", "{pk}/%00", "9999999999999999999999/x"])
def test_links_that_never_were(
    client: Client, link: str, invited: OrganizationMember, path: str
) -> None:
    token = link.split("/")[3]
    answer = client.get(f"/accept/{path.format(pk=invited.pk, token=token)}/")
    assert answer.status_code == 404


def test_an_invitation_that_was_never_mailed_has_no_link(
    client: Client, invited: OrganizationMember
) -> None:
    assert client.get(f"/accept/{invited.pk}/x/").status_code == 404


def test_the_page_runs_no_script_and_tells_nobody_its_address(client: Client, link: str) -> None:
    answer = client.get(link)
    assert "<script" not in answer.text and "style=" not in answer.text
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]


def test_other_sites_cannot_accept_for_somebody(link: str, newcomer: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(newcomer)
    assert client.post(link, {"action": "join"}).status_code == 403
    assert ("nn", "admin") not in members()


def test_without_having_joined_there_is_nothing_to_see(client: Client, user: User) -> None:
    assert client.get("/accept/").status_code == 404
    client.force_login(user)
    assert client.get("/accept/").status_code == 404
