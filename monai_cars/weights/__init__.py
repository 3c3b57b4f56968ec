"""Pinned weights: records, and the checked file of a record from the package, the Hub's cache or the Hub."""

from monai_cars.weights.fetching import fetch, find_weights, load_state, read_weights
from monai_cars.weights.records import RECORDS, WeightsError, WeightsRecord, load_record, record_of

__all__ = [
    "RECORDS",
    "WeightsError",
    "WeightsRecord",
    "fetch",
    "find_weights",
    "load_record",
    "load_state",
    "read_weights",
    "record_of",
]
