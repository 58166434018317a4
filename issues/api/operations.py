"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, Any, TypedDict

from issues.api import shapes
from issues.api.inputs import (
    IssueUpdateInput,
    LegacyBrowsersInput,
    NoteInput,
    OwnershipInput,
    ReprocessingInput,
    UserReportInput,
)
from issues.api.params import LATER_SORTS, MAX_SEARCHES, SORTS, SPANS, VALUE_ORDERS
from issues.api.shapes import Filter
from issues.api.views.activities import ActivityListView, ParticipantListView
from issues.api.views.details import IssueDetailView
from issues.api.views.events import (
    AttachmentListView,
    EventDetailView,
    EventJsonView,
    HashListView,
    IssueEventDetailView,
    IssueEventListView,
    LatestEventView,
    OldestEventView,
    ProjectEventListView,
)
from issues.api.views.external import ExternalIssueListView
from issues.api.views.feedback import (
    IssueReportListView,
    OrganizationReportListView,
    ProjectReportListView,
)
from issues.api.views.filters import FilterDetailView, FilterListView
from issues.api.views.issues import IssueCountView, OrganizationIssueListView, ProjectIssueListView
from issues.api.views.lookups import EventIdView, ShortIdView
from issues.api.views.notes import NoteDetailView, NoteListView
from issues.api.views.ownership import ProjectOwnershipView
from issues.api.views.people import ProjectUserListView, ProjectUserView
from issues.api.views.project_tags import (
    ProjectTagDetailView,
    ProjectTagListView,
    ProjectTagValueListView,
)
from issues.api.views.releases import ProjectResolvedIssueListView, ResolvedIssueListView
from issues.api.views.reprocessing import ReprocessingView
from issues.api.views.scrubbing import ScrubbingSuggestionsView
from issues.api.views.series import IssueStatsView
from issues.api.views.shared import SharedIssueView
from issues.api.views.tags import TagDetailView, TagListView, TagValueListView
from issues.api.views.tombstones import TombstoneDetailView, TombstoneListView
from issues.search import STATUS_NAMES
from sentrylite.accounts.api.shapes import User
from sentrylite.api.operations import (
    Environments,
    Keywords,
    Operation,
    Operations,
    Paged,
    Period,
    Projects,
)
from stats.api.shapes import Points

# What query strings may say -----------------------------------------------------------------------


class IssueSearchQuery(Environments, total=False):
    query: Annotated[str, "A search, such as `is:unresolved level:error`; that is the default."]
    sort: Annotated[str, Keywords(enum=[*SORTS]), "`date` by default: those seen last first."]


class IssueListQuery(IssueSearchQuery, total=False):
    statsPeriod: Annotated[str, Keywords(enum=["", *SPANS]), "What to count events over."]
    shortIdLookup: Annotated[str, "`1` finds the issue whose short id the search is."]
    cursor: Annotated[str, "Where the page begins: from the `Link` header of another page."]
    limit: Annotated[int, Keywords(minimum=1), "Rows of a page; 100 at most."]


class IssueChoiceQuery(IssueSearchQuery, total=False):
    id: Annotated[list[str], "Ids of issues; without any it is those that the search finds."]


class StatusToChange(TypedDict, total=False):
    status: Annotated[
        str,
        Keywords(enum=["", *STATUS_NAMES]),
        "Without ids and a search it is all issues that change, or those of this status.",
    ]


class IssueChangeQuery(IssueChoiceQuery, StatusToChange, total=False):
    pass


class OrganizationIssueSearchQuery(Environments, Period, Projects, total=False):
    query: Annotated[str, "A search, such as `is:unresolved level:error`; that is the default."]
    sort: Annotated[str, Keywords(enum=[*SORTS, *LATER_SORTS]), "`date` by default."]


class OrganizationIssueListQuery(OrganizationIssueSearchQuery, Paged, total=False):
    groupStatsPeriod: Annotated[
        str, Keywords(enum=["", *SPANS, "auto"]), "What to count events over."
    ]
    shortIdLookup: Annotated[str, "`1` finds the issue whose short id the search is."]
    limit: Annotated[int, Keywords(minimum=1), "The same as `per_page`."]
    collapse: Annotated[list[str], "What to leave out: `stats`, `lifetime`, `filtered`."]


class OrganizationIssueChoiceQuery(OrganizationIssueSearchQuery, total=False):
    id: Annotated[list[str], "Ids of issues; without any it is those that the search finds."]


class OrganizationIssueChangeQuery(OrganizationIssueChoiceQuery, StatusToChange, total=False):
    pass


class IssueCountQuery(Environments, Period, Projects, total=False):
    query: Annotated[list[str], Keywords(maxItems=MAX_SEARCHES), "The searches to count for."]
    sort: Annotated[str, Keywords(enum=[*SORTS, *LATER_SORTS]), "It does not matter to the count."]


class EventListQuery(Environments, Period, Paged, total=False):
    query: Annotated[str, "A text that is in the events' message, in any letter case."]
    full: Annotated[str, "Anything at all: events in full."]


class IssueEventListQuery(EventListQuery, total=False):
    query: Annotated[
        str,
        "A search, such as `!os:Linux user.email:*@example.com timestamp:-1d`: words, tags, "
        "`message`, `id`, `timestamp` and users; or the id of an event.",
    ]


class IssueStatsQuery(Environments, total=False):
    since: Annotated[str, "Seconds since 1970-01-01."]
    until: Annotated[str, "Seconds since 1970-01-01."]
    resolution: Annotated[str, Keywords(enum=["1h", "1d"]), "What each point stands for."]


class ScrubbingSuggestionsQuery(TypedDict, total=False):
    eventId: Annotated[str, "The event to look at."]
    projectId: Annotated[str, "The project that it is of."]


class IssueReportListQuery(Environments, Paged):
    pass


class ReportListQuery(IssueReportListQuery, total=False):
    status: Annotated[str, Keywords(enum=["unresolved", ""]), "Empty is those on any issue."]


class OrganizationReportListQuery(ReportListQuery, Projects):
    pass


class TagListQuery(Environments, total=False):
    key: Annotated[list[str], "Only these keys."]


class TagValueListQuery(Environments, Paged, total=False):
    sort: Annotated[
        str, Keywords(enum=list(VALUE_ORDERS)), "By first or last sight; `age` by default."
    ]


class WithoutEnvironment(TypedDict, total=False):
    environment: Annotated[list[str], "None can be chosen here yet: 400."]


class HashListQuery(WithoutEnvironment, Paged):
    pass


class ProjectTagValueListQuery(Environments, Period, Paged, total=False):
    query: Annotated[str, "Part of a value."]


class HashChoiceQuery(TypedDict, total=False):
    id: Annotated[list[str], "The hashes to make an issue of."]


class PersonListQuery(Paged, total=False):
    query: Annotated[str, "`key:value`, such as `email:somebody@example.com`."]


# The operations -----------------------------------------------------------------------------------

LIST_HEADERS = ("X-Hits", "X-Max-Hits", "X-Sentry-Direct-Hit")

OPERATIONS: Operations = {
    ActivityListView: {
        "GET": Operation("List an Issue's Activities", shapes.Activities),
    },
    ParticipantListView: {
        "GET": Operation("List an Issue's Participants", list[User]),
    },
    IssueStatsView: {
        "GET": Operation("Retrieve Event Counts for an Issue", Points, query=IssueStatsQuery),
    },
    IssueDetailView: {
        "GET": Operation(
            "Retrieve an Issue",
            shapes.IssueDetail,
            query=Environments,
            in_organization=shapes.FullIssueDetail,
            example="issue-detail",
        ),
        "PUT": Operation(
            "Update an Issue",
            shapes.BareIssue,
            body=IssueUpdateInput,
            in_organization=shapes.FullIssue,
            also={204: None},
            text="Nothing is left of a discarded issue: 204.",
        ),
        "DELETE": Operation("Remove an Issue", status=202),
    },
    IssueEventListView: {
        "GET": Operation(
            "List an Issue's Events",
            list[shapes.EventSummary] | list[shapes.Event],
            query=IssueEventListQuery,
            headers=("X-Sentry-Direct-Hit",),
        ),
    },
    ProjectEventListView: {
        "GET": Operation(
            "List a Project's Events",
            list[shapes.EventSummary] | list[shapes.Event],
            query=EventListQuery,
        ),
    },
    HashListView: {
        "GET": Operation("List an Issue's Hashes", list[shapes.Hash], query=HashListQuery),
        "DELETE": Operation(
            "Unmerge hashes",
            status=202,
            query=HashChoiceQuery,
            also={200: None},
            text="None of the issue's hashes: 200, and nothing is done.",
        ),
    },
    ReprocessingView: {
        "POST": Operation(
            "Reprocess a group",
            status=200,
            body=ReprocessingInput,
            fails=(409,),
            text=(
                "Stack traces are restored again with the files that are there by now: of the "
                "newest `maxEvents`, or of all. It happens later; an issue of which that is under "
                "way already: 409. Older events are kept as they are, or deleted."
            ),
        ),
    },
    LatestEventView: {
        "GET": Operation(
            "Retrieve the Latest Event for an Issue", shapes.EventDetail, query=Environments
        ),
    },
    OldestEventView: {
        "GET": Operation(
            "Retrieve the Oldest Event for an Issue", shapes.EventDetail, query=Environments
        ),
    },
    IssueEventDetailView: {
        "GET": Operation("Retrieve an Event of an Issue", shapes.EventDetail, query=Environments),
    },
    EventDetailView: {
        "GET": Operation(
            "Retrieve an Event for a Project",
            shapes.EventDetail,
            query=Environments,
            example="event-details",
        ),
    },
    EventJsonView: {
        "GET": Operation("Retrieve an Event as It Is Stored", dict[str, Any]),
    },
    AttachmentListView: {
        "GET": Operation("List an Event's Attachments", list[Any]),
    },
    ExternalIssueListView: {
        "GET": Operation("List an Issue's Counterparts in Other Systems", list[Any]),
    },
    ProjectReportListView: {
        "GET": Operation(
            "List a Project's User Feedback", list[shapes.UserReport], query=ReportListQuery
        ),
        "POST": Operation(
            "Submit User Feedback", shapes.UserReport, body=UserReportInput, fails=(409,)
        ),
    },
    OrganizationReportListView: {
        "GET": Operation(
            "List an Organization's User Feedback",
            list[shapes.UserReport],
            query=OrganizationReportListQuery,
        ),
    },
    IssueReportListView: {
        "GET": Operation(
            "User reports of an issue", list[shapes.IssueReport], query=IssueReportListQuery
        ),
    },
    FilterListView: {
        "GET": Operation("List inbound filters", list[Filter]),
    },
    FilterDetailView: {
        "PUT": Operation(
            "Switch an inbound filter on or off",
            body=LegacyBrowsersInput,
            text="Only the filter `legacy-browsers` has parts.",
        ),
    },
    ProjectIssueListView: {
        "GET": Operation(
            "List a Project's Issues",
            list[shapes.ListedIssue],
            query=IssueListQuery,
            example="project-issues",
            headers=LIST_HEADERS,
        ),
        "PUT": Operation(
            "Bulk Mutate a List of Issues",
            shapes.IssueChanges,
            query=IssueChangeQuery,
            body=IssueUpdateInput,
            also={204: None},
        ),
        "DELETE": Operation("Bulk Remove a List of Issues", query=IssueChoiceQuery),
    },
    OrganizationIssueListView: {
        "GET": Operation(
            "List an Organization's Issues",
            list[shapes.ListedFullIssue],
            query=OrganizationIssueListQuery,
            headers=LIST_HEADERS,
        ),
        "PUT": Operation(
            "Bulk Mutate a List of Issues of an Organization",
            shapes.IssueChanges,
            query=OrganizationIssueChangeQuery,
            body=IssueUpdateInput,
            also={204: None},
        ),
        "DELETE": Operation(
            "Bulk Remove a List of Issues of an Organization", query=OrganizationIssueChoiceQuery
        ),
    },
    IssueCountView: {
        "GET": Operation(
            "Count the Issues that Searches Find", dict[str, int], query=IssueCountQuery
        ),
    },
    ResolvedIssueListView: {
        "GET": Operation("Issues resolved in a release (organization)", list[shapes.Issue]),
    },
    ProjectResolvedIssueListView: {
        "GET": Operation("List issues to be resolved in a particular release", list[shapes.Issue]),
    },
    ShortIdView: {
        "GET": Operation("Resolve a Short ID", shapes.ResolvedShortId),
    },
    EventIdView: {
        "GET": Operation("Resolve an Event ID", shapes.ResolvedEventId, fails=(400,)),
    },
    NoteListView: {
        "GET": Operation("List notes", list[shapes.Activity], query=Paged),
        "POST": Operation("Create note", shapes.Activity, status=201, body=NoteInput),
    },
    NoteDetailView: {
        "PUT": Operation("Edit note", shapes.Activity, body=NoteInput),
        "DELETE": Operation("Delete note"),
    },
    ProjectOwnershipView: {
        "GET": Operation("Retrieve a Project's Ownership Rules", shapes.Ownership),
        "PUT": Operation(
            "Update a Project's Ownership Rules", shapes.Ownership, body=OwnershipInput
        ),
    },
    ProjectUserListView: {
        "GET": Operation("List a Project's Users", list[shapes.Person], query=PersonListQuery),
    },
    ProjectUserView: {
        "GET": Operation("Retrieve an event user", shapes.Person),
    },
    ProjectTagListView: {
        "GET": Operation("Project tag keys", list[shapes.ListedProjectTag], query=Environments),
    },
    ProjectTagDetailView: {
        "GET": Operation("Project tag key", shapes.ProjectTag, query=Environments),
        "DELETE": Operation("Remove a tag key"),
    },
    ProjectTagValueListView: {
        "GET": Operation(
            "List a Tag's Values (project)",
            list[shapes.TagValue] | list[shapes.UserValue],
            query=ProjectTagValueListQuery,
        ),
    },
    ScrubbingSuggestionsView: {
        "GET": Operation(
            "Generate a list of data scrubbing selectors from existing event data",
            shapes.ScrubbingSuggestions,
            query=ScrubbingSuggestionsQuery,
        ),
    },
    SharedIssueView: {
        "GET": Operation("Retrieve a Shared Issue", shapes.SharedIssue),
    },
    TagListView: {
        "GET": Operation("Issue tags with top values", list[shapes.TagKey], query=TagListQuery),
    },
    TagDetailView: {
        "GET": Operation("Retrieve Tag Details", shapes.TagKey, query=Environments),
    },
    TagValueListView: {
        "GET": Operation(
            "List a Tag's Values (issue)",
            list[shapes.TagValue] | list[shapes.UserValue],
            query=TagValueListQuery,
        ),
    },
    TombstoneListView: {
        "GET": Operation("List a Project's Discarded Issues", list[shapes.Tombstone], query=Paged),
    },
    TombstoneDetailView: {
        "DELETE": Operation("Want to Hear of a Discarded Issue Again"),
    },
}
