"""Debug files in the back office."""

import pytest
from django.test import Client
from django.urls import reverse

from sentrylite.organizations.models import OrganizationMember, Role, Team
from sentrylite.symbols.models import DebugFile
from tests import factories

pytestmark = pytest.mark.django_db

LIST = reverse("admin:symbols_debugfile_changelist")


def names(client: Client, **query: object) -> set[str]:
    found = client.get(LIST, query).context["cl"].result_list
    return {file.object_name for file in found}


def test_files_are_found_by_name_and_id_and_project(admin_client: Client) -> None:
    one = factories.DebugFileFactory(object_name="libshop.so", blob__size=2048)
    factories.DebugFileFactory(object_name="libcart.so", format="breakpad")
    assert names(admin_client) == {"libshop.so", "libcart.so"}
    assert names(admin_client, q="shop") == {"libshop.so"}
    assert names(admin_client, q=one.debug_id) == {"libshop.so"}
    assert names(admin_client, project__id__exact=one.project_id) == {"libshop.so"}
    assert names(admin_client, format="breakpad") == {"libcart.so"}

    page = admin_client.get(reverse("admin:symbols_debugfile_change", args=[one.pk]))
    for text in ("libshop.so", one.debug_id, one.blob.checksum, "debug, symtab", "2.0\xa0KB"):
        assert text in page.content.decode()


def test_a_file_is_not_written_by_hand(admin_client: Client) -> None:
    file = factories.DebugFileFactory()
    page = reverse("admin:symbols_debugfile_change", args=[file.pk])
    assert admin_client.post(page, {"object_name": "other"}).status_code == 403
    assert admin_client.get(reverse("admin:symbols_debugfile_add")).status_code == 403


@pytest.mark.parametrize(("role", "is_removed"), [(Role.MEMBER, False), (Role.ADMIN, True)])
def test_who_may_change_the_project_removes_files(
    client: Client, team: Team, role: Role, is_removed: bool
) -> None:
    member: OrganizationMember = factories.OrganizationMemberFactory(
        organization=team.organization, role=role, user__is_staff=True
    )
    member.teams.add(team)
    project = factories.ProjectFactory(organization=team.organization, teams=[team])
    file, foreign = (
        factories.DebugFileFactory(project=project),
        factories.DebugFileFactory(),
    )
    client.force_login(member.user)
    assert names(client) == {file.object_name}
    for each in (file, foreign):
        client.post(reverse("admin:symbols_debugfile_delete", args=[each.pk]), {"post": "yes"})
    assert DebugFile.objects.filter(pk=file.pk).exists() is not is_removed
    assert DebugFile.objects.filter(pk=foreign.pk).exists()
