"""Meeting rooms: bookings against presence, and what is used."""
