from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    BOTH,
    DICOM,
    FOOT,
    HIP,
    LEFT,
    PATIENT,
    RIGHT,
    SI_JOINT,
    coded,
    cpt,
    edema,
    lesions,
    loinc,
    radlex,
    read,
    rules_of,
    sequences,
    snomed,
    study,
    to,
)

from cds_service.fhir.readers.imaging_study import modality, study_day, study_place
from cds_service.knowledge import sequences as known
from cds_service.model.case import Problem

Json = Any

CT = {"system": DICOM, "code": "CT"}
MR = {"system": DICOM, "code": "MR"}
SNOMED_SYSTEM = "http://snomed.info/sct"


def site(code: str) -> Json:
    return {"system": SNOMED_SYSTEM, "code": code}


# --------------------------------------------------------------------------------------------- sequences


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(
            ["t1_tse_cor", "t2_tirm_cor_320_3mm_pat2"],
            {"t1": "acquired", "stir": "acquired", "t2": "not_acquired", "dce": "not_acquired"},
            id="Siemens",
        ),
        pytest.param(
            ["LOC", "T2W_SPAIR ", "T1W_aTSE"],
            {"t1": "acquired", "stir": "not_acquired", "t2": "acquired", "dce": "not_acquired"},
            id="Philips",
        ),
        pytest.param(
            ["OCor STIR ", "Sag T2 frFSE"],
            {"t1": "not_acquired", "stir": "acquired", "t2": "acquired", "dce": "not_acquired"},
            id="GE, without T1",
        ),
        pytest.param(["OCor STIR ", "Series 5"], {"stir": "acquired"}, id="one that says nothing"),
        pytest.param(["OCor STIR ", ""], {"stir": "acquired"}, id="one without a name"),
        pytest.param(["3-pl loc"], {}, id="a localizer only"),
        pytest.param([], {}, id="no series"),
    ],
)
def test_sequences_are_read_from_the_names_of_the_series(names: list[str], found: dict[str, str]):
    assert sequences(read(study("mri", *names))) == found


@pytest.mark.parametrize(
    ("count", "complete"),
    [
        pytest.param(2, True, id="equal"),
        pytest.param(1, True, id="fewer than listed"),
        pytest.param(2.0, True, id="equal, with a decimal point"),
        pytest.param(None, True, id="null"),
        pytest.param(3, False, id="more than listed"),
        pytest.param(3.0, False, id="more, with a decimal point"),
        pytest.param("3", False, id="text"),
        pytest.param([2], False, id="a list"),
    ],
)
def test_a_sequence_is_missing_only_when_the_list_of_series_is_complete(count: Any, complete: bool):
    found = sequences(read(study("mri", "COR STIR", "Sag T2 frFSE", numberOfSeries=count)))

    missing = {"t1": "not_acquired", "dce": "not_acquired"} if complete else {}
    assert found == {"stir": "acquired", "t2": "acquired", **missing}


def test_series_of_another_modality_are_no_sequences_and_count_as_listed():
    series = [
        {"modality": MR, "description": "COR STIR"},
        {"modality": {"system": DICOM, "code": "PR"}, "description": "t1_se_cor"},
        {"modality": {"system": DICOM, "code": "SR"}, "description": "Report"},
        {"description": "Sag T2 frFSE"},
    ]

    found = sequences(read(study(series=series, numberOfSeries=4)))

    assert found == {"stir": "acquired", "t2": "acquired", "t1": "not_acquired", "dce": "not_acquired"}


def test_series_that_are_no_objects_leave_the_list_incomplete():
    found = sequences(read(study(series=[{"description": "COR STIR"}, None, "t1_se_cor"], numberOfSeries=3)))

    assert found == {"stir": "acquired"}


@pytest.mark.parametrize("damaged", [None, "t1_se_cor", 7, []])
def test_an_entry_that_is_no_series_leaves_the_list_incomplete_even_without_a_count(damaged: Any):
    assert sequences(read(study(series=[{"description": "COR STIR"}, damaged]))) == {"stir": "acquired"}


def test_a_site_may_say_that_fat_suppressed_proton_density_is_not_fluid_sensitive():
    names = ("t1_tse_cor", "pd_tse_fs_cor_DRB")

    by_default = sequences(read(study("mri", *names)))
    by_setting = sequences(read(study("mri", *names), how=rules_of(pd_fat_suppressed_is_fluid_sensitive=False)))

    assert (by_default["t2"], by_setting["t2"]) == ("acquired", "not_acquired")


@pytest.mark.parametrize(
    ("procedure", "t1"),
    [
        pytest.param([loinc("36218-6")], None, id="with contrast"),
        pytest.param([loinc("36031-3"), radlex("RID28769")], None, id="with contrast, in a code of its own"),
        pytest.param([loinc("36376-2")], "acquired", id="without and with"),
        pytest.param([loinc("36218-6"), loinc("36502-3")], "acquired", id="two examinations"),
        pytest.param([loinc("36502-3")], "acquired", id="without contrast"),
    ],
)
def test_t1_of_an_examination_with_contrast_only_is_after_contrast(procedure: list[Json], t1: str | None):
    found = sequences(read(study("mri", "COR STIR", "COR T1", procedureCode=procedure)))

    assert found.get("t1") == t1


def test_what_the_names_of_the_series_leave_open_is_named_for_the_trace_and_not_on_the_card():
    names = ("COR STIR", "+C Cor T1 FSE FS", "Phoenix Report", "")

    found = read(study("mri", *names, numberOfSeries=9))

    assert sequences(found) == {"stir": "acquired"}
    assert found.case.problems == (
        Problem("sequences", known.NOTE_SEVERAL_UNRECOGNISED.format(count=2), "ImagingStudy/mri"),
        Problem("sequences", known.NOTE_T1_FAT_SUPPRESSED_POST_CONTRAST, "ImagingStudy/mri"),
        Problem("sequences", known.NOTE_INCOMPLETE, "ImagingStudy/mri"),
    )
    assert found.gaps == ()


def test_a_study_of_r5_is_read():
    r5 = {
        "resourceType": "ImagingStudy",
        "id": "r5",
        "status": "available",
        "subject": to(f"Patient/{PATIENT}"),
        "started": "2026-03-02T09:00:00Z",
        "modality": [{"coding": [MR]}],
        "procedure": [{"concept": loinc("36502-3")}],
        "series": [
            {
                "modality": {"coding": [MR]},
                "description": "COR STIR",
                "bodySite": {"concept": snomed(SI_JOINT)},
                "laterality": {"coding": [site(LEFT)]},
            }
        ],
    }

    found = read(r5)

    assert lesions(found) == {"si_joint left": {}}
    assert sequences(found)["stir"] == "acquired"


# -------------------------------------------------------------------------------------------- which are MR


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, "MR", id="MR"),
        pytest.param({"modality": [CT], "series": []}, "other", id="CT"),
        pytest.param({"modality": [CT, MR], "series": []}, "MR", id="PET and MR"),
        pytest.param({"modality": MR, "series": []}, "MR", id="modality that is an object"),
        pytest.param({"modality": [{"code": "MR"}], "series": []}, "MR", id="without system"),
        pytest.param({"modality": [{"code": "mr"}], "series": []}, "MR", id="in small letters"),
        pytest.param({"modality": [{"code": "MRI"}], "series": []}, "MR", id="as it is called"),
        pytest.param({"modality": [{"code": "MRA-CT"}], "series": []}, "other", id="another that looks like it"),
        pytest.param({"modality": [], "modalityList": [MR], "series": []}, "MR", id="as in STU3"),
        pytest.param({"modality": [], "series": [{"modality": MR}]}, "MR", id="only its series say so"),
        pytest.param({"modality": [], "series": [{"modality": CT}]}, "other", id="its series are CT"),
        pytest.param({"modality": None, "series": []}, "MR", id="no modality, an MR procedure"),
        pytest.param(
            {"modality": [], "series": [], "procedureCode": [coded("783627007")]},
            "other",
            id="no modality, a procedure of radiography",
        ),
        pytest.param(
            {"modality": [], "series": [], "procedureCode": [], "description": "MRI SI joints"},
            "MR",
            id="no modality, MRI by its description",
        ),
        pytest.param(
            {"modality": [], "series": [], "procedureCode": [], "description": "XR pelvis"},
            "other",
            id="no modality, a radiograph by its description",
        ),
        pytest.param({"modality": [], "series": [], "procedureCode": []}, "", id="nothing tells"),
    ],
)
def test_a_study_is_mr_by_its_modality_or_else_by_what_was_done(changes: Json, found: str):
    assert modality(study(**changes)) == found


def test_a_study_that_is_no_mr_says_nothing():
    found = read(study(modality=[CT], series=[{"modality": CT, "description": "t1_se_cor"}]))

    assert (found.case.lesions, found.case.problems) == ((), ())


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_a_study_that_was_not_done_says_nothing(status: str):
    assert read(study("mri", "COR STIR", status=status)).case.lesions == ()


# ------------------------------------------------------------------------------------------ where and when


def series(*parts: Json) -> list[Json]:
    return [{"modality": MR, "description": "COR STIR", **part} for part in parts]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({}, ("si_joint", None), id="by its procedure"),
        pytest.param({"description": "LEFT SI JOINT"}, ("si_joint", "left"), id="the side by its description"),
        pytest.param(
            {"series": series({"bodySite": site(SI_JOINT), "laterality": site(LEFT)})},
            ("si_joint", "left"),
            id="the side by its series",
        ),
        pytest.param(
            {"procedureCode": [], "series": series({"bodySite": site(HIP), "laterality": site(RIGHT)})},
            ("hip", "right"),
            id="by its series",
        ),
        pytest.param(
            {"procedureCode": [], "series": series({"bodySite": site(HIP)}, {"laterality": site(LEFT)})},
            ("hip", "left"),
            id="site and side in different series",
        ),
        pytest.param(
            {
                "procedureCode": [],
                "series": series(
                    {"bodySite": site(HIP), "laterality": site(LEFT)},
                    {"bodySite": site(HIP), "laterality": site(RIGHT)},
                ),
            },
            ("hip", "both"),
            id="a series of each side",
        ),
        pytest.param(
            {"procedureCode": [], "series": series({"bodySite": site(HIP)}, {"bodySite": site(FOOT)})},
            (None, None),
            id="series of different regions",
        ),
        pytest.param(
            {"procedureCode": [cpt("72195")], "series": series({"bodySite": site(SI_JOINT)})},
            ("si_joint", None),
            id="pelvis, narrowed by its series",
        ),
        pytest.param(
            {"procedureCode": [cpt("72195")], "description": "MRI bilateral hips"},
            ("hip", "both"),
            id="pelvis, narrowed by its description",
        ),
        pytest.param({"procedureCode": [cpt("72195")]}, (None, None), id="pelvis"),
        pytest.param({"procedureCode": [loinc("36020-6")]}, ("hip", "left"), id="a procedure with its side"),
        pytest.param(
            {"procedureCode": [{"text": "MRI Knee RT"}]}, ("knee", "right"), id="by the words of its procedure"
        ),
        pytest.param({"procedureCode": [], "description": "MRI brain"}, (None, None), id="another region"),
        pytest.param(
            {
                "procedureCode": [],
                "series": [{"modality": {"code": "SR"}, "bodySite": site(HIP)}, *series({"bodySite": site(FOOT)})],
            },
            ("foot_ankle", None),
            id="a series that is no MR does not tell",
        ),
        pytest.param(
            {"procedureCode": [], "series": series({"bodySite": site(HIP), "laterality": site(BOTH)})},
            ("hip", "both"),
            id="both sides in one series",
        ),
    ],
)
def test_the_place_of_a_study_is_put_together_from_what_it_says(changes: Json, place: tuple[Any, Any]):
    found = study_place(study(**changes), rules_of())

    assert (found.site, found.side) == place


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        pytest.param({}, "2026-03-02", id="started"),
        pytest.param(
            {"started": None, "series": [{"started": "2026-03-05T10:00:00Z"}, {"started": "2026-03-04"}]},
            "2026-03-04",
            id="its first series",
        ),
        pytest.param({"started": "2026"}, "", id="a year only"),
    ],
)
def test_a_study_is_dated_by_its_start(changes: Json, day: str):
    assert study_day(study(**changes)) == day


def test_an_alias_of_the_site_names_the_place_of_a_series():
    own = coded("SIJ-L", "urn:example:sites")
    how = rules_of({("urn:example:sites", "SIJ-L"): "site=si_joint/left"})

    found = study_place(study(procedureCode=[], series=series({"bodySite": own["coding"][0]})), how)

    assert (found.site, found.side) == ("si_joint", "left")


def test_a_study_without_a_finding_is_a_lesion_of_its_place_so_that_a_missing_sequence_is_noticed():
    assert lesions(read(study("mri", "COR STIR"))) == {"si_joint": {}}


def test_a_finding_joins_the_side_of_the_study():
    found = read(study(description="Left SI joint"), edema(bodySite=None, derivedFrom=[to("ImagingStudy/mri")]))

    assert lesions(found) == {"si_joint left": {"bme": "present"}}
