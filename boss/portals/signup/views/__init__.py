"""The pages of sign-up, one module per topic. All are public: a visitor has no account yet."""
