from __future__ import annotations

from boss.automation.models.endpoints import Endpoint, EndpointCall
from boss.automation.models.scripts import Script, ScriptVersion

__all__ = ["Endpoint", "EndpointCall", "Script", "ScriptVersion"]
