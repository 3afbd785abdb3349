"""What the service remembers: cards issued, feedback on them, and identities of tokens. No patient data.

Nothing is imported here: ``records`` is needed everywhere, the database only where it is served from.
"""
