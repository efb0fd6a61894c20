"""The truth that the simulated devices report: electrical loads, people with cards, routes. Pure functions of time."""
