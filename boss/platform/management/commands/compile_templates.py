"""`manage.py compile_templates`: load every template of the house once, so that a syntax error is found here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.template import TemplateSyntaxError, engines

from boss.platform.addresses import ROOT


class Command(BaseCommand):
    """Compiles the templates in `templates/` and in the rooms' own folders, not those of installed packages."""

    help = "Compile every template; fail on the first lot of errors."

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile all and list what does not."""
        faults = []
        count = 0
        for directory in self.directories():
            for path in sorted(directory.rglob("*")):
                if path.is_file():
                    count += 1
                    try:
                        engines["django"].from_string(path.read_text())
                    except (TemplateSyntaxError, UnicodeDecodeError) as trouble:
                        faults.append(f"{path.relative_to(ROOT)}: {trouble}")
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(f"{count} templates compile")

    def directories(self) -> list[Path]:
        """The template folders inside the checkout."""
        found = [ROOT / "templates"]
        found += [Path(config.path) / "templates" for config in apps.get_app_configs()]
        return [path for path in found if path.is_dir() and path.is_relative_to(ROOT) and ".venv" not in path.parts]
