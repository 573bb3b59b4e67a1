from __future__ import annotations

from boss.core.api.routes import Route
from ticketing.api import attachments, costs, desk, lists, mail, mail_limits, policies, pools, reports, time, views

routes = [
    Route("tickets", views.TicketViewSet),
    Route("attachments", attachments.AttachmentViewSet),
    Route("file-limits", attachments.FileLimitsViewSet),
    Route("views", lists.SavedViewViewSet),
    Route("bulks", lists.TicketBulkViewSet),
    Route("categories", views.CategoryViewSet),
    Route("time-entries", time.TimeEntryViewSet),
    Route("cost-rates", costs.CostRateViewSet),
    Route("policies", policies.PolicyViewSet),
    Route("pools", pools.TalentPoolViewSet),
    Route("presence", pools.StaffPresenceViewSet),
    Route("skills", pools.SkillViewSet),
    Route("needs", pools.CategoryNeedViewSet),
    Route("snippets", desk.SnippetViewSet),
    Route("macros", desk.MacroViewSet),
    Route("text-drafts", desk.TextDraftViewSet),
    Route("checklist-items", desk.ChecklistItemViewSet),
    Route("participants", mail.ParticipantViewSet),
    Route("mailboxes", mail.MailboxViewSet),
    Route("mail-limits", mail_limits.MailLimitsViewSet),
    Route("inbound-mails", mail.InboundMailViewSet),
    Route("mail-texts", mail.MailTextViewSet),
    Route("reports", reports.ReportViewSet),
    Route("saved-reports", reports.SavedReportViewSet),
]
