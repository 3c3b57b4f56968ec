"""The film of `lungs_film`, for every test of this folder."""

from lungs_film import film, lungs  # noqa: F401 - fixtures
