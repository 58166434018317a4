"""The dialog in which a site's visitors tell what happened: a script, and where it sends the form.

SDKs put `<script src="…/api/embed/error-page/?dsn=…&eventId=…">` into the page. It is for anybody
who has a project's DSN, on the origins that the project allows.
"""

import re
from pathlib import Path
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from issues import feedback
from issues.api.inputs import UserReportInput
from issues.api.params import read_event_id
from issues.payload.feedback import MAX_EMAIL, MAX_NAME, PreparedReport
from sentrylite.api.renderers import JSONRenderer
from sentrylite.api.views import allowed_origin
from sentrylite.ingest import origins
from sentrylite.organizations import queries
from sentrylite.organizations.models import Project

SCRIPT = Path(__file__).with_name("dialog.js").read_text()

LABELS = {
    "title": "Something went wrong",
    "subtitle": "We have been told about it.",
    "subtitle2": "A few words from you help us to find the cause.",
    "labelName": "Name",
    "labelEmail": "E-mail",
    "labelComments": "What did you do, and what happened then?",
    "labelSubmit": "Send report",
    "labelClose": "Close",
    "errorGeneric": "Your report could not be sent. Please try again in a moment.",
    "errorFormEntry": "Please fill in the marked fields.",
    "successMessage": "Thank you, your report has been sent.",
}
MAX_LABEL = 500
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")

# JSON within a script that somebody may put into a page: no character that HTML knows, and none
# that older browsers take for the end of a line.
ESCAPES = {
    ord(character): f"\\u{ord(character):04x}" for character in ("<", ">", "&", "\u2028", "\u2029")
}


@method_decorator(csrf_exempt, name="dispatch")
class ErrorPageView(View):
    """Nothing here reads a cookie: whoever sends the form is nobody but somebody with the DSN."""

    http_method_names = ["get", "head", "post", "options"]
    project: Project
    event_id: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refused = None if request.method == "OPTIONS" else self.find_scope(request)
        response: Any = refused or super().dispatch(request, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = allowed_origin(request)
        response["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Accept, Content-Type, Origin, X-Requested-With"
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        response["Vary"] = "Origin, Referer"
        return response

    def find_scope(self, request: HttpRequest) -> HttpResponse | None:
        """The project and the event in the query; an answer where they are not."""
        event_id = read_event_id(request.GET.get("eventId", ""))
        if event_id is None:
            return refusal(400, "eventId is missing, or is no event's id.")
        key = queries.find_key(request.GET.get("dsn", ""))
        if key is None:
            return refusal(404, "There is no project with this DSN.")
        origin = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER")
        if origin and not origins.is_allowed(origin, domains(key.project)):
            return refusal(403, "The project takes no reports from this origin.")
        self.project, self.event_id = key.project, event_id.hex
        return None

    def get(self, request: HttpRequest) -> HttpResponse:
        options = orjson.dumps(read_options(request.GET, self.event_id)).decode()
        script = f"(() => {{\n{SCRIPT}\nshowWhenReady({options.translate(ESCAPES)});\n}})();\n"
        return HttpResponse(script, content_type="text/javascript; charset=utf-8")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = request.POST
        fields = {name: form.get(name, "") for name in ("name", "email", "comments")}
        sent = UserReportInput(data={"event_id": self.event_id, **fields})
        if not sent.is_valid():
            return json(400, {"errors": sent.errors})
        report = PreparedReport(
            **sent.validated_data,
            project_id=self.project.pk,
            organization_id=self.project.organization_id,
        )
        try:
            feedback.submit_report(report, now=timezone.now(), event_max_age=None)
        except feedback.TooLate:
            return json(409, {"detail": "Feedback for this event cannot be modified."})
        return json(200, {})

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(headers={"Access-Control-Max-Age": "3600"})


def read_options(query: QueryDict, event_id: str) -> dict[str, Any]:
    """What the dialog is told: texts, all of them, of bounded length and without NUL."""
    lang = query.get("lang", "")
    return {
        "dsn": _text(query, "dsn"),
        "eventId": event_id,
        "name": _text(query, "name")[:MAX_NAME],
        "email": _text(query, "email")[:MAX_EMAIL],
        "lang": lang if LANGUAGE.fullmatch(lang) else "",
        "labels": {name: _text(query, name) or default for name, default in LABELS.items()},
    }


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\0", "")[:MAX_LABEL]


def domains(project: Project) -> list[str]:
    """The allowed ones; the column holds whatever was saved in it."""
    allowed = project.allowed_domains
    return [each for each in allowed if isinstance(each, str)] if isinstance(allowed, list) else []


def refusal(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def json(status: int, body: Any) -> HttpResponse:
    return HttpResponse(JSONRenderer().render(body), status=status, content_type="application/json")
