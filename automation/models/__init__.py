from __future__ import annotations

from automation.models.endpoints import Endpoint, EndpointCall
from automation.models.scripts import Script, ScriptVersion

__all__ = ["Endpoint", "EndpointCall", "Script", "ScriptVersion"]
