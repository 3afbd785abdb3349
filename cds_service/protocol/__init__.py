"""CDS Hooks itself: requests, discovery, cards, feedback. Knows no medicine and no FHIR beyond raw JSON."""
