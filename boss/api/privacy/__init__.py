"""Copies of personal data and erasures on the API."""
