"""The use cases: each returns what it found as data, tells of its progress, and never prints."""
