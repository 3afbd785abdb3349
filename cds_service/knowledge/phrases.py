"""The wording of English radiology reports: which words state which fact, where, and how surely.

Everything here is wording and nothing else; how it is put to a text stands in ``fhir/narrative/``. A phrase is a row
of words, one phrase to a line, read like this::

    bone marrow edema       these words in this order; capitals and line breaks do not matter
    erosion*                any ending: erosion, erosions, erosional
    (low|decreased) signal  one of these
    [joint] effusion        may stand here or not
    subchondral ... line    up to three words may stand between (never "and", "with", "no" or a comma)
    family history ....     with all that follows, up to six words of the same kind
    <n> days ago            a number
    none $                  only at the end, or before a comma, semicolon, colon or bracket
    likely ~                the same, or before "in", "given" and the like
    # such a remark         is for the reader

The text is put into one form before it is compared, and phrases are written in that form: hyphens are blanks
(``T1-hypointense`` is ``t1 hypointense``), British spelling is American (``oedema`` is ``edema``), ``T1W`` is ``t1``,
and ``a``, ``an``, ``the`` and ``weighted`` are left out.

Where a longer phrase covers a shorter one, the longer is meant: ``bone marrow edema syndrome`` is a diagnosis and not
bone marrow edema, ``no definite`` is not ``no``.

Source: field mapping, section 6 (the row is named); decision table 3.10.7 to 3.10.9 and 5.1. Beside the words named
there stand others that reports use for the same; "added" marks what neither of them means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

from cds_service.model.finding import State


def _lines(block: str) -> tuple[str, ...]:
    """Return the phrases of a block: its lines without remarks."""
    rows = (line.partition("#")[0].strip() for line in block.splitlines())
    return tuple(row for row in rows if row)


def _words(block: str) -> frozenset[str]:
    """Return the words of a block."""
    return frozenset(block.split())


# --- The form in which a text is compared ---------------------------------------------------------------------------

LEFT_OUT = _words("a an the weighted")

SPELLINGS: Mapping[str, str] = {
    "oedema": "edema",
    "oedemas": "edema",
    "oedematous": "edematous",
    "edemas": "edema",
    "tumour": "tumor",
    "leukaemia": "leukemia",
    "ischaemic": "ischemic",
    "haemangioma": "hemangioma",
    "haematopoietic": "hematopoietic",
    "generalised": "generalized",
    "haemarthrosis": "hemarthrosis",
    "lipohaemarthrosis": "lipohemarthrosis",
    "artefact": "artifact",
    "artefacts": "artifact",
    "artefactual": "artifactual",
    "calcaneum": "calcaneus",
    "fatsat": "fat suppressed",
    "fs": "fat suppressed",
    "tirm": "stir",
    "leukaemic": "leukemic",
    "saturated": "suppressed",
    "centre": "center",
    "favour": "favor",
    "favours": "favors",
    "favoured": "favored",
    "visualised": "visualized",
    "recognised": "recognized",
    "diskitis": "discitis",
    "spondylodiskitis": "spondylodiscitis",
    "millimetre": "millimeter",
    "millimetres": "millimeters",
    "centimetre": "centimeter",
    "centimetres": "centimeters",
    "subcentimetre": "subcentimeter",
    "multicentimetre": "multicentimeter",
    "synovium": "synovial",
    "+/-": "±",
    "t1w": "t1",
    "t1wi": "t1",
    "t2w": "t2",
    "t2wi": "t2",
    "t2fs": "t2",
    "can't": "cannot",
    "cant": "cannot",
    "couldn't": "could not",
    "isn't": "is not",
    "aren't": "are not",
    "doesn't": "does not",
    "don't": "do not",
    "hasn't": "has not",
    "haven't": "have not",
    "wasn't": "was not",
    "weren't": "were not",
}
"""One word of the text -> how it is read."""

ABBREVIATIONS = _words("""
    e.g i.e eg ie vs approx ca cf dr prof st fig figs incl resp al ser im img pt mr ms mrs max min ant post lat
    med sup inf
""")
"""A full stop after one of these does not end the sentence. (``No.`` before a number is looked at on its own.)"""

NOT_BETWEEN = _words("and or nor no not without with but is are was were &")
"""Never stands in the place of ``...``."""

ENDS_BEFORE = _words("and but in at on of given here as if because based without although for")
"""What ``~`` allows to follow."""

GOES_ON_AFTER = _words("""
    a an the of in on at to and or nor with without no not for from by is are was were has have left right bone
    marrow evidence than as
""")
"""A line that ends with one of these goes on in the next."""

NAMES_IN_CAPITALS = _words("charcot modic baker schmorl hoffa lisfranc andersson romanus")
"""A line that begins with one of these may be the rest of the line before."""


# --- Headings (6.2) -------------------------------------------------------------------------------------------------

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "findings": _lines("""
        findings
        finding
        mr findings
        mri findings
        imaging findings
        observations
        report
        results
        result
        description
    """),
    "impression": _lines("""
        impression
        impressions
        conclusion
        conclusions
        opinion
        summary
        assessment
        interpretation
        recommendation        # what it asks for is a question, and its words say so ("to exclude osteomyelitis")
        recommendations
        addendum
    """),
    "indication": _lines("""
        indication
        indications
        clinical indication
        clinical indications
        reason for exam
        reason for examination
        reason for study
        reason for the study
        reason for the exam
        clinical question
        clinical information
        clinical details
        clinical data
        clinical context
        clinical background
        clinical notes
        clinical
        question
        referral
        reason
        request
    """),
    "history": _lines("""
        history
        clinical history
        patient history
        medical history
        past medical history
        relevant history
        pmh
        hpi
        symptoms
        presenting complaint
    """),
    "technique": _lines("""
        technique
        mri technique
        mr technique
        imaging technique
        protocol
        sequences
        procedure
        exam
        examination
        study
        contrast
    """),
    "comparison": _lines("""
        comparison
        comparisons
        comparison study
        comparison studies
        prior study
        prior studies
        previous study
        previous studies
        priors
    """),
    # Read by nobody: what stands below is about the document.
    "": _lines("""
        disclaimer
        signed
        signed by
        electronically signed by
        electronically signed
        dictated by
        reported by
        radiologist
    """),
}
"""Section -> its headings, alone on a line or before a colon."""


# --- Facts ----------------------------------------------------------------------------------------------------------


class Kind(Enum):
    """What a phrase is about, as far as its reading depends on it."""

    FINDING = auto()  # an imaging finding of its own
    QUALITY = auto()  # what is said of a finding: its T1 signal, its enhancement
    DIAGNOSIS = auto()  # named, never a finding (decision table 3.10.9)
    CONTEXT = auto()  # of the patient; read in INDICATION and HISTORY only (3.10.7)
    NORMAL = auto()  # a normal structure
    GENERAL = auto()  # "the findings": carries a change, states nothing


class Anchor(Enum):
    """What else must stand near a phrase for it to count."""

    NOTHING = auto()
    BONE = auto()  # edema or a bright signal may be anywhere: the nearest tissue word must be of bone
    MARROW = auto()  # the sentence speaks of marrow


@dataclass(frozen=True)
class Wording:
    """Phrases that state one thing.

    Attributes:
        fact: what is stated; empty for what states nothing.
        phrases: how it is said.
        value: what is stated when nothing denies or doubts it. Where that is ``absent``, a denial states nothing.
        anchor: what must stand near it.
        only: the states it is good for; another one is not taken from it. Empty: all.
        covers: whether shorter phrases inside it are not read on their own.
        site: the site that the words themselves name.
    """

    fact: str
    phrases: tuple[str, ...]
    value: State | str = State.PRESENT
    kind: Kind = Kind.FINDING
    anchor: Anchor = Anchor.NOTHING
    only: frozenset[State] = frozenset()
    covers: bool = True
    site: str | None = None


FLUID_SENSITIVE = (
    "stir|t2|fluid sensitive|stir / t2|t2 / stir|stir and t2|t2 and stir|t2 fat suppressed|pd fat suppressed"
)
BRIGHT = "hyperintense|hyperintensity|hyperintensities|bright|high"

IMAGING: tuple[Wording, ...] = (
    # Row bme. "Osteitis" and "bone bruise" are not in the mapping and are not read.
    Wording(
        "bme",
        _lines(f"""
            bone marrow ... edema*
            marrow ... edema*
            bone marrow edema like ... signal*
            marrow edema like ... signal*
            edema like [bone] marrow ... signal*
            edema like [bone] marrow (change*|lesion*|abnormalit*)
            edema [like] [type] [pattern] [signal] (of|in|within|involving|throughout|affecting) ... marrow
            [bone] marrow (and|or|/) [adjacent|surrounding|overlying|periarticular] soft tissue edema*
            bme
            bmel
            bmo
            bml
            bmls
            bone marrow lesion*
            (bone|bony|osseous|intraosseous|intramedullary|medullary) edema*
            (subchondral|subarticular|subcortical) ... edema*
            ({FLUID_SENSITIVE}) ({BRIGHT}) [signal] [intensity] ... marrow [signal]
            (hyperintense|high|increased|elevated|bright) [bone] marrow signal [intensity] (on|in) ... (stir|t2|fluid)
            hyperintense [bone] marrow (on|in) ... (stir|t2|fluid)
            increased (stir|t2|fluid sensitive) signal [intensity] (in|within|of) ... marrow
            (increased|high|hyperintense|elevated|bright) [bone] marrow signal [intensity]
            [bone] marrow signal (hyperintensit*|increase|elevation)
            (water|fluid|edema) equivalent [signal] [intensity] (in|of|within) ... marrow
            [signal] hyperintens* [signal] (in|of|within) ... marrow (on|in) ... (stir|t2|fat|pd|fluid)
            [bone] marrow signal [intensity] (on|in) ({FLUID_SENSITIVE}) is ... (increased|high|elevated|hyperintense)
        """),
    ),
    # Row bme: brightness and bare "edema" count only near a word of bone.
    Wording(
        "bme",
        _lines(f"""
            edema*
            (increased|high|elevated|hyperintense|bright|abnormal) ({FLUID_SENSITIVE}) [marrow] signal* [intensity]
            (increased|high|elevated|hyperintense|bright) [marrow] signal* [intensity] (on|in) ... (stir|t2|fluid)
            signal hyperintensit* (on|in) ... (stir|t2|fluid)
            hyperintens* [signal] (on|in) ... (stir|t2|fluid)
            (bright|increased|elevated|high) (on|in) (stir|t2|fluid sensitive)
            ({FLUID_SENSITIVE}) ({BRIGHT}) [signal*] [intensity]
            ({FLUID_SENSITIVE}) signal (increase|hyperintensity|elevation)
        """),
        anchor=Anchor.BONE,
    ),
    # Row t1_signal. Decision table 1.2 gives the choices.
    Wording(  # neither low nor not low
        "t1_signal",
        _lines("""
            (intermediate|low to intermediate|intermediate to low) [signal] [intensity] t1 [bone] [marrow] signal
            (intermediate|low to intermediate|intermediate to low) [marrow] signal [intensity] on t1
            t1 [bone] [marrow] signal [intensity] (is|appears) (intermediate|low to intermediate|intermediate to low)
        """),
        value=State.INDETERMINATE,
        kind=Kind.QUALITY,
    ),
    Wording(
        "t1_signal",
        _lines("""
            t1 (hypointens*|dark)
            t1 low [signal]
            (low|decreased|reduced|diminished|hypointense|dark|confluent low) t1 [bone] [marrow] [signal] [intensity]
            (low|decreased|reduced|diminished|hypointense|dark) [bone] [marrow] signal [intensity] (on|in) ... t1
            (low|decreased|reduced) signal [intensity] ... marrow on t1
            hypointens* [signal] [marrow] (on|in) ... t1
            dark on ... t1
            t1 [bone] [marrow] signal [intensity] (is|appears) ... (low|decreased|reduced|hypointense)
            t1 signal [intensity] (of|in|within) ... ... (is|appears) (low|decreased|reduced|hypointense)
            t1 [bone] [marrow] signal loss
            loss of [normal] (fat|fatty) [marrow] signal on t1
            t1 signal (drop|reduction)
            loss of [normal] [fatty] t1 [fat|fatty] [bone] [marrow] signal
            replacement of [normal] [fatty] t1 [fatty] [bone] [marrow] signal
            confluent ... t1 ... hypointensity
            replacement of [normal] fatty marrow (by|with) (low|hypointense) [signal]
            fatty marrow is replaced (by|with) (low|hypointense) [signal]
        """),
        value="low",
        kind=Kind.QUALITY,
    ),
    Wording(
        "t1_signal",
        ("(low|decreased|reduced|diminished) (on|in) ... t1",),
        value="low",
        kind=Kind.QUALITY,
        anchor=Anchor.BONE,
    ),
    Wording(
        "t1_signal",
        _lines("""
            normal t1 [bone] [fatty|fat] [marrow] signal
            normal [fatty] [bone] [marrow] signal [intensity] on t1
            t1 [bone] [fatty] [marrow] signal [intensity] (is|remains|appears|:) ... (normal|preserved|maintained)
            t1 signal [intensity] (of|in|within) ... ... (is|remains|appears) (normal|preserved|maintained)
            [fatty|fat] [bone] marrow signal [intensity] on t1 (is|remains|appears) (normal|preserved|maintained)
            t1 [bone] [marrow] signal (normal|preserved)
            [bone] marrow signal on t1 [:] (normal|preserved)
            (preserved|maintained) [normal] t1 [fat|fatty] [bone] [marrow] signal
            preservation of [normal] t1 [fat|fatty] [bone] [marrow] signal
            [bone] marrow ... ... (is|are|appears|shows|has) [of] normal [in] [signal] [intensity] (on|in) t1
            (no|without) [corresponding|associated] t1 [bone] [marrow] [signal] (abnormality|change|changes|correlate)
            (no|without) [corresponding|associated] [signal] (abnormality|change|changes|correlate) on t1
        """),
        value="normal",
        kind=Kind.QUALITY,
    ),
    Wording(
        "t1_signal",
        _lines("""
            t1 hyperintens*
            (high|increased|hyperintense|bright) t1 [bone] [marrow] signal
            hyperintens* (on|in) t1
        """),
        value="high",
        kind=Kind.QUALITY,
        anchor=Anchor.BONE,
    ),
    Wording(
        "t1_signal",
        _lines("""
            (variable|heterogeneous|inhomogeneous|mixed) t1 [bone] [marrow] signal*
            (variable|heterogeneous|inhomogeneous|mixed) [bone] [marrow] signal [intensity] on t1
            t1 [bone] [marrow] signal [intensity] (is|appears) (variable|heterogeneous|inhomogeneous|mixed)
        """),
        value="variable",
        kind=Kind.QUALITY,
    ),
    # Row erosion
    Wording(
        "erosion",
        _lines("""
            erosion*
            erosive [change*|changes]
            eroded
            cortical (breaking|break|breaks|breach|breaches)
            loss of [normal] [subchondral] cortical (margin*|integrity|line*|definition)
        """),
    ),
    Wording("erosion", ("(non erosive|nonerosive) [change*]",), value=State.ABSENT),
    # Row fatty_lesion. "Backfill" is a T1-bright cavity and no fat lesion: see NOT_MEANT.
    Wording(
        "fatty_lesion",
        _lines("""
            (fat|fatty) [bone] [marrow] (metaplasia|deposit*|lesion*|replacement|conversion)
            (fat|fatty) subchondral (metaplasia|deposit*|lesion*|replacement)
            fatty [bone] marrow (change*|metaplasia|infiltration|deposition|conversion)
            (fat|fatty) (infiltration|conversion|transformation|degeneration) (of|in|within) ... marrow
            (fat|fatty) change* (of|in) ... marrow
        """),
    ),
    Wording("fatty_lesion", ("(fat|fatty) (change*|transformation|infiltration|conversion)",), anchor=Anchor.BONE),
    # Row sclerosis
    Wording(
        "sclerosis",
        _lines("""
        sclerosis
        sclerotic (change*|margin*|bone|border*)
        sclerotic (subchondral|articular|iliac|sacral|joint)
        (eburnation|sclerosed|osteosclerosis)
        ice floe [sclerosis]
    """),
    ),
    # Row ankylosis
    Wording(
        "ankylosis",
        _lines("""
        ankylosis
        ankylosed
        ankylosing (of|at)
        (bony|bone|osseous) (bridging|bridge|bridges|fusion|bar|bars)
        fusion of ... joint*
        joint* fusion
        joint* (is|are|appears|appear) [completely|partially|partly|fully] fused
        fused ... joint*
        bone bud*
    """),
    ),
    # Row ia_t1_hyperintensity
    Wording(
        "ia_t1_hyperintensity",
        _lines("""
            (intra articular|intraarticular) ... t1 (hyperintens*|bright*)
            (intra articular|intraarticular) (hyperintens*|high signal) on ... t1
            (intra articular|intraarticular) (high|hyperintense|increased) t1 [signal]
            t1 (hyperintens*|bright) [intra articular|intraarticular] [signal] (in|within|of) ... joint [space*]
            t1 (hyperintens*|bright) signal intensity (in|within|of) ... joint [space*]
            t1 (hyperintens*|bright) (intra articular|intraarticular) [signal]
            (high|increased|hyperintense|bright) t1 signal [intensity] (in|within|of) ... joint [space*]
            hyperintens* (in|within) ... joint space* on t1
        """),
    ),
    # Row t2_joint_fluid; decision table 3.10.8
    Wording(
        "t2_joint_fluid",
        _lines(f"""
            ({FLUID_SENSITIVE}) (hyperintense|bright|hyperintensity of) [intra articular|intraarticular] [joint] fluid
            (hyperintense|bright) joint fluid
            joint fluid [is] hyperintense on (t2|stir)
            fluid signal [intensity] (in|within|of) ... joint [space*]
            (hyperintense|bright) fluid (in|within) ... joint [space*]
            fluid (in|within) ... joint space*
            joint space* fluid signal
            ({FLUID_SENSITIVE}) ({BRIGHT}) [signal] (in|within|of) ... joint space*
        """),
    ),
    # Rows synovitis and effusion
    Wording(
        "synovitis",
        _lines("""
            synovitis
            synovial (thickening|enhancement|proliferation|hypertrophy|inflammation)
            (thickened|enhancing|hypertrophic|hypertrophied|inflamed) synovial
            synovial (is|appears) ... (thickened|enhancing|inflamed|hypertrophied)
            synovial (shows|demonstrates) ... enhancement
            synovial of ... (is|appears) ... (thickened|enhancing|inflamed)
            pannus
        """),
    ),
    Wording(
        "effusion",
        _lines("""
            effusion*
            (hydrarthrosis|hydrops|hemarthrosis|lipohemarthrosis)
            (capsular|capsule|joint|recess) (distension|distention)
            (distension|distention) of ... (capsule|joint|joints|recess|recesses)
            distended ... (capsule|joint|joints)
            (capsule|joint|joints) (is|are|appears) ... distended
            fluid filled ... joint*
            (fluid|effusion) (distends|distending) ... (capsule|joint|joints)
            (increased|excess|excessive|abundant) fluid (in|within) ... (joint|joints)
            (increased|excess|excessive|abundant|copious) [amount] [of] (joint|intra articular|intraarticular) fluid
            (small|moderate|large) (amount|volume) of (joint|intra articular|intraarticular) fluid
            (small|moderate|large) (amount|volume) of fluid (in|within) ... (joint|joints)
            joint fluid is ... increased
        """),
    ),
    Wording("effusion", ("(physiologic|physiological) [joint] effusion*",), value=State.INDETERMINATE),
    # Row rim_sign: necrotic focus, rim or double line
    Wording(
        "rim_sign",
        _lines("""
            double line [sign]
            (serpiginous|serpentine|serpigenous) ... (line*|rim*|band*|margin*|border*|area*|signal|lesion*|focus)
            (low signal|low signal intensity|hypointense|dark) [t1|peripheral|demarcating|surrounding|thin] rim*
            (low t1 signal|t1 hypointense|t1 dark|hypointense t1) [peripheral|demarcating|surrounding|thin] rim*
            rim of (low|hypointense|decreased) [t1|t2] signal
            rim sign
            geographic ... (lesion*|area*|region*|focus|foci|abnormalit*)
            ring (like|shaped) (lesion*|area*)
            necrotic (focus|foci|lesion*|segment*|area*|zone*)
            (hypointense|low signal|low signal intensity) (demarcation|demarcating) (line*|rim*|band*|zone*)
            reactive interface
        """),
    ),
    # Row dce; its values: decision table 1.2
    Wording(
        "dce_pattern",
        _lines("""
            rim of [increased|high] (perfusion|plasma flow|hyperperfusion)
            (rim|peripheral rim) with (high|increased) (plasma flow|perfusion)
            (no|absent) (flow|plasma flow|perfusion) [in|within|at] (center|core|central core|necrotic core)
            no flow (center|core)
            (nonperfused|non perfused) (center|core)
        """),
        value="rim_high_flow_no_flow_core",
        kind=Kind.QUALITY,
    ),
    Wording(
        "dce_pattern",
        _lines("""
            [subchondral] hyperperfusion
            (increased|high) subchondral (perfusion|plasma flow)
        """),
        value="subchondral_hyperperfusion",
        kind=Kind.QUALITY,
    ),
    Wording(
        "dce_pattern",
        ("(decreased|reduced|lower|diminished) (maximal|maximum|max|peak) enhancement",),
        value="decreased_max_enhancement",
        kind=Kind.QUALITY,
    ),
    # Row subchondral_fracture_line
    Wording(
        "subchondral_fracture_line",
        _lines("""
            subchondral fracture [line*]
            subchondral ... fracture line*
            crescent (sign|line)
            subchondral crescent
            (linear|curvilinear) subchondral (low signal|hypointensit*)
            (hypointense|low signal|dark) line* (beneath|below|along|parallel to) ... (articular surface|subchondral)
            fracture line* [runs|running] (in|within|of|parallel to|beneath|below|along) ... subchondral
            subchondral ... lucenc*
            subchondral (low signal|low signal intensity|hypointense|dark|low t1 signal|t1 hypointense) (line*|band*)
            subchondral (low t1|low t2|t1 dark|linear low signal|linear t1 hypointense) (line*|band*)
            subchondral (linear|curvilinear) (low signal|hypointensit*|lucenc*)
            (low signal|low signal intensity|hypointense|dark|t1 hypointense|linear) subchondral (line*|fracture*|band*)
        """),
    ),
    # Row diffuse_edema_head_neck. Its edema is bone marrow edema as well.
    Wording(
        "diffuse_edema_head_neck",
        _lines("""
            (diffuse|diffusely) ... edema* ... ... head (and|&|/|to|into) [femoral] neck
            (diffuse|diffusely) ... edema* ... ... head [,] (extending|extension) [down] (to|into) [femoral] neck
            edema* throughout ... head and [femoral] neck
            head and [femoral] neck (show*|demonstrate*|exhibit*|:) ... diffuse ... edema*
        """),
        covers=False,
        site="femoral_head_and_neck",
    ),
    # Row diffuse_marrow_signal
    Wording(
        "diffuse_marrow_signal",
        _lines("""
            (diffuse|diffusely) ... marrow [signal] [intensity] (abnormalit*|heterogene*|alteration*|change*)
            (diffuse|diffusely) ... marrow (infiltration|replacement|reconversion|process)
            marrow signal [intensity] is diffusely (abnormal|heterogeneous|decreased|low|altered)
            diffusely (abnormal|heterogeneous|decreased|low|hypointense|altered|inhomogeneous) ... marrow [signal]
            diffuse (heterogeneous|abnormal|decreased|low|altered|inhomogeneous|t1) ... marrow signal
            [diffuse] marrow (infiltration|replacement)
            (diffuse|widespread|generalized) (infiltration|replacement|alteration) of ... marrow
            (widespread|generalized) ... marrow [signal] (abnormalit*|alteration*|change*|infiltration|replacement)
            infiltration of [normal] [bone] marrow
            marrow replacing (process|disease)
            infiltrative marrow process
            marrow infiltrative process
            reconversion pattern
            [red] [hematopoietic] marrow reconversion
        """),
    ),
    Wording("diffuse_marrow_signal", ("infiltrative (process|disease)",), anchor=Anchor.MARROW),
    # Decision table 1.2: incidental, when it is the marrow that was found by chance.
    Wording("incidental", ("incidental*",), anchor=Anchor.MARROW, covers=False),
)

SITES_NORMAL = (
    "si joint|si joints|sij|sijs|sacroiliac joint|sacroiliac joints|sacrum|ilium|ilia|iliac bone|iliac bones|sacral ala"
    "|femoral head|femoral heads|femoral neck|femoral necks|femoral head and neck|femoral condyle|femoral condyles"
    "|medial femoral condyle|lateral femoral condyle|tibial plateau|patella|calcaneus|talus|navicular|cuboid"
    "|cuneiforms|metatarsals|tarsal bones|bones of foot|midfoot bones|vertebra|vertebrae|vertebral body"
    "|vertebral bodies"
)
NORMAL_WORDS = (
    "normal|unremarkable|within normal limits|normal in signal|of normal signal|normal in shape and signal"
    "|normal in contour and signal|normal in morphology and signal|normal in signal and morphology"
)

NORMAL_STRUCTURES: tuple[Wording, ...] = (
    # 6.3 "normal (structure)": says that there is no bone marrow edema in it, and no more than that.
    Wording(
        "bme",
        _lines(f"""
            ({SITES_NORMAL}) [is|are|appear|appears|remain|remains|:] ({NORMAL_WORDS})
            ({SITES_NORMAL}) [bone] marrow [signal] [intensity] (is|are|appears|remains|:) ({NORMAL_WORDS})
            ({SITES_NORMAL}) (show|shows|demonstrate|demonstrates) normal [bone] [marrow] signal
            (normal|unremarkable) [mr|mri] [appearance|appearances|signal] [of|in] [left|right|both] ({SITES_NORMAL})
            [bone] marrow [signal] [intensity] [is|appears|remains|:] ({NORMAL_WORDS})
            [bone] marrow (has|shows|demonstrates|returns|exhibits|displays) normal [signal] [intensity]
            (bones|osseous structures|bony structures) (are|appear|:) ({NORMAL_WORDS})
            normal [bone|vertebral|sacral|iliac|subchondral|fatty] marrow signal [intensity]
            normal signal [intensity] (of|in|within) ... [bone] marrow
            [bone] marrow signal characteristics (is|are|appear) ({NORMAL_WORDS})
            (no|without) [bone] marrow (abnormality|abnormalities)
            (no|without) [evidence|area|areas|focus|foci] [of] [focal] abnormal [bone] marrow signal [intensity]
            (no|without) [focal] [bone] marrow signal (abnormality|abnormalities|alteration|alterations|change|changes)
            (no|without) [focal] signal (abnormality|abnormalities|alteration|alterations) (of|in|within) [bone] marrow
            (no|without) [focal] abnormal signal [intensity] (of|in|within) [bone] marrow
            no abnormality of [bone] marrow signal
            normal (mri|mr|mr imaging|magnetic resonance imaging|study|examination|exam|scan) of
        """),
        value=State.ABSENT,
        kind=Kind.NORMAL,
    ),
    Wording(
        "bme",
        _lines("""
            normal [bone] marrow signal [intensity] (on|in) (all|t1 and t2|t1 and stir|t2 and t1|stir and t1)
            [bone] marrow [signal] [intensity] (is|appears) normal (on|in) (t1 and t2|t1 and stir|t2 and t1|stir and t1)
        """),
        value=State.ABSENT,
        kind=Kind.NORMAL,
        covers=False,
    ),
    Wording(
        "synovitis",
        (f"(synovial|synovial membrane) (is|appears|:) ({NORMAL_WORDS})",),
        value=State.ABSENT,
        kind=Kind.NORMAL,
    ),
)

DIAGNOSES: tuple[Wording, ...] = (
    # Row "named diagnosis (G0)"; decision table 3.10.9. Beyond that row: the full names of the same diseases.
    Wording(
        "osteomyelitis",
        _lines("""
            osteomyelitis
            osteomyelitic [change*]
            (bone|osseous) infection
            infected bone
            infectious osteitis
        """),
        kind=Kind.DIAGNOSIS,
    ),
    # Added: osteomyelitis of two vertebrae and their disc
    Wording("osteomyelitis", ("spondylodiscitis",), kind=Kind.DIAGNOSIS, site="vertebra"),
    # "Infection not excluded" names osteomyelitis; "no infection" does not deny it.
    Wording("osteomyelitis", ("infection",), kind=Kind.DIAGNOSIS, only=frozenset({State.INDETERMINATE})),
    Wording(
        "osteonecrosis",
        _lines("""
            osteonecrosis
            osteonecrotic
            (avascular|aseptic|ischemic) [bone] necrosis
            femoral head necrosis
            necrosis of ... femoral head*
            bone infarct*
            avn
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording(
        "tbmes",
        _lines("""
            transient osteoporosis
            migratory osteoporosis
            [transient] [bone] marrow edema syndrome*
            transient [bone] marrow edema
            tbmes
            bmes
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording(
        "sif",
        _lines("""
            [subchondral] insufficiency [type] [stress] fracture*
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording("sif", ("sif",), kind=Kind.DIAGNOSIS),
    Wording("sif", ("(sonk|sifk)", "spontaneous osteonecrosis [of knee]"), kind=Kind.DIAGNOSIS, site="knee"),
    Wording("axspa", ("sacroiliitis",), kind=Kind.DIAGNOSIS, site="si_joint"),
    Wording(
        "axspa",
        _lines("""
            [axial] (spondyloarthritis|spondyloarthropathy|spondylarthritis)
            axspa
            ankylosing spondylitis
            bechterew*
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording(
        "charcot",
        _lines("""
            charcot [neuro|neuropathic] [osteo] [arthropathy|osteoarthropathy|joint|foot]
            charcot (neuroarthropathy|neuroosteoarthropathy)
            (neuropathic|neurogenic) [osteo] (arthropathy|osteoarthropathy|joint)
            (neuroarthropathy|neuroosteoarthropathy)
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording(
        "malignancy",
        _lines("""
            (metastasis|metastases|metastatic) [disease|lesion*|deposit*|process]
            [multiple] myeloma
            lymphoma*
            (plasmacytoma*|sarcoma*|osteosarcoma*|chondrosarcoma*)    # added
            leukemi*               # added
            malignan* [lesion*|process|tumor|infiltration|disease]    # added
        """),
        kind=Kind.DIAGNOSIS,
    ),
    Wording(
        "septic_arthritis",
        _lines("""
            (septic|infectious|pyogenic) (arthritis|joint|sacroiliitis)
        """),
        kind=Kind.DIAGNOSIS,
    ),
    # An infection sign like septic arthritis (decision table 3.10.9); "no abscess" does not deny an infected joint.
    Wording(
        "septic_arthritis",
        ("abscess*",),
        kind=Kind.DIAGNOSIS,
        only=frozenset({State.PRESENT, State.INDETERMINATE}),
    ),
    Wording("stress_fracture", ("(stress|fatigue) fracture*",), kind=Kind.DIAGNOSIS),
)

SMALL_NUMBERS = "1|2|3|4|5|6|one|two|three|four|five|six|few|several"
"""Of weeks: as far as ``acute_pain_days`` and ``acute_trauma_days`` reach by default (42; decision table 3.10.6)."""

CONTEXT: tuple[Wording, ...] = (
    # Acute only when called so or dated; an undated one is unknown (3.10.6, 3.10.7). Pain elsewhere: see NOT_MEANT.
    Wording(
        "acute_pain",
        _lines(f"""
            (acute|sudden|acute onset|sudden onset|acutely|abrupt onset) [onset] [of] [severe] ... pain*
            pain* of (acute|sudden) onset
            (acutely|suddenly) painful
            ({SMALL_NUMBERS}) (day|days|week|weeks) [history] of ... pain
            <n> (day|days) [history] of ... pain
            pain [for|since|x] [past|last] ({SMALL_NUMBERS}) (day|days|week|weeks)
            pain [for|since|x] [past|last] <n> (day|days)
            pain (began|started|onset) ({SMALL_NUMBERS}) (day|days|week|weeks) ago
            pain (began|started|onset) <n> (day|days) ago
            pain since (yesterday|this morning|last night|last week)
        """),
        kind=Kind.CONTEXT,
    ),
    Wording(
        "acute_trauma",
        _lines(f"""
            (acute|recent|fresh) ... (trauma|injury|fall|accident|sprain|contusion|collision)
            (fall|fell|injury|trauma|accident|twisted|twisting injury|sprain|sprained|collision) ... (yesterday|today)
            (fall|fell|injury|trauma|accident|twisted|sprain|sprained) ... ({SMALL_NUMBERS}) (day|days|week|weeks) ago
            (fall|fell|injury|trauma|accident|twisted|sprain|sprained) ... <n> (day|days) ago
            (fall|fell|injury|trauma|accident|twisted|sprain|sprained) ... (last week|this morning|last night)
        """),
        kind=Kind.CONTEXT,
    ),
    Wording(
        "acute_trauma",
        ("(trauma|injury|fall)", "history of [significant] [recent] (trauma|injury)"),
        kind=Kind.CONTEXT,
        only=frozenset({State.ABSENT}),
    ),
    Wording("acute_trauma", ("atraumatic", "(non traumatic|nontraumatic)"), value=State.ABSENT, kind=Kind.CONTEXT),
    Wording(
        "postpartum",
        _lines("""
            (postpartum|post partum|postnatal|puerperium|puerperal)
            (weeks|months) after (delivery|childbirth|birth|cesarean)
            (recent|recently) (delivery|delivered|childbirth)
            recently gave birth
            gave birth (<n>|one|two|three|four|five|six) (days|weeks|months) ago
        """),
        kind=Kind.CONTEXT,
    ),
    Wording(
        "athlete",
        _lines("""
            (athlete*|triathlete*)
            [marathon|distance|competitive|recreational] runner*
            (elite|professional|competitive|high level) ... (player*|dancer*|swimmer*|cyclist*|gymnast*|rower*|skier*)
            ballet dancer*
        """),
        kind=Kind.CONTEXT,
    ),
    Wording("athlete", ("(non athlete|nonathlete)",), value=State.ABSENT, kind=Kind.CONTEXT),
    Wording("fever", ("(fever|fevers|febrile|pyrexia)",), kind=Kind.CONTEXT),
    Wording("fever", ("afebrile",), value=State.ABSENT, kind=Kind.CONTEXT),
    Wording(
        "diabetes",
        ("(diabetes|diabetic) [mellitus]", "(t1dm|t2dm|iddm|niddm)", "type (1|2|ii|i) (dm|diabetic|diabetes)"),
        kind=Kind.CONTEXT,
    ),
    Wording("diabetes", ("(non diabetic|nondiabetic)",), value=State.ABSENT, kind=Kind.CONTEXT),
    Wording(
        "known_malignancy",
        _lines("""
            known [metastatic] ... (cancer|carcinoma|malignancy|lymphoma|myeloma|leukemia|melanoma|sarcoma)
            history of [metastatic] ... (cancer|carcinoma|malignancy|lymphoma|myeloma|leukemia|melanoma|sarcoma)
            h / o ... (cancer|carcinoma|malignancy|lymphoma|myeloma|leukemia|melanoma|sarcoma)
            (breast|prostate|lung|renal|thyroid|colon|colorectal|bladder|gastric|ovarian|cervical) (cancer|carcinoma)
            [multiple] myeloma (patient|on treatment|under treatment)
        """),
        kind=Kind.CONTEXT,
        only=frozenset({State.PRESENT, State.ABSENT}),  # a suspected one is the question, not the patient's context
    ),
    Wording(
        "chronic_back_pain",
        _lines("""
            (chronic|longstanding|long standing) [low|lower|inflammatory] (back|lumbar) pain
            (chronic|longstanding) (lbp|low backache|backache)
            back pain (for|since|x) [over|more than|past|several|many|<n>] [<n>] (years|year)
        """),
        kind=Kind.CONTEXT,
    ),
    # "Diabetic foot" alone is not an ulcer (3.10.7).
    Wording(
        "foot_ulcer",
        _lines("""
            (foot|heel|toe|plantar|forefoot|midfoot|hindfoot|malleolar|hallux|neuropathic|diabetic) ... ulcer*
            ulcer* ... (foot|heel|toe|forefoot|midfoot|hindfoot|malleolus|hallux)
            ulcer* (at|of|on|over|under|beneath) ... ... (metatarsal*|calcane*|heel|toe)
        """),
        kind=Kind.CONTEXT,
        covers=False,  # "diabetic foot ulcer" is diabetes as well
        site="foot_ankle",
    ),
    Wording(
        "prior_trauma_or_surgery",
        _lines("""
            (prior|previous|old|remote|former) ... (trauma|injury|fracture*|surgery|operation|fixation)
            (prior|previous|old|remote|former) ... (orif|arthroplasty|amputation|osteotomy)
            history of ... (fracture*|surgery|operation|fixation|orif|arthroplasty|amputation)
            (s / p|status post|post) ... (orif|surgery|fixation|amputation|arthroplasty|fusion)
            (s / p|status post|post) ... (operation|osteotomy|fracture|reconstruction|arthrodesis)
            (posttraumatic|post traumatic|postoperative|post operative|postsurgical|post surgical)
        """),
        kind=Kind.CONTEXT,
    ),
    Wording(
        "prior_osteomyelitis",
        _lines("""
            (prior|previous|old|treated|known|recurrent|chronic|remote) ... osteomyelitis
            history of ... osteomyelitis
            h / o ... osteomyelitis
        """),
        kind=Kind.CONTEXT,
        only=frozenset({State.PRESENT, State.ABSENT}),
    ),
    Wording("incidental", ("incidental*",), kind=Kind.CONTEXT, anchor=Anchor.MARROW, covers=False),
)

GENERAL_NOUNS = Wording(
    "",
    _lines("""
        (findings|finding|appearance|appearances|abnormality|abnormalities|changes|lesion|lesions|process|disease)
        signal (abnormality|abnormalities|changes|alteration|alterations)
    """),
    kind=Kind.GENERAL,
)
"""What a change may be said of without naming it."""

SOFT_TISSUE = (
    "soft tissue|soft tissues|subcutaneous|cutaneous|skin|muscle|muscles|muscular|intramuscular|myofascial|fascial"
    "|perifascial|fat pad|tendon|peritendinous|ligament|ligamentous|interspinous|spinal cord|cord|nerve|periosteal"
    "|bursal|peribursal|pulmonary|cerebral|fibular|pericapsular"
)


@dataclass(frozen=True)
class NotMeant:
    """Phrases that hold the words of a fact, a place or a denial and do not mean it.

    ``facts`` says which facts are not meant; empty: none at all.
    """

    phrases: tuple[str, ...]
    facts: frozenset[str] = frozenset()


NOT_MEANT: tuple[NotMeant, ...] = (
    NotMeant(  # edema that is not of the marrow
        _lines(f"""
            ({SOFT_TISSUE}) ... edema*
            soft tissue (swelling|inflammation) (and|/) edema*
            edema* (of|in|within|involving|throughout|along|affecting) [left|right] ({SOFT_TISSUE})
            edema* (of|in|within|along) (adjacent|surrounding|overlying|deep|dorsal|plantar) ({SOFT_TISSUE})
        """)
    ),
    NotMeant(("geographic ... (area*|region*) of [bone] marrow edema*",), frozenset({"rim_sign"})),
    NotMeant(  # a tumor, not edema
        ("(suspicious|aggressive|destructive|focal|malignant|metastatic|worrisome|replacing) bone marrow lesion*",),
        frozenset({"bme"}),
    ),
    NotMeant(
        _lines("""
            (loss|replacement|alteration) of normal ... marrow signal
            (increased|high|hyperintense|elevated|bright) [bone] marrow signal [intensity] (on|in) t1
            [bone] marrow signal hyperintensit* (on|in) t1
            hemangioma* ... [,] hyperintens* [signal] (on|in) (t1 and t2|t2 and t1|t2|stir)
        """),
        frozenset({"bme"}),
    ),
    NotMeant(("hemangioma* ... [,] hyperintens* [signal] (on|in) t1",), frozenset({"t1_signal"})),
    NotMeant(  # what a disease looks like, not that it is there
        _lines("""
            (expected|typically|usually|commonly|often|characteristically|classically) [seen|found] (in|with|for) ....
        """)
    ),
    NotMeant(
        _lines("""
        focal ... marrow (infiltration|replacement|replacing)
        focal marrow replacing lesion*
    """)
    ),
    NotMeant(  # other diseases with the same word
        _lines("""
            (multiple|tuberous|mesial temporal|systemic|lateral) sclerosis
            (pleural|pericardial|bursal|subdural|subdeltoid|tendon sheath) ... effusion*
            (cartilage|chondral|gastric|dental|skin) [surface] erosion*
            erosion* (of|in) ... cartilage
            (bony|bone|osseous) (bridging|bridge) (osteophyte*|syndesmophyte*|callus)
            charcot marie tooth
            (nonbacterial|non bacterial|sterile|recurrent multifocal) osteomyelitis
            (soft tissue|urinary tract|respiratory|skin) infection
            (hay|yellow|q|rheumatic) fever
            (athlete's|athletes) foot
            (gestational|pre) diabetes
            diabetes insipidus
            (prediabetes|prediabetic)
            family history of ....
            (mother|father|sister|brother|sibling|siblings|parents|parent|aunt|uncle|grandmother) (with|has|had) ....
            erosion free
            (<n>|two|three|four|five|several) years (postpartum|post partum)
            (13|14|15|16|17|18|19|20|21|22|23|24|30|36) months (postpartum|post partum|after delivery|after childbirth)
            (acute|sudden) [onset] ... (chest|abdominal|head|flank|ear|throat|eye) pain
            acute on chronic
            (healed|closed) ... ulcer* ....
            (sacral|decubitus|ischial|leg|peptic|gastric|duodenal|corneal|oral|mouth|genital) ulcer*
        """)
    ),
    NotMeant(  # muscle
        _lines("""
            (fat|fatty) (infiltration|replacement|atrophy|degeneration) (of|in|within) ... muscle*
            (fat|fatty) (infiltration|replacement|atrophy) (of|in|within) ... (multifidus|gluteal|gluteus)
            (muscle*|muscular|paraspinal|multifidus) ... (fat|fatty) (infiltration|replacement|atrophy)
        """)
    ),
    NotMeant(  # row fatty_lesion: a filled erosion cavity is a T1-bright cavity, not a fat lesion
        _lines("""
            (fat|fatty) [metaplasia|replacement|deposition] ... backfill*
            (fat|fatty) [metaplasia] (in|within|filling|inside) [former] (erosion*|erosive) [cavity|cavities]
            (fat|fatty) [metaplasia] (in|within|filling|inside) cavity
            backfill* [,] (with|of|by|from) ... (fat|fatty) [metaplasia|deposition|replacement|tissue|marrow]
            backfill* (fat|fatty) [metaplasia|deposition|replacement|tissue|marrow]
        """),
        frozenset({"fatty_lesion"}),
    ),
    NotMeant(  # normal amounts
        _lines("""
            (normal|physiologic|physiological|trace) [amount] [of] [joint] fluid [signal] [in|within] [joint] [space]
        """)
    ),
    NotMeant(  # low signal of something that is not marrow
        _lines("""
            (t1 hypointense|low t1 signal|low signal t1|low t1|t1 dark) ... (line|lines|band|bands)
            (t1 hypointense|low t1 signal|low signal t1|t1 dark) ... (disc|discs|cyst|cysts|mass|collection)
        """),
        frozenset({"t1_signal"}),
    ),
    NotMeant(  # 6.3 "normal (structure)" is about its marrow, not about its form
        _lines(f"""
            (normal|unremarkable) ... ... (alignment|space|spaces|height|heights|contour|contours)
            (normal|unremarkable) ... ... (morphology|shape|width|size)
            (normal|unremarkable) ... ... (caliber|position|sphericity|cartilage|variant)
            ({SITES_NORMAL}) ... [is|are|appear|appears] (normal|unremarkable) in (height|alignment|contour|shape|size)
            ({SITES_NORMAL}) [is|are|appear|appears] normal (height|alignment|contour|shape|size)
        """),
        frozenset({"bme"}),
    ),
    NotMeant(  # "no" and "without" that deny no finding
        _lines("""
            (no|without) [available] (prior|previous|comparison) (study|studies|imaging|mri|mr|exam*|film*|radiograph*)
            (no|without) (prior|previous|comparison) [studies] [available] [for comparison] $
            (no|without) (intravenous|iv|contrast|gadolinium) [contrast|gadolinium|administration]
            with and without [intravenous|iv] (contrast|gadolinium)
            without and with [intravenous|iv] (contrast|gadolinium)
            without (fat suppression|complication|complications)
            no (relevant|significant) past
        """)
    ),
    NotMeant(  # vessels and nerves that bear a site's name; both sides of one joint
        _lines("""
            [external|internal|common] iliac (vessel*|artery|arteries|vein*|node*|lymph|crest*|spine*|fossa|chain)
            (external|internal|common) iliac
            sacral (nerve*|canal|plexus|root*|foram*|cyst*)
            vertebral (artery|arteries)
            both sides of
            both (sacral|iliac) and (sacral|iliac) [side*|aspect*]
            hip (flexor*|abductor*)
        """)
    ),
    NotMeant(  # more of a signal is not more than before
        _lines("""
            (increased|decreased|new|stable) ... (signal|intensity|perfusion|enhancement|uptake)
            (increased|decreased|new|stable) ... (flow|vascularity|density)
            increased risk
            new (york|line)
        """),
        frozenset({"change"}),
    ),
)

MARROW_WORDS = _lines("""
    marrow
""")


# --- Places (3.10.1) ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Words for one place. ``whole`` names all of the site and not a part of it; ``bone`` anchors edema to bone."""

    site: str
    phrases: tuple[str, ...]
    bone: bool = True
    whole: bool = False


PLACES: tuple[Place, ...] = (
    # The sacral ala and the iliac side of the joint count as si_joint (decision table 3.1), so the sacrum does.
    Place("si_joint", ("si joint*", "sij*", "sacroiliac [joint*]", "sacro iliac [joint*]"), whole=True),
    Place("si_joint", ("ilium", "ilia", "iliac [bone*|side*|wing*|aspect*]")),
    Place("si_joint", ("sacrum", "sacral [ala*|side*|aspect*]", "ala of sacrum")),
    Place(
        "femoral_head_and_neck",
        _lines("""
            femoral head* (and|or|nor|&|/|, and) [femoral] neck*
            head* and neck* of [left|right] (femur|femora)
        """),
        whole=True,
    ),
    Place("femoral_head", ("femoral head*", "head* of [left|right] femur", "proximal femoral epiphysis"), whole=True),
    Place("femoral_neck", ("femoral neck*", "neck* of [left|right] femur", "femoral head neck junction"), whole=True),
    Place(
        "medial_femoral_condyle", ("medial femoral condyle*", "mfc", "medial condyle of [left|right] femur"), whole=True
    ),
    *(Place(site, ("medial and lateral femoral condyle*",)) for site in ("medial_femoral_condyle", "knee_other")),
    Place("knee_other", ("lateral femoral condyle*", "lfc", "lateral condyle of [left|right] femur")),
    Place("knee_other", ("[medial|lateral] tibial plateau*", "proximal tibia*", "tibial spine*")),
    Place("knee_other", ("patella*", "femoral trochlea*", "trochlea*")),
    Place("knee", ("femoral condyle*", "distal femur", "distal femoral")),
    Place("foot_ankle", ("calcane*", "os calcis")),
    Place("foot_ankle", ("talus", "talar", "talonavicular", "subtalar")),
    Place("foot_ankle", ("navicular",)),
    Place("foot_ankle", ("cuboid",)),
    Place("foot_ankle", ("cuneiform*",)),
    Place("foot_ankle", ("metatars*", "[<n>] (mtp|tmt) joint*", "tarsometatarsal", "lisfranc")),
    Place("foot_ankle", ("tarsal*", "tarsus", "midtarsal")),
    Place("foot_ankle", ("phalanx", "phalanges", "sesamoid*")),
    Place("foot_ankle", ("distal tibia*", "distal fibula*", "malleol*", "tibiotalar", "talocrural")),
    Place(
        "foot_ankle",
        ("foot", "feet", "ankle*", "midfoot", "hindfoot", "forefoot", "toe*", "hallux"),
        bone=False,
        whole=True,
    ),
    Place("vertebra", ("vertebra*", "vertebral (body|bodies|endplate*)", "endplate*", "end plate*")),
    *(Place("vertebra", (f"{level} [vertebra*]",)) for level in ("l1", "l2", "l3", "l4", "l5")),
    *(Place("vertebra", (f"{level} [vertebra*]",)) for level in ("c2", "c3", "c4", "c5", "c6", "c7")),
    # T1 and T2 are sequences until "vertebra" says otherwise.
    *(Place("vertebra", (f"t{number} [vertebra*]",)) for number in range(3, 13)),
    Place("vertebra", ("(t1|t2) vertebra*",)),
    Place("vertebra", ("[lumbar|thoracic|cervical] spine",), bone=False, whole=True),
    # Acetabulum and trochanter are not the hip lesion (3.10.1).
    Place("other", ("acetabul*",)),
    Place("other", ("trochanter*", "greater trochanter*", "lesser trochanter*", "intertrochanteric")),
    Place("other", ("pubis", "pubic [symphysis|bone*|ram*]", "symphysis", "ischi*")),
    Place("other", ("femoral (shaft|diaphysis)", "tibial (shaft|diaphysis)", "fibular (shaft|head)")),
    Place("other", ("humer*", "glenoid", "clavicle", "scapula*", "rib*", "sternum", "skull", "mandible")),
    Place("other", ("radius", "ulna*", "scaphoid", "lunate", "carpal*", "metacarpal*")),
    Place("other", ("shoulder*", "elbow*", "wrist*", "hand*", "facet joint*", "costovertebral"), bone=False),
    # Only the region is named
    Place("hip", ("hip*", "proximal femur", "proximal femora", "proximal femoral"), bone=False, whole=True),
    Place("knee", ("knee*", "suprapatellar", "patellofemoral", "(tibiofemoral|femorotibial)"), bone=False, whole=True),
)

REGION_OF: Mapping[str, str] = {
    "femoral_head": "hip",
    "femoral_neck": "hip",
    "femoral_head_and_neck": "hip",
    "hip": "hip",
    "medial_femoral_condyle": "knee",
    "knee_other": "knee",
    "knee": "knee",
}
"""Sites of one region; every other site is its own."""

ABOUT_ALL_MARROW = _words("diffuse_marrow_signal incidental")
"""Facts that belong to the marrow as a whole, wherever it was seen."""

OF_THE_PATIENT = _words("postpartum athlete fever diabetes known_malignancy chronic_back_pain")
"""Facts without a place."""

KEEPS_APART = _words("and or , with without & nor ;")
"""Between a place and a finding, these make it less likely that the one is of the other."""

WITHOUT_SIDE = _words("vertebra diffuse_marrow")
"""Sites that do not take the side of the study."""

SIDES: Mapping[str, tuple[str, ...]] = {
    "left": ("left [sided]", "lt"),
    "right": ("right [sided]", "rt"),
    "both": _lines("""
        bilateral*
        (both|either|each) (si|sacroiliac|sij*|hip*|knee*|femoral|femora|feet|foot|ankle*|side|sides|joint|joints)
        (both|either|each) (calcane*|iliac|sacral|ilia|tibial)
    """),
    "opposite": _lines("""
        contralateral
        (opposite|other) (side|hip|knee|foot|ankle|joint)
    """),
}

BONE_WORDS = _lines("""
    bone*
    bony
    osseous
    marrow
    subchondral
    subcortical
    medullary
    intraosseous
    intramedullary
    epiphys*
    metaphys*
    diaphys*
    tibia*
    femur
    femora
    condyle*
    (articular|joint) surface*
""")

OTHER_TISSUE_WORDS = _lines(f"""
    ({SOFT_TISSUE})
    (fascia|muscles|tendons|ligaments|cartilage|labrum|labral|bursa|bursae|disc|discs|disk|meniscus|menisci|nerves)
    (cyst|cysts|collection|collections|fluid|hoffa*|plantar plate|retinaculum|joint capsule|synovial)
""")

BONE_WITHOUT_SAYING = _words("""
    si_joint femoral_head femoral_neck femoral_head_and_neck medial_femoral_condyle vertebra
""")
"""When a study or observation is of this site, bare "edema" is of bone unless a soft tissue is named."""

SPARED = _lines("""
    sparing [of]
    spares
    spared
    (not|without) (extension|extending|involving|involvement|reaching) [of|into|to|in]
    does not (extend|involve|reach) [into|to]
    no (extension|involvement) [into|to|of]
    away from
    remote from
    rather than
""")
"""A place after one of these is not where the finding is."""


# --- How surely it is said (6.3 to 6.5) -----------------------------------------------------------------------------


class Cue(IntEnum):
    """What a phrase does to the findings around it."""

    DENIES = auto()  # the list that follows is absent
    DENIES_NEXT = auto()  # so is what follows at once
    HALF_DENIES = auto()  # "no definite": neither absent nor present
    LIMITS = auto()  # "no new": denies only a kind of it, so nothing is stated
    LIMITS_DIAGNOSIS = auto()  # "no acute": limits a diagnosis, denies a finding
    ENDED = auto()  # "resolution of": absent now, and less than before
    KEEPS = auto()  # pseudo-negation: what follows stays
    DOUBTS = auto()  # what follows is indeterminate
    SUGGESTS = auto()  # indeterminate, or present by setting
    ASSERTS = auto()  # present
    DENIED = auto()  # what stands before is absent
    DOUBTED = auto()  # what stands before is indeterminate
    KEPT = auto()  # what stands before stays
    UNJUDGED = auto()  # "cannot be assessed": nothing is stated of what stands before
    HAS_ENDED = auto()  # what stands before is absent now, and less than before
    EITHER = auto()  # "or", "versus": what stands beside it is one of several
    STATED = auto()  # a predicate that affirms
    VERB = auto()  # a predicate begins: a denial before it is over
    SHOWS = auto()  # likewise, unless its subject is what was denied ("neither joint shows")
    BREAK = auto()  # a new statement
    LOOSE = auto()  # "with", "due to": whether a denial reaches further cannot be told
    EARLIER_SHOWED = auto()  # what follows is about an earlier study
    EXTENT = auto()  # behind a denied finding: only its extent is denied, "no edema deeper than 10 mm"
    BY_OTHER_MEANS = auto()  # "on radiographs": a denial that stands before it is not one of this MRI
    SEEN_EARLIER = auto()  # what stands before was seen on an earlier study
    STILL = auto()  # an earlier finding is spoken of as of now


FOUND = (
    "seen|identified|present|visualized|evident|demonstrated|detected|found|noted|appreciated|observed|visible|shown"
)
SURE = "definite|definitive|convincing|clear|clearcut|clear cut|obvious|gross|frank|overt|unequivocal|significant"
LARGE = "substantial|large|marked|major|severe|extensive|considerable|sizable|discrete|focal|diffuse|appreciable"
HOW_SURELY = (
    "definitely|definitively|clearly|convincingly|entirely|completely|fully|reliably|confidently|safely|certainly"
)
IMAGE = "mri|mr|imaging|radiologic|radiological|radiographic"
NEARLY = "partially|partly|incompletely|nearly|almost|largely|mostly|virtually|practically"
LIKELY = "possible|probable|likely|suspected|unlikely|less likely|least likely|conceivable|improbable"
EITHER_WAY = "increase|decrease|worsening|improvement|progression|regression|change"
EARLIER = "prior|previous|earlier|old|older|last|outside|initial|baseline|preceding"
NOT_BEFORE = f"""
        (which|that) (was|were) not (previously|formerly) ({FOUND}|described|reported)
        (which|that) (was|were) not ({FOUND}|described|reported) (previously|before|earlier|formerly)
        not (previously|formerly) ({FOUND}|described|reported)
        not ({FOUND}|described|reported) (previously|before|earlier|formerly)
"""
STUDY = "study|studies|mri|mr|exam|examination|imaging|scan|report|ct|radiograph|radiographs"

CUES: Mapping[Cue, tuple[str, ...]] = {
    # 6.3
    Cue.DENIES: _lines(f"""
        no
        no [{IMAGE}] (evidence|sign|signs|suggestion|indication|features|finding|findings) (of|for)
        without
        without [any] [{IMAGE}] (evidence|sign|signs) of
        w / o
        absence of
        absent
        (nil|zero)
        not single [focus|area] [of]
        free (of|from)
        [is|are|was|were] negative for [following] [:]
        no [evidence|sign|signs] [of|for] [any] [of] following [:]
        (absent|excluded|ruled out) :
        excludes
        nothing to (suggest|indicate|support)
        nor
        nor (is|are|was|were) [there]
        neither
        neither ... (shows|show|demonstrates|has)
        none
        none of following [:]
        none of ... ... (shows|show|demonstrates|demonstrate|has|have)
        (does|do|did) not (show|demonstrate|reveal|exhibit|display|have|contain) [any] [evidence of]
        (lack|lacks|lacking|devoid) [of]
        (fails|failed) to (show|demonstrate)
        no longer (shows|show|demonstrates|demonstrate|any|has|have)
        not (associated with|accompanied by|consistent with|compatible with|in keeping with)
        (instead of|rather than)
        no (suspicion|concern|question) (of|for)
        no residual
        (no|without) [evidence|sign|signs] [of] (acute|active|chronic) (or|and|nor) (acute|active|chronic)
        (denies|denied|denying) [any]
    """),
    Cue.DENIES_NEXT: ("not",),
    # 6.3, last line. "No definite sign of" stands in its list of denials, but "no definite X" is the rule below it and
    # never reassures wrongly.
    Cue.HALF_DENIES: _lines(f"""
        (no|without|without any) ({SURE}|{LARGE}) [{IMAGE}] [evidence|sign|signs|suggestion|features] [of|for]
        (no|without) (typical|specific|strong|certain|reliable) [{IMAGE}] [evidence|sign|signs|features] [of|for]
        no [{IMAGE}] (evidence|sign|signs) of ({SURE}|{LARGE})
        (does|do|did) not ({HOW_SURELY}) (show|demonstrate|reveal)
        not without
        none of
        not (much|many|lot of|lots of)
        not ({HOW_SURELY})
    """),
    # 6.5 "no new X besides": only "new" is denied. Nothing is said of X: the old one may be there or not.
    Cue.LIMITS: _lines(f"""
        (no|without|without any) (new|newly|additional|other|interval)
        (no|without|without any) (worsening|increasing|increased|progressive|enlarging)
        (no|without) new (or|and|,) (worsening|increasing|enlarging|progressive|additional)
        no [{IMAGE}] (evidence|sign|signs) of (new|additional|other|progressive|worsening|increasing)
        nor new
        (evaluation|assessment|detection) of
    """),
    Cue.LIMITS_DIAGNOSIS: _lines(f"""
        (no|without) [{IMAGE}] [evidence|sign|signs] [of] (acute|active|chronic)
    """),
    Cue.ENDED: _lines("""
        [interval|complete|full] resolution of
        resolved
        now resolved
        [complete|interval] disappearance of
    """),
    # 6.5
    Cue.KEEPS: _lines(f"""
        (no|without) [evidence of] [{SURE}|{LARGE}] [interval|further] change [of|in|regarding]
        (no|without) [evidence of] [{SURE}|{LARGE}] [interval] (increase|progression|improvement) [of|in]
        (no|without) [evidence of] [{SURE}|{LARGE}] [interval] worsening (of|in)
        (no|without) [evidence of] [{SURE}|{LARGE}] [interval] (decrease|reduction|resolution|regression) [of|in]
        (no|without) further (increase|decrease|progression|worsening|improvement|reduction|change) [of|in]
        (no|without) ({EITHER_WAY}) (or|nor) ({EITHER_WAY}) [of|in]
        (partial|incomplete|near complete) resolution of
        not only
        no (fewer|less) than
        no doubt [about|of|that|regarding]
        not (just|merely|simply)
        nothing but
        not (all|every|insignificant|inconsiderable|inconspicuous|uncommon|uncommonly|unusual|infrequent|infrequently)
        no (small|minor|trivial|mean)
        no <n>                # "no. 2"
        no further
        (unresolved|not resolved)
    """),
    Cue.KEPT: _lines(f"""
        [has|have|is|are] not [yet] [completely|fully|entirely] resolved
        [is|are] unresolved
        (has|have|is|are) [only] ({NEARLY}) [completely|fully|entirely] resolved
        {NOT_BEFORE}
        ({NEARLY}) [completely|fully|entirely] resolved
    """),
    # 6.4. "To be excluded" and the like ask; they neither deny nor affirm.
    Cue.DOUBTS: _lines(f"""
        (cannot|can not|could not|unable to|difficult to|hard to|impossible to) [{HOW_SURELY}] (exclude|rule out) [that]
        (does|do|did) not [{HOW_SURELY}] exclude
        (is|are|remains|would be|may be) (difficult|hard|impossible) to (exclude|rule out)
        [to] (rule out|exclude)
        [to] r / o
        [unclear|uncertain|unsure|questionable] whether [there|this|these] [is|are|represents|represent]
        (unclear|uncertain|unsure) if [there|this|these] [is|are|represents|represent]
        (is|are|remains|appears) (equivocal|indeterminate|borderline|nonspecific|not specific|not diagnostic) (for|of)
        (is|are|appears|appear) (not typical|atypical|not characteristic) (of|for)
        insufficient [evidence|criteria|findings] (to|for) [confirm|diagnose|support|suggest] [diagnosis of]
        (possible|possibly|possibility of|probable|probably|likely|most likely|very likely|perhaps|maybe)
        (possible|probable|likely|possibility) that [there is|there are|this is|this represents]
        (is|are) (possibly|probably|likely) [present]
        (suspected|suspicion of|suspicion for|suspect)
        (concern|concerns) (for|of|about|regarding)
        (concerning|worrisome) for
        (doubt|dubious)
        (suggestion|impression|hint) of
        (hint|hints|hinting) at
        if (any|present)
        (may|might|can|could) be seen (in|with)
        would be (consistent|compatible) with
        [low|high|increased] (probability|likelihood) of
        [argues|argue|speaks|speak] against
        question* [of]
        (query|questionable|potential|potentially)
        ?
        (may|might|could|can) (be|represent|reflect|indicate|suggest|signify) [related to|due to]
        (may|might|could|can) (relate|correspond) to
        (may|might|could) be (consistent|compatible) with
        (may|might|could) be in keeping with
        (possibly|probably|likely) (consistent|compatible) with
        (equivocal|indeterminate|borderline|doubtful) [for]
        (unlikely|less likely|unlikely to be|unlikely to represent|least likely)
        (not typical|atypical|not characteristic|not specific|nonspecific) (of|for)
        not (suggestive|suspicious|indicative|diagnostic) (of|for)
        (consider|considerations include|consideration includes|consideration of|consideration for)
        differential [diagnosis|diagnoses] [considerations] (includes|include|including|:|of|would include|is)
        [in] differential (diagnosis|diagnoses)
        ddx [:]
        (presumed|presumably|presumptive)
        (favor|favors|favored|favoring) [to be|to represent]
        (raises|raise|raising) [possibility|question|concern|suspicion] (of|for)
        (evaluate|assess|assessment|evaluation|look|looking) for
        (correlate|correlation) [clinically] (for|with)
        (recommend|recommended|recommends|advise|advised|suggest) ... ... for
        with or without
        ±
    """),
    Cue.DOUBTED: _lines(f"""
        (cannot|can not|could not) [{HOW_SURELY}] be [{HOW_SURELY}] (excluded|ruled out|dismissed|confirmed)
        neither (confirmed|proven) nor (excluded|ruled out)
        [is|are] not [{HOW_SURELY}] (confirmed|proven|favored)
        (is|are) favored
        (favored|considered) $
        (possibly|probably|presumably|perhaps) $
        if (any|present) [,]
        [is|are] not (certain|clear|definite)
        [is|are|was|were] not [{HOW_SURELY}] (excluded|ruled out)
        (should|must|needs to|need to|to|has to|have to|remains to|would have to) be (excluded|ruled out|considered)
        (could|can|may|might) be considered
        (is|are|remains|would be|may be) (difficult|hard|impossible) to (exclude|rule out)
        (is|are|remains|remain|appears|seems|thought) [felt] [considered] [thought] [very|most|highly] ({LIKELY}) ~
        (is|are|remains|remain|appears|seems) [felt] [considered] ({LIKELY}|possibly|probably) (present|here|{FOUND})
        [is|are] of (uncertain|unclear|doubtful|questionable|indeterminate) significance
        [may|might|could|likely|probably|possibly] [be|represent|reflect|due to] (artifact|artifactual)
        (is|are|remains|appears|seems) (equivocal|questionable|indeterminate|uncertain|doubtful|not typical|atypical)
        ({LIKELY}|not typical|equivocal|indeterminate|questionable|doubtful) ~
        : (possible|possibly|probable|probably|likely|equivocal|indeterminate|questionable|uncertain|not definite) ~
        : no definite ~
        : (physiologic|physiological) $
        [is|are|remains] (in|within|on) (differential|differential diagnosis)
        (is|are|remains) (consideration|possibility|concern)
        (is|are) [most|more|less] (likely|probable) (diagnosis|cause|explanation|possibility)
        if clinically (indicated|suspected|warranted)
        ? $
        (may|might|could) be (present|{FOUND})
        [is|are] not (definitely|clearly|convincingly|well|reliably|confidently) ({FOUND})
        [is|are] (suspected|questioned)
    """),
    Cue.SUGGESTS: _lines("""
        (suggestive|suspicious|indicative) (of|for)
        (suggest|suggests|suggesting|suggested)
        to (suggest|indicate|support)
    """),
    Cue.ASSERTS: _lines("""
        (consistent|compatible) with
        in keeping with
        (characteristic|diagnostic|typical|pathognomonic) (of|for)
        (represents|representing|indicates|indicating|confirms)
    """),
    # 6.3, behind the finding
    Cue.DENIED: _lines(f"""
        [which|that] [is|are|was|were|has been|have been] (not|never) [any] ({FOUND}|apparent|depicted)
        (has|have) not been ({FOUND})
        (has|have) not [yet] (developed|appeared|occurred)
        (cannot|can not|could not) be ({FOUND})
        (is|are) not feature
        can be [{HOW_SURELY}] (excluded|ruled out)
        (is|are) lacking
        (is|are|was|were|appears|appear|remain|remains) absent
        (absent|negative) $
        [was|were|is|are|has been|have been] ruled out
        (was|were|is|are|has been|have been) excluded
        : (no|none|absent|negative|nil|not {FOUND.split("|", maxsplit=1)[0]}|unremarkable|normal) $
        ( (no|none|absent|negative|nil) $
        [:] none ({FOUND})
        none $
        (is|are) (unremarkable|negative)
        (show|shows|demonstrate|demonstrates) no abnormality
    """),
    Cue.UNJUDGED: _lines(f"""
        (cannot|can not|could not) be [adequately|reliably|fully] (assessed|evaluated|determined|judged)
        (is|are|was|were) not [adequately|fully] (assessed|evaluated|assessable|evaluable|included|imaged|covered)
        (is|are) (difficult|hard) to (assess|evaluate|judge)
        (is|are) (limited|degraded|hampered|precluded|compromised) by
        (was|were) not (previously|formerly) ({FOUND})
        (was|were) not ({FOUND}) (previously|before|earlier|formerly)
    """),
    Cue.HAS_ENDED: _lines(f"""
        [which|that] [has|have|is|are] [now|since|completely|fully|entirely|meanwhile] [completely|fully] resolved
        [and] [is|are] now resolved
        (has|have) [now] [completely|fully] (disappeared|cleared)
        [which|that] [is|are] no longer [{FOUND}|apparent|depicted]
        shows [complete|interval] resolution
        [now|completely|fully] resolved [since|from|compared|in]
    """),
    Cue.EITHER: ("or", "versus", "vs", "as opposed to"),
    # Grammar: where the reach of a denial or a doubt ends
    Cue.STATED: _lines(f"""
        (is|are) [also|again|now|still|clearly] ({FOUND})
        (is|are) [now|again] (unchanged|stable|increased|decreased|improved)
        (persists|persist|remains unchanged|remain unchanged)
        : (yes|present|positive) $
    """),
    Cue.VERB: ("(is|are|was|were|has|have|had)",),
    Cue.SHOWS: ("(shows|show|demonstrates|demonstrate|reveals|reveal|exhibits|exhibit|displays|contains)",),
    Cue.BREAK: ("there (is|are)", "which", "therefore", "hence", "thus", "because", "since"),
    Cue.LOOSE: _lines("""
        with
        [associated|along|together] with
        accompanied by
        (due|secondary|related|adjacent|attributable|subsequent|next) to
        in (setting|presence|context|area|region|vicinity) of
        in association with
        (despite|beneath|underlying|following|from|beside|near|along)
        to explain
        (surrounding|around)
    """),
    Cue.EXTENT: (
        "(extending|deeper|exceeding|beyond|reaching|>|>=|≥)",
        "(greater|more|larger) than",
        "over <n>",
    ),
    # Earlier studies (6.2: COMPARISON says nothing of now)
    Cue.EARLIER_SHOWED: _lines(f"""
        ({EARLIER}) ... ({STUDY}) ... (showed|demonstrated|revealed|described|reported|noted|had|documented)
        (on|in|at) ({EARLIER}) ... ({STUDY}) ... [,] [there] (was|were)
        (previously|formerly|earlier|at that time) [,] there (was|were)
        (previously|formerly) ... (showed|demonstrated|had)
    """),
    Cue.SEEN_EARLIER: _lines(f"""
        [was|were] [previously] [{FOUND}|described|reported] (on|in|at) ({EARLIER}) ... ({STUDY})
        (was|were) previously ({FOUND}|described|reported)
        previously ({FOUND}|described|reported|documented)
    """),
    Cue.BY_OTHER_MEANS: _lines("""
        (on|in|by|at) ... (radiograph*|radiography|film*|x ray*|xray*|ct|ultrasound|sonography|scintigraphy|arthroscopy)
        (on|in) ... t1        # of edema only
    """),
    Cue.STILL: _lines("""
        (again|unchanged|stable|persists|persist|persistent|persisting|remains|remain|still|now|currently|today)
        (redemonstrated|redemonstration|reidentified|continues|continued|residual|ongoing)
        (is|are) (present|similar|increased|decreased|improved|larger|smaller|worse|new|less|more)
        (has|have) (increased|decreased|progressed|improved|worsened|regressed|diminished)
        (measures|extends|similar)
        without (change|significant change|interval change)
        no [significant] [interval] change
    """),
}

ENDS_CLAUSE = _lines("""
    but
    however
    although
    though
    whereas
    while
    nevertheless
    yet
    ;
    on other hand
    , none
    , (left|right) ... (is|are|shows|show|appears|demonstrates|remains|has)
    and none
    (,|and) absent (on|in|at)
    and on (left|right) there (is|are)
    , not on
    , not in
    and not
    and (is|are) not
""")
"""6.2: the sentence is cut here, and a denial ends."""

EXCEPT = _lines("""
    except [for]
    other than
    (apart|aside) from
    besides
    with exception of
    with exclusion of
    save for
""")
"""6.2 as well: what follows is left out of what was denied."""

ELSEWHERE = _lines("""
    (otherwise|elsewhere|remaining|remainder|remote)
    rest of
    (other|outside) [of] (bones|sites|joints|levels|areas|this|these)
""")
"""Something stands out from the rest: a denial here is not about what was found before."""

QUESTION_BEGINS = _words("is are any could does do has have can was were")
"""A sentence that begins so and ends with a question mark asks for everything in it."""

PLURALS = _words("joints sijs hips heads necks knees feet ankles ilia femora")
"""Names of paired places that do not take the one side spoken of before."""

BETWEEN_PLACES = _words("in at on of and or which that is are was were itself also therefore thus however though")
"""Between a finding, a comma and a denial these name no other thing."""

PARENTHETIC = _words("however though")
"""Does not cut the sentence where the predicate follows: "osteomyelitis, however, cannot be excluded"."""

CAUSE_WORDS = _words("reactive physiologic physiological degenerative mechanical stress related")
"""After "likely" and "probably" these doubt the cause of a finding, not the finding."""
CAUSE_DOUBTS = _words("likely probably presumably most favored favor")

BACKGROUND = _words("superimposed known underlying background setting established preexisting chronic")
"""After a doubted diagnosis they begin one that is not: "possible osteomyelitis in the setting of Charcot foot"."""

AMOUNT_WORDS = _words("""
    mild moderate severe marked extensive prominent large small subtle minimal minor slight tiny focal patchy
    diffuse trace pronounced florid intense acute active
""")
"""In a list of denials, a comma and one of these begin a new statement: "no erosion, moderate edema"."""

SUBORDINATES = _words("although though while whereas since because")
"""A denial in a clause that begins so is over at its comma: "although there is no erosion, edema is seen"."""

IS_MEASURED = _words("( measuring measures up extending reaching spanning")
"""Right behind a finding behind a comma they say that it is there: "no fracture, edema measuring 12 mm"."""

BEGINS_ANEW = _words("""
    only just merely nonetheless rather instead known persistent persisting persists residual again mainly
    predominantly still unchanged stable new previously now
""")
"""So do these, before the finding or right behind it: "no fracture, only edema", "no fracture, edema unchanged"."""

VERBS = _words("""
    is are was were has have shows demonstrates extends measures reaches involves affects persists remains appears
    represents reflects surrounds abuts predominates
""")
"""Right behind a finding they make it a subject: "without erosion, the edema is reactive"."""

STATED_BRIEFLY = _words("present noted identified visible evident")
BESIDE = _words("associated adjacent surrounding underlying accompanying")
"""With these, whether the list goes on cannot be told: "no fracture, edema noted", "no fracture, adjacent edema"."""

NO_ADJECTIVES = _words("""
    in within of at on to for by from beyond behind amid given as than explaining accounting complicating
    overlying corresponding responsible superimposed unlike only just save through into under over between
    during after before seen identified noted found that surrounded close causing cause like across throughout
    treatment therapy surgery trauma doubt fracture fractures tear tears
    when where while along outside inside : ( ) ; via about regarding
""")
"""Between a denial and a finding they show that something else is denied: "no fracture within the edema"."""

MEASURES_OF = _words("""
    evidence sign signs area areas focus foci region regions zone zones amount degree feature features pattern
    suggestion indication finding findings presence kind type form history symptoms criteria stigmata
""")
"""Before "of" they do not: "no areas of edema"."""

CLINICAL_BREAKS = _words("in with after given following due because history known for ,")
"""In an indication the question ends here and the patient begins: "rule out osteomyelitis in diabetic"."""

PRONOUNS = _words("this these it they that which")
"""A sentence that begins so speaks of the one finding of the sentence before."""


# --- Change from the earlier study ----------------------------------------------------------------------------------

MARKED = "extensive|pronounced|marked|prominent|conspicuous|intense|severe|evident"

CHANGE_BEFORE: Mapping[str, tuple[str, ...]] = {
    "new": _lines("""
        (new|newly) [developed|appeared|seen]
        [interval] development of
        (interval|new) (appearance|occurrence) of
    """),
    "increased": _lines("""
        (increased|increasing|worsening|worsened|progressive|progressing)
        [interval] (increase|progression|worsening) (of|in)
    """),
    "unchanged": _lines("""
        (unchanged|stable)
        (no|without) [evidence of] [significant|substantial|appreciable|relevant] [interval|further] change (in|of)
        no change regarding
        (as before|as previously|without change|without interval change) [,]
    """),
    "decreased": _lines("""
        (decreasing|decreased|improved|improving|resolving|regressing)
        [interval] (decrease|improvement|reduction|regression|subsidence) (in|of)
        (partial|incomplete|near complete) resolution of
    """),
}
"""Says that what follows has changed."""

CHANGE_AFTER: Mapping[str, tuple[str, ...]] = {
    "new": _lines(f"""
        (is|are) new
        {NOT_BEFORE}
        new (since|from|compared|when compared)
        (has|have) [newly] (developed|appeared)
    """),
    "increased": _lines(f"""
        (has|have|is|are) [now] [slightly|markedly|significantly|clearly] (increased|worsened|progressed)
        (has|have|is|are) [now] [slightly|markedly|significantly|clearly] (worse|larger|enlarged)
        (is|are|appears|appear|has become) [now] [slightly|markedly|much] more ({MARKED})
        (appears|appear) [now] [slightly|markedly] (worse|larger|increased|worsened)
        [slightly|markedly] (increased|worsened|progressed) (since|from|compared|in)
        (progressed|worsened|increased) $
    """),
    "unchanged": _lines("""
        (is|are|remains|remain|appears|appear) [essentially|largely] (unchanged|stable|similar)
        (unchanged|stable) [since|from|compared|in|over]
        (as before|as previously) $
        (no|without) [evidence of] [significant|substantial|appreciable|relevant] [interval] change
        [is|are] not [significantly] changed
    """),
    "decreased": _lines(f"""
        (has|have|is|are) [now] [slightly|markedly|significantly|clearly] (decreased|improved|regressed)
        (has|have|is|are) [now] [slightly|markedly|significantly|clearly] (diminished|less|smaller)
        (is|are|appears|appear|has become) [now] [slightly|markedly|much] less ({MARKED})
        (appears|appear) [now] [slightly|markedly] (smaller|decreased|improved|reduced)
        [slightly|markedly] (decreased|improved|regressed) (since|from|compared|in)
        (is|are) resolving
        (has|have|is|are) [only] ({NEARLY}) [completely|fully|entirely] resolved
        ({NEARLY}) [completely|fully|entirely] resolved
        (decreased|improved|regressed|reduced|diminished) $
    """),
}
"""Says that what stands before has changed."""


# --- Depth (row depth_mm, decision table 5.1) -----------------------------------------------------------------------

DEPTH_ANCHORS = _lines("""
    (articular|joint) surface*
    (depth|deep|deeply)
    (extends|extending|extend|extended|extension)
    (reaches|reaching|penetrates|penetrating)
""")
"""A length is a depth only in a sentence with one of these ..."""

DEPTH_WEAK_ANCHORS = ("subchondral",)
"""... or, when the edema itself is measured, this one."""

LENGTH_UNITS: Mapping[str, str] = {
    "mm": "mm",
    "millimeter": "mm",
    "millimeters": "mm",
    "cm": "cm",
    "centimeter": "cm",
    "centimeters": "cm",
    "m": "m",
    "meter": "m",
    "meters": "m",
}

COMPARATORS: Mapping[str, tuple[str, ...]] = {
    ">": ("(>|more than|greater than|over|exceeding|exceeds|larger than|deeper than|beyond)",),
    ">=": ("(>=|≥|at least|minimum of|no less than|not less than)",),
    "<": ("(<|less than|under|below|smaller than)",),
    "<=": ("(<=|≤|not exceeding|at most|maximum)", "(no|not) (more|deeper|greater|further) than"),
    "up to": ("(up to|as much as)",),
    "about": ("(about|approximately|approx|around|circa|ca|c|~|≈|roughly|nearly|almost|some|estimated|ca .)",),
}
"""Before a length: how it is bounded."""

COMPARATORS_BEHIND: Mapping[str, tuple[str, ...]] = {
    ">=": ("or (more|greater|larger)", "and (more|above)"),
    "<=": ("or (less|smaller)",),
}

SIZE_WORDS: Mapping[str, tuple[str, ...]] = {
    "<": ("(subcentimeter|sub centimeter|subcentimetric|subcentimeters)",),
    ">": ("(multicentimeter|multi centimeter|multicentimetric)",),
}
"""Bounds at one centimetre without a number."""

MEASURES_OTHERWISE = _lines("""
    (fracture|cyst|slice|slices|thickness|gap|tear|ulcer|osteophyte|collection|abscess|fragment|defect|nodule|mass)
    (screw|tract|disc|protrusion|spacing|fov|interval|line|cartilage|collapse|depression|displacement|widening)
    (cysts|tears|ulceration|fragments|defects|nodules|sequestrum|fissure|cleft|foramen|spur)
    joint space
""")
"""What else is measured; so are erosions, effusions and the other findings."""

EARLIER_VALUE = _words("previously prior formerly initially earlier")
"""Right before or behind a number: it is the old one."""

NOT_A_MEASURE = _lines("""
    (criterion|criteria|threshold|definition|cut off|cutoff)
    defined as
""")
"""The sentence explains a measure and takes none."""

PARTS_MEASURE = _words(", with and from in at to on ; : ( ) or")
"""Between a length and a thing, these keep the one from being of the other."""

MEASURED_AS_EDEMA = _words("bme diffuse_edema_head_neck")

SIZED = _words("area region focus zone patch lesion")
"""Behind a length they say how large something is; a depth needs more than "subchondral" then."""

SCORE_WORDS = _words("score grade sparcc scores")
"""A SPARCC depth of 1 is a score."""
