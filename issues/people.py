"""The people that a project's events happened to."""

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from sentrylite.organizations.models import Project

from .models import EventUser
from .payload.users import filed_under, full_hash

COLUMNS = {"id": "ident", "email": "email", "username": "username", "ip": "address"}
"""What people can be searched by."""


def people_of(project: Project) -> QuerySet[EventUser]:
    """All of them."""
    return EventUser.objects.filter(project_id=project.pk)


def search_people(found: QuerySet[EventUser], text: str) -> QuerySet[EventUser]:
    """Those that have the value of `email:value` in their e-mail address, in capitals or not; none
    for a field that there is not (projects contract, section 8)."""
    field, _, value = text.partition(":")
    if ":" not in text or field not in COLUMNS:
        return found.none()
    if not value:
        return found
    address = Cast("ip_address", TextField())
    return found.annotate(address=address).filter(**{f"{COLUMNS[field]}__icontains": value})


def find_person(project: Project, hash: str) -> EventUser | None:
    """Somebody by the hash that the API has for him: 32 hexadecimal digits. One statement."""
    wanted = filed_under(hash)
    if wanted is None:
        return None
    person = people_of(project).filter(hash=wanted).first()
    return person if person and full_hash(person.tag_value) == hash.lower() else None
