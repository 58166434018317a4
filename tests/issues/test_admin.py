import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from issues import tasks
from issues.admin import filters, readable
from issues.models import (
    Activity,
    Event,
    EventUser,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueRelease,
    IssueReprocessing,
    IssueSeen,
    IssueSubscription,
    IssueTag,
    IssueUser,
    JournalEntry,
    UserReport,
)
from sentrylite.accounts.models import User
from sentrylite.admin.base import CappedPaginator
from sentrylite.organizations import models as organizations
from sentrylite.organizations.models import Project
from sentrylite.releases.models import Release, Repository
from sentrylite.symbols.models import DebugFile
from stats.models import IssueDay
from tests import factories

pytestmark = pytest.mark.django_db

LIST = reverse("admin:issues_issue_changelist")
EVENTS = reverse("admin:issues_events")
HOSTILE = "<script>alert(1)</script>"

# How to make a row of each model that is registered.
MAKE: dict[type[Any], Callable[[], Any]] = {
    User: factories.UserFactory,
    organizations.Organization: factories.OrganizationFactory,
    organizations.OrganizationMember: factories.OrganizationMemberFactory,
    organizations.Team: factories.TeamFactory,
    organizations.Project: factories.ProjectFactory,
    organizations.ProjectKey: factories.ProjectKeyFactory,
    organizations.Environment: factories.EnvironmentFactory,
    organizations.ApiToken: lambda: factories.ApiTokenFactory(scopes=["org:read"]),
    organizations.ApiKey: lambda: factories.ApiKeyFactory(scopes=["org:read"]),
    organizations.ServiceHook: factories.ServiceHookFactory,
    organizations.Dashboard: factories.DashboardFactory,
    organizations.AuditLogEntry: lambda: organizations.AuditLogEntry.objects.create(
        organization=factories.OrganizationFactory(), actor_label="somebody", event="team.create"
    ),
    Release: factories.ReleaseFactory,
    Repository: factories.RepositoryFactory,
    DebugFile: factories.DebugFileFactory,
    Issue: factories.IssueFactory,
    Activity: lambda: Activity.objects.create(
        issue=factories.IssueFactory(), user=factories.UserFactory(), type="set_resolved"
    ),
    UserReport: lambda: UserReport.objects.create(
        project=factories.ProjectFactory(),
        issue=factories.IssueFactory(),
        environment=factories.EnvironmentFactory(),
        event_id=uuid4().hex,
        comments="It broke!",
    ),
    JournalEntry: lambda: JournalEntry.objects.create(owner=1, data=b"{}"),
    DBTaskResult: lambda: DBTaskResult.objects.get(pk=tasks.delete_issues.enqueue([1]).id),
}
REGISTERED = [pytest.param(model, id=model.__name__) for model in admin.site._registry]


def url(model: type[Any], page: str = "changelist", row: Any = None) -> str:
    opts = model._meta
    name = f"admin:{opts.app_label}_{opts.model_name}_{page}"
    return reverse(name, args=[] if row is None else [row.pk])


def page_of(issue: Issue) -> str:
    return url(Issue, "change", issue)


def event_page(event: Event) -> str:
    return reverse("admin:issues_event", args=[event.issue_id, event.event_id.hex])


def text(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1, title="ValueError: it broke")


# Every page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", REGISTERED)
def test_every_page_is_there(admin_client: Client, model: type[Any]) -> None:
    row = MAKE[model]()
    text(admin_client, url(model))
    text(admin_client, url(model, "change", row))
    text(admin_client, url(model, "history", row))
    if admin_client.get(url(model, "add")).status_code != 403:
        text(admin_client, url(model, "add"))
    if admin.site._registry[model].search_fields:  # type: ignore[attr-defined]
        text(admin_client, url(model), q="needle in 2 haystacks")


@pytest.mark.parametrize("model", REGISTERED)
def test_a_list_costs_the_same_for_2_rows_and_for_20(
    admin_client: Client, django_assert_num_queries: Any, model: type[Any]
) -> None:
    MAKE[model](), MAKE[model]()
    admin_client.get(url(model))  # fills caches of the process, such as content types
    with CaptureQueriesContext(connection) as of_two:
        admin_client.get(url(model))
    for _ in range(18):
        MAKE[model]()
    with django_assert_num_queries(len(of_two)):
        admin_client.get(url(model))


@pytest.mark.parametrize("model", REGISTERED)
def test_others_are_kept_out(client: Client, model: type[Any]) -> None:
    user = factories.UserFactory()
    address = url(model)
    login = f"{reverse('admin:login')}?next={address}"
    assert client.get(address).headers["Location"] == login
    client.force_login(user)
    assert client.get(address).headers["Location"] == login
    User.objects.update(is_staff=True)
    assert client.get(address).status_code == 403


def test_pages_carry_no_inline_script(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue, {"title": "x"})
    for address in (reverse("admin:index"), LIST, page_of(issue), EVENTS, event_page(event)):
        page = text(admin_client, address)
        assert "<script>" not in page
        assert " onclick=" not in page
        assert " style=" not in page


def test_a_huge_table_is_not_counted(admin_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(CappedPaginator, "limit", 60)
    project = factories.ProjectFactory()
    Issue.objects.bulk_create(
        factories.IssueFactory.build(project=project, number=number) for number in range(70)
    )
    page = text(admin_client, LIST)
    assert "more than 60 issues" in page
    assert "?p=2" in page
    assert "?p=3" not in page


def test_sorting_a_list_joins_nothing_to_rows_that_are_not_shown(
    admin_client: Client, issue: Issue, monkeypatch: Any
) -> None:
    factories.IssueFactory(project=issue.project)
    monkeypatch.setattr(admin.site.get_model_admin(Issue), "list_per_page", 1)
    with CaptureQueriesContext(connection) as asked:
        text(admin_client, LIST)
    statements = [each["sql"] for each in asked if 'FROM "issues_issue"' in each["sql"]]
    [sorting] = [each for each in statements if "ORDER BY" in each and "LIMIT" in each]
    assert "JOIN" not in sorting
    assert '"title"' not in sorting


# The list of issues -------------------------------------------------------------------------------


def titles(client: Client, **query: Any) -> set[str]:
    return {issue.title for issue in client.get(LIST, query).context["cl"].result_list}


def test_issues_are_found(admin_client: Client, project: Project) -> None:
    facts = [
        {"title": "ValueError: left", "culprit": "app.views", "level": 40},
        {"title": "KeyError: right", "culprit": "app.tasks", "level": 50, "status": 1},
        {"title": "Gone", "status": Issue.Status.PENDING_DELETION},
    ]
    for number, each in enumerate(facts, 31):
        factories.IssueFactory(project=project, number=number, **each)
    left, right = "ValueError: left", "KeyError: right"

    assert titles(admin_client) == {left, right}
    assert titles(admin_client, q="left") == {left}
    assert titles(admin_client, q="app.tasks") == {right}
    assert titles(admin_client, q="pump-station-10") == {right}
    assert titles(admin_client, q="PUMP-STATION-Z") == {left}
    assert titles(admin_client, q="PUMP-STATION-ZZZZZZZ") == set()
    assert titles(admin_client, status=1) == {right}
    assert titles(admin_client, level=40) == {left}
    assert titles(admin_client, project__id__exact=project.pk) == {left, right}
    assert titles(admin_client, project__id__exact=0) == set()


def test_the_last_24_hours_of_issues_of_several_projects(admin_client: Client) -> None:
    now = timezone.now()
    day, hour = divmod(int(now.timestamp()) // 3600, 24)
    for environment, events in ((1, 3), (2, 4)):
        for issue in (factories.IssueFactory(), factories.IssueFactory()):
            hours = [0] * 24
            hours[hour] = events
            IssueDay.objects.create(
                project_id=issue.project_id,
                issue_id=issue.pk,
                day=day,
                environment_id=environment,
                total=events,
                hours=hours,
            )
    page = text(admin_client, LIST)
    assert page.count("<title>3 events in 24 hours</title>") == 2
    assert page.count("<title>4 events in 24 hours</title>") == 2


def test_words_are_looked_for_in_the_text_of_an_issue(
    admin_client: Client, project: Project
) -> None:
    for title in ("Left pump failed", "Right pump failed", "100%_sure"):
        factories.IssueFactory(project=project, title=title)
    assert titles(admin_client, q="PUMP left") == {"Left pump failed"}
    assert titles(admin_client, q="pump") == {"Left pump failed", "Right pump failed"}
    assert titles(admin_client, q="%_") == {"100%_sure"}
    assert len(titles(admin_client, q="l\0eft")) == 3
    assert titles(admin_client, q="x " * 5000) == set()


def test_a_word_of_very_many_issues_is_looked_for_in_the_newest(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(filters, "FEW", 2)
    monkeypatch.setattr(filters, "NEWEST", 2)
    for age, title in enumerate(("Pump failed", "Fan failed", "Pump failed again", "Pump is old")):
        seen = now - timedelta(hours=age)
        factories.IssueFactory(project=project, title=title, last_seen=seen)

    note = "Very many issues have pump:"
    assert titles(admin_client, q="pump") == {"Pump failed"}
    assert note in text(admin_client, LIST, q="pump")
    # Filters and what is rare come first; nothing is left out of the rest.
    assert titles(admin_client, q="pump again") == {"Pump failed again"}
    assert titles(admin_client, q="pump failed") == {"Pump failed"}
    assert note not in text(admin_client, LIST, q="pump again")
    assert titles(admin_client, q="fan") == {"Fan failed"}


def test_issues_are_found_by_who_is_responsible(
    admin_client: Client, admin_user: User, project: Project, team: Any
) -> None:
    for title, facts in {
        "mine": {"assigned_user": admin_user},
        "theirs": {"assigned_team": team},
        "free": {},
    }.items():
        factories.IssueFactory(project=project, title=title, **facts)
    assert titles(admin_client, assigned="me") == {"mine"}
    assert titles(admin_client, assigned="somebody") == {"mine", "theirs"}
    assert titles(admin_client, assigned="nobody") == {"free"}
    assert titles(admin_client, assigned="x") == {"mine", "theirs", "free"}


def test_the_id_of_an_event_leads_to_the_event(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue)
    answer = admin_client.get(LIST, {"q": event.event_id.hex})
    assert answer.headers["Location"] == event_page(event)
    assert titles(admin_client, q=uuid4().hex) == set()


def test_titles_are_escaped(admin_client: Client, project: Project) -> None:
    issue = factories.IssueFactory(
        project=project, title=HOSTILE, culprit=HOSTILE, metadata={"value": HOSTILE}
    )
    event = factories.make_event(issue, hostile_payload(), message=HOSTILE, tags=[("k", HOSTILE)])
    add_neighbours(issue, 1, HOSTILE)
    for address in (
        LIST,
        page_of(issue),
        event_page(event),
        f"{EVENTS}?project={project.pk}",
        f"{EVENTS}?q={HOSTILE}",
        url(Activity),
        url(Project, "change", project),
    ):
        assert "<script>alert" not in text(admin_client, address)
    asked = admin_client.post(LIST, {"action": "delete", "_selected_action": [issue.pk]})
    assert b"&lt;script&gt;alert" in asked.content
    assert b"<script>alert" not in asked.content


def hostile_payload() -> dict[str, Any]:
    """Everything that a page shows of an event."""
    frame = {
        "filename": HOSTILE,
        "function": HOSTILE,
        "lineno": 2,
        "in_app": True,
        "context_line": HOSTILE,
        "pre_context": [HOSTILE],
        "vars": {HOSTILE: HOSTILE, "object": {HOSTILE: [HOSTILE]}},
    }
    values = {"type": HOSTILE, "value": HOSTILE, "module": HOSTILE}
    return {
        "title": HOSTILE,
        "culprit": HOSTILE,
        "release": HOSTILE,
        "environment": HOSTILE,
        "logentry": {"formatted": HOSTILE},
        "exception": {"values": [{**values, "stacktrace": {"frames": [frame]}}]},
        "threads": {"values": [{"name": HOSTILE, "stacktrace": {"frames": [frame]}}]},
        "breadcrumbs": {"values": [{"message": HOSTILE, "data": {HOSTILE: HOSTILE}}]},
        "request": {
            "url": HOSTILE,
            "headers": [[HOSTILE, HOSTILE]],
            "cookies": [[HOSTILE, HOSTILE]],
            "data": {HOSTILE: HOSTILE},
        },
        "user": {"id": HOSTILE, "data": {HOSTILE: HOSTILE}},
        "contexts": {HOSTILE: {"type": HOSTILE}},
        "extra": {HOSTILE: HOSTILE},
        "errors": [{"type": HOSTILE, "value": HOSTILE}],
    }


# Actions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status", "report"),
    [
        ("resolve", Issue.Status.RESOLVED, "2 issues resolved. 1 already was."),
        ("ignore", Issue.Status.IGNORED, "3 issues ignored."),
        ("unresolve", Issue.Status.UNRESOLVED, "1 issue unresolved. 2 already were."),
    ],
)
def test_selected_issues_change_their_status(
    admin_client: Client,
    admin_user: User,
    project: Project,
    action: str,
    status: int,
    report: str,
) -> None:
    issues = [factories.IssueFactory(project=project, status=n) for n in (0, 0, 1)]
    untouched = factories.IssueFactory(project=project)
    data = {"action": action, "_selected_action": [issue.pk for issue in issues]}
    answer = admin_client.post(LIST, data, follow=True)
    assert report in answer.content.decode()
    assert set(Issue.objects.exclude(pk=untouched.pk).values_list("status", flat=True)) == {status}
    assert set(Activity.objects.values_list("user", flat=True)) == {admin_user.pk}
    untouched.refresh_from_db()
    assert untouched.status == Issue.Status.UNRESOLVED


def test_deleting_issues_is_confirmed_and_soft(admin_client: Client, issue: Issue) -> None:
    IssueHash.objects.create(project_id=issue.project_id, hash=uuid4(), issue_id=issue.pk)
    data = {"action": "delete", "_selected_action": [issue.pk]}
    asked = admin_client.post(LIST, data).content.decode()
    assert "Delete 1 issue?" in asked
    assert issue.title in asked

    answer = admin_client.post(LIST, {**data, "confirmed": "yes"}, follow=True)
    assert "1 issue deleted." in answer.content.decode()
    issue.refresh_from_db()
    assert issue.status == Issue.Status.PENDING_DELETION
    assert not IssueHash.objects.exists()
    assert LogEntry.objects.get().object_id == str(issue.pk)
    gone = admin_client.get(page_of(issue), follow=True)
    assert "Perhaps it was deleted?" in gone.content.decode()


def test_all_issues_of_a_filter_are_deleted(admin_client: Client, project: Project) -> None:
    issues = [factories.IssueFactory(project=project, level=n) for n in (40, 40, 50)]
    data = {"action": "delete", "_selected_action": [issues[0].pk], "select_across": "1"}
    asked = admin_client.post(f"{LIST}?level=40", data)
    assert "Delete 2 issues?" in asked.content.decode()
    assert 'name="select_across" value="1"' in asked.content.decode()
    admin_client.post(f"{LIST}?level=40", {**data, "confirmed": "yes"})
    assert Issue.objects.visible().get() == issues[2]


def test_issues_are_merged(admin_client: Client, issue: Issue) -> None:
    other = factories.IssueFactory(project=issue.project, times_seen=5)
    data = {"action": "merge", "_selected_action": [issue.pk, other.pk]}
    answer = admin_client.post(LIST, data, follow=True)
    assert f"2 issues are {other.short_id} now." in answer.content.decode()
    assert Issue.objects.visible().get() == other
    assert page_of(issue) not in text(admin_client, LIST)
    # Old links lead to the issue that is left.
    assert other.short_id in text(admin_client, page_of(issue))


def test_issues_are_assigned(admin_client: Client, project: Project, user: User, team: Any) -> None:
    issues = [factories.IssueFactory(project=project) for _ in range(2)]
    data = {"action": "assign", "_selected_action": [issue.pk for issue in issues]}
    asked = admin_client.post(LIST, data).content.decode()
    for value in ("", f"team:{team.pk}", f"user:{user.pk}"):
        assert f'<option value="{value}"' in asked

    def assign(choice: str) -> str:
        sent = {**data, "choice": choice, "confirmed": "yes"}
        return admin_client.post(LIST, sent, follow=True).content.decode()

    assert f"2 issues assigned to {user}." in assign(f"user:{user.pk}")
    assert set(Issue.objects.values_list("assigned_user", flat=True)) == {user.pk}
    assert "2 issues assigned to " in assign(f"team:{team.pk}")
    assert set(Issue.objects.values_list("assigned_team", flat=True)) == {team.pk}
    assert "2 issues assigned to nobody." in assign("")
    assert set(Issue.objects.values_list("assigned_team", flat=True)) == {None}


def test_only_who_is_in_a_team_of_the_project_is_made_responsible(
    admin_client: Client, issue: Issue, user: User
) -> None:
    outsider = factories.UserFactory()
    foreign = factories.IssueFactory()
    team = factories.TeamFactory()
    for choice in (f"user:{outsider.pk}", f"team:{team.pk}", "user:9" * 99, "x\0", HOSTILE):
        data = {"action": "assign", "choice": choice, "confirmed": "yes"}
        answer = admin_client.post(url(Issue, "run", issue), data, follow=True)
        assert "in a team of each issue&#x27;s project" in answer.content.decode()
    both = {"action": "assign", "_selected_action": [issue.pk, foreign.pk], "confirmed": "yes"}
    admin_client.post(LIST, {**both, "choice": f"user:{user.pk}"})
    assert not Issue.objects.exclude(assigned_user=None, assigned_team=None).exists()
    assert not Activity.objects.exists()


def test_an_issues_page_assigns_it(
    admin_client: Client, issue: Issue, user: User, team: Any
) -> None:
    page = text(admin_client, page_of(issue))
    assert f'<option value="user:{user.pk}">' in page
    data = {"action": "assign", "choice": f"user:{user.pk}", "confirmed": "yes"}
    page = admin_client.post(url(Issue, "run", issue), data, follow=True).content.decode()
    assert "1 issue assigned to" in page
    assert f'<option value="user:{user.pk}" selected>' in page


def test_what_cannot_be_merged_is_not(admin_client: Client, issue: Issue) -> None:
    foreign = factories.IssueFactory()
    data = {"action": "merge", "_selected_action": [issue.pk]}
    answer = admin_client.post(LIST, data, follow=True)
    assert "It takes two issues to merge." in answer.content.decode()
    data["_selected_action"].append(foreign.pk)  # type: ignore[attr-defined]
    answer = admin_client.post(LIST, data, follow=True)
    assert "Issues of several projects cannot be merged." in answer.content.decode()
    assert Issue.objects.visible().count() == 2


def test_stack_traces_are_restored_again(admin_client: Client, issue: Issue) -> None:
    button = url(Issue, "run", issue)
    assert "Restore stack traces again" in text(admin_client, page_of(issue))
    answer = admin_client.post(button, {"action": "reprocess"}, follow=True)
    assert answer.redirect_chain == [(page_of(issue), 302)]
    assert "The stack traces of 1 issue are being restored" in answer.content.decode()
    assert IssueReprocessing.objects.get().issue == issue
    other = factories.IssueFactory(project=issue.project)
    data = {"action": "reprocess", "_selected_action": [issue.pk, other.pk]}
    answer = admin_client.post(LIST, data, follow=True)
    assert "Of 1 that was under way." in answer.content.decode()
    assert IssueReprocessing.objects.count() == 2


def test_discarding_issues_is_confirmed(admin_client: Client, issue: Issue) -> None:
    data = {"action": "discard", "_selected_action": [issue.pk]}
    asked = admin_client.post(LIST, data).content.decode()
    assert "Discard 1 issue?" in asked
    answer = admin_client.post(LIST, {**data, "confirmed": "yes"}, follow=True)
    assert "1 issue discarded." in answer.content.decode()
    issue.refresh_from_db()
    assert issue.status == Issue.Status.DISCARDED
    assert page_of(issue) not in text(admin_client, LIST)


def test_an_issues_page_has_its_actions(admin_client: Client, issue: Issue) -> None:
    button = url(Issue, "run", issue)
    assert button in text(admin_client, page_of(issue))
    answer = admin_client.post(button, {"action": "resolve"}, follow=True)
    assert answer.redirect_chain == [(page_of(issue), 302)]
    assert "1 issue resolved." in answer.content.decode()
    gone = admin_client.post(button, {"action": "delete", "confirmed": "yes"}, follow=True)
    assert gone.redirect_chain == [(LIST, 302)]
    assert "1 issue deleted." in gone.content.decode()


def test_an_issue_is_not_edited(admin_client: Client, issue: Issue) -> None:
    assert admin_client.post(page_of(issue), {"title": "x"}).status_code == 403
    assert admin_client.get(url(Issue, "add")).status_code == 403
    assert admin_client.post(url(Issue, "delete", issue), {"post": "yes"}).status_code == 403
    issue.refresh_from_db()
    assert (issue.title, issue.status) == ("ValueError: it broke", Issue.Status.UNRESOLVED)


def test_every_member_may_triage_issues(client: Client, issue: Issue) -> None:
    member = factories.OrganizationMemberFactory(
        organization=issue.project.organization, user__is_staff=True
    )
    client.force_login(member.user)
    for platform, more in (("python", []), ("javascript", ["reprocess"])):
        Issue.objects.update(platform=platform)
        offered = client.get(page_of(issue)).context["object_actions"]
        assert offered == [
            *("resolve", "unresolve", "ignore", "assign"),
            *more,
            *("discard", "delete"),
        ]


# The page of an issue -----------------------------------------------------------------------------


def add_neighbours(issue: Issue, rows: int, word: str = "word") -> None:
    """Rows of everything that hangs on an issue."""
    project = issue.project_id
    for n in range(rows):
        user = factories.UserFactory(name=f"{word} {n}")
        release = factories.ReleaseFactory(version=f"{word}-{n}")
        factories.make_event(issue, message=f"{word} {n}")
        issue.tag_keys[f"key{n}"] = [1, 3]
        at: dict[str, Any] = {"first_seen": issue.first_seen, "last_seen": issue.last_seen}
        IssueTag.objects.create(
            project_id=project, issue_id=issue.pk, key=f"key{n}", value=word, times_seen=3, **at
        )
        IssueUser.objects.create(project_id=project, issue_id=issue.pk, user_hash=n)
        EventUser.objects.create(
            project_id=project,
            hash=n,
            tag_value=f"id:{word}",
            name=word,
            first_seen=at["last_seen"],
        )
        IssueHash.objects.create(project_id=project, hash=UUID(int=n), issue_id=issue.pk)
        IssueRelease.objects.create(
            project_id=project,
            issue_id=issue.pk,
            release_id=release.pk,
            environment_id=0,
            times_seen=2,
            **at,
        )
        Activity.objects.create(
            issue=issue, user=user, type="assigned", data={"assigneeEmail": word}
        )
        UserReport.objects.create(
            project=issue.project, issue=issue, event_id=f"{n}", comments=word
        )
        IssueSeen.objects.create(issue=issue, user=user)
        IssueBookmark.objects.create(issue=issue, user=user)
        IssueSubscription.objects.create(issue=issue, user=user, reason="mentioned")
    issue.save(update_fields=["tag_keys"])


def panels(client: Client, issue: Issue) -> dict[str, Any]:
    return {panel.title: panel for panel in client.get(page_of(issue)).context["panels"]}


def test_the_page_shows_what_hangs_on_an_issue(admin_client: Client, issue: Issue) -> None:
    add_neighbours(issue, 1, "needle")
    event = Event.objects.get(project_id=issue.project_id, received_at=issue.last_seen)
    page = text(admin_client, page_of(issue))
    assert event_page(event) in page
    for expected in ("PUMP-STATION-1", "key0", "id:needle", "needle-0", "assigneeEmail: needle"):
        assert expected in page
    assert UUID(int=0).hex in page
    assert [row[1] for row in panels(admin_client, issue)["Colleagues"].rows] == [
        "seen",
        "subscribed: Mentioned",
        "bookmarked",
    ]


def test_tags_show_their_most_frequent_values(admin_client: Client, issue: Issue) -> None:
    values = [("chrome", 60), ("firefox", 30), ("safari", 8), ("", 1), ("lynx", 1)]
    Issue.objects.filter(pk=issue.pk).update(tag_keys={"browser": [5, 100]})
    for value, times in values:
        IssueTag.objects.create(
            project_id=issue.project_id,
            issue_id=issue.pk,
            key="browser",
            value=value,
            times_seen=times,
            first_seen=issue.first_seen,
            last_seen=issue.last_seen,
        )
    context = admin_client.get(page_of(issue)).context
    [browser] = context["distributions"]
    assert (browser.key, browser.more) == ("browser", 1)
    assert [(value.text, value.share) for value in browser.values] == [
        ("chrome", "60%"),
        ("firefox", "30%"),
        ("safari", "8%"),
        ("(empty)", "1%"),
    ]
    assert '<rect width="60.0" height="1" />' in browser.values[0].bar


def test_the_page_shows_the_latest_event(admin_client: Client, issue: Issue) -> None:
    assert admin_client.get(page_of(issue)).context["shown"] is None
    frames = [
        {"function": "theirs", "in_app": False, "context_line": "their_line()"},
        {"function": "ours", "in_app": True, "context_line": "our_line()", "vars": {"answer": 42}},
    ]
    values = [{"type": "ValueError", "value": "late", "stacktrace": {"frames": frames}}]
    older = factories.make_event(issue, timestamp=issue.first_seen - timedelta(hours=1))
    newest = factories.make_event(issue, {"exception": {"values": values}})
    answer = admin_client.get(page_of(issue))
    shown, page = answer.context["shown"], answer.content.decode()
    assert (shown.url, shown.older) == (event_page(newest), event_page(older))
    for expected in ("late", "our_line()", "answer", event_page(older)):
        assert expected in page
    opened = [
        frame.function for trace in shown.story.traces for frame in trace.frames if frame.is_open
    ]
    assert opened == ["ours"]


def test_the_page_has_charts_and_their_numbers(admin_client: Client, issue: Issue) -> None:
    day, hour = divmod(int(timezone.now().timestamp()) // 3600, 24)
    for past, events in ((0, 5), (10, 7)):
        IssueDay.objects.create(
            project_id=issue.project_id,
            issue_id=issue.pk,
            day=day - past,
            environment_id=1,
            total=events,
            hours=[events if each == hour else 0 for each in range(24)],
        )
    charts = admin_client.get(page_of(issue)).context["charts"]
    assert [(chart.title, len(chart.buckets)) for chart in charts] == [
        ("Last 24 hours: 5 events", 24),
        ("Last 30 days: 12 events", 30),
    ]


def test_what_people_did_is_told(admin_client: Client, user: User, issue: Issue) -> None:
    kinds = Activity.Type.values
    for n, kind in enumerate(kinds):
        data = {"text": f"note {HOSTILE}"} if kind == "note" else {}
        at = timezone.now() + timedelta(minutes=n)
        Activity.objects.create(issue=issue, user=user, type=kind, data=data, created_at=at)
    facts = {"type": "set_regression", "data": {"version": "2.0"}}
    Activity.objects.create(issue=issue, created_at=issue.first_seen, **facts)
    answer = admin_client.get(page_of(issue))
    history = answer.context["history"]
    assert len({entry.done for entry in history}) == len(kinds)
    assert (history[-1].who, history[-1].facts) == ("", "version: 2.0")
    assert HOSTILE not in answer.content.decode()
    assert "note &lt;script&gt;" in answer.content.decode()


def test_an_issue_and_its_list_show_the_first_and_the_last_release(
    admin_client: Client, issue: Issue
) -> None:
    old, new = [
        factories.ReleaseFactory(version=f"pump@{n}", organization=issue.project.organization)
        for n in (1, 2)
    ]
    Issue.objects.filter(pk=issue.pk).update(first_release=old)
    for release in (old, new):
        IssueRelease.objects.create(
            project_id=issue.project_id,
            issue_id=issue.pk,
            release_id=release.pk,
            environment_id=0,
            times_seen=1,
            first_seen=issue.first_seen,
            last_seen=issue.last_seen,
        )
    for page in (text(admin_client, LIST), text(admin_client, page_of(issue))):
        assert page.index(url(Release, "change", old)) < page.index(url(Release, "change", new))


def test_an_issues_page_costs_the_same_whatever_hangs_on_it(
    admin_client: Client, django_assert_num_queries: Any, issue: Issue
) -> None:
    add_neighbours(issue, 2)
    admin_client.get(page_of(issue))
    with django_assert_num_queries(22):
        admin_client.get(page_of(issue))
    other = factories.IssueFactory(project=factories.ProjectFactory())
    add_neighbours(other, 30, "other")
    with django_assert_num_queries(22):
        admin_client.get(page_of(other))


# Events -------------------------------------------------------------------------------------------


def test_an_event_is_readable(admin_client: Client, issue: Issue) -> None:
    data = {
        "title": "ValueError: it broke",
        "exception": {
            "values": [
                {"type": "KeyError", "value": "cause"},
                {
                    "type": "ValueError",
                    "value": "it broke",
                    "mechanism": {"type": "django", "handled": False},
                    "stacktrace": {
                        "frames": [
                            {
                                "filename": "app/views.py",
                                "function": "index",
                                "lineno": 12,
                                "in_app": True,
                                "pre_context": ["before"],
                                "context_line": "the_line()",
                                "post_context": ["after"],
                                "vars": {"answer": 42},
                            },
                            {"filename": "lib.py", "function": "call", "in_app": False},
                        ]
                    },
                },
            ]
        },
        "breadcrumbs": {"values": [{"message": "a crumb", "timestamp": 1772600000}]},
        "request": {"url": "https://example.com/", "headers": [["Accept", "*/*"]]},
        "contexts": {"runtime": {"name": "CPython"}},
        "extra": {"nested": {"deep": ["ümlaut"]}},
    }
    event = factories.make_event(issue, data, tags=[("color", "blue")])
    page = text(admin_client, event_page(event))
    for expected in ("the_line()", "app/views.py:12", "not handled", "a crumb", "CPython", "color"):
        assert expected in page
    assert page.index("<h2>ValueError") < page.index("<h2>KeyError")  # the last one first
    assert "&quot;deep&quot;: [\n" in page
    assert json.dumps("ümlaut", ensure_ascii=False).strip('"') in page


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"exception": None, "request": [], "breadcrumbs": {"values": "x"}, "contexts": {"a": 1}},
        {"exception": {"values": [None, {"stacktrace": {"frames": [None, {"lineno": "x"}]}}]}},
        {"breadcrumbs": {"values": [{"timestamp": 1e99, "data": [1]}]}, "errors": [None, "x"]},
        {"threads": {"values": [{"id": 7, "stacktrace": {"frames": [{}]}}]}, "stacktrace": {}},
        {"request": {"headers": [["a"], "b", None, ["c", {"d": 1}]]}, "user": "x"},
    ],
)
def test_whatever_is_stored_can_be_read(data: dict[str, Any]) -> None:
    readable.read(data)


def test_a_damaged_event_shows_what_is_known(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue, tags=[("color", "blue")], payload=b"not zstd")
    page = text(admin_client, event_page(event))
    assert "damaged" in page
    assert "color" in page


def test_events_lead_to_their_neighbours(admin_client: Client, issue: Issue) -> None:
    older, event, newer = [
        factories.make_event(issue, timestamp=issue.first_seen + timedelta(minutes=n))
        for n in range(3)
    ]
    context = admin_client.get(event_page(event)).context
    assert (context["older"], context["newer"]) == (event_page(older), event_page(newer))
    assert admin_client.get(event_page(newer)).context["newer"] is None


def test_an_event_belongs_to_its_issue(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue)
    other = factories.IssueFactory(project=issue.project)
    for issue_id, event_id in (
        (other.pk, event.event_id.hex),
        (issue.pk, uuid4().hex),
        (issue.pk, "nonsense"),
        (10**18, event.event_id.hex),
    ):
        address = reverse("admin:issues_event", args=[issue_id, event_id])
        assert admin_client.get(address).status_code == 404


def test_an_event_is_found_by_its_id(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue)
    for written in (event.event_id.hex, str(event.event_id), f" {event.event_id.hex.upper()} "):
        answer = admin_client.get(EVENTS, {"q": written})
        assert answer.headers["Location"] == event_page(event)
    for nothing in (uuid4().hex, "nonsense", HOSTILE):
        assert "None." in text(admin_client, EVENTS, q=nothing)


def test_an_id_in_two_projects_is_a_choice(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue)
    other = factories.make_event(factories.IssueFactory(), event_id=event.event_id)
    page = text(admin_client, EVENTS, q=event.event_id.hex)
    assert event_page(event) in page
    assert event_page(other) in page


def test_the_newest_events_of_a_project(
    admin_client: Client, issue: Issue, django_assert_num_queries: Any
) -> None:
    factories.ProjectFactory()  # so that one has to be chosen
    now = timezone.now()
    events = [factories.make_event(issue, timestamp=now - timedelta(minutes=n)) for n in range(52)]
    with django_assert_num_queries(5):
        page = text(admin_client, EVENTS, project=issue.project_id)
    assert event_page(events[49]) in page
    assert event_page(events[50]) not in page

    before = events[49].received_at.isoformat()
    page = text(admin_client, EVENTS, project=issue.project_id, before=before)
    assert event_page(events[50]) in page
    assert event_page(events[49]) not in page
    for nonsense in ("x", "2026-13-45T00:00Z", "2026-01-01T00:00:00"):
        text(admin_client, EVENTS, project=issue.project_id, before=nonsense)
    assert "choose a project" in text(admin_client, EVENTS, project="x")


def test_events_are_those_of_the_projects_within_reach(client: Client, issue: Issue) -> None:
    event, foreign = factories.make_event(issue), factories.make_event(factories.IssueFactory())
    member = factories.OrganizationMemberFactory(
        organization=issue.project.organization, user__is_staff=True
    )
    client.force_login(member.user)
    assert client.get(event_page(event)).status_code == 200
    assert client.get(event_page(foreign)).status_code == 404
    assert event_page(event) in client.get(EVENTS, {"q": event.event_id.hex})["Location"]
    assert event_page(foreign) not in text(client, EVENTS, q=foreign.event_id.hex)
    listed = text(client, EVENTS, project=foreign.project_id)
    assert event_page(foreign) not in listed
    assert foreign.event_id.hex[:12] not in listed


def test_statements_on_events_bound_the_time_of_receipt(admin_client: Client, issue: Issue) -> None:
    event = factories.make_event(issue)
    with CaptureQueriesContext(connection) as asked:
        admin_client.get(page_of(issue))
        admin_client.get(event_page(event))
        admin_client.get(EVENTS, {"q": event.event_id.hex})
        admin_client.get(EVENTS, {"project": issue.project_id})
    statements = [each["sql"] for each in asked if "issues_event " in each["sql"].replace('"', "")]
    assert len(statements) >= 3
    for statement in statements:
        bare = statement.replace('"', "")
        assert (
            "received_at =" in bare
            or "BETWEEN" in bare
            or ("received_at >= '" in bare and "received_at <" in bare)
        )


# The permalink ------------------------------------------------------------------------------------


def test_the_permalink_leads_staff_to_the_issue(
    client: Client, admin_client: Client, user: User, issue: Issue
) -> None:
    permalink = f"/organizations/acme/issues/{issue.pk}/"
    answer = admin_client.get(permalink)
    assert answer.headers["Location"] == page_of(issue)
    login = f"{reverse('admin:login')}?next={permalink}"
    assert Client().get(permalink).headers["Location"] == login
    client.force_login(user)
    assert client.get(permalink).headers["Location"] == login


def test_an_events_address_leads_staff_to_the_event(
    client: Client, admin_client: Client, issue: Issue
) -> None:
    address = f"/organizations/acme/issues/{issue.pk}/events/{'0' * 32}/"
    answer = admin_client.get(address)
    page = reverse("admin:issues_event", args=[issue.pk, "0" * 32])
    assert answer.headers["Location"] == page
    assert Client().get(address).headers["Location"].startswith(reverse("admin:login"))


# User feedback ------------------------------------------------------------------------------------


def test_what_users_said_is_shown_where_it_belongs(admin_client: Client, issue: Issue) -> None:
    report = UserReport.objects.create(
        project=issue.project,
        issue=issue,
        event_id=uuid4().hex,
        name="Jane",
        email="jane@example.com",
        comments=f"It broke {HOSTILE}",
    )
    other = UserReport.objects.create(
        project=issue.project, event_id=uuid4().hex, comments="Dark mode please", stands_alone=True
    )
    page = text(admin_client, page_of(issue))
    assert "It broke" in page
    assert "Dark mode" not in page
    assert url(UserReport, "change", report) in page
    of_issue = text(admin_client, url(UserReport), issue__id__exact=f"{issue.pk}")
    assert "It broke" in of_issue
    assert "Dark mode" not in of_issue
    of_project = text(admin_client, url(UserReport), project__id__exact=f"{issue.project_id}")
    assert "Jane &lt;jane@example.com&gt;" in of_project
    assert "Dark mode" in of_project
    one = text(admin_client, url(UserReport, "change", report))
    assert reverse("admin:issues_event", args=[issue.pk, report.event_id]) in one
    assert HOSTILE not in page + of_issue + of_project + one
    assert "about no event" in text(admin_client, url(UserReport, "change", other))
    # It is looked at, not written.
    assert admin_client.get(url(UserReport, "add")).status_code == 403
    assert admin_client.post(url(UserReport, "change", report), {"name": "x"}).status_code == 403
