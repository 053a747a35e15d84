"""Configurações e auditoria, for managers: a tab a subject (PRODUCT 3, screen 8)."""

from stfc.ui import (
    guard,
    header,
    labels,
    settings_audit,
    settings_months,
    settings_parameters,
    settings_people,
    settings_plans,
    settings_platform,
    settings_storage,
    tabs,
)

guard.require(guard.Role.MANAGER)
header.show(labels.SETTINGS)

TABS = {
    tabs.Tab("plataforma", labels.PLATFORM_TAB): settings_platform.show,
    tabs.Tab("planos", labels.PLANS_TAB): settings_plans.show,
    tabs.Tab("competencias", labels.MONTHS_TAB): settings_months.show,
    tabs.Tab("parametros", labels.PARAMETERS_TAB): settings_parameters.show,
    tabs.Tab("pessoas", labels.PEOPLE_TAB): settings_people.show,
    tabs.Tab("auditoria", labels.AUDIT_TAB): settings_audit.show,
    tabs.Tab("armazenamento", labels.STORAGE_TAB): settings_storage.show,
}
opened, place = tabs.show("settings", tuple(TABS))
with place:
    next(show for tab, show in TABS.items() if tab.key == opened)()
