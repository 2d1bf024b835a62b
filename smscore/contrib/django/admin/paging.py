"""Lists of the admin that read a page by its key: no count, no offset, and a bound on how many rows are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest

__all__ = ["BEFORE", "PagedAdmin", "PagedChangeList"]

BEFORE: Final = "before"
"""The parameter of a page's address: the key that the page's rows come before."""
MAX_LOOKED_AT: Final = 20_000  # rows, for one page of a filtered list: some milliseconds

if TYPE_CHECKING:  # Django's own class takes no parameters when it runs
    _ModelAdmin: TypeAlias = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class PagedChangeList(ChangeList):
    """The newest rows first, a page at a time.

    A search looks its rows up in an index. A filter looks at the next ``MAX_LOOKED_AT`` rows: where the table has
    more, the page may have fewer rows than it has room for, or none, and ``older_url`` goes on.
    """

    model_admin: Any
    older_url: str | None = None
    newest_url: str | None = None

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """The parameters that filters read."""
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(BEFORE, None)
        return found

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Newest first."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read a page, and the row after it, which says whether there is another."""
        before = self._before()
        floor = self._floor(before)
        rows = self.queryset if before is None else self.queryset.filter(pk__lt=before)
        rows = rows if floor is None else rows.filter(pk__gte=floor)
        found = [*rows[: self.list_per_page + 1]]
        if len(found) > self.list_per_page:
            found.pop()
            floor = found[-1].pk
        if floor is not None:
            self.older_url = self.get_query_string({BEFORE: floor})
        if before is not None:
            self.newest_url = self.get_query_string(remove=[BEFORE])
        self.model_admin.add_to_page(found)
        self.result_list: Any = found
        self.result_count: int = len(found)
        self.full_result_count: int | None = self.result_count
        self.show_admin_actions: bool = bool(found)
        self.can_show_all: bool = False
        self.multi_page: bool = False
        self.paginator: Any = Paginator(found, self.list_per_page)

    def _before(self) -> Any:
        given = self.params.get(BEFORE)
        try:
            return None if given is None else self.model._meta.pk.to_python(given)
        except Exception as error:
            raise IncorrectLookupParameters from error

    def _floor(self, before: Any) -> Any:
        """The key of the last row that a filtered page looks at; None where it may look at all."""
        if self.model_admin.search_is_indexed if self.query else not self.has_active_filters:
            return None
        keys: Any = self.root_queryset.order_by("-pk").values_list("pk", flat=True)
        keys = self.model_admin.narrowed(self, keys if before is None else keys.filter(pk__lt=before))
        return next(iter(keys[MAX_LOOKED_AT : MAX_LOOKED_AT + 1]), None)


class PagedAdmin(_ModelAdmin):
    """What all pages have in common: nothing is edited in place, and no page counts its table."""

    search_is_indexed: ClassVar[bool] = True
    list_per_page: ClassVar[Any] = 50
    list_max_show_all: ClassVar[Any] = 0
    show_full_result_count: ClassVar[Any] = False
    show_facets: ClassVar[Any] = admin.ShowFacets.NEVER
    sortable_by: ClassVar[Any] = ()
    actions_on_bottom: ClassVar[Any] = False
    view_on_site: Any = False

    class Media:
        """How wide a bar is, and what stays on one line."""

        css: ClassVar[Any] = {"all": ("payamak/admin.css",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All that a page shows."""
        return self.fields or () if obj is not None else ()

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[PagedChangeList]:
        """The list that reads by key."""
        return PagedChangeList

    def add_to_page(self, rows: list[Any]) -> None:
        """Give the rows of a page what its columns need besides, in one query for all."""

    def narrowed(self, changes: PagedChangeList, keys: Any) -> Any:
        """The keys among which a filtered page looks for its rows, by what an index can find."""
        return keys

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: rows are the queue's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: what can be done is done by actions."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: ``prune`` forgets people, and keeps the counts."""
        return False

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Whether this user may act, and not only look: who has the model's ``change`` permission."""
        return bool(super().has_change_permission(request))
