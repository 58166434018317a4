import asyncio
import base64
from collections.abc import Generator
from typing import Any

import pytest
from django.db import connection

from issues.payload.event import FilterRules, ScrubRules
from sentrylite.ingest import authentication
from sentrylite.ingest.authentication import (
    Credentials,
    KeyInfo,
    ProjectKeys,
    read_credentials,
    read_dsn,
)
from sentrylite.ingest.refusals import TWO_CREDENTIALS, Refused
from sentrylite.organizations.models import Organization, Project, ProjectKey
from tests import factories

A, B = "a" * 32, "b" * 32

# Credentials


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (
            f"Sentry sentry_version=6, sentry_client=raven/6.1, sentry_key={A}, sentry_secret={B}",
            Credentials(A, B, "6", "raven/6.1"),
        ),
        (f"sentry sentry_key={A},sentry_version=7", Credentials(A)),
        (f"SENTRY  sentry_timestamp=1.5 , sentry_key = {A} ", Credentials(A)),
        (f"Sentry sentry_key={A}, sentry_client=a=b", Credentials(A, client="a=b")),
        (f"Sentry sentry_key={A}, nonsense", None),
        (f"Sentry sentry_key={A},", None),
        ("Sentry sentry_version=7", None),
        ("Sentry sentry_key=", None),
        ("Sentry", None),
        ("", None),
        (f"Bearer sentry_key={A}", None),
        (f"sentry_key={A}", None),
    ],
)
@pytest.mark.parametrize("name", [b"x-sentry-auth", b"authorization"])
def test_credentials_in_a_header(name: bytes, header: str, credentials: Credentials | None) -> None:
    assert read_credentials({name: header.encode()}, {}) == credentials


def test_credentials_in_the_query() -> None:
    query = {"sentry_key": A, "sentry_version": "5", "sentry_client": "x/1", "sentry_secret": B}
    assert read_credentials({}, query) == Credentials(A, B, "5", "x/1")
    assert read_credentials({}, {"sentry_key": A}) == Credentials(A)
    assert read_credentials({}, {"sentry_key": "", "sentry_version": "7"}) is None
    assert read_credentials({}, {"sentry_data": "{}"}) is None


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (basic(f"{A}:"), Credentials(A)),
        (basic(A), Credentials(A)),
        (basic(f"{A}:{B}"), Credentials(A, B)),
        (basic("user:password"), None),
        (b"Basic !", None),
        (b"Basic a", None),
        (b"Basic", None),
    ],
)
def test_the_key_as_user_name(header: bytes, credentials: Credentials | None) -> None:
    assert read_credentials({b"authorization": header}, {}) == credentials


SENTRY_HEADER = f"Sentry sentry_key={A}".encode()


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({b"x-sentry-auth": SENTRY_HEADER}, {"sentry_key": A}),
        ({b"authorization": SENTRY_HEADER}, {"sentry_key": A}),
        ({b"x-sentry-auth": SENTRY_HEADER, b"authorization": SENTRY_HEADER}, {}),
    ],
)
def test_credentials_in_two_places_are_refused(
    headers: dict[bytes, bytes], query: dict[str, str]
) -> None:
    with pytest.raises(Refused) as caught:
        read_credentials(headers, query)
    assert caught.value.refusal is TWO_CREDENTIALS


def test_the_credentials_of_a_proxy_are_not_in_the_way() -> None:
    headers = {b"x-sentry-auth": SENTRY_HEADER, b"authorization": basic("user:password")}
    assert read_credentials(headers, {}) == Credentials(A)
    headers = {b"authorization": b"Bearer abc"}
    assert read_credentials(headers, {"sentry_key": A}) == Credentials(A)


@pytest.mark.parametrize(
    ("dsn", "credentials"),
    [
        (f"https://{A}@sentry.example.com/1", Credentials(A)),
        (f"http://{A}:{B}@[::1]:8000/prefix/1", Credentials(A, B)),
        ("https://sentry.example.com/1", None),
        ("https://[broken", None),
        ("", None),
        (None, None),
        (1, None),
        ({"dsn": A}, None),
    ],
)
def test_the_key_in_a_dsn(dsn: object, credentials: Credentials | None) -> None:
    assert read_dsn(dsn) == credentials


# Keys


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(transactional_db: None, clock: Clock) -> Generator[ProjectKeys]:
    keys = ProjectKeys(clock=clock)
    yield keys
    keys.close()


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were asked of the database."""
    asked = []
    find_key = authentication.find_key

    def find(cursor: Any, public_key: str) -> KeyInfo | None:
        asked.append(public_key)
        return find_key(cursor, public_key)

    monkeypatch.setattr(authentication, "find_key", find)
    return asked


def get(keys: ProjectKeys, *public_keys: str) -> list[KeyInfo | None]:
    """The keys, asked for at the same time."""

    async def ask() -> list[KeyInfo | None]:
        return await asyncio.gather(*map(keys.get, public_keys))

    return asyncio.run(ask())


def test_a_key_comes_with_its_project(keys: ProjectKeys, project: Project, key: ProjectKey) -> None:
    project.allowed_domains = ["example.com", 5, "*.example.org"]
    project.save()
    assert get(keys, key.public_key) == [
        KeyInfo(
            key_id=key.id,
            public_key=key.public_key,
            secret_key=key.secret_key,
            is_active=True,
            project_id=project.id,
            organization_id=project.organization_id,
            project_slug="pump-station",
            allowed_domains=("example.com", "*.example.org"),
            scrub=ScrubRules(),
            unwanted=FilterRules(),
            rate_limit=None,
        )
    ]


def test_the_platforms_that_a_project_has_events_of(
    keys: ProjectKeys, project: Project, key: ProjectKey
) -> None:
    factories.ProjectFactory().project_platforms.create(platform="ruby")
    for platform in ("python", "node"):
        project.project_platforms.create(platform=platform)
    (found,) = get(keys, key.public_key)
    assert found is not None
    assert found.platforms == ("node", "python")


def test_the_organization_adds_to_the_scrubbing(
    keys: ProjectKeys, organization: Organization, project: Project, key: ProjectKey
) -> None:
    Organization.objects.update(
        data_scrubber=True, sensitive_fields=["a"], safe_fields=["x"], scrub_ip_addresses=True
    )
    Project.objects.update(
        data_scrubber=False, data_scrubber_defaults=False, sensitive_fields=["b"], safe_fields=["y"]
    )
    (found,) = get(keys, key.public_key)
    assert found is not None
    assert found.scrub == ScrubRules(
        enabled=True,
        defaults=False,
        sensitive_fields=("a", "b"),
        safe_fields=("x", "y"),
        scrub_ip_addresses=True,
    )


@pytest.mark.parametrize("model", [Project, Organization])
def test_what_is_being_deleted_has_no_keys(
    keys: ProjectKeys, project: Project, key: ProjectKey, model: Any
) -> None:
    assert asyncio.run(keys.allowed_domains(project.id)) == ("*",)
    model.objects.update(status="pending_deletion")
    assert get(keys, key.public_key) == [None]
    assert asyncio.run(keys.allowed_domains(project.id)) is None


def test_a_disabled_key_is_found_as_such(keys: ProjectKeys, key: ProjectKey) -> None:
    ProjectKey.objects.update(is_active=False)
    (found,) = get(keys, key.public_key)
    assert found is not None
    assert not found.is_active


def test_a_key_is_kept_for_a_few_seconds(
    keys: ProjectKeys, key: ProjectKey, clock: Clock, lookups: list[str]
) -> None:
    (first,) = get(keys, key.public_key)
    ProjectKey.objects.update(is_active=False)
    assert get(keys, key.public_key) == [first]
    assert len(lookups) == 1
    clock.now += authentication.CACHE_SECONDS
    (second,) = get(keys, key.public_key)
    assert second is not None
    assert not second.is_active
    assert len(lookups) == 2


def test_an_unknown_key_is_not_remembered(keys: ProjectKeys, project: Project) -> None:
    assert get(keys, A) == [None]
    factories.ProjectKeyFactory(project=project, public_key=A)
    (found,) = get(keys, A)
    assert found is not None


def test_a_key_that_is_gone_is_forgotten(keys: ProjectKeys, key: ProjectKey, clock: Clock) -> None:
    get(keys, key.public_key)
    ProjectKey.objects.all().delete()
    clock.now += authentication.CACHE_SECONDS
    assert get(keys, key.public_key, key.public_key) == [None, None]


def test_requests_at_the_same_time_share_a_lookup(
    keys: ProjectKeys, key: ProjectKey, lookups: list[str]
) -> None:
    found = get(keys, key.public_key, A, key.public_key, A, key.public_key)
    assert [info and info.public_key for info in found] == [
        key.public_key,
        None,
        key.public_key,
        None,
        key.public_key,
    ]
    assert sorted(lookups) == sorted([A, key.public_key])


def test_a_client_that_leaves_does_not_take_the_lookup_along(
    keys: ProjectKeys, key: ProjectKey, lookups: list[str]
) -> None:
    async def ask() -> KeyInfo | None:
        leaving = asyncio.ensure_future(keys.get(key.public_key))
        staying = asyncio.ensure_future(keys.get(key.public_key))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(ask()) is not None
    assert lookups == [key.public_key]


def test_only_so_many_keys_are_kept(
    keys: ProjectKeys, project: Project, lookups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "CACHED_KEYS", 2)
    first, second, third = (
        factories.ProjectKeyFactory(project=project).public_key for _ in range(3)
    )
    for public_key in (first, second, third):
        get(keys, public_key)
    lookups.clear()
    get(keys, second)
    get(keys, third)
    assert lookups == []
    get(keys, first)
    assert lookups == [first]


def test_a_lost_connection_is_opened_again(keys: ProjectKeys, key: ProjectKey) -> None:
    assert get(keys, A) == [None]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            ["sentrylite keys"],
        )
    (found,) = get(keys, key.public_key)
    assert found is not None


def test_a_project_with_a_huge_id_is_unknown(keys: ProjectKeys) -> None:
    assert asyncio.run(keys.allowed_domains(10**18 - 1)) is None
