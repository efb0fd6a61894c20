"""The doors of a gateway: who is let in, decided here, whether or not the line to the collector is up."""
