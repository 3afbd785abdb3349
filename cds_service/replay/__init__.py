"""What would have fired: the service's decision over a FHIR Bulk Data export, before anybody sees a card."""
