"""All tables of the registry. A new module of tables is one line here."""

from cloud.registry import (
    tables,
    tables_access,
    tables_alarm_rules,
    tables_assets,
    tables_console,
    tables_energy,
    tables_energy_desk,
    tables_fleet,
    tables_identity,
    tables_members,
    tables_people,
    tables_places,
    tables_privacy,
    tables_reports,
    tables_requests,
    tables_rollouts,
    tables_site_files,
    tables_tariffs,
)
from cloud.registry.table_root import Table

MODULES = (
    tables,
    tables_access,
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
    tables_members,
    tables_people,
    tables_site_files,
    tables_rollouts,
)
METADATA = Table.metadata
