"""Words of this room that are stored."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ServiceState(models.TextChoices):
    """TM Forum's service states (TMF638), in its spelling."""

    DESIGNED = "designed", _("Planned")
    RESERVED = "reserved", _("Reserved")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    TERMINATED = "terminated", _("Ended")


class RestrictionLevel(models.TextChoices):
    """How much of a service is shut; the values are those of ``contracts.Restriction``."""

    NONE = "none", _("Open")
    OUTGOING_BARRED = "outgoing_barred", _("Outgoing barred")
    WALLED = "walled", _("Walled garden")
    BLOCKED = "blocked", _("Blocked")


class AskedChange(models.TextChoices):
    """What a person or program asked for that a worker has yet to do at the server."""

    ACTIVATE = "activate", _("Set up")
    REMOVE = "remove", _("Remove")


class CallOutcome(models.TextChoices):
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Unknown")


class NumberState(models.TextChoices):
    AVAILABLE = "available", _("Free")
    RESERVED = "reserved", _("Reserved")
    ASSIGNED = "assigned", _("In use")
    PORTING_IN = "porting_in", _("Being brought along")
    LEFT = "left", _("Given back")
    QUARANTINED = "quarantined", _("Resting")


class PortState(models.TextChoices):
    """Where a request for another provider's number stands; ``confirmed``: it has a firm day (FOC)."""

    ASKED = "asked", _("To be sent")
    SUBMITTED = "submitted", _("Sent")
    REJECTED = "rejected", _("Rejected")
    CONFIRMED = "confirmed", _("Confirmed")
    COMPLETED = "completed", _("The number has come")
    CANCELLED = "cancelled", _("Cancelled")


class HoldState(models.TextChoices):
    HELD = "held", _("Held")
    RELEASED = "released", _("Released")


class AddressKind(models.TextChoices):
    """What one unit of a prefix is handed out as."""

    ADDRESS = "address", _("Address")
    BLOCK = "block", _("Block of addresses")
    DELEGATION = "delegation", _("Delegated prefix")


class Placement(models.TextChoices):
    """Whose machine a server is on; it decides nothing by itself and tells people where to look."""

    ON_SITE = "on_site", _("On site")
    HOSTED = "hosted", _("Hosted")
    THIRD_PARTY = "third_party", _("Third party")


class ComparisonStage(models.TextChoices):
    """How far a comparison is, in this order."""

    HELD = "held", _("What the server holds")
    SERVICES = "services", _("Services in use")
    SOLD = "sold", _("What is sold")
    OVER = "over", _("Over")


class FindingKind(models.TextChoices):
    """In what server, inventory and what is sold do not agree."""

    DRIFT = "drift", _("Differs")
    ORPHAN = "orphan", _("Left over")
    MISSING = "missing", _("Missing")
    UNSOLD = "unsold", _("Not sold any more")
    UNPLANNED = "unplanned", _("Sold, not set up")
    OUTDATED = "outdated", _("Not as sold")


class FindingResolution(models.TextChoices):
    GONE = "gone", _("Gone by itself")
    REPAIRED = "repaired", _("Repaired")
    ADOPTED = "adopted", _("Adopted")
    PUT_BACK = "put_back", _("Put back as it was")


class FindingWay(models.TextChoices):
    """What a run does about a finding."""

    REPAIR = "repair", _("Repair")
    ADOPT = "adopt", _("Adopt")
    PUT_BACK = "put_back", _("Put back")


class MigrationState(models.TextChoices):
    """Where a migration stands. ``ready``: it is known what it would do, and somebody has to say so."""

    CHECKING = "checking", _("Being looked at")
    READY = "ready", _("Ready to start")
    RUNNING = "running", _("Under way")
    PAUSED = "paused", _("Paused")
    OVER = "over", _("Over")


class MoveState(models.TextChoices):
    """Where the move of one service stands."""

    PENDING = "pending", _("To be looked at")
    READY = "ready", _("Can be moved")
    REFUSED = "refused", _("Cannot be moved")
    MOVING = "moving", _("Being moved")
    DONE = "done", _("Moved")
    FAILED = "failed", _("Failed")
    RETURNING = "returning", _("Being rolled back")
    RETURNED = "returned", _("Rolled back")


class MoveStep(models.IntegerChoices):
    """What of a move has been done, each written before the next is begun."""

    NOTHING = 0, _("Nothing done")
    KEPT = 1, _("What the old server held is kept")
    SWITCHED = 2, _("Set up at the new server, and the service is there")
    REMOVED = 3, _("Taken off the old server")
    BACK = 4, _("Put back at the old server, and the service is there")
    CARRIED = 5, _("Shut at both servers, and all that is in it is copied to the new one")


class OutageScopeKind(models.TextChoices):
    """What of the network, or of the map, is out."""

    NODE = "node", _("Access node")
    SITE = "site", _("Address")
    ORGANIZATION = "organization", _("Building or organization")
    POSTAL_CODE = "postal_code", _("Postal code")
    CITY = "city", _("Town")
    SERVER = "server", _("Server")


class OutageUpdateKind(models.TextChoices):
    OPENED = "opened", _("Outage announced")
    NEWS = "news", _("News")
    OVER = "over", _("Service is back")
    FALSE = "false", _("It was none")


class CameBy(models.TextChoices):
    """How an account came to belong to an outage."""

    SCOPE = "scope", _("Lies in what is out")
    TICKET = "ticket", _("By a ticket")
    ACCOUNT = "account", _("By hand")
    PORTAL = "portal", _("Asked to be told")


class NoticeState(models.TextChoices):
    TOLD = "told", _("Told")
    NO_ADDRESS = "no_address", _("No address")
    FAILED = "failed", _("Could not be written to")


class BackAnswer(models.TextChoices):
    """What somebody said to "is your service back?"."""

    YES = "yes", _("Back")
    NO = "no", _("Not back")
    NONE = "none", _("No answer in time")
