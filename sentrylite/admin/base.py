"""What the pages of the back office have in common. It knows no model.

Lists load what they show beside their rows once a page and never count a huge table; a list's
actions are buttons on the page of each object; pages show panels and links to their neighbours.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.filters import RelatedFieldListFilter
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet, Media, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from .display import Panel
from .forms import WholeForm
from .menu import Menu
from .tenancy import SuperusersOnly, Tenancy, only_visible, tenancy_of, visible

Link = tuple[str, str]
"""A text and where it leads."""

SHOWN_BEFORE_CONFIRMING = 20

ACTION_RIGHTS = {"triage": "change", "removal": "delete"}
"""What actions ask for, as the rights of rows."""


class CappedPaginator(Paginator):
    """Counts up to a limit and offers no pages after it: nobody leafs through them, and to count
    a huge table takes as long as to read it."""

    limit = 10_000

    @cached_property
    def counted(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.limit + 1].count()  # some of them: which does not matter

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.limit)

    @property
    def is_capped(self) -> bool:
        return self.counted > self.limit


class LoadingChangeList(ChangeList):
    """A list whose admin fills in what the rows of the page need, all of them at once.

    First the keys of the page are found, then its rows: who sorts a huge table carries nothing
    along that is not sorted by, and joins nothing to rows that are not shown.
    """

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        keys = list(self.result_list.values_list("pk", flat=True))
        by_key = {row.pk: row for row in self.queryset.filter(pk__in=keys)} if keys else {}
        rows = [by_key[key] for key in keys if key in by_key]
        self.result_list = cast(Any, rows)
        if rows:
            cast(BaseAdmin, self.model_admin).load_page(request, rows)


class NeighbourFilter(RelatedFieldListFilter):
    """Filters by a related row: a few to click on, any other through a link from its page."""

    limit = 50
    label: Callable[[Any], str] = str
    related: Sequence[str] = ()
    """What a label mentions."""

    def has_output(self) -> bool:
        """Also when there is nothing to choose, what was asked for decides."""
        return bool(self.lookup_val) or super().has_output()

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[Any]:
        rows = visible(request, field.remote_field.model)
        if self.related:
            rows = rows.select_related(*self.related)
        first = list(rows[: self.limit])
        chosen = self.lookup_val[-1] if self.lookup_val else None
        if chosen and chosen.isdecimal() and chosen not in {str(row.pk) for row in first}:
            first += rows.filter(pk=chosen)
        return [(row.pk, type(self).label(row)) for row in first]


class Scoped:
    """For admins and inlines: foreign keys choose from what who asks may see, and every control has
    a name for those who cannot see where it stands."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        widget = getattr(field, "widget", None)
        if isinstance(widget, AdminSplitDateTime):
            for name, part in zip(("date", "time"), widget.widgets, strict=True):
                part.attrs["aria-label"] = f"{capfirst(db_field.verbose_name)}: {name}"
        return field

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_field_queryset(db, db_field, request)  # type: ignore[misc]
        if rows is None:
            rows = db_field.remote_field.model._default_manager.all()
        return only_visible(request, rows)


class BaseAdmin(Scoped, admin.ModelAdmin):
    form: type[ModelForm] = WholeForm
    tenancy: Tenancy = SuperusersOnly()
    """Who may see and change which rows. Each admin says it for its model."""
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count whole tables
    list_per_page = 50
    menu = Menu()
    settled_fields: Sequence[str] = ()
    """What is said when a row is made and never changed."""

    # Rights. Django's own permissions play no part: an organization's roles decide.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.tenancy.rows(request.user, super().get_queryset(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.tenancy.allows(request.user, "view", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.tenancy.allows(request.user, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.tenancy.allows(request.user, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.tenancy.allows(request.user, "delete", obj)

    def has_triage_permission(self, request: HttpRequest) -> bool:
        """For actions that change rows that are not edited by hand."""
        return self.tenancy.allows(request.user, "change")

    def has_removal_permission(self, request: HttpRequest) -> bool:
        """For actions that delete rows in a way of their own."""
        return self.tenancy.allows(request.user, "delete")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The last step of saving: what a row has become must be within reach too."""
        super().save_related(request, form, formsets, change)
        saved = self.model._base_manager.filter(pk=form.instance.pk)
        right = "change" if change else "add"
        if not self.tenancy.rows(request.user, saved, right).exists():
            raise PermissionDenied  # which takes back what was saved

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Each does what it does to those of the rows to which there is the right: roles may differ
        from one organization to the next."""
        found: dict[str, Any] = super().get_actions(request) or {}
        return {
            name: (self._limited(function), name, description)
            for name, (function, _, description) in found.items()
        }

    def _limited(self, function: Any) -> Any:
        names = getattr(function, "allowed_permissions", ())
        rights = [ACTION_RIGHTS.get(name, name) for name in names]

        @wraps(function)
        def limited(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> Any:
            for right in rights:
                rows = self.tenancy.rows(request.user, rows, right)
            return function(model_admin, request, rows)

        return limited

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = [str(name) for name in super().get_readonly_fields(request, obj)]
        return [*fields, *self.settled_fields] if obj else fields

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        """What can be joined to a row depends on the row: a new one has to be made first."""
        return list(super().get_inlines(request, obj)) if obj else []

    def load_page(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Fill in what the list shows beside the columns of its rows, in a few statements."""

    def list_links(self, request: HttpRequest) -> Sequence[Link]:
        """What belongs to the list and is no list of rows, below it in the navigation."""
        return ()

    def links(self, request: HttpRequest, obj: Any) -> Sequence[Link]:
        """The neighbours of an object."""
        return ()

    def introduction(self, request: HttpRequest, obj: Any) -> SafeString | str:
        """What is shown above an object, as safe HTML."""
        return ""

    def panels(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:
        """What is shown below an object, read-only."""
        return ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LoadingChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= {
                "links": self.links(request, obj),
                "introduction": self.introduction(request, obj),
                "panels": self.panels(request, obj),
                "object_actions": self.object_actions(request, obj),
                "object_actions_url": self._url("run", obj.pk),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # The list's actions, on the page of one object.

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_run"
        view = self.admin_site.admin_view(self.run_action)
        return [path("<path:object_id>/run/", view, name=name), *super().get_urls()]

    def object_actions(self, request: HttpRequest, obj: Any) -> list[str]:
        """The names of the actions that are buttons: those of our own that may be done to it."""
        return [
            name
            for name, (action, _, _) in self.get_actions(request).items()
            if name != "delete_selected" and self._may_run(request, action, obj)
        ]

    def _may_run(self, request: HttpRequest, action: Any, obj: Any) -> bool:
        names = getattr(action, "allowed_permissions", ())
        return all(
            self.tenancy.allows(request.user, ACTION_RIGHTS.get(name, name), obj) for name in names
        )

    def run_action(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Do to one object what the list does to those selected, and come back to its page."""
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            return redirect(self._url("changelist"))
        name = request.POST.get("action", "")
        if name in self.object_actions(request, obj):
            run: Any = self.get_actions(request)[name]
            answer = run[0](self, request, self.get_queryset(request).filter(pk=obj.pk))
            if isinstance(answer, HttpResponseBase):
                return answer
        if self.get_object(request, unquote(object_id)) is None:
            return redirect(self._url("changelist"))
        return redirect(self._url("change", obj.pk))

    def confirm(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        *,
        action: str,
        verb: str,
        warning: str,
        choices: Sequence[tuple[str, str]] = (),
    ) -> TemplateResponse | None:
        """The question whether to go on; None when it was answered with yes.

        It is asked again at the same address, with the same selection. What was chosen of the
        `choices`, values and their texts, is sent as `choice`.
        """
        if request.POST.get("confirmed"):
            return None
        total = rows.count()
        names = self.opts.verbose_name if total == 1 else self.opts.verbose_name_plural
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb} {total} {names}?",
            "opts": self.opts,
            "media": Media(),
            "action": action,
            "verb": verb,
            "warning": warning,
            "choices": choices,
            "rows": rows[:SHOWN_BEFORE_CONFIRMING],
            "more": max(total - SHOWN_BEFORE_CONFIRMING, 0),
            "back": request.get_full_path(),
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
            "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/confirm.html", context)

    def log(self, request: HttpRequest, rows: Sequence[Any], flag: int, text: str = "") -> None:
        """Note in the history of each row what somebody did to it. One or two statements."""
        if rows:
            LogEntry.objects.log_actions(cast(int, request.user.pk), rows, flag, text)

    def _url(self, page: str, pk: Any = None) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[] if pk is None else [quote(pk)])


class NamedFormSet(BaseInlineFormSet):
    """Rows of a table: the heading of the column is not part of any."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)  # without its links
            widget.attrs.setdefault("aria-label", field.label or capfirst(name.lower()))


class BaseInline(Scoped, admin.TabularInline):
    """Rows on the page of another one. Who may change that may change them."""

    formset = NamedFormSet
    tenancy: Tenancy = SuperusersOnly()
    """Which of the rows are shown."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.tenancy.rows(request.user, super().get_queryset(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return tenancy_of(self.parent_model).allows(request.user, "view", obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes_parent(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes_parent(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes_parent(request, obj)

    def _changes_parent(self, request: HttpRequest, obj: Any) -> bool:
        return tenancy_of(self.parent_model).allows(request.user, "change", obj)


class ReadOnly:
    """For admins and inlines: rows that are looked at and not written by hand.

    Actions may still change them, with permissions of their own.
    """

    can_delete: ClassVar[bool] = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
