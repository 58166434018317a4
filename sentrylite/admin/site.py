"""The back office as a whole: what it calls itself, and how one gets about in it."""

from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.text import capfirst

from .base import BaseAdmin
from .menu import SECTIONS


class Item(NamedTuple):
    """A place to go to."""

    text: str
    url: str
    icon: str
    is_current: bool


class Site(AdminSite):
    site_header = site_title = "sentrylite"
    site_url = None  # there is no other site to view
    enable_nav_sidebar = False  # ours is part of the header

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        context["navigation"] = self.navigation(request, context["available_apps"])
        return context

    def navigation(
        self, request: HttpRequest, apps: list[dict[str, Any]]
    ) -> list[tuple[str, list[Item]]]:
        """The sections with the lists that somebody may see, each followed by what belongs to it.

        The item is current whose address the page's begins with, the longest of them.
        """
        listed = {each["model"]: each for app in apps for each in app["models"]}
        admins = [self._registry[model] for model in listed if listed[model]["admin_url"]]
        ours = [each for each in admins if isinstance(each, BaseAdmin)]
        found: dict[str, list[tuple[str, str, str]]] = {section: [] for section in SECTIONS}
        for each in sorted(ours, key=lambda each: each.menu.place):
            name = each.menu.name or str(capfirst(listed[each.model]["name"]))
            links = [(name, listed[each.model]["admin_url"]), *each.list_links(request)]
            found[each.menu.section] += [(*link, each.menu.icon) for link in links]
        addresses = [url for links in found.values() for _, url, _ in links]
        current = max(filter(request.path.startswith, addresses), key=len, default="")
        return [
            (section, [Item(text, url, icon, url == current) for text, url, icon in links])
            for section, links in found.items()
            if links
        ]
