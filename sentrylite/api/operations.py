"""What is said of the methods of views: `sentrylite.api.openapi` makes the OpenAPI document of it.

Nothing of this is loaded by a server.

Answers and query strings are described by *shapes*: TypedDicts, named like what they are the JSON
of, in each app's `api/shapes.py` and `api/operations.py`. The type checker holds serializers to
them, and the tests every answer that they see. A body is described by the Input that reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from .inputs import Input
from .params import MAX_PER_PAGE
from .views import ApiView

Shape = Any
"""A type: a TypedDict, `list[…]`, `… | None`, `Annotated[type, …]` with a text or with Keywords."""


class Keywords:
    """What JSON Schema can say about a value and a type cannot."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


# Words that many shapes need.
Timestamp = Annotated[str, Keywords(format="date-time", examples=["2018-09-10T20:36:34.590Z"])]
Id = Annotated[str, Keywords(pattern="^[0-9]+$")]
File = Annotated[str, Keywords(format="binary")]
Nothing = Annotated[dict[str, Any], Keywords(maxProperties=0)]
"""An empty object."""
Hex = Annotated[str, Keywords(pattern="^[0-9a-f]{32}$")]

JSON = ("application/json",)
MULTIPART = ("multipart/form-data",)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a view."""

    summary: str
    """Its name, as in the README's table."""
    answer: Shape = None
    """What a success says; None is an empty body."""
    status: int = 0
    """Of a success: 200, or 204 where there is no answer, unless it says otherwise."""
    query: Shape = None
    body: type[Input] | Shape = None
    """What reads it, or its shape."""
    text: str = ""
    """What else there is to say about it."""
    in_organization: Shape = None
    """The answer below `/organizations/…`, where that differs."""
    in_project: str = ""
    """Its name below `/projects/…`, where that differs."""
    downloads: bool = False
    """Whether a success may also be a file."""
    also: Mapping[int, Shape] = field(default_factory=dict)
    """Other outcomes with their answers: None is an empty body."""
    fails: tuple[int, ...] = ()
    """Statuses of failures that only this operation has."""
    headers: tuple[str, ...] = ()
    """Headers of a success that only this operation has."""
    body_types: tuple[str, ...] = JSON
    """Media types of the body."""
    example: str = ""
    """The name of an answer in `tests/shapes/`."""

    @property
    def success(self) -> int:
        return self.status or (204 if self.answer is None else 200)


Operations = Mapping[type[ApiView], Mapping[str, Operation]]
"""By view and by method, `GET` and so on: what each app has in its `api/operations.py`."""


class Projects(TypedDict, total=False):
    project: Annotated[list[str], "Ids of projects; -1, like nothing, is all that one may see."]


class Environments(TypedDict, total=False):
    environment: Annotated[list[str], "Names of environments: only what is in one of them."]


class Period(TypedDict, total=False):
    """`statsPeriod`, or `statsPeriodStart` and `statsPeriodEnd`, or `start` and `end`."""

    statsPeriod: Annotated[str, "Until now, since so long ago: a number and a unit, such as `14d`."]
    statsPeriodStart: Annotated[str, "Since so long ago, such as `14d`."]
    statsPeriodEnd: Annotated[str, "Until so long ago, such as `7d`."]
    start: Annotated[str, "A date and time, UTC without a zone, or seconds since 1970-01-01."]
    end: Annotated[str, "A date and time, UTC without a zone, or seconds since 1970-01-01."]


class Search(TypedDict, total=False):
    query: Annotated[str, "What to search for."]


class Paged(TypedDict, total=False):
    """A list in pages; the `Link` header names those before and after."""

    cursor: Annotated[str, "Where the page begins: from the `Link` header of another page."]
    per_page: Annotated[
        int,
        Keywords(minimum=1),
        f"Rows of a page; {MAX_PER_PAGE} at most, and unless this says less.",
    ]
