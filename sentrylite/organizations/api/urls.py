"""Paths that answer with organizations, teams, members, projects and credentials."""

from django.urls import path

from .views import organizations, teams

urlpatterns = [
    path("organizations/", organizations.OrganizationListView.as_view()),
    *(
        path(f"organizations/<str:organization>/{below}", view.as_view())
        for below, view in {
            "": organizations.OrganizationDetailView,
            "projects/": organizations.OrganizationProjectListView,
            "sent-first-event/": organizations.SentFirstEventView,
            "teams/": teams.OrganizationTeamListView,
            "user-teams/": teams.UserTeamListView,
        }.items()
    ),
    *(
        path(f"teams/<str:organization>/<str:team>/{below}", view.as_view())
        for below, view in {
            "": teams.TeamDetailView,
            "projects/": teams.TeamProjectListView,
        }.items()
    ),
]
