"""What every page of the portals must be: free of axe findings, of console errors and of sideways scrolling.

With ``BOSS_SCREENSHOTS`` set to a folder, every page is also photographed: phone and desktop, light and dark.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = (390, 844)
DESKTOP = (1280, 900)
WHOLE_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # Every rule is run; what it found in order is not described node by node, which is most of the answer.
    "resultTypes": ["violations"],
}


class Look:
    """Looks at the pages of one walk."""

    def __init__(self, page: Page, walk: str) -> None:
        self.page = page
        self.walk = walk
        self.errors: list[str] = []
        self.taken = 0
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if self._is_fault(line.text, line.type) else None)
        self.phone()

    @staticmethod
    def _is_fault(text: str, kind: str) -> bool:
        # A refused form answers 422; Chromium writes every such answer to the console.
        return kind == "error" and "status of 422" not in text

    def phone(self) -> None:
        self.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    def desktop(self) -> None:
        self.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})

    def at(self, name: str) -> None:
        """The page is settled: judge it on the phone and on the desktop, in light and in dark."""
        self.taken += 1
        for size, resize in (("desktop", self.desktop), ("phone", self.phone)):
            resize()
            for mode in ("dark", "light"):
                self.page.emulate_media(color_scheme=mode, reduced_motion="reduce")
                self._settle()
                self.photograph(f"{name}-{size}-{mode}")
                if size == "phone":
                    self._judge(f"{name}, {mode}")
            wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} scrolls sideways on a {size} by {wide} px"
        assert self.errors == [], f"{name}: {self.errors}"

    def judge(self, name: str) -> None:
        """The page as it is now, in its present size and mode."""
        self._settle()
        self._judge(name)
        assert self.errors == [], f"{name}: {self.errors}"

    def _settle(self) -> None:
        """Until nothing moves any more: colours glide when the mode changes."""
        self.page.evaluate(
            """async () => {
                await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
                await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)));
            }"""
        )

    def _judge(self, name: str) -> None:
        # Read by the browser once a page, half a megabyte, and not for each of its modes.
        there = self.page.evaluate("'axe' in window")
        found = Axe("true" if there else AXE_SCRIPT).run(self.page, options=WHOLE_RULES).response["violations"]
        told = [f"{item['id']}: {[node['html'][:120] for node in item['nodes']]}" for item in found]
        assert told == [], f"{name}: {told}"

    def photograph(self, name: str) -> None:
        folder = os.environ.get("BOSS_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            shot = Path(folder) / f"{self.walk}-{self.taken:02d}-{name}.png"
            self.page.screenshot(path=str(shot), full_page=True)
