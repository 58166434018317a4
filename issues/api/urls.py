"""Paths that answer with issues and events. `groups` is an older name of `issues`."""

from django.urls import path

from .views.details import IssueDetailView
from .views.events import (
    EventDetailView,
    HashListView,
    IssueEventListView,
    LatestEventView,
    OldestEventView,
    ProjectEventListView,
)
from .views.filters import FilterDetailView, FilterListView
from .views.issues import ProjectIssueListView
from .views.lookups import EventIdView, ShortIdView
from .views.notes import NoteDetailView, NoteListView
from .views.tags import TagDetailView, TagListView, TagValueListView

# What one issue has below it; also below `organizations/…/issues/`.
ISSUE_PATHS = {
    "": IssueDetailView,
    "notes/": NoteListView,
    "notes/<str:note_id>/": NoteDetailView,
    "comments/": NoteListView,
    "comments/<str:note_id>/": NoteDetailView,
    "events/": IssueEventListView,
    "events/latest/": LatestEventView,
    "events/oldest/": OldestEventView,
    "hashes/": HashListView,
    "tags/": TagListView,
    "tags/<str:key>/": TagDetailView,
    "tags/<str:key>/values/": TagValueListView,
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
    path("organizations/<str:organization>/shortids/<str:short_id>/", ShortIdView.as_view()),
    path("organizations/<str:organization>/eventids/<str:event_id>/", EventIdView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/issues/",
        ProjectIssueListView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/groups/",
        ProjectIssueListView.as_view(),
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
]
