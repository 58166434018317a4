"""GET /organizations/{organization}/stats_v2/ and …/stats-summary/"""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, Project
from stats.models import Kind
from stats.periods import DAY, HOUR
from stats.usage import FILTERS, ITEM_CATEGORIES
from tests import factories
from tests.stats.conftest import Store

NOW = 1772600767.0  # 2026-03-04 05:06:07 UTC, a Wednesday
PATH = "/api/0/organizations/acme/stats_v2/?field=sum(quantity)"
QUANTITY = "sum(quantity)"
Client = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def clock(set_clock: Callable[[float], None]) -> None:
    set_clock(NOW)


@pytest.fixture
def received(store: Store) -> Callable[..., None]:
    """`received(project, {moment: quantity}, filtered=…, limited=…)`: so many errors came, of which
    so many were turned away."""

    def received(
        project: Project, moments: dict[float, int], *, filtered: int = 0, limited: int = 0
    ) -> None:
        store(project.pk, Kind.PROJECT_RECEIVED, project.pk, moments)
        for moment in moments:
            store(project.pk, Kind.PROJECT_BLACKLISTED, project.pk, {moment: filtered})
            store(project.pk, Kind.FILTERED, FILTERS["localhost"], {moment: filtered})
            store(project.pk, Kind.PROJECT_REJECTED, project.pk, {moment: limited})

    return received


def totals(api: APIClient, query: str) -> dict[tuple[Any, ...], int]:
    response = api.get(f"{PATH}&{query}")
    assert response.status_code == 200, response.json()
    return {
        tuple(group["by"].values()): group["totals"][QUANTITY]
        for group in response.json()["groups"]
    }


def test_the_whole_answer(api: APIClient, project: Project, received: Any) -> None:
    received(project, {NOW: 6, NOW - HOUR: 4}, filtered=2, limited=1)
    response = api.get(
        f"{PATH}&field=sum(times_seen)&groupBy=outcome&category=error&statsPeriod=2h"
    )
    assert response.status_code == 200
    assert response["Allow"] == "GET, HEAD, OPTIONS"

    def group(outcome: str, series: list[int]) -> dict[str, Any]:
        return {
            "by": {"outcome": outcome},
            "totals": {QUANTITY: sum(series), "sum(times_seen)": sum(series)},
            "series": {QUANTITY: series, "sum(times_seen)": series},
        }

    assert response.json() == {
        "start": "2026-03-04T03:00:00Z",
        "end": "2026-03-04T06:00:00Z",
        "intervals": ["2026-03-04T03:00:00Z", "2026-03-04T04:00:00Z", "2026-03-04T05:00:00Z"],
        "groups": [
            group("accepted", [0, 1, 3]),
            group("filtered", [0, 2, 2]),
            group("rate_limited", [0, 1, 1]),
        ],
    }


def test_without_groups_it_is_one_also_of_nothing(
    api: APIClient, organization: Organization
) -> None:
    (group,) = api.get(f"{PATH}&statsPeriod=1h").json()["groups"]
    assert group == {"by": {}, "totals": {QUANTITY: 0}, "series": {QUANTITY: [0, 0]}}
    assert api.get(f"{PATH}&statsPeriod=1h&groupBy=outcome").json()["groups"] == []


def test_groups(api: APIClient, project: Project, received: Any, store: Store) -> None:
    received(project, {NOW: 6}, filtered=2, limited=1)
    store(project.pk, Kind.FILTERED, FILTERS["cors"], {NOW: 7})
    for item in ("transaction", "check_in", "client_report", "other"):
        store(project.pk, Kind.ITEMS, ITEM_CATEGORIES[item], {NOW: 5})
    assert totals(api, "statsPeriod=24h") == {(): 23}
    assert totals(api, "statsPeriod=24h&groupBy=category") == {
        ("error",): 13,
        ("monitor",): 5,
        ("transaction",): 5,
    }
    assert totals(api, "statsPeriod=24h&category=error&groupBy=outcome&groupBy=reason") == {
        ("accepted", "none"): 3,
        ("filtered", "localhost"): 2,
        ("invalid", "cors"): 7,
        ("rate_limited", "none"): 1,
    }


def test_sessions_that_could_not_be_read_are_invalid(
    api: APIClient, project: Project, store: Store
) -> None:
    session = ITEM_CATEGORIES["session"]
    store(project.pk, Kind.ITEMS, session, {NOW: 5})
    store(project.pk, Kind.INVALID_ITEMS, session, {NOW: 2})
    assert totals(api, "statsPeriod=24h&category=session&groupBy=outcome") == {
        ("accepted",): 5,
        ("invalid",): 2,
    }


def test_projects_are_told_apart_without_series(
    api: APIClient, project: Project, received: Any
) -> None:
    other = factories.ProjectFactory(organization=project.organization, teams=project.teams.all())
    factories.ProjectFactory(organization=project.organization, teams=project.teams.all())
    received(project, {NOW: 6, NOW - 20 * DAY: 1})
    received(other, {NOW: 5}, filtered=4)
    response = api.get(f"{PATH}&statsPeriod=30d&interval=1d&groupBy=project&groupBy=outcome")
    body = response.json()
    assert len(body["intervals"]) == 31
    assert body["groups"] == [
        {"by": {"project": project.pk, "outcome": "accepted"}, "totals": {QUANTITY: 7}},
        {"by": {"project": other.pk, "outcome": "accepted"}, "totals": {QUANTITY: 1}},
        {"by": {"project": other.pk, "outcome": "filtered"}, "totals": {QUANTITY: 4}},
    ]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("", 13),
        ("category=default", 13),
        ("category=security&category=transaction", 18),
        ("category=transaction", 5),
        ("category=attachment", 0),
        ("outcome=accepted", 8),
        ("outcome=accepted&category=error", 3),
        ("outcome=filtered&outcome=rate_limited", 3),
        ("outcome=abuse", 0),
        ("reason=cors", 7),
        ("reason=nope", 0),
    ],
)
def test_filters(
    api: APIClient, project: Project, received: Any, store: Store, query: str, expected: int
) -> None:
    received(project, {NOW: 6}, filtered=2, limited=1)
    store(project.pk, Kind.FILTERED, FILTERS["cors"], {NOW: 7})
    store(project.pk, Kind.ITEMS, ITEM_CATEGORIES["transaction"], {NOW: 5})
    total = totals(api, f"statsPeriod=1h&{query}")
    assert total == {(): expected + (5 if query == "" else 0)}


def test_what_is_older_than_hours_are_kept_counts_at_the_beginning_of_its_day(
    api: APIClient, project: Project, received: Any
) -> None:
    days = {NOW - each * DAY: 1 for each in range(40)}
    received(project, days)
    assert totals(api, "statsPeriod=30d&interval=1d") == {(): 31}
    assert totals(api, "statsPeriod=30d") == {(): 31}
    (group,) = api.get(f"{PATH}&statsPeriod=14d&interval=1d").json()["groups"]
    assert group["series"][QUANTITY] == [1] * 15
    (group,) = api.get(f"{PATH}&statsPeriod=14d&interval=1h").json()["groups"]
    hours = [hour for hour, quantity in enumerate(group["series"][QUANTITY]) if quantity]
    # The range begins at 05:00 of a day, which counts as a whole.
    assert hours[:3] == [0, 19, 43]
    assert hours[-3:] == [288, 312, 336]
    assert sum(group["series"][QUANTITY]) == group["totals"][QUANTITY] == 15


@pytest.mark.parametrize(
    "query, first, number",
    [
        ("", "2025-12-04T05:00:00Z", 2161),
        ("statsPeriod=24h", "2026-03-03T05:00:00Z", 25),
        ("statsPeriod=90m", "2026-03-04T03:00:00Z", 3),
        ("statsPeriod=0h", "2026-03-04T05:00:00Z", 1),
        ("statsPeriod=1w&interval=24h", "2026-02-25T00:00:00Z", 8),
        ("statsPeriod=1d&interval=360m", "2026-03-03T00:00:00Z", 5),
        # As grafana sends them, without a zone.
        ("start=2026-03-01T10:30:00&end=2026-03-01T12:00:00", "2026-03-01T10:00:00Z", 2),
        ("start=2026-03-01T10:30:00Z&end=2026-03-01T12:00:01Z", "2026-03-01T10:00:00Z", 3),
        ("start=2026-03-01&end=2026-03-03&interval=1d", "2026-03-01T00:00:00Z", 2),
        ("start=2026-03-01&end=2026-03-01", "2026-03-01T00:00:00Z", 1),
        ("start=1960-01-01&end=1960-01-02", "1960-01-01T00:00:00Z", 24),
    ],
)
def test_intervals(
    api: APIClient, organization: Organization, query: str, first: str, number: int
) -> None:
    body = api.get(f"{PATH}&{query}").json()
    assert len(body["intervals"]) == len(body["groups"][0]["series"][QUANTITY]) == number
    assert (body["start"], body["intervals"][0]) == (first, first)


FIELDS = "Valid choices are sum(quantity), sum(times_seen)."
HOURS = (
    "Invalid interval. It takes a number of hours that divides a day: "
    "1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h."
)


@pytest.mark.parametrize(
    "query, problem",
    [
        ("", f"field is required. {FIELDS}"),
        ("field=", f"field is required. {FIELDS}"),
        ("field=count()", f"Invalid field. {FIELDS}"),
        *(
            (f"field=sum(quantity)&{rest}", problem)
            for rest, problem in [
                (
                    "groupBy=release",
                    "Invalid groupBy. Valid choices are outcome, category, reason, project.",
                ),
                (
                    "outcome=nope",
                    "Invalid outcome. Valid choices are accepted, filtered, rate_limited, "
                    "invalid, abuse, client_discard, cardinality_limited.",
                ),
                (
                    "category=nope",
                    "Invalid category. Valid choices are error, transaction, session, attachment, "
                    "user_report, feedback, monitor, span, log_item, trace_metric, profile, "
                    "replay, default, security.",
                ),
                *(
                    (f"interval={value}", HOURS)
                    for value in ("1", "h", "0h", "30m", "90m", "5h", "2d", "1w", "1y", "-1h")
                ),
                (
                    "statsPeriod=x",
                    "Invalid statsPeriod. It takes a number and a unit, such as 14d.",
                ),
                ("start=2026-03-01", "start and end are both required."),
                ("start=2026-03-02&end=2026-03-01", "start must be before end."),
                (
                    "start=x&end=2026-03-01",
                    "Invalid start. It takes a date and time, such as 2026-03-04T05:06:07Z.",
                ),
                (
                    "start=9999-12-31&end=9999-12-31T23:30",
                    "Invalid end: there are no dates after the year 9999.",
                ),
                (
                    "start=1000-01-01&end=2026-03-01",
                    "The range has 8995152 points, more than 100000. "
                    "Choose a shorter range or a coarser resolution.",
                ),
                ("project=x", "Invalid project parameter. Values must be numbers."),
            ]
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    api: APIClient, organization: Organization, query: str, problem: str
) -> None:
    response = api.get(f"/api/0/organizations/acme/stats_v2/?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": problem})


def test_more_points_than_are_good_for_a_server_are_refused(
    api: APIClient, project: Project, received: Any
) -> None:
    received(project, {NOW: 6}, filtered=2)
    query = "start=2020-01-01&end=2026-03-05&groupBy=outcome"
    response = api.get(f"{PATH}&{query}")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("2 groups with 54120 intervals each are more")
    assert api.get(f"{PATH}&{query}&groupBy=project").status_code == 200


def test_only_projects_that_the_caller_reaches(
    api_as: Client, project: Project, received: Any, organization: Organization
) -> None:
    organization.open_membership = False
    organization.save()
    hidden = factories.ProjectFactory(
        organization=organization, teams=[factories.TeamFactory(organization=organization)]
    )
    theirs = factories.ProjectFactory()
    for each in (project, hidden, theirs):
        received(each, {NOW: 1})
    member = factories.OrganizationMemberFactory(
        organization=organization, role="member", teams=project.teams.all()
    )
    api = api_as(member.user)
    for query in ("", "&project=-1", f"&project={project.pk}"):
        assert totals(api, f"statsPeriod=1h&groupBy=project{query}") == {(project.pk,): 1}
    for each in (hidden, theirs):
        assert api.get(f"{PATH}&project={each.pk}").status_code == 403
    key = api_as(organization=organization)
    assert totals(key, "statsPeriod=1h") == {(): 2}
    assert totals(key, f"statsPeriod=1h&project={hidden.pk}") == {(): 1}


@pytest.mark.parametrize("projects", [2, 20])
def test_it_is_a_fixed_number_of_statements(
    api: APIClient,
    project: Project,
    received: Any,
    django_assert_num_queries: Any,
    projects: int,
) -> None:
    for _ in range(projects):
        each = factories.ProjectFactory(
            organization=project.organization, teams=project.teams.all()
        )
        received(each, {NOW: 2}, filtered=1)
    with django_assert_num_queries(4):
        found = totals(api, "statsPeriod=1d&groupBy=project&groupBy=outcome")
    assert len(found) == 2 * projects


# By project ---------------------------------------------------------------------------------------

SUMMARY = "/api/0/organizations/acme/stats-summary/?field=sum(quantity)"


def test_the_summary_of_projects(
    api: APIClient, project: Project, received: Any, store: Store
) -> None:
    factories.ProjectFactory(organization=project.organization, teams=project.teams.all())
    received(project, {NOW: 6, NOW - 20 * DAY: 4}, filtered=2, limited=1)
    store(project.pk, Kind.ITEMS, ITEM_CATEGORIES["transaction"], {NOW: 5})
    response = api.get(f"{SUMMARY}&statsPeriod=1d&interval=1d")
    assert response.status_code == 200
    nothing = {"invalid": 0, "abuse": 0, "client_discard": 0, "cardinality_limited": 0}
    assert response.json() == {
        "start": "2026-03-03T00:00:00Z",
        "end": "2026-03-05T00:00:00Z",
        "projects": [
            {
                "id": project.pk,
                "slug": "pump-station",
                "stats": [
                    {
                        "category": "error",
                        "outcomes": {"accepted": 3, "filtered": 2, "rate_limited": 1, **nothing},
                        "totals": {"dropped": 3, QUANTITY: 6},
                    },
                    {
                        "category": "transaction",
                        "outcomes": {"accepted": 5, "filtered": 0, "rate_limited": 0, **nothing},
                        "totals": {"dropped": 0, QUANTITY: 5},
                    },
                ],
            }
        ],
    }
    (only,) = api.get(f"{SUMMARY}&statsPeriod=1d&outcome=filtered").json()["projects"]
    assert [stats["totals"] for stats in only["stats"]] == [{"dropped": 2, QUANTITY: 2}]
    assert api.get(f"{SUMMARY}&category=replay").json()["projects"] == []
    assert api.get(f"{SUMMARY}&category=nope").status_code == 400
    stranger = factories.ProjectFactory()
    assert api.get(f"{SUMMARY}&project={stranger.pk}").status_code == 403
