"""The API's root: who asks, how often, what there is, and the reads that cross the rooms."""
