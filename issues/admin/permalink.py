"""The addresses of issues and events that are handed to people."""

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


@staff_member_required
def show_issue(request: HttpRequest, organization: str, issue_id: int) -> HttpResponse:
    """The issue's page in the back office. Others are asked to sign in first."""
    return redirect("admin:issues_issue_change", issue_id)


@staff_member_required
def show_event(
    request: HttpRequest, organization: str, issue_id: int, event_id: str
) -> HttpResponse:
    """The event's page in the back office. Others are asked to sign in first."""
    return redirect("admin:issues_event", issue_id, event_id)
