"""The SMART app behind a card: the evidence page. Nothing clinical; words come from ``cards`` and ``knowledge``."""
