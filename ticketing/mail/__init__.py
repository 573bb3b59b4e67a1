"""What a mail says and means: pure functions, no database and no network but a resolver that is handed in."""
