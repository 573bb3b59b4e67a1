"""Documents as PDF: a letterhead, headings, sentences, pictures and tables on pages (ADR 0196). Knows no domain."""
