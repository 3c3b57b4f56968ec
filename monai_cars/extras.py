"""Optional packages: what each extra of the package brings, asked for before the work that needs it begins."""

from __future__ import annotations

from importlib.util import find_spec

BRINGS = {
    "bundle": {
        "jinja2": "the report",
        "matplotlib": "the panel",
        "ignite": "MONAI's evaluators and trainers",
        "jsonschema": "monai.bundle verify_metadata",
        "requests": "monai.bundle download",
    },
    "diffusers": {"diffusers": "editors that repaint", "transformers": "models of text", "accelerate": "large models"},
}
"""Extra -> module that it brings -> what needs the module."""


class MissingExtra(ImportError):  # noqa: N818 - named after what is missing, as ImportError's own are
    """Optional packages are not installed; the message names the extra that brings them."""


def require_extra(extra: str, *modules: str) -> None:
    """Refuse to begin what would end in the middle for want of a package.

    Args:
        extra: a key of `BRINGS`.
        *modules: of it that are needed; all of them when none is named.

    Raises:
        MissingExtra: some are not installed.

    Example:
        >>> require_extra("bundle", "jinja2")
    """
    missing = [name for name in modules or BRINGS[extra] if find_spec(name) is None]
    if missing:
        needs = ", ".join(f"{name} ({BRINGS[extra][name]})" for name in missing)
        raise MissingExtra(f"not installed: {needs}; install what is missing: pip install 'monai-cars[{extra}]'")
