"""What a provider's own customers see: signing up, and helping themselves. Surfaces only: no models, no rules."""
