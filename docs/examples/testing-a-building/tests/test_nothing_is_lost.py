"""Our devices behind a real gateway and a real collector: what they gave is stored, once and unchanged."""


def test_nothing_is_lost_when_the_gateway_is_killed(modbus_bus, card_reader, gateway, collector, verify):
    modbus_bus({1: "eastron/sdm120", 2: "eastron/sdm630"}, wire="rtu", baud=38400)
    reader = card_reader("esp-rfid", "doors/lobby")
    box = gateway(every="500 ms")

    reader.tap("04A1B2C3D4E5F6")
    collector.readings("meter", "active_power_total", at_least=2)
    box.kill()
    box.start()
    reader.tap("A1B2C3D4")

    verdict = verify()
    assert verdict.ok, verdict
    assert (verdict.missing, verdict.duplicated, verdict.altered) == (0, 0, 0)
    taps = collector.events("reader", "access_granted")
    assert len({event.data["card_key"] for event in taps}) == 2
