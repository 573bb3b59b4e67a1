"""What automation rules are made of: what sets them off, what they ask of a ticket, what is kept of them."""
