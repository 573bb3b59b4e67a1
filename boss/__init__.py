"""BOSS: a back office for broadband service providers.

Deliberately empty: `manage.py` imports `boss.platform.bootstrap` from here before anything is installed.
The Celery application is loaded by `boss.platform.apps`.
"""
