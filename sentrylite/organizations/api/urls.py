"""Paths that answer with what organizations have."""

from django.urls import path

from .views import hooks

urlpatterns = [
    *(
        path(f"projects/<str:organization>/<str:project>/{below}", view.as_view())
        for below, view in {
            "hooks/": hooks.HookListView,
            "hooks/<str:hook_id>/": hooks.HookDetailView,
        }.items()
    ),
]
