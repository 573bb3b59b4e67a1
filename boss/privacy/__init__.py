"""What a provider holds of a person: a copy of it, and its erasure. Above all rooms, as it looks into each."""
