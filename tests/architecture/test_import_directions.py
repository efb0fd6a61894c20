"""Who may import whom. See ARCHITECTURE.md, "The six folders"."""

from tests.architecture.source import Import, imports, nothing, reaches, sources

MAY_IMPORT = {
    "protocols": set(),
    "edge": {"protocols"},
    "cloud": {"protocols"},
    "simulators": {"protocols"},
}

# A simulator that used our decoders would share our mistakes, and hide them.
SIMULATORS_NEVER = ("protocols.modbus", "protocols.mqtt", "protocols.profile")
# Pretend gateways need the batch format; the verdict may not.
SIMULATORS_BATCH = ("simulators/fleet", "simulators/history.py")

# Features of the collector know contracts, not each other.
FEATURES = ("access", "alarms", "dispatch", "doors", "energy", "fleet", "patrol", "rooms", "visitors")

# protocols/ is words and formats: it opens nothing and starts nothing.
IMPURE = (
    "socket",
    "ssl",
    "select",
    "selectors",
    "subprocess",
    "threading",
    "multiprocessing",
    "signal",
    "http",
    "urllib.request",
)
IMPURE_CALLS = ("create_task", "ensure_future", "open_connection", "start_server", "run_in_executor", "TaskGroup")


def _ours(found: Import) -> str:
    top = found.module.lstrip(".").split(".", 1)[0]
    return top if top in {*MAY_IMPORT, "tests", "deploy"} else ""


def test_each_folder_imports_only_what_it_may() -> None:
    found = []
    for source in sources():
        allowed = MAY_IMPORT[source.package] | {source.package}
        for each in imports(source):
            top = _ours(each)
            if top and top not in allowed:
                found.append(f"{source.at(each.node)} imports {each.module}")
    nothing(found, "edge, cloud and simulators import protocols and themselves; protocols imports nothing of ours:")


def test_simulators_do_not_use_our_decoders() -> None:
    found = []
    for source in sources("simulators"):
        never = list(SIMULATORS_NEVER)
        if not source.path.startswith(SIMULATORS_BATCH):
            never.append("protocols.batch")
        for each in imports(source):
            found += [f"{source.at(each.node)} imports {module}" for module in never if reaches(each, module)]
    nothing(found, "a simulator encodes by itself (see simulators/README.md):")


def test_features_of_the_collector_do_not_import_each_other() -> None:
    found = []
    for source in sources("cloud"):
        parts = source.path.split("/")
        if len(parts) < 3 or parts[1] not in FEATURES:
            continue
        others = [f"cloud.{feature}" for feature in FEATURES if feature != parts[1]]
        for each in imports(source):
            found += [f"{source.at(each.node)} imports {other}" for other in others if reaches(each, other)]
    nothing(found, "features share contracts, not code:")


def test_only_the_wiring_files_know_the_api_and_the_drivers() -> None:
    """The data path does not know who asks for it, and the pipeline does not know which wires there are."""
    rules = [
        ("cloud", "cloud.api", ("cloud/api/", "cloud/app.py", "cloud/cli.py")),
        ("edge", "edge.drivers", ("edge/drivers/", "edge/gateway.py", "edge/commissioning/read_once.py", "edge/cli_")),
    ]
    found = []
    for folder, module, allowed in rules:
        for source in sources(folder):
            if source.path.startswith(allowed):
                continue
            found += [f"{source.at(each.node)} imports {module}" for each in imports(source) if reaches(each, module)]
    nothing(found, "wiring stands in one file per process:")


def test_protocols_opens_nothing_and_starts_nothing() -> None:
    """But for the clock, and the timer that ends a process: those two are of processes, and both have them."""
    found = []
    for source in sources("protocols"):
        if source.path == "protocols/alive.py":
            continue
        banned = IMPURE if source.path == "protocols/clock.py" else (*IMPURE, "asyncio")
        for each in imports(source):
            found += [f"{source.at(each.node)} imports {name}" for name in banned if reaches(each, name)]
        found += [
            f"{source.path}:{number} {name}("
            for number, line in enumerate(source.lines, 1)
            for name in IMPURE_CALLS
            if f"{name}(" in line
        ]
    nothing(found, "protocols is pure:")
