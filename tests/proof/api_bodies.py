"""What stands in the compound of the API's proof, as it is sent, and odd addresses to send alarms to."""

from __future__ import annotations

import struct

from cloud.assets.contract import AssetKey

CAR, ROOM = AssetKey("east", "vehicle", "car-1"), "r1"
PLANT = """
[site]
id = "east"
[[unit]]
name = "区府办"
[[vehicle]]
id = "car-1"
plate = "浙A·3M902"
seats = 4
devices = { position = "tracker-1" }
[[room]]
id = "r1"
name = "307"
capacity = 12
devices = { reader = ["r1-reader"] }
[[guard]]
id = "wang"
name = "王伟"
cards = ["c1"]
[[technician]]
id = "chen"
name = "陈"
skills = ["power"]
latitude = 30.27
longitude = 120.15
[[door]]
id = "gate-north"
name = "North gate"
gate = true
devices = { contact = "gate-contact" }
[[day]]
day = 2026-10-01
type = "holiday"
name = "国庆节"
[[place]]
id = "station"
name = { en = "Railway station", zh = "高铁站" }
latitude = 30.29
longitude = 120.21
"""
CSV = "kind,id,name,seats,plate,capacity\nvehicle,car-2,Car 2,4,浙A·1,\nroom,r-9,309,,,12\n".encode()
RULE = {"name": "high", "site": "east", "point": "active_power_total", "condition": "high", "limit": 200.0}
ROUTE = {
    "id": "night",
    "name": "Night round",
    "checkpoints": [{"id": "gate", "name": "Gate", "reader": "gate-north", "from_min": 0, "until_min": 20}],
    "starts": ["22:00"],
    "days": ["daily"],
}
REPAIR = {
    "site": "east",
    "kind": "repair",
    "title": "no light",
    "requester": {"name": "Wang", "unit": "区府办", "phone": "13800008000"},
    "from": {"name": "B3", "latitude": 30.27, "longitude": 120.15},
    "duration_min": 30,
    "demand": {"seats": 0, "class": "", "skills": ["power"]},
}
LONG_DRIVE = {**REPAIR, "kind": "vehicle", "out_of_town": True, "demand": {"seats": 2}}
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 40, 20, 8, 0, 0, 0, 0)
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x14\0\x28\x03" + bytes(10) + b"\xff\xd9"
ODD_ADDRESSES = (
    *("http://127.0.0.1:1/", "http://127.0.0.1:0/", "https://127.0.0.1:1", "http://[::1]:1/?a=%", "http://localhost:1"),
    *("http://nobody.invalid/", "https://oapi.dingtalk.com/robot/send?access_token=x", "http://192.0.2.1/"),
    *(f"http://{'x' * 70}.example/", f"http://{'门' * 40}/", "http://a..b/", "http://-/", "http://[fe80::1%eth0]/"),
    *("http://xn--/", "http://.", "http://a b/", "http://\u202e/", "http://1e999/", "http://0x7f.1/", "http://%00/"),
    *("http://[v1.x]/", "http://[::1", "http://a:/", "http:///", "http://a\0b/", "http://a\r\nb/", "http://é\u0301/"),
)
"""Of webhooks. Some are refused; what is taken must end in an answer."""
MAP = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"kind": "gate", "id": "gate-north", "name": {"en": "North gate", "zh": "北门"}},
            "geometry": {"type": "Point", "coordinates": [120.1486, 30.2712]},
        },
        {
            "type": "Feature",
            "properties": {"kind": "fence", "id": "yard", "name": "院区"},
            "geometry": {"type": "Polygon", "coordinates": [[[120, 30], [121, 30], [121, 31], [120, 30]]]},
        },
    ],
}
TARIFF = {
    "id": "plain",
    "name": "One price",
    "version": [
        {
            "from": "2026-01-01",
            "source": {"document": "A notice"},
            "season": [
                {
                    "name": "all year",
                    "months": list(range(1, 13)),
                    "day": [{"days": ["any"], "bands": {"flat": ["00:00-24:00"]}}],
                }
            ],
        }
    ],
    "price": [
        {"from": "2026-01", "until": "2027-01", "energy": {"flat": "0.65"}, "source": {"document": "A price list"}}
    ],
}
STRUCTURE = {
    "spaces": [{"id": "east", "kind": "site", "name": "East compound"}],
    "units": [],
    "meters": [
        {
            "id": "main",
            "name": "Main",
            "role": "main",
            "space": "east",
            "device": "m1",
            "point": "active_energy_import_total",
            "register": {"resolution": "0.01", "modulus": "1000000", "rated": "400"},
        },
        {"id": "floor-1", "name": "Floor 1", "role": "sub", "parent": "main", "space": "east", "device": "m2"}
        | {"point": "active_energy_import_total", "register": {"resolution": "0.01", "rated": "100"}},
    ],
}
STRUCK = {"type": "struck", "since": 1790006400000, "until": 1790006460000}
SPACES = '[[space]]\nid = "b3"\nkind = "building"\nname = "三号楼"\nparent = "east"\narea_m2 = 8200\n'
BASIS = {
    "denominators": [
        {"of": "space:east", "what": "area_m2", "value": "8200", "from": "2026-01-01", "source": "a deed"}
    ],
    "quotas": [{"of": "space:east", "year": 2026, "limit": 620000, "source": "a notice"}],
}
