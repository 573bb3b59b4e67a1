"""The embedded platform: bundled PostgreSQL and Valkey, `manage.py up`, `manage.py test`, demo realms."""
