"""Outages: opened, told of, joined, left, ended, answered."""

from __future__ import annotations

from ipservices.services.outages.answering import answer, get_asked
from ipservices.services.outages.ending import call_off, restore
from ipservices.services.outages.joining import add_account, add_ticket, ask_to_be_told
from ipservices.services.outages.leaving import take_out_account, take_out_ticket
from ipservices.services.outages.opening import open
from ipservices.services.outages.telling import update

__all__ = [
    "add_account",
    "add_ticket",
    "answer",
    "ask_to_be_told",
    "call_off",
    "get_asked",
    "open",
    "restore",
    "take_out_account",
    "take_out_ticket",
    "update",
]
