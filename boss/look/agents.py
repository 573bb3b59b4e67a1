"""A browser in two words, from what it says of itself: enough to tell one's own devices apart, no more."""

from __future__ import annotations

from django.utils.translation import gettext as _

# The first that fits: others claim to be their ancestors as well.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def label(agent: str) -> str:
    """ "Firefox on Windows"; "Unknown browser" for what says nothing."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


def icon(agent: str) -> str:
    """Of the sprite: a phone or a desk."""
    return "device-mobile" if any(mark in agent for mark in ("iPhone", "iPad", "Android")) else "device-desktop"
