"""What energy costs: days, tariffs, bills, and the factors of carbon and coal. Pure, but for reading files."""
