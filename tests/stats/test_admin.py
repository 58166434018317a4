import re
from typing import Any

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
    assert numbers(page) == [1200, 30, 4, 1300, 30, 4]
    assert page.count('<svg class="sparkline"') == 2
    assert reverse("admin:organizations_organization_change", args=[counted.pk]) in page
    assert (
        USAGE
        in admin_client.get(reverse("admin:organizations_organization_changelist")).content.decode()
    )


def test_the_first_page_sums_over_organizations(
    admin_client: Client, counted: Organization, store: Store
) -> None:
    other = factories.OrganizationFactory()
    store(0, Kind.ORGANIZATION_RECEIVED, other.pk, {timezone.now().timestamp(): 34})
    page = admin_client.get(INDEX).content.decode()
    assert "<strong>1,234</strong> received" in page
    assert "<strong>30</strong> rejected" in page
    assert "<strong>4</strong> blacklisted" in page


def test_without_organizations_there_is_nothing(admin_client: Client) -> None:
    assert "<strong>0</strong> received" in admin_client.get(INDEX).content.decode()
    assert "There are no organizations." in admin_client.get(USAGE).content.decode()


@pytest.mark.parametrize(("page", "queries"), [(USAGE, 10), (INDEX, 7)])
def test_the_number_of_statements_is_fixed(
    admin_client: Client, django_assert_num_queries: Any, page: str, queries: int
) -> None:
    for more in (2, 18):
        factories.OrganizationFactory.create_batch(more)
        with django_assert_num_queries(queries):
            admin_client.get(page)


def test_it_takes_the_right_to_see_counts(client: Client, counted: Organization) -> None:
    user = factories.UserFactory(is_staff=True)
    client.force_login(user)
    assert client.get(USAGE).status_code == 403
    assert b"received" not in client.get(INDEX).content

    factories.OrganizationMemberFactory(organization=counted, user=user)
    assert client.get(USAGE).status_code == 200
    assert b"received" in client.get(INDEX).content
