"""The rule beside length and the list of common passwords: no password made of the provider's or the person's words."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from boss.core import scoping
from boss.tenancy import selectors

# What people put before a year when a rule asks for twelve characters.
_EVERYBODYS = """
password passwort passphrase welcome letmein changeme default secret admin administrator root login qwerty qwertz asdf
zxcvbn iloveyou internet broadband network cable fibre fiber telephone television router modem service boss monday
tuesday wednesday thursday friday saturday sunday spring summer autumn winter january february march april june july
august september october november december
"""
_LEFT = 4
"""Letters that must remain when the words are taken out."""


class OwnWordsValidator:
    """Refuses what is left with hardly a letter when names of realm, brand, product and person are taken out.

    There is no rule about kinds of characters: length and being unguessable are what count (NIST SP 800-63B, 3.1.1.2).
    """

    def validate(self, password: str, user: Any = None) -> None:
        letters = re.sub(r"[^a-z]", "", password.lower().translate(str.maketrans("013457@$", "oleastas")))
        plain = re.sub(r"[^a-z]", "", password.lower())
        for word in sorted(self._words(user), key=len, reverse=True):
            letters, plain = letters.replace(word, ""), plain.replace(word, "")
        if min(len(set(letters)), len(set(plain))) < _LEFT and re.search(r"[a-z]", password.lower()):
            raise ValidationError(
                _("This is made of words a guesser tries first: the provider's, yours, or everybody's. Add others."),
                code="password_own_words",
            )
        if len(set(password)) < _LEFT:
            raise ValidationError(_("This repeats too few characters."), code="password_repeats")

    def get_help_text(self) -> str:
        return _("Not your name, the provider's name, or a word everybody would try.")

    def _words(self, user: Any) -> set[str]:
        texts = _EVERYBODYS.split()
        realm_id = scoping.default_realm_id()
        if realm_id is not None:
            realm, brand = selectors.get_realm(realm_id), selectors.get_brand(realm_id)
            texts += [realm.key, realm.name, realm.canonical_host.partition(":")[0], brand.name, brand.tagline]
        if user is not None:
            texts += [user.full_name, user.email.partition("@")[0]]
        found = {word for text in texts for word in re.split(r"[^a-z]+", text.lower())}
        found |= {re.sub(r"[^a-z]", "", text.lower()) for text in texts}
        return {word for word in found if len(word) >= 4}
