"""The HTTP face of the service. Nothing clinical happens here."""

from cds_service.web.app import create_app

__all__ = ["create_app"]
