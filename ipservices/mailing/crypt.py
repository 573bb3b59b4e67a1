"""SHA512-CRYPT (``$6$``), the hash every Dovecot and every directory on Linux can check.

The standard library's ``crypt`` leaves Python and passlib is not looked after any more, so the algorithm is written
out (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6) and tested against OpenSSL's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

ROUNDS = 5000
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MOST_BYTES = 512


def sha512_crypt(password: str, salt: str = "") -> str:
    """The hash of a password, with a fresh salt unless one is given."""
    salt = (salt or "".join(secrets.choice(_ALPHABET) for _place in range(16)))[:16]
    word, grain = password.encode(), salt.encode()
    if len(word) > _MOST_BYTES:
        raise ValueError("the password is too long")
    return f"$6${salt}${_encoded(_digest(word, grain))}"


def matches(password: str, hashed: str) -> bool:
    """Whether ``hashed`` is this password's. Hashes of other kinds never match."""
    parts = hashed.split("$")
    if len(parts) != 4 or parts[:2] != ["", "6"] or len(password.encode()) > _MOST_BYTES:
        return False
    return hmac.compare_digest(sha512_crypt(password, parts[2]), hashed)


def _digest(word: bytes, grain: bytes) -> bytes:
    second = hashlib.sha512(word + grain + word).digest()
    first = hashlib.sha512(word + grain + _stretched(second, len(word)))
    bits = len(word)
    while bits:
        first.update(second if bits & 1 else word)
        bits >>= 1
    made = first.digest()
    long_word = _stretched(hashlib.sha512(word * len(word)).digest(), len(word))
    long_grain = _stretched(hashlib.sha512(grain * (16 + made[0])).digest(), len(grain))
    for number in range(ROUNDS):
        step = hashlib.sha512(long_word if number & 1 else made)
        if number % 3:
            step.update(long_grain)
        if number % 7:
            step.update(long_word)
        step.update(made if number & 1 else long_word)
        made = step.digest()
    return made


def _stretched(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _encoded(made: bytes) -> str:
    """The crypt base 64: three bytes at a time in the order the specification lists."""
    found, first, second, third = "", 0, 21, 42
    for _group in range(21):
        found += _letters(made[first] << 16 | made[second] << 8 | made[third], 4)
        first, second, third = second + 1, third + 1, first + 1
    return found + _letters(made[63], 2)


def _letters(value: int, count: int) -> str:
    return "".join(_ALPHABET[value >> 6 * place & 0x3F] for place in range(count))
