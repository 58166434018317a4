import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sentrylite.organizations.models import Organization
from stats.models import Kind
from stats.periods import DAY
from tests import factories

from .conftest import Store

pytestmark = pytest.mark.django_db

USAGE = reverse("admin:stats_usage")
INDEX = reverse("admin:index")


def numbers(page: str) -> list[int]:
    return [int(n.replace(",", "")) for n in re.findall(r'<td class="number">([\d,]+)</td>', page)]


@pytest.fixture
def counted(organization: Organization, store: Store) -> Organization:
    """Today 1,200 received, 30 rejected, 4 blacklisted; ten days ago 100 received."""
    now = timezone.now().timestamp()
    store(0, Kind.ORGANIZATION_RECEIVED, organization.pk, {now: 1200, now - 10 * DAY: 100})
    store(0, Kind.ORGANIZATION_REJECTED, organization.pk, {now: 30})
    store(0, Kind.ORGANIZATION_BLACKLISTED, organization.pk, {now: 4})
    return organization


def test_usage_by_organization(admin_client: Client, counted: Organization) -> None:
    page = admin_client.get(USAGE).content.decode()
    assert numbers(page) == [1200, 1166, 30, 4, 1300, 1266, 30, 4]
    assert page.count('<svg class="sparkline"') == 2
    assert reverse("admin:stats_organization", args=[counted.pk]) in page
    assert (
        USAGE
        in admin_client.get(reverse("admin:organizations_organization_changelist")).content.decode()
    )


def figures(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(\w+)</dt><dd><strong>([\d,]+)</strong>", page))


def test_the_first_page_sums_over_organizations(
    admin_client: Client, counted: Organization, store: Store
) -> None:
    other = factories.OrganizationFactory()
    store(0, Kind.ORGANIZATION_RECEIVED, other.pk, {timezone.now().timestamp(): 34})
    page = admin_client.get(INDEX).content.decode()
    assert figures(page) == {
        "Received": "1,234",
        "Accepted": "1,200",
        "Rejected": "30",
        "Filtered": "4",
    }
    assert re.findall(r"<desc>([\d,]+ accepted, \d+ rejected, \d+ filtered)", page) == [
        "1,200 accepted, 30 rejected, 4 filtered",
        "1,300 accepted, 30 rejected, 4 filtered",
    ]


def test_the_first_page_shows_the_busiest_projects(admin_client: Client, store: Store) -> None:
    now = timezone.now().timestamp()
    for n in range(10):
        project = factories.ProjectFactory(name=f"Project {n}")
        store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {now: n})
        store(project.pk, Kind.PROJECT_BLACKLISTED, project.pk, {now: 1 if n else 0})
    page = admin_client.get(INDEX).content.decode()
    assert re.findall(r">(Project \d)<", page) == [f"Project {n}" for n in range(9, 1, -1)]
    assert numbers(page.partition("Busiest projects")[2])[:4] == [9, 8, 0, 1]
    assert "2 more projects" in page


def test_without_organizations_there_is_nothing(admin_client: Client) -> None:
    page = admin_client.get(INDEX).content.decode()
    assert figures(page)["Received"] == "0"
    assert reverse("admin:organizations_project_add") in page
    assert "There are no organizations." in admin_client.get(USAGE).content.decode()


# The statistics of one organization ---------------------------------------------------------------


def statistics(organization: Organization, **query: str) -> str:
    address = reverse("admin:stats_organization", args=[organization.pk])
    return f"{address}?{urlencode(query)}" if query else address


def test_the_statistics_of_an_organization(
    admin_client: Client, counted: Organization, store: Store
) -> None:
    project = factories.ProjectFactory(organization=counted, name="Pump")
    foreign = factories.ProjectFactory(name="Foreign")
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {timezone.now().timestamp(): 7})
    page = admin_client.get(statistics(counted)).content.decode()
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == [
        "Received: 1,200",
        "Rejected: 30",
        "Filtered: 4",
    ]
    assert page.count("<rect") == 3
    # Every number can be read without looking at a picture.
    assert page.count('<tr><th scope="row">') == 3 * 24 + 1
    assert numbers(page)[-4:] == [7, 7, 0, 0]
    assert str(foreign) not in page


@pytest.mark.parametrize(
    ("query", "buckets", "received"),
    [
        ({"period": "24h"}, 24, 1200),
        ({"period": "1h"}, 360, 1200),
        ({"period": "1h", "resolution": "10s"}, 360, 1200),
        ({"period": "24h", "resolution": "1d"}, 1, 1200),
        ({"period": "7d", "resolution": "1h"}, 168, 1200),
        ({"period": "30d"}, 30, 1300),
        ({"period": "90d", "resolution": "1d"}, 90, 1300),
    ],
)
def test_period_and_resolution_are_chosen(
    admin_client: Client,
    counted: Organization,
    query: dict[str, str],
    buckets: int,
    received: int,
) -> None:
    charts = admin_client.get(statistics(counted, **query)).context["charts"]
    assert [len(chart.buckets) for chart in charts] == [buckets] * 3
    assert charts[0].title == f"Received: {received:,}"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"period": "24h", "resolution": "10s"}, "are not kept for so long"),
        ({"period": "30d", "resolution": "1h"}, "are not kept for so long"),
        ({"period": "\0" * 10_000}, "There is no period"),
        ({"resolution": "<b>"}, "There is no resolution &lt;b&gt;."),
    ],
)
def test_what_cannot_be_shown_is_said(
    admin_client: Client, counted: Organization, query: dict[str, str], problem: str
) -> None:
    answer = admin_client.get(statistics(counted, **query))
    assert answer.status_code == 200
    assert problem in answer.content.decode()


def test_there_are_no_statistics_of_nobody(admin_client: Client) -> None:
    for number in ("0", "9" * 30):
        address = reverse("admin:organizations_organization_changelist") + f"{number}/statistics/"
        assert admin_client.get(address).status_code == 404


def test_the_number_of_statements_of_statistics_is_fixed(
    admin_client: Client, organization: Organization, django_assert_num_queries: Any
) -> None:
    for more in (2, 18):
        factories.ProjectFactory.create_batch(more, organization=organization)
        with django_assert_num_queries(10):
            admin_client.get(statistics(organization))


@pytest.mark.parametrize(("page", "queries"), [(USAGE, 10), (INDEX, 17)])
def test_the_number_of_statements_is_fixed(
    admin_client: Client, django_assert_num_queries: Any, page: str, queries: int
) -> None:
    for more in (2, 18):
        factories.ProjectFactory.create_batch(more)
        with django_assert_num_queries(queries):
            admin_client.get(page)


def test_it_takes_the_right_to_see_counts(client: Client, counted: Organization) -> None:
    user = factories.UserFactory(is_staff=True)
    client.force_login(user)
    assert client.get(USAGE).status_code == 403
    assert client.get(statistics(counted)).status_code in (403, 404)
    assert b"received" not in client.get(INDEX).content

    factories.OrganizationMemberFactory(organization=counted, user=user)
    assert client.get(USAGE).status_code == 200
    assert b"received" in client.get(INDEX).content
