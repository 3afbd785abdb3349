"""What the service is for, for whom, and what is known to be beyond it."""

from __future__ import annotations

PURPOSE = (
    "Tells a clinician what increased marrow signal that an MRI report describes may be due to, how urgent that is,"
    " what would settle it, and what in a draft order does not fit. It is decision support, not a diagnosis."
)
USERS = (
    "Clinicians who open an MRI report, look into a chart or sign an order, and can judge each recommendation by the"
    " findings and the source that stand beside it. It is not for patients."
)
POPULATION = (
    "Patients with a report or coded findings of an MRI of bones or joints. No rule was derived from, or tested on,"
    " patients' records: how well the cards do in a population is not known."
)
LIMITS = (
    "It reads reports and coded findings, never images or signals.",
    "It does not replace the call of a radiologist, and is no alarm: do not wait for a card where minutes count.",
    "The rules were checked by tests on invented records only. Validate them locally before use.",
    "What is not reported stays unknown and never counts as absent; a missing card therefore excludes nothing.",
    "Reports are read in English only; one in another language, or that cannot be read, is named on the card.",
    "Report text is read by rules that can err; each finding is shown with the words it was read in.",
    "The likelihood of a cause in this patient is not worked out in figures; figures are those of the source.",
    "Doses, contraindications and interactions are not checked beyond what a rule names.",
)
"""Known limits, besides those that follow from the rules themselves."""
