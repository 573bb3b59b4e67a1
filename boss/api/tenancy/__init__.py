"""The ground's resources on the API: sites, organizations, people, API keys."""
