"""Verbs about personal data: copies and erasures."""
