"""The paths of `benchmarks.noop.django_bridge`."""

from typing import Any

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.views import ApiView


class NoopView(ApiView):
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({})


urlpatterns = [path("noop/", NoopView.as_view()), path("_health/", NoopView.as_view())]
