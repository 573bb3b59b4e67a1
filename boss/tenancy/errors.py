from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem


class UnknownHost(Problem):
    code = "tenancy.unknown_host"
    status = 421
    title = _("No provider answers to this address.")


class EmailTaken(Problem):
    code = "tenancy.email_taken"
    status = 409
    title = _("Somebody already signs in with this e-mail address.")


class SiteExists(Problem):
    code = "tenancy.site_exists"
    status = 409
    title = _("There is already a site at this address.")


class BadInvitation(Problem):
    code = "tenancy.bad_invitation"
    status = 410
    title = _("This link has been used or is too old. Ask for a new one.")


class WeakPassword(Problem):
    code = "tenancy.weak_password"
    title = _("Please choose another password.")


class SignInPaused(Problem):
    code = "tenancy.sign_in_paused"
    status = 429
    title = _("Too many attempts. Please wait a quarter of an hour and try again.")


class GrantExceedsOwn(Problem):
    code = "tenancy.grant_exceeds_own"
    status = 403
    title = _("You cannot give a right that you do not hold yourself, nor on more than you hold it on.")


class StaffOnlyRole(Problem):
    code = "tenancy.staff_only_role"
    title = _("Only staff can have a role on the whole realm.")


class HoldsMore(Problem):
    code = "tenancy.holds_more"
    status = 403
    title = _("This person has rights that you do not have, so you cannot change how he signs in.")


class NotOfOrganization(Problem):
    code = "tenancy.not_of_organization"
    status = 403
    title = _("You can give only roles meant for organizations, to people of your organization.")


class RoleIsBuiltIn(Problem):
    code = "tenancy.role_is_built_in"
    status = 409
    title = _("Built-in roles cannot be changed. Make a role of your own instead.")


class RoleInUse(Problem):
    code = "tenancy.role_in_use"
    status = 409
    title = _("Somebody still has this role, or a key acts with it. Take it away first.")


class NotYourself(Problem):
    code = "tenancy.not_yourself"
    status = 409
    title = _("You cannot do this to yourself. Ask a colleague.")


class CannotActAs(Problem):
    code = "tenancy.cannot_act_as"
    status = 409
    title = _("Only an active subscriber's view can be opened.")


class KeyHasEnded(Problem):
    code = "tenancy.key_has_ended"
    status = 409
    title = _("This key has ended. Make a new one.")


class AlreadySignsIn(Problem):
    code = "tenancy.already_signs_in"
    status = 409
    title = _("This person has a password, or is not active. Whoever forgot it asks for a link at the sign-in page.")


class WrongCode(Problem):
    code = "tenancy.wrong_code"
    title = _("This code is not right or was used already. Please type the newest one.")


class BadPasskey(Problem):
    code = "tenancy.bad_passkey"
    title = _("This passkey could not be used here. Please try again, or choose another way.")


class SecondFactorNeeded(Problem):
    code = "tenancy.second_factor_needed"
    status = 403
    title = _("Your role needs a second step at sign-in. Please set one up, or confirm it, on a page first.")


class ReauthenticationNeeded(Problem):
    code = "tenancy.reauthentication_needed"
    status = 403
    title = _("Please confirm first that it is you: the last proof is more than ten minutes old.")


class ProviderRefused(Problem):
    """The realm's sign-in provider gave no answer, or none that can be believed. ``reason`` is for administrators,
    ``declined`` says that the person himself said no there."""

    code = "tenancy.provider_refused"
    status = 502
    title = _("Signing in there did not work. Please try again, or sign in with your password.")


class NobodyKnown(Problem):
    code = "tenancy.nobody_known"
    status = 403
    title = _("You are signed in there, but nobody here is connected with that account. Ask your administrator.")


class IdentityTaken(Problem):
    code = "tenancy.identity_taken"
    status = 409
    title = _("That account is connected with somebody already.")


class SignInElsewhere(Problem):
    code = "tenancy.sign_in_elsewhere"
    status = 403
    title = _("Your company lets you sign in through its own sign-in only. Use the button for it.")
