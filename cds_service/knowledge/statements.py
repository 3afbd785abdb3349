"""The 58 statements of the source document, each in a few words of our own, with its figures.

Rules, warnings and actions cite them by number. What a statement comes to in code is worked out from those citations;
``NOT_COMPUTABLE`` says why for the few that no rule can state.
"""

from __future__ import annotations

STATEMENTS = {
    "S1": "scope: increased marrow signal on MRI, from trauma or inflammation such as sacroiliitis",
    "S2": "marrow edema is nonspecific and demands immediate clinical correlation",
    "S3": "separate benign conditions from osteonecrosis, insufficiency fracture, arthritis, infection, malignancy",
    "S4": "always obtain STIR (or T2) and T1",
    "S5": "never read STIR brightness in isolation",
    "S6": "acute inflammation: bright on STIR, variable on T1",
    "S7": "chronic structure: abnormal on T1, variable on STIR",
    "S8": "sacroiliac joint: STIR and T1 are both critical",
    "S9": "the same finding means different things in different patients",
    "S10": "edema >= 1 cm from the articular surface: almost exclusively axial spondyloarthritis",
    "S11": "depth separates inflammation from physiologic variants",
    "S12": "athletes, postpartum, up to 30% of healthy controls: may be physiologic",
    "S13": "middle-aged to elderly with acute pain: suspect insufficiency fracture",
    "S14": "MRI shows insufficiency fracture before radiographs",
    "S15": "five conditions call for urgent action",
    "S16": "edema, synovitis and effusion: disease-modifying therapy, not just symptomatic",
    "S17": "ASAS positive MRI: sensitivity 79%, specificity 89%",
    "S18": "erosions and/or edema: sensitivity 90-92%, specificity 94-97%",
    "S19": "fat, T1-bright joint, T2-bright fluid, ankylosis: specificity 95-98%",
    "S20": "edema around a necrotic focus, with effusion above all: risk of collapse",
    "S21": "DCE MRI tells osteonecrosis from transient edema",
    "S22": "DCE in osteonecrosis: rim of high flow around an area without flow",
    "S23": "DCE in transient edema: subchondral hyperperfusion",
    "S24": "osteonecrosis: less maximal enhancement",
    "S25": "insufficiency fracture: medial femoral condyle of older women",
    "S26": "untreated, it can collapse and need arthroplasty: rule out early",
    "S27": "MRI identifies it before radiographs (again)",
    "S28": "osteomyelitis: bright on T2 and STIR",
    "S29": "STIR high with T1 low suggests osteomyelitis: sensitivity ~90%, specificity ~85%",
    "S30": "Charcot foot: edema hard to tell from osteomyelitis",
    "S31": "delayed multidisciplinary referral leads to deterioration",
    "S32": "MRI is exceptional for acute osteomyelitis",
    "S33": "chronic post-traumatic osteomyelitis: acute change is hard to see",
    "S34": "incidental diffuse change: consider marrow biopsy",
    "S35": "47% of those biopsied had an important hematological disorder",
    "S36": "axial spondyloarthritis, first line: physical therapy and NSAIDs",
    "S37": "< 25% are controlled by NSAIDs alone",
    "S38": "about 75% need a biologic or a JAK inhibitor",
    "S39": "anti-TNF: ASAS20 58-64% (placebo 19-38%)",
    "S40": "anti-IL-17: ASAS20 48-61% (placebo 18-29%)",
    "S41": "JAK inhibitors: ASAS20 52-56% (placebo 26-29%)",
    "S42": "transient edema: iloprost 50 ug IV over 6 hours daily for 5 days",
    "S43": "transient edema is idiopathic and self-limiting",
    "S44": "transient edema: diffuse head and neck, no rim",
    "S45": "trauma: protected weight-bearing, total contact cast or knee-high device, 6-12 weeks",
    "S46": "afterwards: custom footwear with insoles",
    "S47": "pitfall 1: not all edema is benign",
    "S48": "pitfall 1: new or increasing edema goes with pain and joint destruction",
    "S49": "pitfall 2: not axial spondyloarthritis on edema alone",
    "S50": "pitfall 2: ASAS specificity suffers in degeneration, postpartum, back pain, athletes",
    "S51": "pitfall 3: do not ignore structure on T1",
    "S52": "pitfall 3: erosions, sclerosis, fat, ankylosis are outside the ASAS definition",
    "S53": "pitfall 4: do not delay in diabetic patients",
    "S54": "pitfall 4: prompt multidisciplinary referral in Charcot arthropathy",
    "S55": "pitfall 5: monitor for fragmentation and collapse",
    "S56": "status: educational, pending human review; also: reviewed by a board",
    "S57": "disclaimer: for professionals, judgement, verify, supplementary",
    "S58": "four references listed; [5] and [6] are not",
}

NOT_COMPUTABLE: dict[str, str] = {}
"""Statement -> why no rule, warning or text can carry it. Empty: every statement is carried."""

_NOT_STATED = "not stated by the source document"

POPULATION_OF = {
    "S12": "healthy controls; which, and how imaged, is " + _NOT_STATED,
    "S17": "for axial spondyloarthritis; in whom is " + _NOT_STATED,
    "S18": "for axial spondyloarthritis; in whom is " + _NOT_STATED,
    "S19": "for axial spondyloarthritis; in whom is " + _NOT_STATED,
    "S29": "for osteomyelitis; in whom is " + _NOT_STATED,
    "S35": "patients biopsied for an incidental diffuse change, in one retrospective study; beyond the source: 7 of 15"
    " biopsies, MRI for suspected malignancy excluded (Spierings 2014)",
    "S37": "axial spondyloarthritis; in whom is " + _NOT_STATED,
    "S38": "axial spondyloarthritis; in whom is " + _NOT_STATED,
    "S39": "axial spondyloarthritis, against placebo; in whom is " + _NOT_STATED,
    "S40": "axial spondyloarthritis, against placebo; in whom is " + _NOT_STATED,
    "S41": "axial spondyloarthritis, against placebo; in whom is " + _NOT_STATED,
}
"""Statement -> in whom its figures were found."""
