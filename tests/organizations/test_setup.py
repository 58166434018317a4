import io
import json
import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from sentrylite.accounts.models import User
from sentrylite.organizations import actions
from sentrylite.organizations.access import ALL_SCOPES, MEMBER_SCOPES
from sentrylite.organizations.dsn import Dsn
from sentrylite.organizations.models import (
    ApiToken,
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
    Role,
    Team,
)
from sentrylite.organizations.models.organization import Status
from sentrylite.organizations.models.token import hash_secret
from tests import factories


def setup(**options: Any) -> dict[str, Any]:
    output = io.StringIO()
    call_command("setup", json=True, stdout=output, **{"organization": "acme", **options})
    return json.loads(output.getvalue())


def counts() -> list[int]:
    models = (User, Organization, OrganizationMember, Team, Project, ProjectKey)
    return [model.objects.count() for model in models]


@pytest.mark.django_db
def test_everything_is_made(settings: Any) -> None:
    settings.PUBLIC_URL = "https://errors.example.com"
    made = setup(project="pump-station", team="rockets", platform="python")

    project = Project.objects.get()
    key = project.keys.get()
    token = ApiToken.objects.get()
    assert made == {
        "organization": "acme",
        "team": "rockets",
        "project": "pump-station",
        "project_id": str(project.pk),
        "dsn": f"https://{key.public_key}@errors.example.com/{project.pk}",
        "token": made["token"],
        "email": "admin@localhost",
        "role": "owner",
        "scopes": sorted(ALL_SCOPES),
    }
    assert token.secret_hash == hash_secret(made["token"])
    assert (project.name, project.platform, key.label) == ("Pump Station", "python", "Default")
    assert [team.slug for team in project.teams.all()] == ["rockets"]
    member = OrganizationMember.objects.get()
    assert [team.slug for team in member.teams.all()] == ["rockets"]
    assert not token.user.has_usable_password()
    assert not token.user.is_superuser


@pytest.mark.django_db
def test_nothing_is_made_twice_but_the_token() -> None:
    first = setup(project="pump-station")
    before = counts()
    second = setup(project="pump-station")
    assert counts() == before
    assert second.pop("token") != first.pop("token")
    assert second == first


@pytest.mark.django_db
def test_without_a_project_there_is_only_somebody_with_a_token() -> None:
    made = setup()
    assert (made["team"], made["project"], made["project_id"], made["dsn"]) == (None,) * 4
    assert counts() == [1, 1, 1, 0, 0, 0]


@pytest.mark.django_db
def test_a_projects_team_is_named_like_the_organization() -> None:
    assert setup(project="pump-station")["team"] == "acme"


@pytest.mark.django_db
def test_a_project_joins_another_team() -> None:
    setup(project="pump-station", team="rockets")
    setup(project="pump-station", team="satellites")
    assert {team.slug for team in Project.objects.get().teams.all()} == {"rockets", "satellites"}


@pytest.mark.django_db
def test_more_people_and_tokens() -> None:
    setup(project="pump-station")
    ann = setup(email="Ann@Example.com", role="member", password="s3cret", team="rockets")
    assert (ann["email"], ann["role"]) == ("ann@example.com", "member")
    assert ann["scopes"] == sorted(MEMBER_SCOPES)
    user = User.objects.get(email="ann@example.com")
    assert user.check_password("s3cret")

    narrow = setup(email="ann@example.com", scopes="org:read, event:read,")
    assert narrow["scopes"] == ["event:read", "org:read"]
    assert user.api_tokens.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "second"), [({}, {"email": "ann@example.com"})])
def test_the_first_owns_it_and_others_have_the_default_role(
    first: dict[str, str], second: dict[str, str]
) -> None:
    assert setup(**first)["role"] == "owner"
    assert setup(**second)["role"] == "member"
    assert setup()["role"] == "owner"


@pytest.mark.django_db
def test_a_superuser_only_when_asked() -> None:
    setup(email="ann@example.com")
    user = User.objects.get()
    assert not (user.is_staff or user.is_superuser)
    setup(email="ann@example.com", superuser=True)
    user.refresh_from_db()
    assert user.is_staff
    assert user.is_superuser


@pytest.mark.django_db
def test_nobodys_password_is_changed() -> None:
    setup(email="ann@example.com", password="first")
    setup(email="ann@example.com", password="second")
    assert User.objects.get().check_password("first")


@pytest.mark.django_db
def test_somebody_who_was_invited_is_in() -> None:
    organization = factories.OrganizationFactory(slug="acme")
    OrganizationMember.objects.create(organization=organization, email="Ann@example.com")
    setup(email="ann@example.com", role="admin")
    member = OrganizationMember.objects.get()
    assert (member.user and member.user.email, member.role) == ("ann@example.com", "admin")


@pytest.mark.django_db
def test_a_disabled_key_is_replaced() -> None:
    first = setup(project="pump-station")
    ProjectKey.objects.update(is_active=False)
    second = setup(project="pump-station")
    assert Dsn.parse(second["dsn"]).public_key != Dsn.parse(first["dsn"]).public_key


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"organization": "Acme!"}, "--organization Acme!: Enter a valid slug"),
        ({"team": "x" * 51}, "--team x+: Ensure this value has at most 50 characters"),
        ({"project": "ä"}, "--project ä: Enter a valid slug"),
        ({"project": "settings"}, '"settings" is reserved'),
        ({"organization": "api"}, '"api" is reserved'),
        ({"email": "nobody"}, "Enter a valid email address"),
        ({"scopes": "org:read,org:run,x"}, "Unknown scopes: org:run, x. There are: event:admin"),
        ({"role": "boss"}, "invalid choice: 'boss'"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("setup", *_flags({"organization": "acme", **options}))
    assert not Organization.objects.exists()


@pytest.mark.django_db
def test_rights_are_not_changed_in_passing() -> None:
    setup(email="ann@example.com", role="member")
    with pytest.raises(CommandError, match="is in acme as member, not as owner"):
        setup(email="ann@example.com", role="owner")
    assert OrganizationMember.objects.get().role == Role.MEMBER
    assert ApiToken.objects.count() == 1


@pytest.mark.django_db
def test_what_is_being_deleted_is_not_used() -> None:
    factories.OrganizationFactory(slug="acme", status=Status.PENDING_DELETION)
    with pytest.raises(CommandError, match='organization "acme" is being deleted'):
        setup()


@pytest.mark.django_db
def test_somebody_who_is_deactivated_gets_no_token() -> None:
    factories.UserFactory(email="ann@example.com", is_active=False)
    with pytest.raises(CommandError, match=r"ann@example\.com is deactivated"):
        setup(email="ann@example.com")


@pytest.mark.django_db
def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("setup", *_flags({"organization": "acme", "project": "pump-station"}))
    printed = capsys.readouterr()
    assert "dsn           http://" in printed.out
    assert "not shown again" in printed.err


@pytest.mark.django_db
def test_an_address_is_found_in_any_case() -> None:
    user = factories.UserFactory(username="ann", email="Ann@Example.com")
    assert actions.ensure_user(email="ann@example.com") == user
    with pytest.raises(ValidationError):
        actions.ensure_organization(slug="Not A Slug")


@pytest.mark.django_db(transaction=True)
def test_several_at_the_same_time_make_one_of_each() -> None:
    together = threading.Barrier(4)
    made: list[dict[str, Any]] = []

    def run() -> None:
        try:
            together.wait()
            made.append(setup(project="pump-station", email="ann@example.com", password="p"))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts() == [1, 1, 1, 1, 1, 1]
    assert len({one["dsn"] for one in made}) == 1
    assert len({one["token"] for one in made}) == 4


def _flags(options: dict[str, str]) -> list[str]:
    return [part for name, value in options.items() for part in (f"--{name}", value)]
