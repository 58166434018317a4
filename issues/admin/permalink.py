"""The address of an issue that the API hands to people."""

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


@staff_member_required
def show_issue(request: HttpRequest, organization: str, issue_id: int) -> HttpResponse:
    """The issue's page in the back office. Others are asked to sign in first."""
    return redirect("admin:issues_issue_change", issue_id)
