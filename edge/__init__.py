"""The gateway process at a site: reads devices, keeps every reading on its own disk, sends it up."""
