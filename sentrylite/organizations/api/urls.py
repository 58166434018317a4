"""Paths that answer with organizations, teams, members, projects and credentials."""

from django.urls import path

from .views import audit, callers, environments, hooks, keys, members, organizations, teams

urlpatterns = [
    path("auth/", callers.UserView.as_view()),
    path("users/me/", callers.UserView.as_view()),
    path("api-tokens/", callers.ApiTokenListView.as_view()),
    path("organizations/", organizations.OrganizationListView.as_view()),
    *(
        path(f"organizations/<str:organization>/{below}", view.as_view())
        for below, view in {
            "": organizations.OrganizationDetailView,
            "api-keys/": keys.ApiKeyListView,
            "api-keys/<str:key_id>/": keys.ApiKeyDetailView,
            "audit-logs/": audit.AuditLogView,
            "environments/": environments.OrganizationEnvironmentListView,
            "members/": members.MemberListView,
            "members/<str:member_id>/": members.MemberDetailView,
            "members/<str:member_id>/teams/<str:team>/": members.MemberTeamView,
            "projects/": organizations.OrganizationProjectListView,
            "sent-first-event/": organizations.SentFirstEventView,
            "teams/": teams.OrganizationTeamListView,
            "users/": members.OrganizationUserListView,
            "user-teams/": teams.UserTeamListView,
        }.items()
    ),
    *(
        path(f"teams/<str:organization>/<str:team>/{below}", view.as_view())
        for below, view in {
            "": teams.TeamDetailView,
            "members/": members.TeamMemberListView,
            "projects/": teams.TeamProjectListView,
        }.items()
    ),
    *(
        path(f"projects/<str:organization>/<str:project>/{below}", view.as_view())
        for below, view in {
            "hooks/": hooks.HookListView,
            "hooks/<str:hook_id>/": hooks.HookDetailView,
        }.items()
    ),
]
