"""Dashboard STFC: fixed-telephony indicators, call records and billing for an Internet provider."""

__version__ = "0.1.0"
