"""All tables of the registry. A new module of tables is one line here."""

from cloud.registry import (
    tables,
    tables_alarm_rules,
    tables_assets,
    tables_console,
    tables_energy,
    tables_energy_desk,
    tables_fleet,
    tables_identity,
    tables_people,
    tables_places,
    tables_privacy,
    tables_reports,
    tables_requests,
    tables_tariffs,
)
from cloud.registry.table_root import Table

MODULES = (
    tables,
    tables_assets,
    tables_console,
    tables_fleet,
    tables_requests,
    tables_places,
    tables_privacy,
    tables_alarm_rules,
    tables_energy,
    tables_energy_desk,
    tables_tariffs,
    tables_reports,
    tables_identity,
    tables_people,
)
METADATA = Table.metadata
