"""Time comes from a Clock; tasks have owners and names; queues have sizes; broad excepts say why."""

import ast

from tests.architecture.source import Source, dotted, imports, nothing, reaches, sources

CLOCK = "protocols/clock.py"
TIMES = (
    "asyncio.sleep",
    "datetime.now",
    "datetime.datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.date.today",
)
TASK_TOP = "# task top:"


def calls(source: Source) -> list[ast.Call]:
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]


def test_time_stands_in_one_file() -> None:
    found = []
    for source in sources():
        if source.path == CLOCK:
            continue
        found += [f"{source.at(each.node)} imports time" for each in imports(source) if reaches(each, "time")]
        found += [
            f"{source.at(each.node)} imports asyncio.sleep"
            for each in imports(source)
            if each.module == "asyncio" and "sleep" in each.names
        ]
        found += [f"{source.at(call)} {dotted(call.func)}(" for call in calls(source) if dotted(call.func) in TIMES]
    nothing(found, f"take a Clock in the constructor; only {CLOCK} asks the machine:")


def test_tests_do_not_sleep_and_hope() -> None:
    found = [
        f"{source.at(call)} time.sleep("
        for source in sources("tests")
        for call in calls(source)
        if dotted(call.func) == "time.sleep"
    ]
    nothing(found, "wait for a condition with a deadline (tests/waiting.py):")


def _broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(dotted(kind) in {"Exception", "BaseException"} for kind in kinds)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise)


def test_broad_excepts_stand_at_the_top_of_a_task_and_say_so() -> None:
    found = []
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ExceptHandler) and _broad(node) and not _raises_again(node):
                near = source.line(node.lineno) + source.line(node.lineno - 1) + source.line(node.lineno + 1)
                if TASK_TOP not in near:
                    found.append(source.at(node))
    nothing(found, f"catch what you can act on; at the top of a task write `{TASK_TOP} why`:")


def _waits(block: ast.Try) -> bool:
    parts = [part for statement in block.body for part in ast.walk(statement)]
    return any(isinstance(part, ast.Await | ast.AsyncWith | ast.AsyncFor) for part in parts)


def _mentions(handler: ast.ExceptHandler, name: str) -> bool:
    return any(isinstance(part, ast.Call) and dotted(part.func) == name for part in ast.walk(handler))


def test_a_task_that_goes_on_after_any_error_still_ends_when_it_is_cancelled() -> None:
    """An error in a clean-up takes the place of the cancellation; whoever waits for the task would wait for ever."""
    found = [
        source.at(handler)
        for source in sources()
        for block in ast.walk(source.tree)
        if isinstance(block, ast.Try) and _waits(block)
        for handler in block.handlers
        if _broad(handler) and not _raises_again(handler) and not _mentions(handler, "stop_if_cancelled")
    ]
    nothing(found, "call protocols.alive.stop_if_cancelled() at the end of the handler:")


def test_no_task_is_started_and_forgotten() -> None:
    found = []
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                name = dotted(node.value.func)
                if name in {"asyncio.create_task", "asyncio.ensure_future", "loop.create_task"}:
                    found.append(f"{source.at(node)} {name}(")
    nothing(found, "a task lives in a TaskGroup, or somebody keeps it and waits for its end:")


def test_every_task_has_a_name() -> None:
    found = []
    for source in sources():
        for call in calls(source):
            name = dotted(call.func) or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
            if name.split(".")[-1] == "create_task" and not any(word.arg == "name" for word in call.keywords):
                found.append(f"{source.at(call)} {name}(")
    nothing(found, "create_task(..., name=...):")


def test_every_queue_has_a_size() -> None:
    found = []
    for source in sources():
        for call in calls(source):
            name = dotted(call.func)
            sized = call.args or any(word.arg == "maxsize" for word in call.keywords)
            if name in {"asyncio.Queue", "queue.Queue", "asyncio.LifoQueue"} and not sized:
                found.append(f"{source.at(call)} {name}()")
            if name in {"queue.SimpleQueue", "SimpleQueue"}:
                found.append(f"{source.at(call)} {name}() cannot have a size")
    nothing(found, "every queue has a size, and a line that says what happens when it is full:")
