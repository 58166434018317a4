"""Every page of the back office, from everybody who might knock.

The pages are those of the URL configuration. A new model fails here until its admin says whose its
rows are, and `tenant` makes one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.forms import ModelChoiceField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, reverse
from django_tasks_db.models import DBTaskResult

from issues import tasks
from issues.models import Activity, Event, Issue, JournalEntry, UserReport
from sentrylite.accounts.models import User
from sentrylite.admin.base import BaseAdmin, BaseInline
from sentrylite.admin.tenancy import SuperusersOnly, tenancy_of, visible
from sentrylite.organizations import models as organizations
from sentrylite.organizations.models import Organization, OrganizationMember, Project
from sentrylite.releases.models import Release, Repository
from sentrylite.symbols.models import DebugFile
from tests import factories

pytestmark = pytest.mark.django_db

Rows = dict[type[Model], Any]

ABSENT = 987_654_321
"""The id of no row."""
REGISTERED = [pytest.param(model, id=model.__name__) for model in admin.site._registry]
OF_THE_SERVER = {DBTaskResult, JournalEntry}


class Tenant(NamedTuple):
    word: str
    """In every text of its rows."""
    rows: Rows
    event: Event


def tenant(word: str) -> Tenant:
    """An organization with a row of every model that has pages."""
    organization = factories.OrganizationFactory(slug=f"{word}-org", name=f"{word} organization")
    person = factories.UserFactory(username=f"{word}-person", name=f"{word} person")
    team = factories.TeamFactory(
        organization=organization, slug=f"{word}-team", name=f"{word} team"
    )
    member = factories.OrganizationMemberFactory(
        organization=organization, user=person, role="owner", teams=[team]
    )
    project = factories.ProjectFactory(
        organization=organization,
        slug=f"{word}-project",
        name=f"{word} project",
        teams=[team],
    )
    environment = factories.EnvironmentFactory(organization=organization, name=f"{word}-stage")
    environment.projects.add(project)
    release = factories.ReleaseFactory(organization=organization, version=f"{word}@1.0")
    release.projects.add(project)
    issue = factories.IssueFactory(project=project, title=f"{word} broke", culprit=f"{word}.py")
    event = factories.make_event(issue, {"title": f"{word} broke"}, message=f"{word} broke")
    entry = organizations.AuditLogEntry.objects.create(
        organization=organization, actor_label=f"{word} auditor", event="team.create"
    )
    report = UserReport.objects.create(
        project=project,
        issue=issue,
        environment=environment,
        event_id=event.event_id.hex,
        name=f"{word} reporter",
        comments=f"{word} comments",
    )
    rows: Rows = {
        User: person,
        Organization: organization,
        OrganizationMember: member,
        organizations.Team: team,
        Project: project,
        organizations.ProjectKey: factories.ProjectKeyFactory(project=project, label=f"{word} key"),
        organizations.Environment: environment,
        organizations.ApiToken: factories.ApiTokenFactory(
            user=person, name=f"{word} token", scopes=["org:read"]
        ),
        organizations.ApiKey: factories.ApiKeyFactory(
            organization=organization, label=f"{word} API key", scopes=["org:read"]
        ),
        organizations.ServiceHook: factories.ServiceHookFactory(
            project=project, url=f"https://{word}.example.com/told"
        ),
        organizations.Dashboard: factories.DashboardFactory(
            organization=organization, title=f"{word} dashboard"
        ),
        organizations.AuditLogEntry: entry,
        Release: release,
        Repository: factories.RepositoryFactory(organization=organization, name=f"{word}/code"),
        DebugFile: factories.DebugFileFactory(project=project, object_name=f"{word}.so"),
        Issue: issue,
        Activity: Activity.objects.create(issue=issue, user=person, type="set_resolved"),
        UserReport: report,
        JournalEntry: JournalEntry.objects.create(owner=1, data=word.encode()),
        DBTaskResult: DBTaskResult.objects.get(pk=tasks.delete_issues.enqueue([issue.pk]).id),
    }
    return Tenant(word, rows, event)


@pytest.fixture
def secret() -> Tenant:
    """What a stranger must not learn of."""
    return tenant("hush-hush")


@pytest.fixture
def own() -> Tenant:
    return tenant("mine")


def sign_in(of: Tenant, role: str = "owner", **teams: Any) -> Client:
    """A browser of somebody on the staff with a role in the tenant's organization."""
    member = factories.OrganizationMemberFactory(
        organization=of.rows[Organization], role=role, user__is_staff=True, **teams
    )
    client = Client()
    client.force_login(member.user)
    return client


# Addresses ----------------------------------------------------------------------------------------


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Each route of the back office, with all that is before it."""
    for each in admin.site.get_urls() if patterns is None else patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, prefix + str(each.pattern))
        else:
            yield prefix + str(each.pattern), each


def addresses(of: Tenant, pk: Any = None) -> list[str]:
    """Each of the back office's addresses, filled in with the tenant's rows, or with an id."""
    found = []
    for route, _ in routes():
        if route.startswith("^"):
            labels = {model._meta.app_label for model in admin.site._registry}
            found += [f"{label}/" for label in labels]
        elif route != "(?P<url>.*)$":
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", lambda m: fill(m[1], route, of, pk), route))  # noqa: B023
    return [reverse("admin:index") + address for address in found]


def fill(name: str, route: str, of: Tenant, pk: Any) -> str:
    """A part of an address. Raises KeyError for one that nobody has told this test about."""
    model = next((each for each in of.rows if route.startswith(prefix_of(each))), Issue)
    parts = {
        "object_id": of.rows[model].pk if pk is None else pk,
        "id": of.rows[model].pk if pk is None else pk,  # of a user whose password is changed
        "issue_id": of.rows[Issue].pk if pk is None else pk,
        "organization_id": of.rows[Organization].pk if pk is None else pk,
        "event_id": of.event.event_id.hex if pk is None else uuid4().hex,
        "content_type_id": ContentType.objects.get_for_model(Issue).pk,
    }
    return str(parts[name])


def prefix_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}/{model._meta.model_name}/"


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model, page: str = "change") -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=[row.pk])


def stored(of: Tenant) -> dict[str, Any]:
    """All that is in the database of the tenant's rows."""
    return {
        model.__name__: list(model._base_manager.filter(pk=row.pk).values())
        for model, row in of.rows.items()
    }


# What there is ------------------------------------------------------------------------------------


def test_every_admin_says_whose_its_rows_are() -> None:
    silent = []
    for model, each in admin.site._registry.items():
        assert isinstance(each, BaseAdmin), model
        silent += [] if says(type(each), BaseAdmin) else [model]
        for inline in each.inlines:
            assert issubclass(inline, BaseInline), inline
            silent += [] if says(inline, BaseInline) else [inline]
    assert silent == []


def says(each: type[Any], base: type[Any]) -> bool:
    return any("tenancy" in parent.__dict__ for parent in each.__mro__ if parent is not base)


def test_what_is_of_the_server_is_for_superusers() -> None:
    said = {
        model for model in admin.site._registry if isinstance(tenancy_of(model), SuperusersOnly)
    }
    assert said == OF_THE_SERVER


def test_every_model_with_pages_is_in_the_tenant(secret: Tenant) -> None:
    assert secret.rows.keys() == admin.site._registry.keys()


# Anonymous ----------------------------------------------------------------------------------------


def test_nobody_gets_in_without_signing_in(client: Client, secret: Tenant) -> None:
    before = stored(secret)
    for address in addresses(secret):
        if address in map(reverse, ("admin:login", "admin:logout", "admin:jsi18n")):
            continue
        for answer in (client.get(address), client.post(address, {"post": "yes"})):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith(reverse("admin:login")), address
    assert stored(secret) == before


def test_members_who_are_not_on_the_staff_do_not_get_in(client: Client, secret: Tenant) -> None:
    client.force_login(secret.rows[User])
    answer = client.get(list_of(Issue))
    assert answer["Location"].startswith(reverse("admin:login"))


# Strangers: staff of another organization ---------------------------------------------------------


def test_a_stranger_is_shown_nothing(own: Tenant, secret: Tenant) -> None:
    stranger = sign_in(own)
    for address in addresses(secret):
        answer = stranger.get(address)
        assert answer.status_code in (200, 302, 403, 404, 405), address
        assert secret.word not in answer.content.decode(), address
        assert secret.word not in str(answer.headers), address


def test_a_stranger_cannot_tell_what_there_is(own: Tenant, secret: Tenant) -> None:
    stranger = sign_in(own)
    there, absent = addresses(secret), addresses(secret, ABSENT)
    pairs = [pair for pair in zip(there, absent, strict=True) if pair[0] != pair[1]]
    assert len(pairs) > 60
    for address, other in pairs:
        answer, expected = stranger.get(address), stranger.get(other)
        assert answer.status_code == expected.status_code, address
        assert answer.status_code in (302, 403, 404), address
        assert without_ids(answer) == without_ids(expected), address


def without_ids(answer: Any) -> str:
    """Where an answer leads."""
    return re.sub(r"/[0-9a-f-]+/", "/#/", answer.get("Location", ""))


@pytest.mark.parametrize("model", REGISTERED)
def test_a_stranger_finds_nothing(own: Tenant, secret: Tenant, model: type[Model]) -> None:
    """By search, by filters that are typed by hand, by what a list is chosen from."""
    stranger = sign_in(own)
    row, address = secret.rows[model], list_of(model)
    # A page repeats what is searched for: a part of the word.
    questions = [{"q": secret.word[1:]}, {"pk__exact": row.pk}, {"id__exact": row.pk}]
    for field in model._meta.fields:
        if field.is_relation and (related := getattr(row, field.attname)):
            questions.append({f"{field.name}__id__exact": related})
    for question in questions:
        answer = stranger.get(f"{address}?{urlencode(question)}", follow=True)
        assert secret.word not in answer.content.decode(), question
    actions = admin.site._registry[model].actions
    before = stored(secret)
    for action in [*actions, "delete_selected"]:
        selected = {"action": action, "_selected_action": row.pk, "confirmed": "1", "post": "yes"}
        answer = stranger.post(address, selected, follow=True)
        assert secret.word not in answer.content.decode(), action
    assert stored(secret) == before


def test_a_stranger_changes_nothing(own: Tenant, secret: Tenant) -> None:
    stranger = sign_in(own)
    before, notes = stored(secret), LogEntry.objects.count()
    forms = [{"post": "yes", "name": "taken", "password1": "x", "password2": "x"}]
    names = {name for each in admin.site._registry.values() for name in each.actions or ()}
    actions = [{"action": name, "confirmed": "yes"} for name in sorted(map(str, names))]
    acting = {*map(list_of, secret.rows), page_of(secret.rows[Issue])}
    for address in addresses(secret):
        if address in (reverse("admin:logout"), reverse("admin:login")):
            continue
        for body in forms + actions if address in acting else forms:
            answer = stranger.post(address, body)
            assert secret.word not in answer.content.decode(), address
    assert stored(secret) == before
    assert LogEntry.objects.count() == notes


def autocompletes() -> Iterator[tuple[type[Model], str]]:
    for model, each in admin.site._registry.items():
        for name in each.autocomplete_fields:
            yield model, name
        for inline in each.inlines:
            for name in inline.autocomplete_fields:
                yield inline.model, name


@pytest.mark.parametrize(("model", "field"), sorted(autocompletes(), key=str))
def test_a_stranger_is_completed_nothing(
    own: Tenant, secret: Tenant, model: type[Model], field: str
) -> None:
    opts = model._meta
    asked = {"app_label": opts.app_label, "model_name": opts.model_name, "field_name": field}
    address = reverse("admin:autocomplete")
    stranger = sign_in(own)
    for term in ("", secret.word, secret.rows[Organization].slug):
        answer = stranger.get(address, {**asked, "term": term})
        assert answer.status_code == 200
        assert secret.word not in answer.content.decode()
    assert own.word in stranger.get(address, {**asked, "term": own.word}).content.decode()


@pytest.mark.parametrize("model", REGISTERED)
def test_a_stranger_is_offered_no_choice_of_others(
    own: Tenant, secret: Tenant, model: type[Model]
) -> None:
    """Neither on the page of a row of his own, nor of the rows on it, nor of a new one."""
    stranger = sign_in(own)
    offered = 0
    for address in (page_of(own.rows[model]), list_of(model) + "add/"):
        answer = stranger.get(address)
        if answer.status_code != 200 or "adminform" not in answer.context:
            continue  # some pages have no form
        forms = [answer.context["adminform"].form]
        forms += [
            form for each in answer.context["inline_admin_formsets"] for form in each.formset.forms
        ]
        for form in forms:
            for name, field in form.fields.items():
                if not isinstance(field, ModelChoiceField) or name == "id":
                    continue
                if not hasattr(field, "queryset") or field.queryset.model not in secret.rows:
                    continue
                foreign = secret.rows[field.queryset.model]
                assert not field.queryset.filter(pk=foreign.pk).exists(), (address, name)
                offered += 1
    if model in (organizations.ProjectKey, organizations.Team, organizations.ServiceHook):
        assert offered


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (organizations.ProjectKey, {"project": Project, "label": "taken", "is_active": "on"}),
        (organizations.ServiceHook, {"project": Project, "url": "https://example.com/"}),
        (organizations.Team, {"organization": Organization, "name": "T", "slug": "taken"}),
        (organizations.ApiKey, {"organization": Organization, "label": "taken", "scopes": "x"}),
        (Release, {"organization": Organization, "version": "taken"}),
        (OrganizationMember, {"organization": Organization, "email": "a@example.com"}),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_a_stranger_makes_nothing_for_others(
    own: Tenant, secret: Tenant, model: type[Model], body: Mapping[str, Any]
) -> None:
    stranger = sign_in(own)
    before = model._base_manager.count()
    filled = {
        name: secret.rows[value].pk if isinstance(value, type) else value
        for name, value in body.items()
    }
    answer = stranger.post(list_of(model) + "add/", filled)
    assert answer.status_code == 200
    [parent] = [name for name, value in body.items() if isinstance(value, type)]
    assert "Select a valid choice" in str(answer.context["adminform"].form.errors[parent])
    assert model._base_manager.count() == before


# Members ------------------------------------------------------------------------------------------

MEMBER, ADMIN, MANAGER, OWNER = "member", "admin", "manager", "owner"

# The least role that may see, make, change and delete rows; None is for superusers.
LEAST: dict[type[Model], tuple[str | None, str | None, str | None, str | None]] = {
    User: (MEMBER, None, None, None),
    Organization: (MEMBER, None, MANAGER, OWNER),
    OrganizationMember: (MEMBER, MANAGER, MANAGER, MANAGER),
    organizations.Team: (MEMBER, ADMIN, ADMIN, ADMIN),
    Project: (MEMBER, MANAGER, ADMIN, ADMIN),
    organizations.ProjectKey: (MEMBER, ADMIN, ADMIN, ADMIN),
    organizations.Environment: (MEMBER, MANAGER, ADMIN, ADMIN),
    organizations.ApiKey: (OWNER, OWNER, OWNER, OWNER),
    organizations.ServiceHook: (MEMBER, ADMIN, ADMIN, ADMIN),
    organizations.Dashboard: (MEMBER, MANAGER, MANAGER, OWNER),
    organizations.AuditLogEntry: (MANAGER, None, None, None),
    Release: (MEMBER, MANAGER, MEMBER, MEMBER),
    Repository: (MEMBER, MANAGER, MANAGER, OWNER),
    DebugFile: (MEMBER, None, None, ADMIN),
    Issue: (MEMBER, MEMBER, MEMBER, MEMBER),
    Activity: (MEMBER, MEMBER, MEMBER, MEMBER),
    UserReport: (MEMBER, MEMBER, MEMBER, MEMBER),
    DBTaskResult: (None, None, None, None),
    JournalEntry: (None, None, None, None),
}


@pytest.mark.parametrize("role", [MEMBER, ADMIN, MANAGER, OWNER])
def test_roles_decide_what_members_may_do(own: Tenant, secret: Tenant, role: str) -> None:
    ranks = [MEMBER, ADMIN, MANAGER, OWNER]
    member = factories.OrganizationMemberFactory(organization=own.rows[Organization], role=role)
    # Of an equal or lesser role than all who are asked about.
    OrganizationMember.objects.filter(pk=own.rows[OrganizationMember].pk).update(role="member")
    for model, least in LEAST.items():
        tenancy = tenancy_of(model)
        for right, needed in zip(("view", "add", "change", "delete"), least, strict=True):
            may = needed is not None and ranks.index(role) >= ranks.index(needed)
            row = None if right == "add" else own.rows[model]
            asked = User.objects.get(pk=member.user_id)
            assert tenancy.allows(asked, right, row) == may, (model, right)
            assert not tenancy.allows(asked, right, secret.rows[model]) or right == "add"
            assert not tenancy.rows(asked, model._base_manager.all(), right).filter(
                pk=secret.rows[model].pk
            )
    assert LEAST.keys() | {organizations.ApiToken} == admin.site._registry.keys()


@pytest.mark.parametrize("model", REGISTERED)
def test_an_owner_sees_the_pages_of_what_is_his_own(own: Tenant, model: type[Model]) -> None:
    owner = sign_in(own)
    if model in OF_THE_SERVER or model is organizations.ApiToken:
        assert owner.get(page_of(own.rows[model])).status_code in (302, 403)
        return
    assert own.word in owner.get(list_of(model)).content.decode()
    assert owner.get(page_of(own.rows[model])).status_code == 200
    assert owner.get(page_of(own.rows[model], "history")).status_code == 200


@pytest.mark.parametrize("model", REGISTERED)
def test_who_is_in_no_team_sees_no_project_of_a_closed_organization(
    own: Tenant, model: type[Model]
) -> None:
    Organization.objects.update(open_membership=False)
    outsider = sign_in(own, "admin")
    whole = {User, Organization, OrganizationMember, organizations.Dashboard, Repository}
    found = outsider.get(list_of(model)).content.decode()
    # Colleagues are offered as filters of some lists.
    assert (own.word in found.replace(f"{own.word} person", "")) == (model in whole)
    page = outsider.get(page_of(own.rows[model]))
    assert page.status_code == 200 if model in whole else page.status_code in (302, 403)
    insider = sign_in(own, "admin", teams=[own.rows[organizations.Team]])
    beyond = OF_THE_SERVER | {
        organizations.ApiToken,
        organizations.ApiKey,
        organizations.AuditLogEntry,
    }
    assert (insider.get(page_of(own.rows[model])).status_code == 200) == (model not in beyond)


def test_a_role_counts_where_it_is_held(own: Tenant, secret: Tenant) -> None:
    """An action on the rows of two organizations is done to those where the role is enough."""
    admin_here = sign_in(own, "admin")
    user = User.objects.get(pk=admin_here.session["_auth_user_id"])
    factories.OrganizationMemberFactory(organization=secret.rows[Organization], user=user)
    keys = [own.rows[organizations.ProjectKey], secret.rows[organizations.ProjectKey]]
    chosen = {"action": "disable", "_selected_action": [key.pk for key in keys]}
    answer = admin_here.post(list_of(organizations.ProjectKey), chosen, follow=True)
    assert "1 key disabled." in answer.content.decode()
    for key in keys:
        key.refresh_from_db()
    assert [key.is_active for key in keys] == [False, True]
    offered = [admin_here.get(page_of(key)).context["object_actions"] for key in keys]
    assert offered == [["enable", "disable"], []]
    moved = {"organization": secret.rows[Organization].pk, "name": "T", "slug": "taken"}
    answer = admin_here.post(list_of(organizations.Team) + "add/", moved)
    assert answer.status_code == 403
    assert not organizations.Team.objects.filter(slug="taken").exists()


def test_nobody_gives_or_takes_a_role_above_his_own(own: Tenant) -> None:
    manager = sign_in(own, "manager")
    owner = own.rows[OrganizationMember]
    assert manager.post(page_of(owner), {"role": "member"}).status_code == 403
    assert manager.post(page_of(owner, "delete"), {"post": "yes"}).status_code == 403
    lesser = factories.OrganizationMemberFactory(organization=own.rows[Organization])
    empty = {"team_memberships-TOTAL_FORMS": 0, "team_memberships-INITIAL_FORMS": 0}
    answer = manager.post(page_of(lesser), {"role": "owner", **empty})
    assert "role" in answer.context["adminform"].form.errors
    assert manager.post(page_of(lesser), {"role": "manager", **empty}).status_code == 302
    lesser.refresh_from_db()
    owner.refresh_from_db()
    assert (lesser.role, owner.role) == ("manager", "owner")


def test_the_last_owner_stays(admin_client: Client, own: Tenant) -> None:
    owner = own.rows[OrganizationMember]
    empty = {"team_memberships-TOTAL_FORMS": 0, "team_memberships-INITIAL_FORMS": 0}
    answer = admin_client.post(page_of(owner), {"role": "member", **empty})
    assert "only owner" in str(answer.context["adminform"].form.errors)
    assert admin_client.post(page_of(owner, "delete"), {"post": "yes"}).status_code == 403
    assert OrganizationMember.objects.get(pk=owner.pk).role == "owner"


def test_staff_make_tokens_for_themselves(own: Tenant) -> None:
    member = sign_in(own, "member")
    body = {"user": own.rows[User].pk, "name": "mine", "scopes": ["org:read"]}
    add = list_of(organizations.ApiToken) + "add/"
    assert 'name="user"' not in member.get(add).content.decode()
    assert member.post(add, body).status_code == 302
    [token] = organizations.ApiToken.objects.filter(name="mine")
    assert str(token.user_id) == member.session["_auth_user_id"]
    assert member.get(page_of(token)).status_code == 200


def test_only_owners_see_an_organization_that_is_deleted(own: Tenant) -> None:
    owner, manager = sign_in(own), sign_in(own, "manager")
    Organization.objects.update(status="pending_deletion")
    assert own.word in owner.get(list_of(Organization)).content.decode()
    assert manager.get(list_of(Organization)).status_code == 403


def test_superusers_see_everything(admin_client: Client, own: Tenant, secret: Tenant) -> None:
    for model, row in secret.rows.items():
        assert admin_client.get(list_of(model)).status_code == 200
        assert admin_client.get(page_of(row)).status_code == 200


def test_rights_cost_two_statements_however_many_organizations(
    own: Tenant, rf: Any, django_assert_num_queries: Any
) -> None:
    user = factories.UserFactory(is_staff=True)
    request = rf.get("/")
    for more in (2, 18):
        for _ in range(more):
            project = factories.ProjectFactory()
            factories.OrganizationMemberFactory(
                organization=project.organization, user=user, role="owner"
            )
        request.user = User.objects.get(pk=user.pk)
        with django_assert_num_queries(3):
            list(visible(request, Issue))
        with CaptureQueriesContext(connection) as again:
            list(visible(request, Project))
        assert len(again) == 1
