"""What the pages of organizations and projects show beside their forms."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sentrylite.organizations.admin.snippets import SNIPPETS, snippets_for
from sentrylite.organizations.models import (
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
)
from stats.models import Kind
from tests import factories
from tests.stats.conftest import store  # noqa: F401

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


def page_of(row: Any) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


# Projects -----------------------------------------------------------------------------------------


def test_a_projects_page_has_its_dsn_and_how_each_sdk_is_told(
    admin_client: Client, project: Project, key: ProjectKey
) -> None:
    dsn = f"http://{key.public_key}@testserver/{project.pk}"
    page = unescape(text(admin_client, page_of(project)))
    setup = page[page.index('<section class="panel setup">') :]
    setup = setup[: setup.index("</section>")]
    assert f'<code>{dsn}</code><button type="button" class="copy-button">' in setup
    assert re.findall(r"<summary>(.*?)</summary>", setup) == [each.name for each in SNIPPETS]
    assert setup.count(dsn) == 1 + len(SNIPPETS)
    assert "{dsn}" not in setup


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("", "Python"),
        ("python-django", "Python"),
        ("javascript-react", "JavaScript (browser)"),
        ("node-express", "Node.js"),
        ("java", "Java"),
        ("cobol", "Python"),
    ],
)
def test_the_snippet_of_the_projects_platform_is_open(platform: str, name: str) -> None:
    assert [each.name for each, is_open in snippets_for("dsn", platform) if is_open] == [name]


def test_a_project_without_an_active_key_says_so(
    admin_client: Client, project: Project, key: ProjectKey
) -> None:
    ProjectKey.objects.update(is_active=False)
    page = text(admin_client, page_of(project))
    assert "None of its client keys is active" in page
    assert '<details class="snippet"' not in page


def test_a_projects_page_has_charts(
    admin_client: Client,
    project: Project,
    store: Any,  # noqa: F811
) -> None:
    now = timezone.now().timestamp()
    counts = {now: 5, now - 10 * 86400: 7}
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, counts)
    page = text(admin_client, page_of(project))
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == [
        "Received in 24 hours: 5",
        "Received in 30 days: 12",
    ]


def test_names_on_the_pages_are_escaped(admin_client: Client, organization: Organization) -> None:
    project = factories.ProjectFactory(organization=organization, name=HOSTILE)
    factories.TeamFactory(organization=organization, name=HOSTILE)
    factories.ApiKeyFactory(organization=organization, label=HOSTILE, scopes=["org:read"])
    assert HOSTILE not in text(admin_client, page_of(project))
    assert HOSTILE not in text(admin_client, page_of(organization))


# Organizations ------------------------------------------------------------------------------------


def test_an_organizations_page_shows_what_belongs_to_it(
    admin_client: Client, organization: Organization, project: Project, member: OrganizationMember
) -> None:
    key = factories.ApiKeyFactory(organization=organization, scopes=["org:read"])
    foreign = factories.ProjectFactory()
    context = admin_client.get(page_of(organization)).context
    panels = {panel.title: panel for panel in context["panels"]}
    assert list(panels) == ["Projects", "Teams", "Organization members", "API keys"]
    shown = {title: str(panel.rows) for title, panel in panels.items()}
    assert page_of(project) in shown["Projects"]
    assert page_of(foreign) not in shown["Projects"]
    assert "#rockets" in shown["Teams"]
    assert page_of(member) in shown["Organization members"]
    assert page_of(key) in shown["API keys"]
    assert f"organization__id__exact={organization.pk}" in panels["Projects"].note


def test_an_organizations_page_costs_the_same_whatever_it_has(
    admin_client: Client, organization: Organization, django_assert_max_num_queries: Any
) -> None:
    def fill(rows: int) -> None:
        factories.ProjectFactory.create_batch(rows, organization=organization)
        factories.OrganizationMemberFactory.create_batch(rows, organization=organization)
        factories.TeamFactory.create_batch(rows, organization=organization)

    fill(2)
    admin_client.get(page_of(organization))
    with django_assert_max_num_queries(100) as of_two:
        admin_client.get(page_of(organization))
    fill(18)
    with django_assert_max_num_queries(len(of_two)):
        admin_client.get(page_of(organization))


# The menu -----------------------------------------------------------------------------------------


def items(client: Client, address: str) -> dict[str, bool]:
    navigation = client.get(address).context["navigation"]
    return {item.text: item.is_current for _, items in navigation for item in items}


def test_the_menu_shows_where_one_is(admin_client: Client, project: Project) -> None:
    found = items(admin_client, page_of(project))
    assert [name for name, is_current in found.items() if is_current] == ["Projects"]
    # Usage and events are below the lists that they belong to, not the lists themselves.
    found = items(admin_client, reverse("admin:stats_usage"))
    assert [name for name, is_current in found.items() if is_current] == ["Usage"]


def test_the_menu_has_only_what_somebody_may_see(
    client: Client, admin_client: Client, member: OrganizationMember
) -> None:
    OrganizationMember.objects.update(role="member")
    assert member.user is not None
    type(member.user).objects.filter(pk=member.user.pk).update(is_staff=True)
    client.force_login(member.user)
    index = reverse("admin:index")
    of_member, of_superuser = items(client, index), items(admin_client, index)
    assert "Issues" in of_member
    assert of_member.keys() < of_superuser.keys()
    assert "Tasks" in of_superuser.keys() - of_member.keys()
