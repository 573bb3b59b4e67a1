"""Mailboxes in neutral words, and the password hash mail servers and directories check."""

from __future__ import annotations

import subprocess

import pytest

from ipservices.contracts import Restriction
from ipservices.mailing import crypt, mailboxes


@pytest.mark.parametrize("password", ["a", "hello world", "ünïcödé", "x" * 63, "y" * 64, "z" * 65, "w" * 200])
def test_the_hash_is_the_one_openssl_makes(password: str) -> None:
    hashed = crypt.sha512_crypt(password)
    salt = hashed.split("$")[2]

    made = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", salt, "-stdin"], input=password, capture_output=True, text=True, check=True
    )

    assert made.stdout.strip() == hashed
    assert crypt.matches(password, hashed)
    assert not crypt.matches(password + "x", hashed)


@pytest.mark.parametrize("stored", ["", "!", "{CRYPT}x", "$5$salt$x", "$6$salt$", "$6$rounds=9$salt$x"])
def test_no_password_fits_what_is_no_hash_of_this_kind(stored: str) -> None:
    assert not crypt.matches("", stored)
    assert not crypt.matches("x", stored)


@pytest.mark.parametrize(
    "text", ["", "maria", "@x.example", "maria@", "maria@example", "a b@x.example", "a'b@x.example", "a%u@x.example",
             "a*b@x.example", "a..b@x.example", ".a@x.example", "a.@x.example", "a+b@x.example", "ä@x.example",
             "a@x..example", "a@-x.example", "a\n@x.example", "a@x.example\n", "a@b@x.example", "\u212a@x.example"],
)  # fmt: skip
def test_what_could_mean_something_else_to_a_server_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        mailboxes.address(text)


def test_addresses_are_kept_in_lower_case() -> None:
    assert mailboxes.address("Maria.Ortiz-2@Mail.Example") == "maria.ortiz-2@mail.example"


@pytest.mark.parametrize(
    ("restriction", "left"),
    [
        (Restriction.NONE, {"imap", "pop", "submit", "deliver"}),
        (Restriction.OUTGOING_BARRED, {"imap", "pop", "deliver"}),
        (Restriction.WALLED, {"deliver"}),
        (Restriction.BLOCKED, set()),
    ],
)
def test_open_is_what_neither_the_operator_nor_the_owner_has_shut(restriction: Restriction, left: set[str]) -> None:
    assert mailboxes.open_doors(restriction, ()) == left
    assert mailboxes.open_doors(restriction, {"imap", "deliver"}) == left - {"imap", "deliver"}
