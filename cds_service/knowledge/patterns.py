"""Clinical pictures that more than one rule asks for."""

from __future__ import annotations

from cds_service.knowledge.facts import (
    CHARCOT_ARTHROPATHY,
    DCE_PATTERN,
    DIABETES,
    FEVER,
    FOOT_ULCER,
    PRIOR_OSTEOMYELITIS,
    SEPTIC_ARTHRITIS,
    WBC_RAISED,
    any_present,
)
from cds_service.knowledge.sites import AT_FOOT

DIABETIC_FOOT = AT_FOOT & (DIABETES | CHARCOT_ARTHROPATHY)
ACUTE_INFECTION_SIGN = any_present(FEVER, WBC_RAISED, SEPTIC_ARTHRITIS) | (FOOT_ULCER & AT_FOOT)
"""Fever, raised white cells, an ulcer of this foot, or septic arthritis or an abscess that the report names."""
INFECTION_SIGN = ACUTE_INFECTION_SIGN | PRIOR_OSTEOMYELITIS
"""The same, or earlier osteomyelitis of this bone. Raised CRP or ESR alone is only a hint (decision table 3.5)."""

NECROSIS_ON_DCE = DCE_PATTERN.is_one_of("rim_high_flow_no_flow_core")
HYPERPERFUSION = DCE_PATTERN.is_one_of("subchondral_hyperperfusion")
REDUCED_ENHANCEMENT = DCE_PATTERN.is_one_of("decreased_max_enhancement")
