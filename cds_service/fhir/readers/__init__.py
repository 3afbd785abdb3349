"""FHIR resources into a case: one module per resource type, each tolerant, none knowing a rule."""

from cds_service.fhir.readers.case import Reading, read_case
from cds_service.fhir.readers.context import ReadingRules
from cds_service.fhir.readers.reports import ReportOutcome, ReportReading

__all__ = ["Reading", "ReadingRules", "ReportOutcome", "ReportReading", "read_case"]
