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
from .views.issues import ProjectIssueListView
from .views.tags import TagDetailView, TagListView, TagValueListView

urlpatterns = [
    path("issues/<str:issue_id>/", IssueDetailView.as_view()),
    path("groups/<str:issue_id>/", IssueDetailView.as_view()),
    path("issues/<str:issue_id>/events/", IssueEventListView.as_view()),
    path("groups/<str:issue_id>/events/", IssueEventListView.as_view()),
    path("issues/<str:issue_id>/events/latest/", LatestEventView.as_view()),
    path("groups/<str:issue_id>/events/latest/", LatestEventView.as_view()),
    path("issues/<str:issue_id>/events/oldest/", OldestEventView.as_view()),
    path("groups/<str:issue_id>/events/oldest/", OldestEventView.as_view()),
    path("issues/<str:issue_id>/hashes/", HashListView.as_view()),
    path("groups/<str:issue_id>/hashes/", HashListView.as_view()),
    path("issues/<str:issue_id>/tags/", TagListView.as_view()),
    path("groups/<str:issue_id>/tags/", TagListView.as_view()),
    path("issues/<str:issue_id>/tags/<str:key>/", TagDetailView.as_view()),
    path("groups/<str:issue_id>/tags/<str:key>/", TagDetailView.as_view()),
    path("issues/<str:issue_id>/tags/<str:key>/values/", TagValueListView.as_view()),
    path("groups/<str:issue_id>/tags/<str:key>/values/", TagValueListView.as_view()),
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
]
