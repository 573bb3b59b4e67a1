"""The pages of self-help, one module per topic."""
