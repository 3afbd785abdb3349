"""Words by which a report is known to be in English, and to be about bones and joints or about something else.

The word lists are ordinary dictionary knowledge and hold no medicine beyond the names of body regions.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ENGLISH_WORDS = _words("""
    about after although and any are as at both but by does due each from had has have however if in into is it its may
    more most no not of on or other should since than that the there these this though to was were which while with
    within without would
    abnormality above absent active adjacent along available below bone bones clear clinical compared consistent
    correlation either evidence exam fluid fracture given head high image images indicated injury intact involving
    joint joints left likely line low lower marrow mild mildly moderate near negative new none normal noted otherwise
    patient possible present previously prior probable reported right seen several severe shows side sided sign signs
    small soft suspicious tear thickening thickness tissue unchanged unremarkable upper view views weighted
""")
"""English function words, and everyday words of English reports that telegraphic ones are made of."""

OTHER_LANGUAGE_WORDS = _words("""
    der das dem den des ein eine einer eines einem einen und oder mit ohne kein keine keinen keiner keines nicht im
    zum zur nach auf ist sind wird werden links rechts beidseits sowie auch vom als normales unauffällig
    le la les du un une ou avec sans pas aux sont dans pour gauche droite droit qui
    el los las del con por para izquierda izquierdo derecha derecho ningún ninguna una
    puede descartar observa observan
    het een van geen niet met zonder bij aan zijn naar voor rechter linker links er wordt beiderzijds
    il lo gli della dello delle dei di nel nella senza sono sinistra sinistro destra destro
    das nas não sem esquerda esquerdo direita direito uma de
    och utan ingen inga ikke uden på som till vänster höger bez oraz przy prawy lewy
    """)
"""Function words of languages that reports are written in beside English (de, fr, es, nl, it, pt, Nordic, pl).

A word with a letter that English does not have counts like one of these. Left out are those that English reports hold
as words or in short forms: "non-displaced", "r/o", "os trigonum", "en bloc", "et al", "post op", "TE".
"""

ENGLISH_SHARE = 0.1
"""The least share of English words in an English text.

Of the texts we tried, terse English ones have 0.15 and more, running ones 0.4; others at most 0.05.
"""
FEW_WORDS = 15
"""A shorter text is read unless it has more words of another language than of English."""

OTHER_TITLE_WORDS = (
    r"brain|head(?! (?:and neck )?of)|cranial|cerebral|skull|orbits?|pituitary|face|facial"
    r"|neck|larynx|thyroid|chest|thorax|lungs?|heart"
    r"|cardiac|coronary|breasts?|abdomen|abdominal|liver|hepatic|biliary|mrcp|pancrea\w+|kidneys?|renal|adrenal\w*"
    r"|bowel|enterograph\w+|prostate|uter\w+|ovar\w+|rectum|rectal|scrot\w+|f(?:o)?etal|mra|mrv|angio\w*|carotid"
    r"|röntgen\w*|rx|radiogra\w+|[ée]chograph\w+|sonograf\w+|ecogra\w+|schädel|gehirn|cerveau|cerebro|hersenen"
    r"|t[oó]rax"
)
"""What a report's title names when it is not about the MRI of bones or joints, where no site of ours stands beside."""

IMAGING_TITLE_WORDS = (
    r"imaging|radiolog\w*|diagnostic study|scans?|mrt|irm|rmn?|kernspin\w*|\w*resonanz\w*|r[ée]sonance|resonancia"
    r"|risonanza"
)
"""Words of a title that may stand for an MRI: it names imaging but not which, or it is in another language."""
