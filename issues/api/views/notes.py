"""Comments on an issue (issues contract, section 10)."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions
from issues.api.base import IssueScopedView
from issues.api.inputs import NoteInput
from issues.api.params import read_page_size
from issues.api.serializers.activities import ActivitySerializer
from issues.models import Activity
from sentrylite.accounts.models import User
from sentrylite.api import params
from sentrylite.api.pagination import Cursor, queryset_page


class NoteView(IssueScopedView):
    def answer(self, note: Activity) -> dict[str, Any]:
        return ActivitySerializer(note, context={"user": self.caller.user}).data


class NoteListView(NoteView):
    """List an issue's notes, add one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        cursor = Cursor.read(query)
        size = read_page_size(query)
        notes = Activity.objects.filter(issue=self.issue, type=Activity.Type.NOTE)
        page = queryset_page(notes.select_related("user"), "-created_at", cursor, size)
        body = [self.answer(note) for note in page.rows]
        return Response(body, headers={"Link": page.link(request)})

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = NoteInput.read(request, project=self.project)
        if self.caller.user is None:
            raise ValidationError({"detail": "An API key has no user to do this for."})
        try:
            note = actions.add_note(
                self.issue,
                sent["text"],
                mentions=sent.get("mentions") or (),
                external_id=sent.get("external_id"),
                by=self.caller.user,
                now=timezone.now(),
            )
        except actions.RepeatedNote:
            return Response({"detail": "You have already posted that comment."}, status=400)
        return Response(self.answer(note), status=201)


class NoteDetailView(NoteView):
    """Change one's own note, or take it back. Others' notes are not there."""

    def put(self, request: Request, **kwargs: Any) -> Response:
        note = self.find_note(kwargs["note_id"], "edit")
        actions.edit_note(note, NoteInput.read(request, project=self.project)["text"])
        return Response(self.answer(note))

    def delete(self, request: Request, **kwargs: Any) -> Response:
        actions.delete_note(self.issue, self.find_note(kwargs["note_id"], "delete"))
        return Response(status=204)

    def find_note(self, note_id: str, verb: str) -> Activity:
        """Raises PermissionDenied to an API key, which has no notes of its own, and Http404."""
        user: User | None = self.caller.user
        if user is None:
            raise PermissionDenied(f"Key doesn't have permission to {verb} Note")
        if not params.is_id(note_id):
            raise Http404
        own = Activity.objects.filter(issue=self.issue, type=Activity.Type.NOTE, user=user)
        note = own.filter(pk=int(note_id)).first()
        if note is None:
            raise Http404
        note.user = user
        return note
