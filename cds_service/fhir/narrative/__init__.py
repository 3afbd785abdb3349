"""From the text of an English radiology report to statements about facts, each with the sentence it was read in.

What the words mean stands in ``knowledge/phrases.py``; here is only how a text is cut and how its phrases are put
together. The reader is cautious in one direction: a finding is absent only when a denial reaches it beyond doubt.
Where that cannot be told ("no fracture with marrow edema") the finding is indeterminate, and where only a kind of it
is denied ("no new edema") nothing is stated.

How a text is read:

1. Headings cut it into sections. Imaging findings come from FINDINGS, IMPRESSION and text without a heading; context
   of the patient from INDICATION and HISTORY; TECHNIQUE is handed on; COMPARISON says nothing.
2. Sections are cut into sentences, sentences into words, and at "but", "however", "except" into clauses.
3. Phrases are looked up word by word. The longest wins: "bone marrow edema syndrome" holds no edema, and "cannot be
   excluded" no exclusion.
4. For every mention the nearest word before it that denies or doubts decides, as far as its list reaches; then what
   stands behind it.
5. Places and sides bind to the nearest finding. A sentence that names none takes them from the sentence before when
   that names exactly one, otherwise from the study.

One module each: ``sentences`` (1 and 2), ``matching`` (3), ``clauses`` (the cut at "but"), ``judging`` (4), ``places``
(5), ``changes``, ``depths``; ``blocks`` reads what stands below one heading, ``reading`` the whole text.

Nothing raises, whatever the text, and the time grows with its length only: there is no backtracking beyond a phrase.

Source: field mapping, section 6; decision table 3.10 and 5.1.
"""

from cds_service.fhir.narrative.reading import LONGEST_QUOTE, LONGEST_TEXT, TextReading, TextStatement, read_text
from cds_service.fhir.narrative.sentences import Section

__all__ = ["LONGEST_QUOTE", "LONGEST_TEXT", "Section", "TextReading", "TextStatement", "read_text"]
