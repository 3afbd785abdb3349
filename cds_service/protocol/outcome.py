"""Errors as FHIR OperationOutcome (CDS Hooks requirement 70)."""

from __future__ import annotations

from typing import Any


def operation_outcome(code: str, message: str = "", *, at: str = "", error_id: str = "") -> dict[str, Any]:
    """Return an OperationOutcome (FHIR R4) with one issue.

    Args:
        code: FHIR issue type, such as ``invalid``.
        message: what is wrong and what to do; never a value of the request. Without one nothing is said.
        at: path of the field, such as ``context.patientId``.
        error_id: the id under which the log has this error.
    """
    issue: dict[str, Any] = {"severity": "error", "code": code}
    if message:
        issue["details"] = {"text": message}
    if at:
        issue["expression"] = [at]
    if error_id:
        issue["diagnostics"] = f"error id {error_id}"
    return {"resourceType": "OperationOutcome", "issue": [issue]}
