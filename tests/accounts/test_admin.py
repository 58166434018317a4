from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, OrganizationMember
from tests import factories

pytestmark = pytest.mark.django_db

LIST = reverse("admin:accounts_user_changelist")


def page_of(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


@pytest.fixture
def owner(client: Client, user: User) -> Client:
    """An owner on the staff, who is no superuser."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    return client


def facts_of(user: User, **changes: Any) -> dict[str, Any]:
    """What the page of a user without memberships sends."""
    return {
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "is_active": "on",
        "memberships-TOTAL_FORMS": 0,
        "memberships-INITIAL_FORMS": 0,
        **changes,
    }


def test_people_are_found_by_name_and_address(admin_client: Client) -> None:
    factories.UserFactory(username="ada", name="Ada Lovelace", email="ada@example.com")
    factories.UserFactory(username="charles", name="Charles Babbage")
    for text in ("ada@example", "Lovelace", "ada"):
        found = admin_client.get(LIST, {"q": text}).content.decode()
        assert "Lovelace" in found
        assert "Babbage" not in found


def test_a_person_is_made_and_can_sign_in(admin_client: Client) -> None:
    password = "a long and unusual one"
    answer = admin_client.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "ada",
            "name": "Ada",
            "email": "ada@example.com",
            "usable_password": "true",
            "password1": password,
            "password2": password,
        },
    )
    assert answer.status_code == 302
    user = User.objects.get(username="ada")
    assert (user.name, user.email, user.check_password(password)) == (
        "Ada",
        "ada@example.com",
        True,
    )


def test_the_page_shows_memberships_and_adds_one(
    admin_client: Client, member: OrganizationMember
) -> None:
    user = member.user
    assert user is not None
    assert (
        f"/organizationmember/{member.pk}/change/"
        in admin_client.get(page_of(user)).content.decode()
    )

    other = factories.OrganizationFactory()
    admin_client.post(
        page_of(user),
        facts_of(
            user,
            **{
                "memberships-TOTAL_FORMS": 2,
                "memberships-INITIAL_FORMS": 1,
                "memberships-0-id": member.pk,
                "memberships-0-user": user.pk,
                "memberships-1-user": user.pk,
                "memberships-1-organization": other.pk,
                "memberships-1-role": "admin",
            },
        ),
    )
    assert set(user.memberships.values_list("organization__slug", "role")) == {
        ("acme", "owner"),
        (other.slug, "admin"),
    }


def test_only_superusers_change_people(
    owner: Client, admin_client: Client, organization: Organization
) -> None:
    """Who is a colleague here may be an owner elsewhere."""
    user = factories.UserFactory(username="ada", password="pbkdf2_sha256$1$salt$hash")
    factories.OrganizationMemberFactory(organization=organization, user=user)
    wanted = facts_of(user, name="Ada", is_superuser="on")
    assert owner.get(page_of(user)).status_code == 200  # may look
    assert b"pbkdf2" not in owner.get(page_of(user)).content
    assert owner.post(page_of(user), wanted).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[user.pk])
    assert owner.get(password).status_code == 403
    delete = reverse("admin:accounts_user_delete", args=[user.pk])
    assert owner.post(delete, {"post": "yes"}).status_code == 403
    user.refresh_from_db()
    assert (user.name, user.is_superuser) == ("", False)

    wanted |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1}
    member = user.memberships.get()
    wanted |= {"memberships-0-id": member.pk, "memberships-0-user": user.pk}
    assert admin_client.post(page_of(user), wanted).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.is_superuser) == ("Ada", True)


def test_a_users_names_are_escaped(admin_client: Client, organization: Organization) -> None:
    user = factories.UserFactory(username="mallory", name="<script>alert(1)</script>")
    factories.OrganizationMemberFactory(organization=organization, user=user)
    for url in (LIST, page_of(user), reverse("admin:organizations_organizationmember_changelist")):
        assert b"<script>alert" not in admin_client.get(url).content
