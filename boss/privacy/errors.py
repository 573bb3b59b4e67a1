from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem


class StillACustomer(Problem):
    """The account is not closed, or work for it is under way: what is needed to serve it cannot be erased."""

    code = "privacy.still_a_customer"
    status = 409
    title = _("The account is not closed, or an order for it is still open. Nothing was erased.")


class Held(Problem):
    """A legal hold stands on the account."""

    code = "privacy.held"
    status = 409
    title = _("A legal hold stands on this account. Nothing was erased.")


class NotConfirmed(Problem):
    code = "privacy.not_confirmed"
    status = 422
    title = _("Type the account's number to confirm. Nothing was erased.")
