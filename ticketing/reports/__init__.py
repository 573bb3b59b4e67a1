"""Reports about tickets: questions about a period, answered in numbers of which each opens its own tickets."""
