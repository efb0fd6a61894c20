"""The HTTP interface: one file per noun. ``build.py`` puts them together, ``gate.py`` decides who may come in."""
