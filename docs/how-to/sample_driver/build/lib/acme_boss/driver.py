"""Acme Drop: data services as JSON files in a directory. The whole of a driver outside BOSS's own tree."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from boss.core.schema import Characteristic
from ipservices.contracts import (
    TRIAL_REF,
    AuthFailed,
    Capabilities,
    Conflict,
    Desired,
    Driver,
    DriverError,
    Health,
    Held,
    Invalid,
    Observed,
    Restriction,
    Safety,
    Unreachable,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


class AcmeDropDriver(Driver):
    key = "acme_drop"
    title = "Acme Drop"
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("directory", label="Directory", required=True, max_length=300),
    )
    secrets: ClassVar[tuple[Characteristic, ...]] = (Characteristic("key", "secret", label="Key", required=True),)

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"data.service"}),
            restrictions=frozenset({Restriction.NONE, Restriction.BLOCKED}),
            safety=Safety.IDEMPOTENT,
        )

    def validate(self, desired: Desired) -> None:
        if desired.full_kind != "data.service":
            raise Invalid(f"Acme Drop does not provide {desired.full_kind}")
        if not _NAME.fullmatch(desired.name):
            raise Invalid("the name of a file is needed", fields={"name": ["letters, digits, dots and hyphens"]})

    def lock_key(self, desired: Desired) -> str:
        return f"file:{desired.name}"

    # Changes

    def apply(self, desired: Desired, *, key: str) -> None:
        self._owned(desired)
        content = {
            "ref": desired.service_ref,
            "values": dict(desired.attributes),
            "open": desired.restriction is Restriction.NONE,
            "off": sorted(desired.switched_off),
        }
        started = time.monotonic()
        # Written beside its place and renamed: the product never reads half a file.
        with tempfile.NamedTemporaryFile("w", dir=self._directory(), suffix=".new", delete=False) as fresh:
            json.dump(content, fresh)
        os.replace(fresh.name, self._path(desired.name))
        self.note({"write": f"{desired.name}.json", "content": content}, {"status": "ok"}, started)

    def remove(self, desired: Desired, *, key: str) -> None:
        self._owned(desired)
        started = time.monotonic()
        self._path(desired.name).unlink(missing_ok=True)
        self.note({"delete": f"{desired.name}.json"}, {"status": "ok"}, started)

    # Reads

    def observe(self, desired: Desired) -> Observed | None:
        found = self._read(desired.name)
        if found is None:
            return None
        return Observed(
            service_ref=found["ref"],
            family="data",
            kind="service",
            name=desired.name,
            attributes=found["values"],
            restriction=Restriction.NONE if found["open"] else Restriction.BLOCKED,
            switched_off=frozenset(found["off"]),
        )

    def list_all(self) -> Iterable[Held]:
        for path in sorted(self._directory().glob("*.json")):
            found = self._read(path.stem)
            if found is not None:
                yield Held(found["ref"], "service", path.stem)

    def health(self) -> Health:
        try:
            serves = (self._directory() / "serving").exists()
        except DriverError as error:
            return Health(False, False, str(error) or "no directory")
        return Health(True, serves, "" if serves else "the product does not say that it serves")

    # For trying it on somebody's own server

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        return Desired(TRIAL_REF, "data", "service", "boss-trial", {"values": {"number": number}})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        found = self._read(desired.name)
        return found is not None and found["open"] and "service" not in found["off"]

    # The files

    def _directory(self) -> Path:
        """The directory, if the operator of the platform allows it and the key is right."""
        directory = Path(str(self.connection.settings["directory"])).resolve()
        allowed = [Path(each).resolve() for each in self.connection.directories]
        if not any(directory.is_relative_to(each) for each in allowed):
            raise Invalid(f"{directory} is not allowed here; the platform operator can allow it")
        try:
            right = (directory / "key").read_text().strip()
        except OSError as error:
            raise Unreachable(f"the directory cannot be read: {error.strerror}") from error
        if self.connection.secrets.get("key") != right:
            raise AuthFailed("the key is wrong")
        return directory

    def _path(self, name: str) -> Path:
        return self._directory() / f"{name}.json"

    def _read(self, name: str) -> Mapping[str, Any] | None:
        started = time.monotonic()
        try:
            found: dict[str, Any] = json.loads(self._path(name).read_text())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise Unreachable(f"{name}.json is no JSON") from error
        self.note({"read": f"{name}.json"}, found, started)
        return found

    def _owned(self, desired: Desired) -> None:
        found = self._read(desired.name)
        if found is not None and found["ref"] != desired.service_ref:
            raise Conflict(f"{desired.name} belongs to {found['ref']}", name=desired.name)
