"""The owner portal: an organization's buildings, the tickets shared with it, and its people."""
