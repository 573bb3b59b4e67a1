"""Refusals of this room that are not a server's own (those are in ``contracts``)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import NotFound, Problem, WrongState


class UnknownDriver(Problem):
    code = "ipservices.unknown_driver"
    title = _("There is no such driver.")


class NoBinding(Problem):
    """Nothing is configured that could provide a family."""

    code = "ipservices.no_binding"
    title = _("No server is set up for this kind of service.")


class NotPractice(Problem):
    """Faults can only be set on simulated servers."""

    code = "ipservices.not_practice"
    title = _("This is a real server; only simulated ones can be told to fail.")


class AddressPoolExhausted(Problem):
    code = "ipservices.address_pool_exhausted"
    status = 409
    title = _("No free address is left.")


class AddressTaken(Problem):
    code = "ipservices.address_taken"
    status = 409
    title = _("This address is already in use.")


class ClientTaken(Problem):
    """Two services claim one piece of equipment: a person has to look which of them it belongs to."""

    code = "ipservices.client_taken"
    status = 409
    title = _("This equipment is already in use for another service.")


class PrefixOverlaps(Problem):
    code = "ipservices.prefix_overlaps"
    status = 409
    title = _("This prefix overlaps another one.")


class NumbersExhausted(Problem):
    code = "ipservices.numbers_exhausted"
    status = 409
    title = _("No free telephone number is left.")


class NumberTaken(Problem):
    code = "ipservices.number_taken"
    status = 409
    title = _("This telephone number is not free.")


class PortingUnreachable(Problem):
    """The clearing house did not answer, or does not know the request. Ask again with the same key."""

    code = "ipservices.porting_unreachable"
    status = 503
    title = _("The clearing house for telephone numbers did not answer.")
    retryable = True


class NoPortFree(Problem):
    code = "ipservices.no_port_free"
    status = 409
    title = _("The access node has no free port.")


class NotDesigned(Problem):
    """A step was asked for before what it needs was there; a parallel task may be about to make it."""

    code = "ipservices.not_designed"
    status = 409
    title = _("Something this service needs is not there yet.")
    retryable = True


class NameTaken(Problem):
    """Another service of this provider already has the native name (a mailbox, a zone, a log-in)."""

    code = "ipservices.name_taken"
    status = 409
    title = _("This name is already in use.")


class OutcomeUnknown(Problem):
    """A server whose changes must not be repeated may or may not have made one: a person has to look."""

    code = "ipservices.outcome_unknown"
    status = 502
    title = _("It is not known whether the server did this, and asking again could do harm.")


class LevelsOutOfRange(Problem):
    """What the network reports of a service is not what was sold. Another measurement may differ."""

    code = "ipservices.levels_out_of_range"
    title = _("The service does not reach the levels it should.")
    retryable = True


class ServiceNotFound(NotFound):
    code = "ipservices.service_not_found"


class ServiceWrongState(WrongState):
    code = "ipservices.service_wrong_state"


class NothingToDo(WrongState):
    """What was asked cannot be done about this finding."""

    code = "ipservices.finding_not_resolvable"
    title = _("This cannot be done about it.")


class FindingChanged(Problem):
    """The server is not any more as it was when somebody decided what to do."""

    code = "ipservices.finding_changed"
    status = 409
    title = _("It is not any more as it was found. Compare again.")


class MoveRefused(Problem):
    """A service cannot be moved to another server; the reason is its text."""

    code = "ipservices.move_refused"
    status = 409
    title = _("The service cannot be moved.")


class ServiceChanging(Problem):
    """Somebody is changing the service; a moment later it may be moved."""

    code = "ipservices.service_changing"
    status = 409
    title = _("The service is being changed just now.")
    retryable = True


class MigrationWrongState(WrongState):
    code = "ipservices.migration_wrong_state"


class OutageNotFound(NotFound):
    code = "ipservices.outage_not_found"
    title = _("There is no such outage.")


class OutageIsOver(WrongState):
    code = "ipservices.outage_is_over"
    title = _("This outage is over.")


class OutageIsOpen(WrongState):
    """Its ticket ends with it, and it ends on its own page: whoever is concerned must be told."""

    code = "ipservices.outage_is_open"
    title = _("The outage is still open. Say on its page that service is back; this ticket then ends with it.")


class BadAnswerLink(NotFound):
    code = "ipservices.bad_answer_link"
    title = _("This link does not work.")


class AnswerTooLate(WrongState):
    code = "ipservices.answer_too_late"
    title = _("Answers to this question are not taken any more. If something does not work, please tell us.")
