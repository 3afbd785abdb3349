"""``cds-service demo``: the service beside a small electronic health record, on this machine only, for trying out.

Nothing here is reached from ``serve``. The record is made of the packaged scenarios, as if they played today.
"""
