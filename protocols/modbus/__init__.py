"""What a Modbus device says, as pure code: register types, profiles, read planning, decoding. No sockets here."""
