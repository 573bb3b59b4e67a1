"""Harmless objects of every kind, for trying a simulated server."""

from __future__ import annotations

from typing import Any

# For each kind: name, attributes, and a change of them.
SAMPLES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "access.account": ("a-10001", {"login": "a-10001", "down_mbps": 300, "up_mbps": 20}, {"down_mbps": 600}),
    "ip.assignment": ("203.0.113.7", {"address": "203.0.113.7", "address_kind": "address"}, {"hostname": "a"}),
    "dns.zone": ("maria.example", {"rrsets": []}, {"nameservers": ["ns9.maria.example"]}),
    "dns.host": ("a-1.subs.example", {"zone": "subs.example", "addresses": ["203.0.113.7"]}, {"ttl": 60}),
    "dns.ptr": ("203.0.113.7", {"address": "203.0.113.7", "host_name": "a-1.subs.example"}, {"ttl": 60}),
    "mail.mailbox": ("maria@t.example", {"address": "maria@t.example", "quota_mb": 2048}, {"quota_mb": 4096}),
    "voip.line": ("+15550100", {"number": "+15550100", "channels": 2}, {"voicemail": True}),
    "e911.record": ("+15550100", {"number": "+15550100", "civic_address": "1 Elm St"}, {"civic_address": "2 Elm St"}),
    "iptv.entitlement": ("a-10001", {"subscriber": "a-10001", "packages": ["choice"]}, {"packages": ["choice", "hd"]}),
    "cpe.device": ("a-10001-router", {"device_kind": "router", "mac": ""}, {"mac": "00:11:22:aa:bb:cc"}),
    "web.site": ("maria.example", {"names": ["maria.example"]}, {"quota_mb": 100}),
    "file.account": ("a-10001", {"login": "a-10001", "quota_mb": 100}, {"quota_mb": 200}),
    "data.service": ("a-10001-alarm", {"values": {"panel": "x"}}, {"values": {"panel": "y"}}),
}
