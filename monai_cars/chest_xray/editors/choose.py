"""Editors by name, for chains and configs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.editors.contract import Editor

EDITORS = ("attenuation", "stable_diffusion", "radedit")


def make_editor(editor: str | Editor | None, weights: str | Path | None = None, **options: Any) -> Editor:
    """An editor from its name; one that is given is taken as it is.

    Args:
        editor: "attenuation" (None), "stable_diffusion", "radedit", or an Editor.
        weights: of a diffusion editor: "owner/repo@commit" on the Hub, or a folder in diffusers' layout.
        **options: of the diffusion editor, such as `steps` or `device`.

    Raises:
        ValueError: an unknown name; weights for an editor that has none, or none for one that needs them.

    Example:
        >>> make_editor("attenuation").name
        'attenuation'
    """
    if editor is not None and not isinstance(editor, str):
        if weights is not None:
            raise ValueError(
                f"weights are for an editor given by name (got the editor {editor.name!r}, which has its own)"
            )
        return editor
    name = editor or "attenuation"
    if name not in EDITORS:
        raise ValueError(f"editor must be one of {', '.join(EDITORS)}, or an Editor (got {name!r})")
    if name == "attenuation":
        if weights is not None:
            raise ValueError(
                f"the attenuation editor has no weights (got {str(weights)!r}); remove weights=, or name another editor"
            )
        return AttenuationEditor()
    if weights is None:
        raise ValueError(
            f"editor={name!r} needs weights=: 'owner/repo@commit' on the Hub, or a folder in diffusers' layout"
        )
    if name == "stable_diffusion":
        from monai_cars.chest_xray.editors.diffusion.stable_diffusion import StableDiffusionEditor

        return StableDiffusionEditor(str(weights), **options)
    from monai_cars.chest_xray.editors.diffusion.radedit import RadEditEditor

    return RadEditEditor(str(weights), **options)
