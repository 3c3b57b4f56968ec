"""Losses that take what counterfactual labels are made of: unknown (NaN) and soft values."""

from monai_cars.features.losses import MaskedBCEWithLogitsLoss, MaskedMSELoss

__all__ = ["MaskedBCEWithLogitsLoss", "MaskedMSELoss"]
