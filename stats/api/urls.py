"""Paths that answer with counts."""

from django.urls import path

from . import views

urlpatterns = [
    path("organizations/<str:organization>/stats/", views.OrganizationStatsView.as_view()),
    path("organizations/<str:organization>/stats-summary/", views.OutcomeSummaryView.as_view()),
    path("organizations/<str:organization>/stats_v2/", views.OutcomeStatsView.as_view()),
    path("projects/<str:organization>/<str:project>/stats/", views.ProjectStatsView.as_view()),
    path(
        "projects/<str:organization>/<str:project>/keys/<str:public_key>/stats/",
        views.ProjectKeyStatsView.as_view(),
    ),
    path(
        "projects/<str:organization>/<str:project>/hooks/<str:hook_id>/stats/",
        views.HookStatsView.as_view(),
    ),
    path("teams/<str:organization>/<str:team>/stats/", views.TeamStatsView.as_view()),
]
