"""Whatever the query string of a stats path says: it is answered or refused, never an error."""

from urllib.parse import urlencode

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, Project

ORGANIZATION = "/api/0/organizations/acme/stats/"
paths = st.sampled_from(
    [
        ORGANIZATION,
        "/api/0/projects/acme/pump-station/stats/",
        "/api/0/teams/acme/rockets/stats/",
    ]
)
names = st.sampled_from(
    ["stat", "since", "until", "resolution", "group", "projectID", "id", "environment"]
)
values = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", "received", "generated", "cors", "project", "organization", "1h", "10s", "1d", "\0"]
    ),
)

on_one_database = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def check(api: APIClient, path: str, query: str) -> None:
    response = api.get(path, QUERY_STRING=query)
    assert response.status_code in (200, 400, 404)
    if response.status_code == 200:
        assert isinstance(response.json(), list | dict)
    else:
        assert isinstance(response.json()["detail"], str)


@on_one_database
@given(path=paths, parameters=st.lists(st.tuples(names, values), max_size=5))
@example(ORGANIZATION, [("since", "-62135596800"), ("until", "253402300799")])
@example(ORGANIZATION, [("until", "-62135596800")])
@example(ORGANIZATION, [("id", str(2**63 - 1)), ("id", str(2**63))])
def test_any_parameters(
    api: APIClient, project: Project, path: str, parameters: list[tuple[str, str]]
) -> None:
    check(api, path, urlencode(parameters, errors="surrogatepass"))


@on_one_database
@given(path=paths, query=st.text(st.characters(max_codepoint=255), max_size=40))
@example(ORGANIZATION, "%")
@example(ORGANIZATION, "since=%ED%A0%80")
def test_any_text(api: APIClient, project: Project, path: str, query: str) -> None:
    check(api, path, query)


def test_more_parameters_than_are_read_are_refused(
    api: APIClient, organization: Organization
) -> None:
    answer = api.get("/api/0/organizations/acme/stats/?" + "&".join(["id=1"] * 2000))
    assert answer.status_code == 400
    assert "DATA_UPLOAD_MAX_NUMBER_FIELDS" in answer.json()["detail"]
