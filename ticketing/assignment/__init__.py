"""Who gets a ticket: values in, a choice and its reasons out. Nothing here reads a table or the clock."""
