"""The Django admin, for the people who run the installation: on the platform's own hosts and nowhere else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem


class SignInForm(AdminAuthenticationForm):
    username = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True}))

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except Problem as problem:  # too many attempts
            raise forms.ValidationError(str(problem)) from problem
        return cleaned


class BackOffice(AdminSite):
    """Answers 404 on every realm's host but the platform's, so that nobody learns it is there."""

    site_header = _("BOSS platform")
    site_title = _("BOSS platform")
    index_title = _("Across all realms")
    login_form = SignInForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def on_platform_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            _platform_or_404(request)
            response: HttpResponse = inner(request, *args, **kwargs)
            return response

        on_platform_only.permission = "platform.operate"  # type: ignore[attr-defined]
        return on_platform_only

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        _platform_or_404(request)
        return super().login(request, extra_context)


def _platform_or_404(request: HttpRequest) -> None:
    if not request.realm.is_platform:  # type: ignore[attr-defined]
        raise Http404
