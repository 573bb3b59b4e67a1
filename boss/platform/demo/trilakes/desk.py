"""Tri-Lakes Cable's ticket desk: talent pools and categories with their fields (``mission.md`` 5c)."""

from __future__ import annotations

from boss.core.schema import Characteristic as Field
from boss.platform.demo.shapes import CategorySeed
from ticketing.choices import CategoryKind, Priority

POOLS = (
    ("csr", "Customer service", "Calls, chats and visits; books install windows."),
    ("dispatch", "Dispatch", "Picks equipment and sends technicians."),
    ("field", "Field", "Installs, repairs and surveys on site."),
    ("noc", "Network operations", "Day and night: servers, nodes, order fallout."),
    ("billing", "Billing", "Credit, charges, disputes."),
    ("porting", "Number porting", "Brings telephone numbers in and lets them go."),
    ("manager", "Managers", "What nobody else may decide."),
)


def _choices(*labels: str) -> tuple[tuple[str, str], ...]:
    return tuple((label.lower().replace(" ", "_").replace("-", "_"), label) for label in labels)


SYMPTOMS = _choices(
    "No connection", "Slow", "Drops out", "Wi-Fi only", "One site only", "After a storm", "Something else"
)

CATEGORIES = (
    CategorySeed(
        "trouble-internet", "Trouble: Internet", "csr", reply_hours=0.5, resolve_hours=24, portal_visible=True,
        fields=(
            Field("symptom", "choice", "What happens", choices=SYMPTOMS),
            Field("modem_light", "choice", "Modem light", choices=_choices("Green", "Blinking", "Red", "Off")),
            Field("speed_test", "decimal", "Speed test", minimum=0, unit="Mbps"),
            Field("wired", "boolean", "By cable, not Wi-Fi"),
            Field("since", "datetime", "Since"),
        ),
    ),
    CategorySeed(
        "trouble-tv", "Trouble: TV", "csr", reply_hours=0.5, resolve_hours=24, portal_visible=True,
        fields=(
            Field("outlet", "integer", "Outlet", minimum=1, maximum=12),
            Field("channel", "text", "Channel", max_length=60),
            Field("error_code", "text", "Error code", max_length=20),
            Field("stb_serial", "text", "Set-top serial", max_length=40),
        ),
    ),
    CategorySeed(
        "trouble-voice", "Trouble: Voice", "noc", reply_hours=0.25, resolve_hours=8, portal_visible=True,
        priority=Priority.HIGH,
        fields=(
            Field("number", "phone", "Number"),
            Field("direction", "choice", "Direction", choices=_choices("Incoming", "Outgoing", "Both")),
            Field("emergency_affected", "boolean", "Emergency calls affected"),
        ),
    ),
    CategorySeed(
        "billing", "Billing question", "billing", reply_hours=4, resolve_hours=72, portal_visible=True,
        fields=(
            Field("invoice", "text", "Invoice", max_length=40),
            Field("disputed", "decimal", "Amount disputed", minimum=0, unit="USD"),
            Field("reason", "text", "Reason", max_length=200),
            Field("credit", "decimal", "Credit given", minimum=0, unit="USD", staff_only=True),
        ),
    ),
    CategorySeed(
        "port", "Number port", "porting", CategoryKind.WORK, 24, 288,
        fields=(
            Field("losing_carrier", "text", "Losing carrier", max_length=80),
            Field("account_number", "text", "Account number there", max_length=40),
            Field("foc_date", "date", "Agreed date"),
            Field("reject_code", "text", "Reject code", max_length=20),
        ),
    ),
    CategorySeed("workflow-fallout", "Order fallout", "noc", CategoryKind.FALLOUT, 0.5, 4, priority=Priority.HIGH),
    CategorySeed("workflow-work", "Workflow task", "csr", CategoryKind.WORK),
    CategorySeed(
        "outage", "Outage", "noc", CategoryKind.INCIDENT, 1 / 6, 4, priority=Priority.CRITICAL,
        fields=(
            Field("nodes", "text", "Nodes", max_length=200),
            Field("cause", "text", "Cause", max_length=200),
            Field("restored_by", "datetime", "Restored by"),
        ),
    ),
    CategorySeed(
        "field-job", "Field job", "field", CategoryKind.WORK,
        fields=(
            Field("visit", "choice", "Visit", choices=_choices("Install", "Repair", "Survey", "Recover equipment")),
            Field("rx_dbm", "decimal", "Receive level", minimum=-40, maximum=40, unit="dBm"),
            Field("snr_db", "decimal", "Upstream SNR", minimum=0, maximum=60, unit="dB"),
        ),
    ),
    CategorySeed(
        "lead", "Lead", "csr", CategoryKind.LEAD, 24, portal_visible=True,
        fields=(
            Field("source", "text", "Source", max_length=60, staff_only=True),
            Field("value", "decimal", "Value", minimum=0, unit="USD", staff_only=True),
        ),
    ),
    CategorySeed("office", "Office", "manager", CategoryKind.OFFICE),
    CategorySeed(
        "idea", "Product idea", "manager", CategoryKind.OFFICE,
        fields=(Field("component", "text", "Component", max_length=60),),
    ),
)  # fmt: skip
