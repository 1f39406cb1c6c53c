"""Reports: what the use cases found, as text for people, as JSON and as JUnit XML for programs."""
