"""Tables whose odd rows are known, with the columns that make them odd.

Detectors are judged by rows known to be odd, explanations by columns known to be the cause. Public data sets
seldom say the second, so both are made up here: a mixed table of network connections, :func:`make_connections`, and a
month of card payments in the order of time, :func:`make_card_payments`.
"""

from oddrow.datasets._card_payments import PAYMENT_ODDNESS_KINDS, CardPayments, make_card_payments
from oddrow.datasets._connections import ODDNESS_KINDS, Connections, make_connections

__all__ = [
    "ODDNESS_KINDS",
    "PAYMENT_ODDNESS_KINDS",
    "CardPayments",
    "Connections",
    "make_card_payments",
    "make_connections",
]
