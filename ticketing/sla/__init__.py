"""Promises about time: what a clock of a ticket is, when it is due, and why. Pure: no table, no clock of its own."""
