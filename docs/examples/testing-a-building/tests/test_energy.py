"""The energy script against simulated meters."""

import pytest
from building.energy import energy_kwh

SDM120 = "eastron/sdm120"


def test_energy_is_what_the_meter_means(modbus_meter):
    meter = modbus_meter(SDM120, unit=7)
    read = energy_kwh(meter.host, meter.port, [7])
    assert [read[7]] == meter.served("active_energy_import_total")


@pytest.mark.parametrize("fault", ["silent", "refusing", "wrong", "gateway_silent"])
def test_a_dead_meter_does_not_hide_its_neighbours(modbus_bus, fault):
    bus = modbus_bus({1: SDM120, 2: SDM120, 3: SDM120})
    bus[2].breaks(fault)
    read = energy_kwh(bus.host, bus.port, [1, 2, 3])
    assert read[2] is None
    assert read[1]
    assert read[3]
    assert [request.unit for request in bus.asked] == [1, 2, 3]
    bus[2].mends()
    assert energy_kwh(bus.host, bus.port, [2])[2] > 0
