"""Gerar Cobrança."""

from stfc.ui import guard, header, labels

guard.require(guard.Role.SUPERVISOR)
header.show(labels.BILLING)
