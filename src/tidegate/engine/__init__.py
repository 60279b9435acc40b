"""The loop that observes, decides, records and acts, and the journal that it records in."""
