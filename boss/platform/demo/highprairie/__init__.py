"""High Prairie Wireless, a second provider beside Tri-Lakes Cable: small, rural, and blind to everything next door."""
