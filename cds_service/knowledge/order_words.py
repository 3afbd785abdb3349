"""Words by which an order that carries no usable code is recognised. Whole words, in the order tried."""

from __future__ import annotations

KIND_WORDS: tuple[tuple[str, str], ...] = (
    (r"mri|mr|magnetic resonance", "mri"),
    (r"x-?ray|radiographs?|plain films?", "radiograph"),
    (r"arthroplasty|(?:hip|knee|joint) replacement", "arthroplasty"),
    (r"biopsy", "biopsy"),
    (r"cast|casting|knee-high (?:device|walker)|immobili[sz]ation", "immobilisation"),
    (r"refer|referral|consult|consultation", "referral"),
)
"""(regular expression, kind of order)."""

SITE_WORDS: tuple[tuple[str, str], ...] = (
    (r"sacro-?iliac(?: joints?)?|si joints?|sij", "si_joint"),
    (r"hips?|femoral (?:head|neck)", "hip"),
    (r"medial femoral condyle", "medial_femoral_condyle"),
    (r"knees?", "knee"),
    (r"foot|feet|ankles?|midfoot|hindfoot|calcaneus", "foot_ankle"),
    (r"spine|lumbar|thoracic|cervical", "vertebra"),
)
"""(regular expression, site or region)."""

TARGET_WORDS: tuple[tuple[str, str], ...] = (
    (r"rheumatolog(?:y|ist)", "rheumatology"),
    (r"orthop(?:a?e)dics?|orthop(?:a?e)dic surge(?:ry|on)", "orthopedics"),
    (r"infectious diseases?", "infectious_diseases"),
    (r"diabetic foot|foot team|podiatr(?:y|ist)", "diabetic_foot_team"),
    (r"h(?:a?e)matolog(?:y|ist)", "hematology"),
)
"""(regular expression, referral target)."""
