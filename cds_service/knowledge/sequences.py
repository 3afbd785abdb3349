"""Which words in the name of an MR series mean which sequence, and what each sequence is good for.

Scanners name their series as they please (``t2_tirm_cor_320_3mm_pat2``, ``CORPDFS_FBK``, ``Sag T2 FSE STIR``), so these
tables are lists of words that were seen, each with its reason. "Row N" is the row of the field mapping, section 4.1,
where the string stands; "rule N" is its section 4.2. "Added" marks a word that neither names, with the reason why it
is here; "seen" and a number point to the public file in which it was found.

A key is one word of the name in lower case, or two neighbouring words with a blank between them. Words are compared
whole: ``fse`` does not contain ``fs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Words = Mapping[str, str]
"""Word or pair of words -> why it is in the table."""

ACQUIRED = "acquired"
NOT_ACQUIRED = "not_acquired"

SEQUENCES = ("stir", "t2", "t1", "dce")
"""The four questions put to a study (decision table 1.2, ``seq.*``)."""


class Weighting(StrEnum):
    """What one series shows, as far as its name tells."""

    T1 = "t1"
    T1_GRADIENT_ECHO = "t1-gradient-echo"
    T1_FAT_SUPPRESSED = "t1-fat-suppressed"
    T1_POST_CONTRAST = "t1-post-contrast"  # with or without fat suppression; a single series, not a dynamic one
    T2 = "t2"
    T2_FAT_SUPPRESSED = "t2-fat-suppressed"
    STIR = "stir"
    PD = "pd"
    PD_FAT_SUPPRESSED = "pd-fat-suppressed"  # also intermediate-weighted with fat suppression
    INTERMEDIATE = "intermediate-weighted"  # whether fat is suppressed is not written
    DCE = "dce"
    FLAIR = "flair"
    GRADIENT_ECHO = "gradient-echo"  # T2* and the like: neither T1 nor T2
    DIXON_WATER_UNKNOWN = "dixon-weighting-unknown"  # water image, or a part not named; weighting not written
    DIXON_FAT_OR_OPPOSED = "dixon-fat-or-opposed-phase"
    OTHER_KNOWN = "other-known"  # DESS, diffusion, angiography: known, and none of the four
    NOT_AN_IMAGE = "not-an-image"  # localizer, calibration, document, map, reformat, subtraction
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True)
class Answer:
    """What a series of one weighting says about the four sequences.

    Attributes:
        counts_for: the sequences it is.
        leaves_open: the sequences it may be, or may stand beside: they cannot be called missing.
        why: the reason, for the reviewer.
    """

    counts_for: frozenset[str]
    leaves_open: frozenset[str]
    why: str


def _answer(why: str, counts_for: tuple[str, ...] = (), leaves_open: tuple[str, ...] = ()) -> Answer:
    return Answer(frozenset(counts_for), frozenset(leaves_open), why)


ANSWERS: Mapping[Weighting, Answer] = {
    Weighting.T1: _answer("rule 5; in-phase and water Dixon count for their weighting, rule 7", ("t1",)),
    Weighting.T1_GRADIENT_ECHO: _answer("rule 5 counts FLASH and SPGR as T1", ("t1",)),
    Weighting.T1_FAT_SUPPRESSED: _answer(
        "the signal of fat is suppressed: low T1 signal (S29) and structural change (S52) cannot be read",
        leaves_open=("t1",),
    ),
    Weighting.T1_POST_CONTRAST: _answer(
        "rule 8, settings: only fat-suppressed T1 after contrast leaves T1 unknown; read here for all T1 after "
        "contrast, because enhancement hides low T1 signal (S29) also without fat suppression",
        leaves_open=("t1",),
    ),
    Weighting.T2: _answer("rule 5", ("t2",)),
    Weighting.T2_FAT_SUPPRESSED: _answer("rules 5-7", ("t2",)),
    Weighting.STIR: _answer("rule 2", ("stir",)),
    Weighting.PD: _answer("neither T1 nor fluid-sensitive for marrow without fat suppression"),
    Weighting.PD_FAT_SUPPRESSED: _answer("beyond the source, by setting: fluid-sensitive, shown as T2", ("t2",)),
    Weighting.INTERMEDIATE: _answer("row 26: may be fat-suppressed, and then fluid-sensitive", leaves_open=("t2",)),
    Weighting.DCE: _answer(
        "rule 3; its images are T1-weighted, most of them after contrast, so T1 is not called missing",
        ("dce",),
        ("t1",),
    ),
    Weighting.FLAIR: _answer("row 63: dark fluid, so not STIR and not T2 for marrow"),
    Weighting.GRADIENT_ECHO: _answer("rule 5: not T2"),
    Weighting.DIXON_WATER_UNKNOWN: _answer("rule 8: weighting unknown", leaves_open=SEQUENCES),
    Weighting.DIXON_FAT_OR_OPPOSED: _answer(
        "a part of an acquisition whose other parts may be T1 or T2", leaves_open=SEQUENCES
    ),
    Weighting.OTHER_KNOWN: _answer("rule 1 and row 27: none of the four"),
    Weighting.NOT_AN_IMAGE: _answer("rule 1"),
    Weighting.UNRECOGNISED: _answer("rule 8", leaves_open=SEQUENCES),
}

FLUID_SENSITIVE_BY_SETTING = frozenset({Weighting.PD_FAT_SUPPRESSED, Weighting.INTERMEDIATE})
"""Say nothing about T2 when the setting "fat-suppressed PD is fluid-sensitive" is off."""

# --- What is not an image -----------------------------------------------------------------------------------------

NOT_IMAGES: Words = {
    "localizer": "rule 1",
    "localiser": "added: British spelling",
    "loc": "rule 1",
    "locator": "rule 1, row 31",
    "scout": "rule 1",
    "aahead": "added: Siemens AAHead_Scout, the automatic head scout",
    "aascout": "added: Siemens automatic scout",
    "survey": "rule 1",
    "scano": "rule 1, row 51",
    "scanogram": "rule 1",
    "fastview": "rule 1",
    "smartbrain": "rule 1",
    "cal": "rule 1",
    "calibration": "added: the long form of cal",
    "prescription": "rule 1",
    "screen save": "rule 1",
    "screensave": "added: the glued form",
    "sr": "rule 1: structured report",
}

DERIVED: Words = {
    "mpr": "rule 1: reformat; row 30. Siemens t1_mpr is the MPRAGE acquisition, so T1 stays open (seen 19220768127)",
    "mip": "rule 1: projection",
    "sub": "rule 1: subtraction",
    "map": "rule 1, row 29",
    "maps": "added: plural",
    "adc": "rule 1",
    "calc": "rule 1",
}
"""Computed from other series: not read, but what it was computed from may exist, so that is not called missing."""

OTHER_IMAGES: Words = {
    "dwi": "rule 1: diffusion",
    "diff": "rule 1: diffusion",
    "dwibs": "added: Philips diffusion with background suppression, built on STIR but not a STIR image",
    "dti": "added: diffusion tensor",
    "tof": "rule 1: angiography",
    "dess": "row 27",
    "de3d": "added: Siemens name of DESS, t2_de3d_we (seen 42542009575, 60309751074); not a T2 image",
    "ciss": "added: balanced gradient echo",
    "ci3d": "added: Siemens name of CISS",
    "fiesta": "added: balanced gradient echo",
    "trufi": "added: balanced gradient echo",
    "bffe": "added: balanced gradient echo",
    "myelo": "added: MR myelography shows fluid only",
    "myelogram": "added: as myelo",
    "mrcp": "added: shows fluid only",
}

# --- Dynamic contrast -----------------------------------------------------------------------------------------------

DYNAMIC: Words = {
    "dce": "rule 3",
    "perf": "rule 3",
    "perfusion": "added: the long form of perf",
    "twist": "rule 3, row 59",
    "disco": "rule 3, row 57",
    "tricks": "rule 3",
    "sdyn": "row 61, SDYN_SUB2",
}
DYNAMIC_BEGINNINGS: Words = {"dyn": "rule 3, dyn*; rows 56-61"}
DYNAMIC_WHEN_REPEATED: Words = {
    "lava": "rule 3, row 57",
    "vibe": "rule 3, row 58",
    "vibrant": "rule 3",
    "ethrive": "rule 3, row 56",
    "thrive": "added: eTHRIVE without its letter",
}
"""T1 volume sequences: dynamic only together with a word of ``REPEATED`` or a phase number (ph1, ph2 ...)."""
REPEATED: Words = {
    "mph": "rule 3: multi-phase",
    "pre post": "rule 3, row 57",
    "post pre": "added: the other order",
    "ph": "rule 3: ph and a digit, here written apart",
}

# --- Contrast -------------------------------------------------------------------------------------------------------

CONTRAST: Words = {
    "+c": "rule 4, row 45",
    "c+": "added: seen 70732456651",
    "se+c": "row 55, glued",
    "tse+c": "as se+c",
    "fse+c": "as se+c",
    "t1+c": "as se+c",
    "t1w+c": "as se+c",
    "fs+c": "as se+c",
    "ax+c": "as se+c",
    "cor+c": "as se+c",
    "sag+c": "as se+c",
    "tra+c": "as se+c",
    "+gd": "as +c",
    "t1+gd": "as se+c",
    "+km": "as +c",
    "gd": "rule 4",
    "ce": "rule 4",
    "km": "rule 4: German Kontrastmittel",
    "post": "rule 4, rows 39 and 55",
    "pc": "rule 4",
    "contrast": "added: the word itself",
    "enhanced": "added: contrast-enhanced",
    "postcontrast": "added: glued",
    "postgad": "added: glued",
    "postgd": "added: glued",
    "after": "added: after contrast",
}
CONTRAST_BEGINNINGS: Words = {"gad": "rule 4, gad*; rows 39-40"}
CONTRAST_AS_LAST_WORD: Words = {"c": "rule 4, suffix c; row 18"}
BEFORE_CONTRAST: Words = {
    "pre": "rule 4, row 40",
    "precontrast": "added: glued",
    "noncontrast": "added: glued",
    "unenhanced": "added: without contrast",
    "native": "added: without contrast",
    "nativ": "added: German",
    "before": "added: before contrast",
    "vor": "added: German, before contrast",
}
"""Cancel contrast wherever they stand."""

NOT_WITH: Words = {
    "no": "added: seen 11073881653, t1_fl3d_tra NO fs",
    "non": "added: seen 11073881653, T2 NON FS",
    "not": "added",
    "without": "added",
    "wo": "added: short for without",
    "w o": "added: w/o",
    "ohne": "added: German",
    "sans": "added: French",
}
"""Deny the word that follows them: "non fat sat", "w/o contrast"."""
BETWEEN_DENIAL_AND_CONTRAST = frozenset({"i", "v", "iv"})

# --- Weighting ------------------------------------------------------------------------------------------------------

T1: Words = {"t1": "rule 5", "t1w": "rule 5", "t1wi": "rule 5"}
T2: Words = {"t2": "rule 5", "t2w": "rule 5", "t2wi": "rule 5"}
T2_WHEN_NOTHING_ELSE: Words = {"frfse": "rule 5; PD frFSE exists, so only when no other weighting is written"}
PROTON_DENSITY: Words = {
    "pd": "rows 12, 19-20, 23",
    "pdw": "row 34",
    "pdwi": "as t1wi",
    "dp": "row 52: Spanish",
    "proton density": "added: the words themselves",
}
INTERMEDIATE_WEIGHTED: Words = {
    "iw": "rows 25-26",
    "intermediate": "added: the word itself",
}
FLAIR: Words = {
    "flair": "rule 2",
    "dark fluid": "rule 2, row 63",
    "darkfluid": "added: glued",
}
"""Fluid is dark. With T1 written as well the series is T1: GE names its T1 spin echo with inversion "Sag T1 FLAIR"
(seen 71060005630, 32480942673)."""

STIR: Words = {"stir": "rule 2, rows 4-6, 10-11, 14, 43, 47, 53, 62"}
STIR_UNLESS_T1: Words = {"tirm": "rule 2, rows 3, 16-17, 53; with T1 it is a T1 sequence (seen 19220768127)"}
STIR_WITH_T2: Words = {"tir": "rule 2"}
STIR_WITH_SPIN_ECHO: Words = {"ir": "rule 2: IR with FSE or TSE and no FLAIR"}
SPIN_ECHO_TRAIN: Words = {"fse": "rule 2", "tse": "rule 2"}

T2_STAR: Words = {
    "t2*": "rule 5",
    "t2 *": "rule 5, written apart",
    "t2star": "rule 5",
    "t2 star": "rule 5, written apart",
    "medic": "rule 5",
    "merge": "rule 5",
    "me2d": "added: Siemens name of MEDIC, t2_me2d_tra (seen 70300154880)",
    "me3d": "added: as me2d",
    "swi": "added: susceptibility",
    "swi3d": "added: as swi",
}
GRADIENT_ECHO: Words = {
    "ffe": "rule 5",
    "gre": "added: gradient echo",
    "gradient echo": "added: the words themselves",
    "flash": "rule 5, row 28",
    "fl2d": "added: Siemens name of FLASH",
    "fl3d": "row 61: Siemens name of FLASH",
    "spgr": "rule 5",
    "fspgr": "added: as spgr",
    "tfe": "added: Philips turbo gradient echo",
    "mprage": "added: T1 gradient echo",
    "bravo": "added: T1 gradient echo",
    "vibe": "row 60: T1 gradient echo volume",
    "lava": "as vibe",
    "vibrant": "as vibe",
    "thrive": "as vibe",
    "ethrive": "as vibe",
}
"""With T1 written: T1 gradient echo. With T2 written: not T2. With neither, T1 is left open."""

FAT_SUPPRESSION: Words = {
    "fs": "rule 6, whole word only",
    "fatsat": "rule 6",
    "fat sat": "rule 6, written apart",
    "f s": "added: F/S",
    "fsat": "added: short for fatsat",
    "fatsup": "added: seen 58590874367",
    "fatsupp": "added: as fatsup",
    "chemsat": "added: GE chemical saturation",
    "aspir": "added: GE name of SPAIR",
    "fat sup": "added: as fatsup",
    "fat supp": "added: as fatsup",
    "fat suppressed": "added: the words themselves",
    "fat suppression": "added: the words themselves",
    "fat saturated": "added: the words themselves",
    "fat saturation": "added: the words themselves",
    "spair": "rule 6, rows 7, 20, 34",
    "spir": "rule 6",
    "sting": "rule 6",
    "we": "rule 6: water excitation",
    "water excitation": "rule 6, in words",
    "proset": "added: Philips water excitation (seen 31258222549)",
    "wfs": "rule 6",
}

# --- Dixon ----------------------------------------------------------------------------------------------------------

DIXON: Words = {
    "dixon": "rule 6, row 48",
    "mdixon": "added: Philips",
    "ideal": "rule 6, row 54: GE",
    "flex": "added: GE",
}
DIXON_WATER_WHEN_UNNAMED: Words = {"ideal": "rule 6: suppresses fat; so where no part is named, water"}
"""For T2 and proton density. For T1 rule 7 goes first: the acquisition counts as T1."""
DIXON_WATER: Words = {"water": "rule 6, rows 36 and 54"}
DIXON_WATER_LETTERS: Words = {"w": "rule 6, row 48: only beside a Dixon name"}
DIXON_IN_PHASE: Words = {"inphase": "rule 7", "in phase": "rule 7"}
DIXON_IN_PHASE_LETTERS: Words = {"in": "rule 7: only beside a Dixon name", "ip": "as in"}
DIXON_FAT_OR_OPPOSED: Words = {
    "fat": "added: GE FAT:, T1 Dixon FAT (seen 61276058057); not when it begins fat sat, fat suppressed ...",
    "outphase": "added: opposed phase",
    "out phase": "added: opposed phase",
    "opposed phase": "added",
}
DIXON_FAT_OR_OPPOSED_LETTERS: Words = {
    "f": "added: Siemens _F, beside _W of row 48",
    "opp": "added: Siemens",
    "op": "as opp",
    "out": "as opp",
}

# --- Glued words ----------------------------------------------------------------------------------------------------


def _glued() -> dict[str, tuple[str, ...]]:
    """Return every glued word with its parts: plane + weighting + ending, where plane and ending may be missing."""
    planes = ("cor", "sag", "ax", "axi", "tra", "ocor", "osag", "oax")  # row 33: CORPDFS
    endings = {
        "pd": ("fs", "fatsat", "tse", "fse"),
        "t1": ("fs", "fatsat", "tse", "fse", "se", "ffe", "pre", "post"),  # AXT1POST: seen 21658824873
        "t1w": ("fs", "tse", "fse", "se"),
        "t2": ("fs", "fatsat", "tse", "fse"),
        "t2w": ("fs", "tse", "fse"),
        "stir": (),
        "flair": (),
    }
    words: dict[str, tuple[str, ...]] = {}
    for weighting, ends in endings.items():
        for ending in ((), *((end,) for end in ends)):
            for plane in ((), *((name,) for name in planes)):
                parts = (*plane, weighting, *ending)
                if len(parts) > 1:
                    words["".join(parts)] = parts
    return words


GLUED: Mapping[str, tuple[str, ...]] = {
    **_glued(),
    "estir": ("stir",),  # 4.2: one leading e is stripped before stir, t1w, t2w; row 37
    "et1w": ("t1w",),  # row 38
    "et2w": ("t2w",),  # row 41
    "wfst2": ("wfs", "t2"),  # row 49
    "wfst1": ("wfs", "t1"),  # as wfst2
    "fst2": ("fs", "t2"),  # as t2fs, other order
    "fst1": ("fs", "t1"),
    "fspd": ("fs", "pd"),
    "irfse": ("ir", "fse"),  # rule 2, glued
    "irtse": ("ir", "tse"),
    "fseir": ("fse", "ir"),
    "tseir": ("tse", "ir"),
    "dixonw": ("dixon", "w"),
    "dixonf": ("dixon", "f"),
    "sub1": ("sub",),
    "sub2": ("sub",),  # row 61
}

# --- Notes beside the answer ----------------------------------------------------------------------------------------

NOTE_T1_FAT_SUPPRESSED_POST_CONTRAST = "T1 after contrast with fat suppression only"
NOTE_T1_FAT_SUPPRESSED = "T1 with fat suppression only"
NOTE_T1_POST_CONTRAST = "T1 after contrast only"
NOTE_T1_EITHER = "T1 after contrast or with fat suppression only"
NOTE_T1_GRADIENT_ECHO = "T1 gradient echo only"
NOTE_T1_DIXON = "T1 Dixon only"
NOTE_PD_COUNTED = "fat-suppressed proton density counted as fluid-sensitive"
NOTE_PD_NOT_COUNTED = "fat-suppressed proton density not counted as fluid-sensitive (setting)"
NOTE_INTERMEDIATE = "intermediate-weighted; whether fat is suppressed is not stated"
NOTE_ONE_UNRECOGNISED = "1 series not recognised by its name"
NOTE_SEVERAL_UNRECOGNISED = "{count} series not recognised by their names"
NOTE_INCOMPLETE = "list of series incomplete"

# --- Free text: report technique, order notes -----------------------------------------------------------------------
# English only. These words decide whether a sequence that the text mentions is one that was acquired or is wanted.

SHORT_TAU = (("short", "tau", "inversion"), ("short", "ti", "inversion"))
"""STIR in words."""
T2_BELONGS_TO = frozenset({"stir", "tirm", "flair", "star"})
"""Directly after T2 they name the sequence: "T2 FLAIR" is no T2, "T2 STIR" is STIR."""
FLUID_SENSITIVE = ("fluid", "sensitive")
"""Shown as T2, like fat-suppressed PD: the source accepts STIR or T2."""

DYNAMIC_IN_TEXT = frozenset({"dce"})
DYNAMIC_WITH = frozenset({"contrast", "postcontrast", "enhanced", "gadolinium", "perfusion", "vibe", "lava", "series"})
"""Make "dynamic" mean DCE; a dynamic (moving joint) study without contrast is something else."""
PERFUSION_WITH = frozenset({"mri", "mr", "imaging", "images", "sequence", "sequences", "series", "weighted"})

SIGNAL = frozenset(
    {
        "bright", "dark", "hyperintense", "hyperintensity", "hyperintensities", "hypointense", "hypointensity",
        "hypointensities", "intensity", "isointense", "isointensity", "prolongation", "shortening", "shine", "signal",
        "signals",
    }
)  # fmt: skip
"""After a weighting they make it a finding ("T1 hypointense lesion"), not a sequence."""
SIGNAL_BEFORE = frozenset({"abnormal", "bright", "dark", "decreased", "high", "increased", "low", "reduced"})

VERTEBRA = frozenset(
    {
        "body", "compression", "disc", "endplate", "fracture", "level", "levels", "nerve", "pedicle", "radiculopathy",
        "root", "spinous", "vertebra", "vertebrae", "vertebral",
    }
)  # fmt: skip
"""After T1 or T2 they make it the first or second thoracic vertebra."""

NOT_WANTED_AHEAD = frozenset(
    {
        "avoid", "cannot", "defer", "except", "exclude", "excludes", "excluding", "lacking", "lacks", "missing",
        "neither", "never", "no", "nor", "not", "omit", "omits", "omitting", "skip", "skipping", "unable", "without",
    }
)  # fmt: skip
NOT_WANTED_AHEAD_PAIRS = frozenset({("instead", "of"), ("place", "of"), ("rather", "than"), ("other", "than")})
NOT_A_DENIAL_BEFORE = frozenset({"only", "just", "limited"})
""""Not only STIR" asks for STIR."""
NOT_WANTED_BEHIND = frozenset(
    {
        "aborted", "absent", "canceled", "cancelled", "declined", "deferred", "excluded", "lacking", "missing",
        "omitted", "refused", "skipped", "unavailable", "unnecessary",
    }
)  # fmt: skip
DONE = frozenset(
    {
        "acquired", "available", "completed", "done", "included", "indicated", "necessary", "needed", "obtained",
        "performed", "possible", "repeated", "requested", "required", "run", "sent", "tolerated", "wanted",
    }
)  # fmt: skip
"""After "not" they say that a sequence is not there or not wanted."""
DENIAL_ENDS_AT = frozenset(
    {"add", "and", "by", "gad", "gadolinium", "gd", "iv", "on", "plus", "please", "then", "using", "with"}
)
"""A denial that meets one of them before a sequence does not speak of the sequence ("no edema on STIR")."""
REASON = frozenset({"as", "because", "due", "for", "given", "if", "since"})
"""What follows them is not about the sequence before them."""
TURN = frozenset({"although", "but", "however", "though", "whereas", "while", "yet"})
"""Begin a new statement inside a sentence."""
BETWEEN = frozenset(
    {
        "a", "additional", "an", "any", "ax", "axial", "both", "cor", "coronal", "dedicated", "echo", "either", "fast",
        "fat", "fatsat", "fs", "fse", "image", "images", "imaging", "obl", "oblique", "plane", "planes", "post",
        "postcontrast", "sag", "sagittal", "sat", "saturated", "scan", "scans", "se", "sequence", "sequences", "series",
        "spin", "suppressed", "the", "tra", "transverse", "tse", "turbo", "weighted", "w",
    }
)  # fmt: skip
"""May stand inside a list of sequences without ending it."""
