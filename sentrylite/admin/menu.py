"""Where the lists of the back office stand in its navigation."""

from typing import NamedTuple

SECTIONS = ("", "Organization", "Access", "Operation")


class Menu(NamedTuple):
    section: str = SECTIONS[-1]
    place: int = 99
    """Among those of the section, the lowest first."""
    name: str = ""
    """What it is called there; by default as its model."""
    icon: str = ""
    """One of those in `admin/icons.html`."""
