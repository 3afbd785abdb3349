from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.sequences import Sequences, Weighting, classify, sequences_named, sequences_of
from cds_service.knowledge import facts
from cds_service.knowledge import sequences as known

W = Weighting

# The rows of the field mapping, section 4.1: names seen in public data sets, with the class read from them.
ROWS: dict[int, dict[str, Weighting]] = {
    1: {"t1_se_cor": W.T1},
    2: {"cor tse t1": W.T1},
    3: {"t2_tirm_cor_320_3mm_pat2": W.STIR},
    4: {"t2_tse_stir_cor_p2": W.STIR},
    5: {"stir_fse_cor": W.STIR},
    6: {"T2_STIR_COR ": W.STIR},
    7: {"T2W_SPAIR ": W.T2_FAT_SUPPRESSED},
    8: {"C12-T2 FSE COR FS, 16 slices": W.T2_FAT_SUPPRESSED},
    9: {"C4-T2 REVOLVE COR FS, 16 slices ": W.T2_FAT_SUPPRESSED},
    10: {"OCor STIR ": W.STIR},
    11: {"Obl. FSE STIR ": W.STIR},
    12: {"pd_fse_cor_fs ": W.PD_FAT_SUPPRESSED},
    13: {"t2_tse_fs_cor_200mm ": W.T2_FAT_SUPPRESSED},
    14: {"COR STIR": W.STIR},
    15: {"t1_tse_cor_semac15_hip": W.T1},
    16: {"t2_tirm_cor_semac10_hip": W.STIR},
    17: {"t2_tirm_cor_spine": W.STIR},
    18: {"t1_tse_fs_cor_spine_C": W.T1_POST_CONTRAST},
    19: {"pd_fse_tra_fs": W.PD_FAT_SUPPRESSED},
    20: {"pd_mx3d_sag_spair_uCS": W.PD_FAT_SUPPRESSED},
    21: {"t1_fse_cor": W.T1},
    22: {"t2_fse_sag": W.T2},
    23: {"pd_tse_fs_cor_DRB": W.PD_FAT_SUPPRESSED},
    24: {"t1_tse_cor_DRB": W.T1},
    25: {"COR_IW_TSE_LEFT": W.INTERMEDIATE},
    26: {"SAG_IW_TSE_RIGHT": W.INTERMEDIATE},
    27: {"SAG_3D_DESS_LEFT": W.OTHER_KNOWN},
    28: {"COR_T1_3D_FLASH_RIGHT": W.T1_GRADIENT_ECHO},
    29: {"SAG_T2_MAP_RIGHT": W.NOT_AN_IMAGE},
    30: {"COR_MPR_LEFT": W.NOT_AN_IMAGE},
    31: {"MP_LOCATOR_THIGH": W.NOT_AN_IMAGE},
    32: {"CORPD_FBK": W.PD},
    33: {"CORPDFS_FBK": W.PD_FAT_SUPPRESSED},
    34: {"PDW_SPAIR": W.PD_FAT_SUPPRESSED},
    35: {"T1W_aTSE": W.T1},
    36: {"WATER IMAGE": W.DIXON_WATER_UNKNOWN},
    37: {"eSTIR_longTE": W.STIR},
    38: {"MobiView_eT1W_TSE": W.T1},
    39: {"T1W_TSE_GADO_POST": W.T1_POST_CONTRAST},
    40: {"T1W_TSE_GADO_PRE": W.T1},
    41: {"eT2W_TSE_CLEAR": W.T2},
    42: {"Sag T2 frFSE": W.T2},
    43: {"Sag T2 FSE STIR": W.STIR},
    44: {"Sag T1 FSE": W.T1},
    45: {"+C Cor T1 FSE FS": W.T1_POST_CONTRAST},
    46: {"t2_blade_sag": W.T2},
    47: {"OSag STIR": W.STIR, "OSag fs PD": W.PD_FAT_SUPPRESSED},
    48: {"t2_tse_dixon_sag_320_W": W.T2_FAT_SUPPRESSED},
    49: {"WFST2_SAG(W/F)": W.T2_FAT_SUPPRESSED},
    50: {"FL08/FL08/OSag SE T1       (S ": W.T1},
    51: {"03 Scano S/T/C": W.NOT_AN_IMAGE},
    52: {"dp_tse_cor_320_fs_8": W.PD_FAT_SUPPRESSED},
    53: {"T2 TIRM AX": W.STIR, "Ax T2 STIR ASSET": W.STIR, "STIR AXIAL": W.STIR},
    54: {"WATER: Ax T2 FSE-IDEAL": W.T2_FAT_SUPPRESSED},
    55: {"ax t1 post_fbb": W.T1_POST_CONTRAST, "axi t1 se+c": W.T1_POST_CONTRAST, "t1 ax post": W.T1_POST_CONTRAST},
    56: {"dyn_eTHRIVE": W.DCE, "dyn_eTHRIVE SENSE": W.DCE},
    57: {"WATER: 3D Ax DISCO Dyn Mph 3 BH": W.DCE, "Ax LAVA Pre/Post": W.DCE},
    58: {"AX VIBE TWIST PRE-POST DYNAMIC": W.DCE, "VIBE DYNAMIC": W.DCE},
    59: {"t1_twist_tra": W.DCE, "Twist_dynamic": W.DCE},
    60: {"dynamic(pre)_t1_vibe_fs_tra_tset": W.DCE},
    61: {"T1_FL3D_TRA_DYNAMIC_SUB": W.DCE, "SDYN_SUB2": W.DCE},
    62: {"Sagittal T2/STIR": W.STIR, "Sagittal T1": W.T1, "Axial T2": W.T2},
    63: {"t2_tirm_tra_dark-fluid": W.FLAIR},
}
NAMES_SEEN = [name for row in ROWS.values() for name in row]

FAT_SUPPRESSED_AFTER_CONTRAST = (18, 45)
"""The rows that are both: T1 after contrast, with its fat suppressed."""


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_name_seen_in_public_data_is_read_as_the_mapping_says(row: int):
    assert {name: classify(name) for name in ROWS[row]} == ROWS[row]


def test_every_row_of_the_mapping_is_here():
    assert list(ROWS) == list(range(1, 64))


@pytest.mark.parametrize("row", [row for row in ROWS if W.T1_POST_CONTRAST in ROWS[row].values()], ids=str)
def test_a_name_after_contrast_says_whether_fat_is_suppressed(row: int):
    notes = {note for name in ROWS[row] for note in sequences_of([name], complete=True).note}

    fat_suppressed = row in FAT_SUPPRESSED_AFTER_CONTRAST
    assert notes == {known.NOTE_T1_FAT_SUPPRESSED_POST_CONTRAST if fat_suppressed else known.NOTE_T1_POST_CONTRAST}


TRAPS = {
    "FSE is not fat-suppressed": ("Sag T2 FSE", W.T2),
    "nor is TFSE": ("T2 TFSE", W.T2),
    "frFSE alone is T2": ("AX FRFSE", W.T2),
    "frFSE beside PD is PD": ("Sag PD frFSE", W.PD),
    "frFSE beside PD and FS is fat-suppressed PD": ("Sag PD frFSE FS", W.PD_FAT_SUPPRESSED),
    "FS written in two words": ("SAG T2 (FAT-SAT)", W.T2_FAT_SUPPRESSED),
    "FS denied": ("T2 NON FS", W.T2),
    "FS denied in words": ("COR PD WITHOUT FAT SAT", W.PD),
    "FS denied with a stroke": ("COR T1 W/O FS", W.T1),
    "glued t2fs": ("cor_t2fs", W.T2_FAT_SUPPRESSED),
    "glued plane and weighting": ("AXT1POST", W.T1_POST_CONTRAST),
    "glued plane, weighting and train": ("SAGT2TSE", W.T2),
    "a glue nobody listed is not guessed": ("xxT1yy", W.UNRECOGNISED),
    "T2 FLAIR": ("Ax T2 FLAIR", W.FLAIR),
    "FLAIR with fat suppression": ("t2_flair_fs_tra", W.FLAIR),
    "dark fluid glued": ("t2_tirm_darkfluid", W.FLAIR),
    "T1 FLAIR is T1": ("Sag T1 FLAIR", W.T1),
    "dark-fluid T1 is T1": ("t1_tirm_tra_dark-fluid", W.T1),
    "TIRM with T1 is neither for certain": ("t1_tirm_cor", W.UNRECOGNISED),
    "TIR with T2": ("t2_tir_cor", W.STIR),
    "TIR alone": ("tir_cor", W.UNRECOGNISED),
    "IR with a spin echo train": ("FSE-IR COR", W.STIR),
    "IR with a gradient echo": ("T1 IR FSPGR", W.T1_GRADIENT_ECHO),
    "T1 and T2 in one name": ("Ax T2 C2-T1", W.UNRECOGNISED),
    "PD and T2 in one name is a double echo": ("PD/T2 TSE", W.T2),
    "intermediate with fat suppression": ("COR IW TSE FS", W.PD_FAT_SUPPRESSED),
    "T2 star": ("T2* GRE", W.GRADIENT_ECHO),
    "T2 star apart": ("AX T2 * ", W.GRADIENT_ECHO),
    "T2 FFE": ("T2W_FFE", W.GRADIENT_ECHO),
    "MERGE": ("Ax MERGE", W.GRADIENT_ECHO),
    "MEDIC under its Siemens name": ("t2_me2d_tra", W.GRADIENT_ECHO),
    "DESS under its Siemens name": ("t2_de3d_we_sag_iso", W.OTHER_KNOWN),
    "diffusion built on STIR": ("DWIBS STIR", W.OTHER_KNOWN),
    "GRE without a weighting": ("Ax GRE", W.GRADIENT_ECHO),
    "T1 localizer": ("T1 localizer", W.NOT_AN_IMAGE),
    "an abbreviation inside a word is not the word": ("T1 SUBTALAR CALCANEUS", W.T1),
    "screen save": ("Screen Save", W.NOT_AN_IMAGE),
    "T1 reformat": ("t1_mpr_iso", W.NOT_AN_IMAGE),
    "reformat of the dynamic series": ("DCE MIP", W.DCE),
    "map of the dynamic series": ("PERF MAP", W.DCE),
    "VIBE once": ("t1_vibe_fs_tra", W.T1_FAT_SUPPRESSED),
    "VIBE in numbered phases": ("VIBE Ph2", W.DCE),
    "LAVA once, after contrast": ("Ax T1 LAVA +C", W.T1_POST_CONTRAST),
    "contrast denied": ("t1_tse_sag_ohne_KM", W.T1),
    "contrast denied over i.v.": ("T1 ohne i.v. KM", W.T1),
    "contrast denied with a stroke": ("T1 w/o C", W.T1),
    "before and after in one series": ("T1 TSE PRE POST", W.T1),
    "fat-suppressed before contrast": ("T1 FS PRE", W.T1_FAT_SUPPRESSED),
    "contrast agent by name": ("T1 TSE Gadovist", W.T1_POST_CONTRAST),
    "T1 Dixon water": ("t1_tse_dixon_cor_W", W.T1),
    "T1 Dixon in-phase": ("t1_tse_dixon_cor_in", W.T1),
    "T1 Dixon fat": ("T1 Dixon FAT", W.DIXON_FAT_OR_OPPOSED),
    "T2 Dixon opposed phase": ("t2_tse_dixon_cor_opp", W.DIXON_FAT_OR_OPPOSED),
    "T2 Dixon in-phase": ("t2_tse_dixon_cor_in", W.T2),
    "IDEAL without a part": ("Sag T2 IDEAL", W.T2_FAT_SUPPRESSED),
    "IDEAL of T1": ("Sag T1 IDEAL", W.T1),
    "PD Dixon water": ("WATER: Cor PD FLEX", W.PD_FAT_SUPPRESSED),
    "Dixon without anything": ("mDIXON", W.DIXON_WATER_UNKNOWN),
    "Dixon fat without weighting": ("FAT IMAGE", W.DIXON_FAT_OR_OPPOSED),
    "water excitation": ("T1 WATER EXCITATION", W.T1_FAT_SUPPRESSED),
    "a lone W is not water": ("T1 TSE W", W.T1),
    "empty": ("", W.UNRECOGNISED),
    "blanks": ("   ", W.UNRECOGNISED),
    "padded with NUL": ("STIR\x00\x00", W.STIR),
    "no-break space": ("COR\u00a0T1", W.T1),
    "full-width letters": ("\uff34\uff12\uff0d\uff26\uff33", W.T2_FAT_SUPPRESSED),
    "en dash": ("T2\u2013FS", W.T2_FAT_SUPPRESSED),
    "mojibake around": ("\ufffd\ufffd T1 \ufffd", W.T1),
    "mojibake glued": ("T1\u00e5\u00e6", W.UNRECOGNISED),
    "replaced by a placeholder": ("DummySeriesDesc!", W.UNRECOGNISED),
    "computed tomography": ("CT ABDOMEN 5mm", W.UNRECOGNISED),
}


@pytest.mark.parametrize(("description", "weighting"), TRAPS.values(), ids=TRAPS.keys())
def test_a_misleading_name_is_read_with_care(description: str, weighting: Weighting):
    assert classify(description) is weighting


# --- The study ------------------------------------------------------------------------------------------------------

STUDIES = {
    "both sequences": (
        ["localizer", "t2_tirm_cor", "t1_tse_cor"],
        Sequences(stir="acquired", t2="not_acquired", t1="acquired", dce="not_acquired"),
    ),
    "T1 is missing": (
        ["COR STIR"],
        Sequences(stir="acquired", t2="not_acquired", t1="not_acquired", dce="not_acquired"),
    ),
    "fluid-sensitive is missing": (
        ["t1_tse_cor", "SAG_3D_DESS_LEFT", "CORPD_FBK", "T2 FLAIR", "T2* GRE", "DWI"],
        Sequences(stir="not_acquired", t2="not_acquired", t1="acquired", dce="not_acquired"),
    ),
    "T2 serves as fluid-sensitive": (
        ["T2W_SPAIR", "T1W_aTSE"],
        Sequences(stir="not_acquired", t2="acquired", t1="acquired", dce="not_acquired"),
    ),
    "fat-suppressed PD serves as fluid-sensitive": (
        ["CORPDFS_FBK", "COR T1"],
        Sequences("not_acquired", "acquired", "acquired", "not_acquired", (known.NOTE_PD_COUNTED,)),
    ),
    "intermediate-weighted may be fat-suppressed": (
        ["COR_IW_TSE_LEFT", "COR T1"],
        Sequences("not_acquired", None, "acquired", "not_acquired", (known.NOTE_INTERMEDIATE,)),
    ),
    "one name tells nothing": (
        ["COR STIR", "Series 4"],
        Sequences("acquired", None, None, None, (known.NOTE_ONE_UNRECOGNISED,)),
    ),
    "every name was stripped": (
        ["", "", ""],
        Sequences(None, None, None, None, ("3 series not recognised by their names",)),
    ),
    "a Dixon water image of unknown weighting": (
        ["COR STIR", "WATER IMAGE"],
        Sequences(stir="acquired", t2=None, t1=None, dce=None),
    ),
    "a Dixon fat image": (
        ["t2_tse_dixon_cor_W", "t2_tse_dixon_cor_F"],
        Sequences(stir=None, t2="acquired", t1=None, dce=None),
    ),
    "T1 after contrast with fat suppression only": (
        ["COR STIR", "+C Cor T1 FSE FS"],
        Sequences("acquired", "not_acquired", None, "not_acquired", ("T1 after contrast with fat suppression only",)),
    ),
    "T1 after contrast only": (
        ["COR STIR", "t1 ax post"],
        Sequences("acquired", "not_acquired", None, "not_acquired", ("T1 after contrast only",)),
    ),
    "T1 with fat suppression, before and after contrast": (
        ["COR STIR", "t1 fs", "t1 fs post"],
        Sequences("acquired", "not_acquired", None, "not_acquired", ("T1 with fat suppression only",)),
    ),
    "T1 fat-suppressed, and T1 after contrast": (
        ["COR STIR", "t1 fs", "t1 post"],
        Sequences("acquired", "not_acquired", None, "not_acquired", (known.NOTE_T1_EITHER,)),
    ),
    "T1 before and after contrast": (
        ["COR STIR", "T1W_TSE_GADO_PRE", "T1W_TSE_GADO_POST"],
        Sequences(stir="acquired", t2="not_acquired", t1="acquired", dce="not_acquired"),
    ),
    "T1 gradient echo only": (
        ["COR STIR", "COR_T1_3D_FLASH_RIGHT"],
        Sequences("acquired", "not_acquired", "acquired", "not_acquired", (known.NOTE_T1_GRADIENT_ECHO,)),
    ),
    "T1 Dixon only": (
        ["COR STIR", "t1_tse_dixon_cor_W"],
        Sequences("acquired", "not_acquired", "acquired", "not_acquired", (known.NOTE_T1_DIXON,)),
    ),
    "dynamic contrast": (
        ["COR STIR", "COR T1", "t1_twist_tra"],
        Sequences(stir="acquired", t2="not_acquired", t1="acquired", dce="acquired"),
    ),
    "the dynamic series is the only T1": (
        ["COR STIR", "t1_twist_tra"],
        Sequences(stir="acquired", t2="not_acquired", t1=None, dce="acquired"),
    ),
    "a T1 reformat has a T1 volume behind it": (
        ["COR STIR", "T1 SPACE MPR"],
        Sequences(stir="acquired", t2="not_acquired", t1=None, dce="not_acquired"),
    ),
    "a gradient echo of unknown weighting may be T1": (
        ["COR STIR", "VIBE COR"],
        Sequences(stir="acquired", t2="not_acquired", t1=None, dce="not_acquired"),
    ),
    "documents and captures do not count": (
        ["COR STIR", "COR T1", "SR", "Screen Save"],
        Sequences(stir="acquired", t2="not_acquired", t1="acquired", dce="not_acquired"),
    ),
    "localizers only": (["localizer", "Survey"], Sequences(None, None, None, None)),
    "no series": ([], Sequences(None, None, None, None)),
}


@pytest.mark.parametrize(("descriptions", "expected"), STUDIES.values(), ids=STUDIES.keys())
def test_a_complete_study_answers_the_four_questions(descriptions: list[str], expected: Sequences):
    assert sequences_of(descriptions, complete=True) == expected


def test_an_incomplete_list_shows_what_is_there_and_never_what_is_missing():
    assert sequences_of(["COR STIR"], complete=False) == Sequences(
        "acquired", None, None, None, (known.NOTE_INCOMPLETE,)
    )


@pytest.mark.parametrize(
    ("description", "t1"),
    [("COR T1", None), ("T1 PRE", "acquired"), ("t1_tse_sag_ohne_KM", "acquired")],
    ids=["unmarked", "before contrast", "contrast denied"],
)
def test_in_an_examination_with_contrast_only_an_unmarked_t1_is_after_contrast(description: str, t1: str | None):
    found = sequences_of(["COR STIR", description], complete=True, contrast_throughout=True)

    note = () if t1 else (known.NOTE_T1_POST_CONTRAST,)
    assert found == Sequences("acquired", "not_acquired", t1, "not_acquired", note)


def test_a_site_may_refuse_proton_density_as_fluid_sensitive():
    series = ["CORPDFS_FBK", "COR_IW_TSE_LEFT", "COR T1"]

    assert sequences_of(series, complete=True, pd_fat_suppressed_is_fluid_sensitive=False) == Sequences(
        "not_acquired", "not_acquired", "acquired", "not_acquired", (known.NOTE_PD_NOT_COUNTED,)
    )


def test_a_note_never_holds_the_name_of_a_series():
    name = "Example Patient 1970"

    assert not any(name in note for note in sequences_of([name, name], complete=False).note)


def test_the_answers_are_the_choices_of_the_facts():
    assert {fact.choices for fact in (facts.SEQ_STIR, facts.SEQ_T2, facts.SEQ_T1, facts.SEQ_DCE)} == {
        (known.ACQUIRED, known.NOT_ACQUIRED)
    }


# --- Free text ------------------------------------------------------------------------------------------------------

NAMED = {
    "": "",
    "coronal T1 and STIR images were obtained": "t1 stir",
    "STIR only": "stir",
    "T1 and STIR": "t1 stir",
    "T1+STIR": "t1 stir",
    "no contrast": "",
    "MRI SI joints without contrast, T1 and STIR": "t1 stir",
    "no IV contrast T1 and STIR": "t1 stir",
    "MRI hip with contrast T1 and STIR": "t1 stir",
    "no T1": "",
    "w/o T1": "",
    "without STIR": "",
    "STIR without T1": "stir",
    "STIR, no T1": "stir",
    "no T1, STIR only": "stir",
    "No T1, T2 or STIR were obtained.": "",
    "without T1 and STIR": "",
    "neither T1 nor STIR": "",
    "No STIR or T2; T1 only": "t1",
    "STIR rather than T1": "stir",
    "instead of T1, STIR": "stir",
    "all except T1": "",
    "T1 not needed, STIR only": "stir",
    "STIR, T1 not needed": "stir",
    "STIR not T1 requested": "stir",
    "T1 (not obtained), STIR": "stir",
    "Not obtained: T1": "",
    "T1: none": "",
    "T1, T2 and STIR were not obtained": "",
    "STIR and T1 weren\u2019t acquired": "",
    "STIR images of the sacrum were not available": "",
    "STIR images were obtained; T1-weighted images could not be acquired because of motion.": "stir",
    "T1 wasn't obtained but STIR was": "stir",
    "T1 was omitted": "",
    "do not omit T1": "t1",
    "not only STIR but also T1": "t1 stir",
    "T1 images were not degraded": "t1",
    "no edema on STIR": "stir",
    "T1w, T2w": "t1 t2",
    "Sagittal T1, T2, STIR; Axial T2 sequences. 3.0T scanner.": "t1 t2 stir",
    "Sagittal T1 and [T2|STIR]. Axial T2 from [C2-T1].": "t1 t2 stir",
    "T2-weighted STIR": "stir",
    "T2/STIR and T1": "t1 t2 stir",
    "short tau inversion recovery": "stir",
    "fluid attenuated inversion recovery": "",
    "axial/coronal T2-FLAIR": "",
    "axial FLAIR T2": "",
    "T2* and T1": "t1",
    "T1 and fluid-sensitive sequences": "t1 t2",
    "PD FS and T1": "t1 t2",
    "Axial proton density and fat suppressed proton density.": "t2",
    "Axial proton density": "",
    "post-contrast fat-suppressed T1": "",
    "coronal T1 FS post Gd and STIR": "stir",
    "T1+C": "",
    "T1 with and without contrast": "t1",
    "T1 W/WO contrast": "t1",
    "T1 pre- and post-contrast, STIR": "t1 stir",
    "T1 w/o contrast and STIR": "t1 stir",
    "T1 without fat suppression, STIR": "t1 stir",
    "dynamic contrast-enhanced MRI": "dce",
    "T1, STIR and DCE": "t1 stir dce",
    "perfusion imaging of the femoral head": "dce",
    "without dynamic contrast": "",
    "dynamic radiographs": "",
    "T1 hypointense lesion": "",
    "low T1 signal": "",
    "T1 low signal": "",
    "T2-weighted hyperintensity": "",
    "T1 compression fracture": "",
    "T1-T4 fractures": "",
    "C7-T1 disc": "",
}


@pytest.mark.parametrize(("text", "names"), NAMED.items(), ids=[repr(text) for text in NAMED])
def test_a_text_names_what_it_wants_or_has(text: str, names: str):
    assert sequences_named(text) == frozenset(names.split())


def test_a_site_may_refuse_proton_density_in_text_too():
    assert sequences_named("PD FS and T1", pd_fat_suppressed_is_fluid_sensitive=False) == frozenset({"t1"})


# --- What holds for all names ---------------------------------------------------------------------------------------

WORDS = sorted({word for name in NAMES_SEEN for word in re.split(r"[ _/]", name)} | {"no", "not", "without", "or", ","})
NAMES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(NAMES_SEEN + [name for name, _ in TRAPS.values()]),
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
)
STATES = {"acquired", "not_acquired", None}


def _states(answer: Sequences) -> Mapping[str, str | None]:
    return {name: getattr(answer, name) for name in known.SEQUENCES}


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_string_is_too_strange(text: str):
    assert isinstance(classify(text), Weighting)
    assert set(_states(sequences_of([text], complete=True)).values()) <= STATES
    assert sequences_named(text) <= set(known.SEQUENCES)


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_no_row_of_known_words_is_too_strange(text: str):
    assert isinstance(classify(text), Weighting)
    assert sequences_named(text) <= set(known.SEQUENCES)


@given(st.lists(NAMES, max_size=8).flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_the_order_of_the_series_never_matters(both: tuple[list[str], list[str]]):
    listed, shuffled = both

    assert sequences_of(listed, complete=True) == sequences_of(shuffled, complete=True)


@given(st.lists(NAMES, max_size=8), NAMES, st.booleans(), st.booleans())
def test_one_more_series_never_loses_a_sequence(names: list[str], more: str, complete: bool, counts: bool):
    fewer = _states(sequences_of(names, complete=complete, pd_fat_suppressed_is_fluid_sensitive=counts))
    all_of_them = _states(sequences_of([*names, more], complete=complete, pd_fat_suppressed_is_fluid_sensitive=counts))

    assert {name for name, state in fewer.items() if state == "acquired"} <= {
        name for name, state in all_of_them.items() if state == "acquired"
    }


@given(st.lists(NAMES, max_size=8), st.booleans())
def test_nothing_is_called_missing_beside_a_series_that_was_not_recognised(names: list[str], complete: bool):
    answer = sequences_of([*names, "Series 4"], complete=complete)

    assert "not_acquired" not in _states(answer).values()


@given(st.lists(NAMES, max_size=8))
def test_nothing_is_called_missing_in_an_incomplete_list(names: list[str]):
    assert "not_acquired" not in _states(sequences_of(names, complete=False)).values()


@pytest.mark.parametrize(
    "piece",
    ["T1 or ", "nor T1 ", "no ", "no T1 ", "T1, ", "T1 and ", "not only ", "T1-", "w/o ", "a\u0301\u0327", "(", "fat "],
)
def test_a_very_long_text_is_read_to_its_end(piece: str):
    """What grew faster than the text would not come back from here."""
    text = piece * 20_000 + "were not obtained"

    assert (classify(text) in Weighting, isinstance(sequences_named(text), frozenset)) == (True, True)


# --- The tables -----------------------------------------------------------------------------------------------------

TABLES = {
    name: table
    for name, table in vars(known).items()
    if name.isupper() and isinstance(table, Mapping) and name not in ("ANSWERS", "GLUED")
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_word_can_be_met_and_says_why_it_is_there(table: Mapping[str, str]):
    assert all(re.fullmatch(r"[a-z0-9+*]+( [a-z0-9+*]+)?", word) for word in table)
    assert not table.keys() & known.GLUED.keys()
    assert all(table.values())


def test_every_weighting_has_an_answer_with_a_reason():
    assert known.ANSWERS.keys() == set(Weighting)
    assert all(answer.why for answer in known.ANSWERS.values())
    assert all(answer.counts_for | answer.leaves_open <= set(known.SEQUENCES) for answer in known.ANSWERS.values())
