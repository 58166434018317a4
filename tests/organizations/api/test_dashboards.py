"""Dashboards: /organizations/{organization}/dashboards/…"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations import dashboards
from sentrylite.organizations.models import Dashboard, DataSource, Organization, Widget
from tests import factories

from .conftest import CREATED

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/dashboards/"
DATE = "2026-03-01T12:00:00.590Z"
Client = Callable[..., APIClient]


@pytest.fixture
def dashboard(organization: Organization, user: User) -> Dashboard:
    return factories.DashboardFactory(
        organization=organization, title="Errors", created_by=user, created_at=CREATED
    )


@pytest.fixture
def widget(dashboard: Dashboard) -> Widget:
    widget = factories.WidgetFactory(
        dashboard=dashboard, order=1, title="By browser", created_at=CREATED
    )
    source(widget, "all")
    return widget


def source(widget: Widget, name: str, order: int = 1) -> DataSource:
    return DataSource.objects.create(
        widget=widget, order=order, name=name, type=0, data={"fields": ["title"]}
    )


def path_of(dashboard: Dashboard) -> str:
    return f"{PATH}{dashboard.pk}/"


def path_of_widget(widget: Widget) -> str:
    return f"{PATH}{widget.dashboard_id}/widgets/{widget.pk}"


def shape(widget: Widget) -> dict[str, Any]:
    found = widget.data_sources.get()
    return {
        "id": str(widget.pk),
        "order": "1",
        "title": "By browser",
        "displayType": "line",
        "displayOptions": {},
        "dateAdded": DATE,
        "dateCreated": DATE,
        "dashboardId": str(widget.dashboard_id),
        "dataSources": [
            {
                "id": str(found.pk),
                "type": 0,
                "name": "all",
                "data": {"fields": ["title"]},
                "order": "1",
                "widgetId": str(widget.pk),
            }
        ],
    }


# Dashboards ---------------------------------------------------------------------------------------


def test_a_dashboard(api: APIClient, dashboard: Dashboard, widget: Widget, user: User) -> None:
    answer = api.get(path_of(dashboard))
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(dashboard.pk),
        "title": "Errors",
        "organization": str(dashboard.organization_id),
        "dateAdded": DATE,
        "dateCreated": DATE,
        "createdBy": str(user.pk),
        "widgets": [shape(widget)],
    }
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    assert api.get(PATH).json() == [answer.json()]


def test_dashboards_by_title_page_by_page(
    api: APIClient, organization: Organization, strangers: Organization
) -> None:
    for title in ("Outages", "errors of today", "Errors"):
        factories.DashboardFactory(organization=organization, title=title)
    factories.DashboardFactory(organization=strangers, title="Errors")
    titles = [row["title"] for row in api.get(PATH).json()]
    assert sorted(titles) == ["Errors", "Outages", "errors of today"]
    first = api.get(PATH, {"per_page": 2})
    rest = api.get(first["Link"].split("<")[2].split(">")[0])
    assert [row["title"] for row in first.json() + rest.json()] == titles
    found = api.get(PATH, {"query": "ERROR"}).json()
    assert [row["title"] for row in found] == [title for title in titles if title != "Outages"]
    assert api.get(PATH, {"query": "%"}).json() == []


def test_a_new_dashboard(api: APIClient, organization: Organization, user: User) -> None:
    # Its widgets are added one by one, whatever comes with it.
    answer = api.post(PATH, {"title": " Errors ", "widgets": [{"displayType": "nope"}]})
    made = Dashboard.objects.get()
    assert answer.status_code == 201
    assert answer.json() == api.get(path_of(made)).json()
    assert (made.title, made.organization, made.created_by) == ("Errors", organization, user)
    assert answer.json()["widgets"] == []


def test_a_key_makes_one_of_nobodys(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization).post(PATH, {"title": "Errors"})
    assert (answer.status_code, answer.json()["createdBy"]) == (201, None)


def test_a_title_is_taken_once(
    api: APIClient, dashboard: Dashboard, organization: Organization, strangers: Organization
) -> None:
    factories.DashboardFactory(organization=strangers, title="Outages")
    conflict = (409, {"detail": "This dashboard already exists"})
    answer = api.post(PATH, {"title": "Errors"})
    assert (answer.status_code, answer.json()) == conflict
    made = api.post(PATH, {"title": "Outages"})
    assert made.status_code == 201
    answer = api.put(f"{PATH}{made.json()['id']}/", {"title": "Errors"})
    assert (answer.status_code, answer.json()) == conflict
    assert api.put(path_of(dashboard), {"title": "Errors"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_that_make_the_same_one_is_late(api: APIClient, organization: Organization) -> None:
    together = Barrier(2)

    def make(_: int) -> int:
        together.wait()
        try:
            return api.post(PATH, {"title": "Errors"}, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(make, range(2))) == [201, 409]


def test_a_new_title_alone_changes_no_widget(
    api: APIClient, dashboard: Dashboard, widget: Widget
) -> None:
    answer = api.put(path_of(dashboard), {"title": "Outages"})
    assert answer.status_code == 200
    assert (answer.json()["title"], answer.json()["widgets"]) == ("Outages", [shape(widget)])
    assert answer.json() == api.get(path_of(dashboard)).json()
    assert api.put(path_of(dashboard), {}).json() == answer.json()


def test_widgets_are_put_into_an_order_and_the_others_removed(
    api: APIClient, dashboard: Dashboard
) -> None:
    first, second, third = (
        factories.WidgetFactory(dashboard=dashboard, order=order) for order in (1, 2, 7)
    )
    body = {"widgets": [{"id": first.pk, "order": 5}, {"id": str(third.pk), "order": 0}]}
    answer = api.put(path_of(dashboard), body)
    assert answer.status_code == 200
    orders = [(row["id"], row["order"]) for row in answer.json()["widgets"]]
    assert orders == [(str(third.pk), "8"), (str(first.pk), "9")]
    assert not Widget.objects.filter(pk=second.pk).exists()
    assert api.put(path_of(dashboard), {"widgets": []}).json()["widgets"] == []


def test_removing_a_dashboard_frees_its_title(
    api: APIClient, dashboard: Dashboard, widget: Widget
) -> None:
    path = path_of(dashboard)
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(path).status_code == api.delete(path).status_code == 404
    assert not Widget.objects.exists() and not DataSource.objects.exists()
    assert api.post(PATH, {"title": "Errors"}).status_code == 201


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"title": ["This field is required."]}),
        ({"title": " "}, {"title": ["This field may not be blank."]}),
        ({"title": None}, {"title": ["This field may not be null."]}),
        ({"title": "x" * 256}, {"title": ["Ensure this field has no more than 255 characters."]}),
        ({"title": ["x"]}, {"title": ["Not a valid string."]}),
        ({"title": "a\0"}, {"title": ["Null characters are not allowed."]}),
        ([], None),
    ],
)
def test_dashboards_it_refuses(
    api: APIClient, organization: Organization, body: Any, errors: Any
) -> None:
    answer = api.post(PATH, body)
    assert answer.status_code == 400
    assert errors is None or answer.json() == errors


@pytest.mark.parametrize(
    "widgets, problem",
    [
        ([{"id": 1}], {"order": ["This field is required."]}),
        ([{"order": 1}], {"id": ["This field is required."]}),
        ([{"id": "x", "order": 1}], {"id": ["A valid integer is required."]}),
        (
            [{"id": 1, "order": -1}],
            {"order": ["Ensure this value is greater than or equal to 0."]},
        ),
        (
            [{"id": 1, "order": 1}, {"id": 2, "order": 1}],
            ["Widgets must not have duplicate order values."],
        ),
        (
            [{"id": 1, "order": 1}, {"id": 1, "order": 2}],
            ["Widgets must not be named twice."],
        ),
        (
            [{"id": 2**63 - 1, "order": 2**63 - 1}],
            ["All widgets must exist within this dashboard prior to reordering."],
        ),
        ("x", ['Expected a list of items but got type "str".']),
        (["x"], None),
        ([{"id": 1, "order": order} for order in range(101)], None),
    ],
)
def test_orders_it_refuses(
    api: APIClient, dashboard: Dashboard, widget: Widget, widgets: Any, problem: Any
) -> None:
    answer = api.put(path_of(dashboard), {"title": "Outages", "widgets": widgets})
    assert answer.status_code == 400
    assert problem is None or answer.json() == {"widgets": problem}
    dashboard.refresh_from_db()
    assert dashboard.title == "Errors"
    assert Widget.objects.filter(pk=widget.pk, order=1).exists()


def test_widgets_of_other_dashboards_are_not_moved(
    api: APIClient, dashboard: Dashboard, organization: Organization
) -> None:
    other = factories.WidgetFactory(dashboard__organization=organization)
    body = {"widgets": [{"id": other.pk, "order": 1}]}
    assert api.put(path_of(dashboard), body).status_code == 400
    assert Widget.objects.filter(pk=other.pk).exists()


# Widgets ------------------------------------------------------------------------------------------


NEW = {
    "title": "By browser",
    "displayType": "bar",
    "displayOptions": {"unit": "ms", "steps": [1, 2.5, None, {"deep": True}]},
    "dataSources": [
        {
            "name": "all",
            "type": "discover_saved_search",
            "data": {"fields": ["browser"], "limit": 2**53},
            "order": 3,
        },
        {"name": "none", "type": "discover_saved_search", "data": {}, "order": 1},
    ],
}


def test_a_new_widget(api: APIClient, dashboard: Dashboard) -> None:
    answer = api.post(f"{path_of(dashboard)}widgets/", NEW)
    assert answer.status_code == 201
    made = Widget.objects.get()
    all_, none = made.data_sources.order_by("-order")
    body = dict(answer.json())
    assert body.pop("dateAdded") == body.pop("dateCreated")
    assert sorted(body.pop("dataSources"), key=lambda row: row["name"]) == [
        {
            "id": str(all_.pk),
            "type": 0,
            "name": "all",
            "data": {"fields": ["browser"], "limit": 2**53},
            "order": "3",
            "widgetId": str(made.pk),
        },
        {
            "id": str(none.pk),
            "type": 0,
            "name": "none",
            "data": {},
            "order": "1",
            "widgetId": str(made.pk),
        },
    ]
    assert body == {
        "id": str(made.pk),
        "order": "1",
        "title": "By browser",
        "displayType": "bar",
        "displayOptions": NEW["displayOptions"],
        "dashboardId": str(dashboard.pk),
    }
    assert api.get(path_of(dashboard)).json()["widgets"] == [answer.json()]


def test_new_widgets_come_last(api: APIClient, dashboard: Dashboard) -> None:
    factories.WidgetFactory(dashboard=dashboard, order=8)
    least = {"title": "Last", "displayType": "table"}
    answer = api.post(f"{path_of(dashboard)}widgets/", least)
    assert (answer.json()["order"], answer.json()["dataSources"]) == ("9", [])


def test_a_dashboard_has_so_many_widgets(
    api: APIClient, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboards, "MAX_WIDGETS", 1)
    path = f"{path_of(dashboard)}widgets/"
    assert api.post(path, {"title": "a", "displayType": "pie"}).status_code == 201
    answer = api.post(path, {"title": "b", "displayType": "pie"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "A dashboard has at most 1 widgets."}


def test_a_widgets_title_is_taken_once_in_its_dashboard(
    api: APIClient, widget: Widget, organization: Organization
) -> None:
    conflict = (409, {"detail": "This widget already exists"})
    body = {"title": "By browser", "displayType": "pie"}
    answer = api.post(f"{path_of(widget.dashboard)}widgets/", body)
    assert (answer.status_code, answer.json()) == conflict
    sibling = factories.WidgetFactory(dashboard=widget.dashboard)
    answer = api.put(path_of_widget(sibling), {"title": "By browser"})
    assert (answer.status_code, answer.json()) == conflict
    elsewhere = factories.DashboardFactory(organization=organization)
    assert api.post(f"{path_of(elsewhere)}widgets/", body).status_code == 201


@pytest.mark.parametrize("slash", ["", "/"])
def test_changing_and_removing_a_widget(api: APIClient, widget: Widget, slash: str) -> None:
    path = path_of_widget(widget) + slash
    answer = api.put(path, {"displayType": "area", "displayOptions": {"a": 1}})
    assert answer.status_code == 200
    expected = {**shape(widget), "displayType": "area", "displayOptions": {"a": 1}}
    assert answer.json() == expected
    assert api.get(path_of(widget.dashboard)).json()["widgets"] == [expected]
    assert answer["Allow"] == "PUT, DELETE, OPTIONS"
    assert api.delete(path).status_code == 204
    assert api.put(path, {}).status_code == api.delete(path).status_code == 404


def test_what_a_widget_draws_is_replaced(api: APIClient, widget: Widget) -> None:
    answer = api.put(path_of_widget(widget), {"dataSources": NEW["dataSources"]})
    assert answer.status_code == 200
    assert [row["name"] for row in answer.json()["dataSources"]] == ["none", "all"]
    assert api.put(path_of_widget(widget), {"dataSources": []}).json()["dataSources"] == []


REQUIRED = ["This field is required."]
SOURCE = NEW["dataSources"][1]  # type: ignore[index]
KEPT = "It is nested deeper than 20 levels, or holds a NUL character or a number beyond 2^53."


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "change, errors",
    [
        ({"title": ""}, {"title": ["This field may not be blank."]}),
        ({"displayType": "cake"}, {"displayType": ["Widget displayType cake not recognized."]}),
        (
            {"displayOptions": "x"},
            {"displayOptions": ['Expected a dictionary of items but got type "str".']},
        ),
        ({"displayOptions": {"a": 2**53 + 1}}, {"displayOptions": [KEPT]}),
        ({"displayOptions": {"a": [1e300]}}, {"displayOptions": [KEPT]}),
        ({"displayOptions": {"a\0": 1}}, {"displayOptions": [KEPT]}),
        ({"displayOptions": {"a": "\0"}}, {"displayOptions": [KEPT]}),
        ({"displayOptions": {"a": nested(20)}}, {"displayOptions": [KEPT]}),
        (
            {"displayOptions": {"a": "x" * 10_000}},
            {"displayOptions": ["It is larger than 10000 bytes."]},
        ),
        (
            {"dataSources": [{}]},
            {
                "dataSources": {
                    "name": REQUIRED,
                    "data": REQUIRED,
                    "type": REQUIRED,
                    "order": REQUIRED,
                }
            },
        ),
        (
            {"dataSources": [{**SOURCE, "type": "x"}]},
            {"dataSources": {"type": ["Widget data source type x not recognized."]}},
        ),
        (
            {"dataSources": [SOURCE, {**SOURCE, "name": "other"}]},
            {"dataSources": ["Data sources must not have duplicate order values."]},
        ),
        (
            {"dataSources": [SOURCE, {**SOURCE, "order": 7}]},
            {"dataSources": ["Data sources must not have duplicate name values."]},
        ),
        (
            {"dataSources": [{**SOURCE, "order": 2**31}]},
            {"dataSources": {"order": ["Ensure this value is less than or equal to 2147483647."]}},
        ),
        ({"dataSources": {}}, {"dataSources": ['Expected a list of items but got type "dict".']}),
        ({"dataSources": [{**SOURCE, "order": each} for each in range(21)]}, None),
    ],
)
def test_widgets_it_refuses(
    api: APIClient, dashboard: Dashboard, widget: Widget, change: Any, errors: Any
) -> None:
    for answer in (
        api.post(f"{path_of(dashboard)}widgets/", {**NEW, "title": "New", **change}),
        api.put(path_of_widget(widget), change),
    ):
        assert answer.status_code == 400
        assert errors is None or answer.json() == errors
    assert Widget.objects.get() == widget


def test_a_new_widget_needs_a_title_and_a_type(api: APIClient, dashboard: Dashboard) -> None:
    answer = api.post(f"{path_of(dashboard)}widgets/", {})
    assert answer.json() == {"title": REQUIRED, "displayType": REQUIRED}


# Who may, and what it costs -----------------------------------------------------------------------


def test_what_is_not_of_the_path_is_not_there(
    api: APIClient, dashboard: Dashboard, widget: Widget, strangers: Organization
) -> None:
    other = factories.WidgetFactory(dashboard__organization=strangers)
    for address in (other.dashboard_id, "0", "x", "9" * 40):
        for method in (api.get, api.put, api.delete):
            assert method(f"{PATH}{address}/").status_code == 404
        assert api.post(f"{PATH}{address}/widgets/", NEW).status_code == 404
    for address in (other.pk, "0", "x", "9" * 40):
        assert api.put(f"{path_of(dashboard)}widgets/{address}", {}).status_code == 404
        assert api.delete(f"{path_of(dashboard)}widgets/{address}").status_code == 404
    sibling = factories.DashboardFactory(organization=dashboard.organization)
    assert api.delete(f"{path_of(sibling)}widgets/{widget.pk}").status_code == 404


@pytest.mark.parametrize("role, status", [("member", 403), ("manager", 201)])
def test_members_read_and_managers_write(
    api_as: Client, dashboard: Dashboard, role: str, status: int
) -> None:
    member = factories.OrganizationMemberFactory(organization=dashboard.organization, role=role)
    api = api_as(member.user)
    assert api.get(path_of(dashboard)).status_code == 200
    assert api.post(PATH, {"title": "New"}).status_code == status
    assert api.delete(path_of(dashboard)).status_code == 403


def test_what_was_removed_meanwhile_is_not_found(dashboard: Dashboard, widget: Widget) -> None:
    Dashboard.objects.filter(pk=dashboard.pk).delete()
    with pytest.raises(Dashboard.DoesNotExist):
        dashboards.add_widget(dashboard, {"title": "x", "display_type": "pie"}, [], now=CREATED)
    with pytest.raises(Dashboard.DoesNotExist):
        dashboards.change_widget(widget, {"title": "x"}, None)


def test_as_many_statements_for_many(
    api: APIClient, dashboard: Dashboard, widget: Widget, count_queries: Callable[..., int]
) -> None:
    def count() -> tuple[int, ...]:
        path = path_of(dashboard)
        widgets = [{"id": pk, "order": pk} for pk in dashboard.widgets.values_list("pk", flat=True)]
        return (
            count_queries(api.get, PATH),
            count_queries(api.get, path),
            count_queries(api.put, path, {"title": "Errors", "widgets": widgets}),
        )

    few = count()
    for order in range(100, 119):
        source(factories.WidgetFactory(dashboard=dashboard, order=order), "all")
        other = factories.DashboardFactory(organization=dashboard.organization)
        source(factories.WidgetFactory(dashboard=other), "all")
    assert count() == few
    assert few[:2] == (5, 5)


def test_the_back_office_shows_them(admin_client: Browser, widget: Widget) -> None:
    listed = admin_client.get(reverse("admin:organizations_dashboard_changelist"))
    assert listed.status_code == 200 and "Errors" in listed.text
    page = reverse("admin:organizations_dashboard_change", args=[widget.dashboard_id])
    shown = admin_client.get(page)
    assert shown.status_code == 200 and "By browser" in shown.text
