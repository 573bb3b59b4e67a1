"""Tri-Lakes Cable, the demo provider (``mission.md`` section 5): a town cable company with some fibre."""
