"""Generators of labelled tables: each odd row is known, and so are the columns that make it odd.

A detector is evaluated with rows known to be odd, an explanation with columns known to be the cause. Public data sets
rarely name the columns, so the tables are generated here: network connections of mixed column kinds,
:func:`make_connections`, a month of card payments in the order of time, :func:`make_card_payments`, and the log of a
machine's sensors with events of many rows, :func:`make_sensors`.
"""

from oddrow.datasets._card_payments import PAYMENT_ODDNESS_KINDS, CardPayments, make_card_payments
from oddrow.datasets._connections import ODDNESS_KINDS, Connections, make_connections
from oddrow.datasets._sensors import SENSOR_EVENT_KINDS, SensorEvent, Sensors, make_sensors

__all__ = [
    "ODDNESS_KINDS",
    "PAYMENT_ODDNESS_KINDS",
    "SENSOR_EVENT_KINDS",
    "CardPayments",
    "Connections",
    "SensorEvent",
    "Sensors",
    "make_card_payments",
    "make_connections",
    "make_sensors",
]
