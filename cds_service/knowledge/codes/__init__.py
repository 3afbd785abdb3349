"""What codes mean here: the value sets that readers match on and orders are written with.

One module for each kind of meaning. Each holds a table a clinician can read (code, meaning, where it was seen), a
look-up by canonical system and code, and one or two small functions. Nothing is matched on display text; medicines
are the one exception (``medicine_named``).

Two rules hold throughout. A code that may mean more than one thing is taken at its weakest: INDETERMINATE, or not at
all. And what a code does not say (the exact bone, the side, since when) is left open for the rest of the record.
"""
