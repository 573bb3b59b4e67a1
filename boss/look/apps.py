from __future__ import annotations

from django.apps import AppConfig


class LookConfig(AppConfig):
    """What every page of BOSS looks like: tokens, brand colours, form fields, words for time and money."""

    name = "boss.look"
    label = "look"
