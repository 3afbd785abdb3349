"""Words by which an order, a study or a report without a usable code is recognised. Whole words, in the order tried."""

from __future__ import annotations

REFERRAL_WORDS = r"refer|referrals?|consults?|consultation"

KIND_WORDS: tuple[tuple[str, str], ...] = (
    (r"mri|mr|magnetic resonance", "mri"),
    (r"x-?rays?|xr|radiographs?|plain films?", "radiograph"),
    (r"arthroplasty|(?:hip|knee|joint) replacement", "arthroplasty"),
    (r"biopsy", "biopsy"),
    (r"cast|casting|knee-high (?:device|walker)|immobili[sz]ation", "immobilisation"),
    (REFERRAL_WORDS, "referral"),
)
"""(regular expression, kind of order)."""

SITE_WORDS: tuple[tuple[str, str], ...] = (
    (r"sacro-?iliac(?: joints?)?|sacro-?iliitis|si joints?|sij", "si_joint"),
    (r"hips?|femoral (?:head|neck)", "hip"),
    (r"medial femoral condyle", "medial_femoral_condyle"),
    (r"knees?", "knee"),
    (r"foot|feet|ankles?|midfoot|hindfoot|forefoot|heels?|calcaneus|talus|metatarsals?|toes?", "foot_ankle"),
    (r"(?:[ctl]-)?spine|lumbar|lumbosacral|thoracic|cervical", "vertebra"),
)
"""(regular expression, site or region)."""

SIDE_WORDS: tuple[tuple[str, str], ...] = ((r"left|lt", "left"), (r"right|rt", "right"))
"""(regular expression, side). A text with words for both names both."""

BOTH_SIDES_WORDS = r"bilateral|both (?:sides|hips|knees|feet|ankles|si joints|sacro-?iliac joints)"
"""Not "both" alone: an order may ask for both T1 and STIR."""

TARGET_WORDS: tuple[tuple[str, str], ...] = (
    (r"rheumatolog(?:y|ists?)", "rheumatology"),
    (r"orthop(?:a?e)dics?|orthop(?:a?e)dic surge(?:ry|ons?)|orthop(?:a?e)dists?", "orthopedics"),
    (r"infectious diseases?", "infectious_diseases"),
    (r"diabetic foot|foot team|podiatr(?:y|ists?)", "diabetic_foot_team"),
    (r"h(?:a?e)matolog(?:y|ists?)", "hematology"),
)
"""(regular expression, referral target)."""

# What kind of imaging a title or a text speaks of

MR_TITLE_WORDS = r"mri?|magnetic resonance"
"""In a title; in a sentence "Mr" is a person."""

MR_WORDS = r"mri|mr (?:imaging|scan|images?|examination|study|of)|magnetic resonance"

MR_SIGNAL_WORDS = r"stir|tirm|t[12][- ]?(?:w|weighted|signal|hyper\w+|hypo\w+)"
"""What no other kind of imaging shows."""

OTHER_MODALITY_WORDS = (
    r"x-?rays?|radiograph\w*|plain films?|ct|computed tomograph\w*|pet|ultraso\w+|sonogra\w+|scintigra\w+|bone scans?"
    r"|spect|fluoroscop\w+|mammogra\w+|densitometr\w+|dexa|dxa|angiogra\w+"
)

OTHER_MODALITY_TITLE_WORDS = r"xr|cr|dx|us|nm"
"""Short forms that stand in titles only."""

RADIOGRAPH_WORDS = r"x-?rays?|xr|radiographs?|plain films?"
NORMAL_RADIOGRAPH = r"normal|unremarkable|negative|no (?:acute )?(?:fracture|abnormality|osseous abnormality)"
"""A radiograph said to show nothing. It never speaks against a fracture (S14, S27); a card only says so."""
