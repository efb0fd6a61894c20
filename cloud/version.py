"""Which version this is."""

from importlib import metadata


def version() -> str:
    """The installed version; a checkout that was not installed says so."""
    try:
        return metadata.version("dayuan")
    except metadata.PackageNotFoundError:
        return "0+checkout"
