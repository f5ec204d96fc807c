"""The operators' site: who has access, who may change anything, and whom the audit trail names.

System roles decide, as they do for tokens of that scope: `admin` changes, `reader` (which `member` and `manager` imply)
views. The administrator that `bootstrap` creates has access by its flags, so that a lost role locks nobody out.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import update_wrapper
from typing import Any

from django.contrib.auth.forms import AuthenticationForm as AnySignIn
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.sites import UnfoldAdminSite

from apps.common import addresses, audit, live
from apps.common.exceptions import CloudError
from apps.common.operators import Operator
from apps.identity.api.authentication import context_of
from apps.identity.selectors import scopes
from apps.identity.services import throttling, users
from apps.identity.states import Scope
from apps.operations.admin import overview, search

SAFE = ("GET", "HEAD", "OPTIONS")
OWN = ("logout", "password_change")  # open to everybody
NOT_OPERATOR = format_html(
    "These pages are for operators; your account has no system role. Project members sign in "
    '<a class="underline" href="{}">here</a>.',
    "/sign-in/login/?next=/",
)
ALL_ROLES = ("admin", "manager", "member", "reader")


def find_operator(request: HttpRequest, user: Any) -> Operator | None:
    """Return the operator that a user is on these pages; None for members of projects and anonymous users. 1 query."""
    if not user.is_authenticated or not user.is_active:
        return None
    standing = scopes.scoped_user(user_id=user.pk, scope=Scope.SYSTEM)
    if standing is None:
        return None
    context = context_of(standing, request)
    if user.is_staff and user.is_superuser:
        return Operator(context=replace(context, roles=ALL_ROLES, is_admin=True), may_act=True)
    if "reader" not in context.roles and not context.is_admin:
        return None
    return Operator(context=context, may_act=context.is_admin)


class SignInForm(AuthenticationForm):
    """Signs in operators only."""

    def confirm_login_allowed(self, user: Any) -> None:
        AnySignIn.confirm_login_allowed(self, user)
        if find_operator(self.request, user) is None:
            throttling.refused(user, addresses.of(self.request), "no role on the system")
            raise ValidationError(NOT_OPERATOR, code="invalid_login")


class OwnPassword(AdminOwnPasswordChangeForm):
    """Changes the password as the API does: the service checks both and ends sessions and tokens."""

    def clean(self) -> dict[str, Any]:
        super().clean()
        values: dict[str, Any] = self.cleaned_data
        if not self.errors:
            try:
                users.change_password(
                    user_id=self.user.pk, original=values["old_password"], password=values["new_password1"]
                )
            except CloudError as error:
                raise ValidationError(error.message) from None
        return values

    def save(self, commit: bool = True) -> Any:
        self.user.refresh_from_db()
        return self.user


class OperatorSite(UnfoldAdminSite):
    site_title = site_header = "Celerity"
    index_title = "The cloud at a glance"
    login_form = SignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        if not hasattr(request, "operator"):
            request.operator = find_operator(request, request.user)  # type: ignore[attr-defined]
        return request.operator is not None  # type: ignore[attr-defined]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        return super().admin_view(update_wrapper(guarded(view), view), cacheable)

    def get_urls(self) -> list[Any]:
        return [path("live/", self.admin_view(self.live), name="live"), *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().index(request, {**self._overview(), **(extra_context or {})})

    def live(self, request: HttpRequest) -> HttpResponse:
        """The overview as it is now, for the script that refreshes it."""
        return live.respond(request, "admin/overview/live.html", self._overview())

    def _overview(self) -> dict[str, Any]:
        address = reverse(f"{self.name}:live", current_app=self.name)
        return {**overview.values(), "live_url": address, "live_every": live.IDLE_SECONDS}

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages by their title, and objects by name, id, address or request id."""
        text = request.GET.get("s", "").strip()[:255]
        if not text:
            return HttpResponse()
        context = {"groups": search.groups(self, request, text), "text": text}
        return TemplateResponse(request, "unfold/helpers/search_results.html", context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name
        return PasswordChangeView.as_view(
            form_class=OwnPassword,
            template_name="registration/password_change_form.html",
            success_url=reverse(f"{self.name}:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)


def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse whatever may write to those who only look, before any page is asked."""

    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        operator: Operator | None = getattr(request, "operator", None)
        own = request.resolver_match is not None and request.resolver_match.url_name in OWN
        if request.method not in SAFE and not own and (operator is None or not operator.may_act):
            raise PermissionDenied
        if operator is not None:
            who = operator.context
            audit.initiator(
                user_id=who.user_id, user_name=who.user_name, project_id=None, address=addresses.of(request)
            )
        return view(request, *args, **kwargs)

    return inner
