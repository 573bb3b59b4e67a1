"""Checks before anything is made: the address, the network there, the customer's credit."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from catalog import selectors as catalog
from subscribers.handlers.loading import ORDER_ID, order_of
from subscribers.models import OrderItem
from subscribers.ports import credit_port
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler


def verify_address(context: TaskContext) -> Outcome:
    """The site has what a technician and a database need: street, city, and it is marked serviceable."""
    site = order_of(context).site
    missing = [str(label) for label, value in ((_("street"), site.street), (_("city"), site.city)) if not value.strip()]
    if missing:
        return Fail(_("The address has no %(parts)s.") % {"parts": ", ".join(missing)})
    if not site.serviceable:
        return Fail(_("The address is marked as not serviceable."))
    return Done({"address": site.label}, note=_("%(address)s is a known address.") % {"address": site.label})


def qualify_site(context: TaskContext) -> Outcome:
    """The ordered plans can be delivered with the site's technology, over a known access node."""
    order = order_of(context)
    site = order.site
    if not site.technology or not site.access_node:
        return Fail(_("It is not known which network and which node serve %(address)s.") % {"address": site.label})
    for item in OrderItem.objects.filter(order=order).select_related("plan_version__plan"):
        if not catalog.is_sold_at(item.plan_version, site):
            return Fail(
                _("%(plan)s is not delivered over %(technology)s.")
                % {"plan": item.plan_version.title, "technology": site.technology}
            )
    return Done(
        {"technology": site.technology, "access_node": site.access_node},
        note=_("Served over %(technology)s from %(node)s.") % {"technology": site.technology, "node": site.access_node},
    )


def check_credit(context: TaskContext) -> Outcome:
    """Ask the credit bureau the realm has chosen. A no is final: a person decides."""
    with scoping.realm_transaction(context.realm_id, "task"):
        order = order_of(context)
        port = credit_port(context.realm_id)
    answer = port.check(
        full_name=order.contact_name,
        email=order.contact_email,
        address=order.site.label,
        key=context.idempotency_key,
    )
    if not answer.approved:
        return Fail(_("The credit check said no. %(reason)s") % {"reason": answer.reason})
    return Done({"reference": answer.reference}, note=_("The credit check said yes."))


HANDLERS = (
    TaskHandler(
        key="subscribers.verify_address",
        title=gettext_lazy("Verify the address"),
        run=verify_address,
        nothing_to_undo=True,
        inputs=(ORDER_ID,),
        outputs=(Characteristic("address", "text", "Address"),),
        local=True,
    ),
    TaskHandler(
        key="subscribers.qualify_site",
        title=gettext_lazy("Qualify the site"),
        run=qualify_site,
        nothing_to_undo=True,
        inputs=(ORDER_ID,),
        outputs=(
            Characteristic("technology", "text", "Technology"),
            Characteristic("access_node", "text", "Access node"),
        ),
        local=True,
    ),
    TaskHandler(
        key="subscribers.check_credit",
        title=gettext_lazy("Check credit"),
        run=check_credit,
        nothing_to_undo=True,
        inputs=(ORDER_ID,),
        outputs=(Characteristic("reference", "text", "Reference of the answer"),),
    ),
)
