"""Rule E5: whether a mail asks for a change of account, plan, contact or payment data.

Read by words, sentence by sentence: a verb of changing, then something of the customer's own. It decides nothing but
whether somebody is told where to do it himself, so a mistake costs him one mail, or a colleague a sentence.
"""

from __future__ import annotations

import re

from django.db import models
from django.utils.translation import gettext_lazy as _


class Wish(models.TextChoices):
    """What is to be changed; the labels stand in "You ask us to change …"."""

    CONTACT = "contact", _("your contact details")
    PAYMENT = "payment", _("how you pay")
    PLAN = "plan", _("your plan or contract")
    ACCOUNT = "account", _("your account or how you sign in")


MOST_READ = 10_000
"""Characters of a mail. Who asks for something says so before."""
_MOST_BETWEEN = 120

_VERBS = {
    "en": r"change|update|switch|upgrade|downgrade|cancel|terminate|replace|correct|amend|remove|delete|reset|renew"
    r"|transfer|close",
    "de": r"ändern?|ändert|wechseln?|aktualisieren?|kündigen?|kündige|ersetzen?|löschen?|umstellen|zurücksetzen",
    "es": r"cambiar|cambie|cambien|actualizar|actualice|cancelar|cancele|modificar|modifique|dar de baja|corregir",
}
_OWN = {
    "en": r"my|our",
    "de": r"meine[nmrs]?|mein|unsere[nmrs]?|unser",
    "es": r"mi|mis|nuestr[ao]s?",
}
_THINGS: dict[Wish, str] = {
    # Before the contact details: a billing address is one of them, a bank's account none of the customer's.
    Wish.PAYMENT: r"(?:credit|debit|bank)\s?cards?|cards?\b(?! reader)|bank(?:ing)?[\s-](?:account|details|data)|iban"
    r"|payment[\s-](?:method|details|data|information)|direct debit|auto-?pay"
    r"|bankverbindung|kreditkarte|kontonummer|bankkonto|zahlungs(?:art|weise|daten)|lastschrift"
    r"|tarjeta|cuenta bancaria|forma de pago|método de pago|domiciliación",
    Wish.CONTACT: r"e-?mail(?:[\s-]address)?|(?:tele)?phone(?:[\s-]number)?|mobile(?:[\s-]number)?|cell(?:[\s-]?phone)?"
    r"|(?:postal|mailing|billing|home|street|contact)[\s-]address|address|contact (?:details|data|information|person)"
    r"|e-?mail-?adresse|telefonnummer|handynummer|mobilnummer|rufnummer|anschrift|adresse|kontaktdaten"
    r"|correo(?: electrónico)?|(?:número de )?teléfono|móvil|dirección|datos de contacto",
    Wish.PLAN: r"(?:\w+\s)?(?:plan|tariff|package|bundle|subscription|contract)"
    r"|tarif|vertrag|paket|abonnement|abo|plan|contrato|suscripción|tarifa|paquete",
    Wish.ACCOUNT: r"(?<!bank[\s-])account(?:[\s-](?:name|holder|owner|details|data|pin))?|password|pin|log-?in|sign-?in"
    r"|name on (?:the|my) (?:account|bill)|passwort|kennwort|kundenkonto|kontoinhaber"
    r"|contraseña|cuenta(?! bancaria)|titular",
}
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_QUOTED = re.compile(
    r"^(?:>.*|On .{0,200}wrote:|Am .{0,200}schrieb.{0,200}:|El .{0,200}escribió:|-{2,} ?Original.*|_{10,})$",
    re.IGNORECASE | re.MULTILINE,
)
_ASKS = [
    (
        wish,
        re.compile(
            rf"\b(?:{_VERBS[language]})\b[^\n]{{0,{_MOST_BETWEEN}}}?\b(?:{_OWN[language]})\s+(?:\w+\s+){{0,2}}?"
            rf"(?:{things})\b",
            re.IGNORECASE,
        ),
    )
    for wish, things in _THINGS.items()
    for language in _VERBS
]
_MOVES = [
    (
        Wish.PLAN,
        re.compile(
            r"\b(?:upgrade|downgrade|switch|change|cancel|terminate)\b[^\n]{0,40}?\b(?:plan|tariff|package|contract)\b",
            re.IGNORECASE,
        ),
    )
]
_IS_NEW = [
    (wish, re.compile(rf"\bmy new (?:{things})\b[^\n]{{0,40}}?\b(?:is|will be)\b", re.IGNORECASE))
    for wish, things in _THINGS.items()
    if wish in (Wish.CONTACT, Wish.PAYMENT)
]
_MAY_ASK = re.compile(rf"\b(?:{'|'.join(_VERBS.values())}|my new)\b", re.IGNORECASE)


def of(subject: str, text: str) -> list[Wish]:
    """What the writer himself asks to have changed, each once. What he quotes is not read."""
    own = _QUOTED.split(text[:MOST_READ], maxsplit=1)[0]
    sentences = [" ".join(each.split()) for each in (subject, *_SENTENCES.split(own)) if _MAY_ASK.search(each)]
    found = {
        wish: None
        for sentence in sentences
        for wish, pattern in (*_ASKS, *_MOVES, *_IS_NEW)
        if pattern.search(sentence)
    }  # fmt: skip
    return [wish for wish in Wish if wish in found]
