"""Judgement where the source document is silent: every default of decision table 3.10.6, with its reason.

A site may change these; nothing else in ``knowledge`` is meant to be changed by configuration.
"""

from __future__ import annotations

from cds_service.model.condition import Setting

MIDDLE_AGE_FROM = Setting(
    "middle_age_from",
    45,
    "The source says 'middle-aged to elderly' without a number; 45-64 is the usual MEDLINE band.",
    "years",
)
ACUTE_PAIN_DAYS = Setting("acute_pain_days", 42, "Older or undated pain counts as not stated.", "days")
ACUTE_TRAUMA_DAYS = Setting("acute_trauma_days", 42, "Older or undated trauma counts as not stated.", "days")
POSTPARTUM_DAYS = Setting(
    "postpartum_days",
    365,
    "12 months; beyond the source: 12% of MRIs were still positive at 12 months (Renson et al.).",
    "days",
)
INFECTION_SIGN_DAYS = Setting(
    "infection_sign_days",
    30,
    "Fever and raised inflammation markers older than this, or undated, count as not stated; the source is silent.",
    "days",
)
DEPTH_SITES = Setting(
    "depth_sites",
    ("si_joint",),
    "The 1 cm depth is a measure of the sacroiliac joint in its own source (de Winter); the document does not say so.",
)
FRESH_DAYS = Setting(
    "fresh_days", 30, "How old a study may be for its assessment to be shown with an unrelated order.", "days"
)
PATIENT_VIEW_DAYS = Setting(
    "patient_view_days", 90, "How old a study may be for its assessment to be shown on opening a chart.", "days"
)
OLD_AFTER_DAYS = Setting(
    "old_after_days", 365, "Age beyond which a card calls an imaging finding old; the source is silent.", "days"
)
SILENCE_DAYS = Setting(
    "silence_days",
    7,
    "How long a card that was accepted or overridden is not shown again while it would say the same; 0 for never"
    " silent. No source says how long.",
    "days",
)
SILENCE_URGENT_HOURS = Setting(
    "silence_urgent_hours",
    12,
    "The same for urgent and emergent cards, at most: the next shift sees them again. No source says how long.",
    "hours",
)
SUGGESTIVE_IS_PRESENT = Setting(
    "suggestive_is_present", False, "Whether a report's 'suggestive of' counts as an assertion (fhir-mapping 6.4)."
)
PD_FAT_SUPPRESSED_IS_FLUID_SENSITIVE = Setting(
    "pd_fat_suppressed_is_fluid_sensitive",
    True,
    "Beyond the source, which says 'STIR (or T2-weighted)' (fhir-mapping 4.2).",
)

INFECTION_CONTEXT_RAISES = Setting(
    "infection_context_raises",
    True,
    "Beyond the source: fever, raised markers, an ulcer or earlier infection beside edema raise osteomyelitis"
    " (IWGDF/IDSA 2023). On by default as a safety exception.",
)
INFECTION_ORDER_CHECKS = Setting(
    "infection_order_checks",
    True,
    "Beyond the source: a biologic, a JAK inhibitor or a cast ordered while infection stands gets a warning.",
)
INDICATOR_BY_TIER = Setting(
    "indicator_by_tier",
    {"routine": "info", "soon": "warning", "urgent": "critical", "emergent": "critical"},
    "How a card's urgency is shown; a site may show it more quietly, never louder than 'warning' below urgent.",
)
REFERRAL_TARGETS = Setting(
    "referral_targets",
    {},
    "Usual practice, beyond the source, which names only the multidisciplinary team: a site may send a referral"
    " elsewhere, by action (REF_RHEUM, REF_ORTHO, REF_ID, REF_MDFT, REF_HEM).",
)

SETTINGS = tuple(value for value in list(globals().values()) if isinstance(value, Setting))
