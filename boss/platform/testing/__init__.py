"""What `manage.py test` runs on: throw-away servers, a migrated template, a database for each test that wants one."""
