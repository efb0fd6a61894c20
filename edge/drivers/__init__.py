"""One module per device wire; edge/gateway.py holds the table of them."""
