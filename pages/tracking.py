"""Gerar Cobrança - Acompanhamento."""

from stfc.ui import guard, header, labels

guard.require(guard.Role.SUPERVISOR)
header.show(labels.TRACKING)
