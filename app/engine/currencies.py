"""Currencies of money. Nothing is ever converted: what has no amount in an order's currency does not apply to it."""

from dataclasses import dataclass

# ISO 4217, list one as published on 2026-01-01, without metals, units of account and codes for testing.
_LISTED = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CODES = frozenset(_LISTED.split())

# The same list, column "minor unit": those that do not have two decimals.
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_WITHOUT_DECIMALS.split(), 0) | dict.fromkeys(_WITH_THREE_DECIMALS.split(), 3)
_DECIMALS |= {"CLF": 4, "UYW": 4}

MISMATCH_KEY = "currency_mismatch"
"""The error key wherever money of one currency meets an order in another."""


def minor_units(currency: str | None) -> int:
    """How many minor units one unit has: 100 cents are a euro, and a hundred where no currency is known."""
    units: int = 10 ** _DECIMALS.get(currency or "", 2)
    return units


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`what` has amounts in the currencies `known`, and none in `wanted`, that of the order."""

    what: str
    wanted: str
    known: tuple[str, ...]

    @property
    def details(self) -> str:
        return f"The order is in {self.wanted}; the amounts of {self.what} are in {' and '.join(self.known)} only."
