"""Paths that answer with issues and events. `groups` is an older name of `issues`."""

from django.urls import path

from .views.activities import ActivityListView, ParticipantListView
from .views.details import IssueDetailView
from .views.events import (
    AttachmentListView,
    EventDetailView,
    EventJsonView,
    HashListView,
    IssueEventDetailView,
    IssueEventListView,
    LatestEventView,
    OldestEventView,
    ProjectEventListView,
)
from .views.external import ExternalIssueListView
from .views.feedback import (
    IssueReportListView,
    OrganizationReportListView,
    ProjectReportListView,
)
from .views.filters import FilterDetailView, FilterListView
from .views.issues import IssueCountView, OrganizationIssueListView, ProjectIssueListView
from .views.lookups import EventIdView, ShortIdView
from .views.notes import NoteDetailView, NoteListView
from .views.ownership import ProjectOwnershipView
from .views.people import ProjectUserListView, ProjectUserView
from .views.project_tags import (
    ProjectTagDetailView,
    ProjectTagListView,
    ProjectTagValueListView,
)
from .views.releases import ProjectResolvedIssueListView, ResolvedIssueListView
from .views.reprocessing import ReprocessingView
from .views.scrubbing import ScrubbingSuggestionsView
from .views.series import IssueStatsView
from .views.shared import SharedIssueView
from .views.tags import TagDetailView, TagListView, TagValueListView
from .views.tombstones import TombstoneDetailView, TombstoneListView

# What one issue has below it; also below `organizations/…/issues/`.
ISSUE_PATHS = {
    "": IssueDetailView,
    "activities/": ActivityListView,
    "notes/": NoteListView,
    "notes/<str:note_id>/": NoteDetailView,
    "comments/": NoteListView,
    "comments/<str:note_id>/": NoteDetailView,
    "events/": IssueEventListView,
    "events/latest/": LatestEventView,
    "events/oldest/": OldestEventView,
    "events/recommended/": LatestEventView,
    "events/<str:event_id>/": IssueEventDetailView,
    "external-issues/": ExternalIssueListView,
    "hashes/": HashListView,
    "participants/": ParticipantListView,
    "reprocessing/": ReprocessingView,
    "stats/": IssueStatsView,
    "tags/": TagListView,
    "tags/<str:key>/": TagDetailView,
    "tags/<str:key>/values/": TagValueListView,
    "user-feedback/": IssueReportListView,
    "user-reports/": IssueReportListView,
}

urlpatterns = [
    *(
        path(f"{issues}/<str:issue_id>/{below}", view.as_view())
        for issues in (
            "issues",
            "groups",
            "organizations/<str:organization>/issues",
            "organizations/<str:organization>/groups",
        )
        for below, view in ISSUE_PATHS.items()
    ),
    path("shared/issues/<str:share_id>/", SharedIssueView.as_view()),
    path(
        "organizations/<str:organization>/shared/issues/<str:share_id>/",
        SharedIssueView.as_view(),
    ),
    path("organizations/<str:organization>/issues-count/", IssueCountView.as_view()),
    path("organizations/<str:organization>/shortids/<str:short_id>/", ShortIdView.as_view()),
    path("organizations/<str:organization>/eventids/<str:event_id>/", EventIdView.as_view()),
    path(
        "organizations/<str:organization>/data-scrubbing-selector-suggestions/",
        ScrubbingSuggestionsView.as_view(),
    ),
    *(
        path(f"{place}/{issues}/", view.as_view())
        for place, view in (
            ("organizations/<str:organization>", OrganizationIssueListView),
            ("projects/<str:organization>/<str:project>", ProjectIssueListView),
        )
        for issues in ("issues", "groups")
    ),
    path("organizations/<str:organization>/user-feedback/", OrganizationReportListView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/user-feedback/",
        ProjectReportListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/user-reports/",
        ProjectReportListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/tombstones/",
        TombstoneListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/tombstones/<str:tombstone_id>/",
        TombstoneDetailView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/events/",
        ProjectEventListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/events/<str:event_id>/",
        EventDetailView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/filters/",
        FilterListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/filters/<str:filter>/",
        FilterDetailView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/events/<str:event_id>/json/",
        EventJsonView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/events/<str:event_id>/attachments/",
        AttachmentListView.as_view(),
    ),
    path("projects/<str:organization>/<str:project>/tags/", ProjectTagListView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/tags/<str:key>/",
        ProjectTagDetailView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/tags/<str:key>/values/",
        ProjectTagValueListView.as_view(),
    ),
    path(
        "organizations/<str:organization>/releases/<str:version>/resolved/",
        ResolvedIssueListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/releases/<str:version>/resolved/",
        ProjectResolvedIssueListView.as_view(),
    ),
    path("projects/<str:organization>/<str:project>/ownership/", ProjectOwnershipView.as_view()),
    path("projects/<str:organization>/<str:project>/ownership", ProjectOwnershipView.as_view()),
    path("projects/<str:organization>/<str:project>/users/", ProjectUserListView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/users/<str:user_hash>/",
        ProjectUserView.as_view(),
    ),
]
