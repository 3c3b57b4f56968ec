"""Which outputs of a classifier judge an edit: the one that was asked for, and those that have to stay."""

from __future__ import annotations

from dataclasses import replace

from monai_cars.gates.contract import CheckResult, Context, unavailable
from monai_cars.gates.implications import judging_output, stable_outputs
from monai_cars.teachers import Teacher


def asked_output(name: str, teacher: Teacher, threshold: float, context: Context) -> str | CheckResult:
    """The output that judges the edited finding, or why a check of that name and threshold cannot be made."""
    if context.edit.operation == "sham":
        return replace(unavailable(name, "a sham asks for no finding", threshold), code="nothing_asked")
    output = judging_output(context.edit.finding, teacher)
    if output is not None:
        return output
    reason = f"{teacher.name} has no output for {context.edit.finding}; it has {', '.join(teacher.outputs)}"
    return replace(unavailable(name, reason, threshold), code="teacher_lacks_finding")


def outputs_to_stay(name: str, teacher: Teacher, threshold: float, context: Context) -> tuple[str, ...] | CheckResult:
    """The outputs that the edit does not imply, or why a check of that name and threshold cannot be made."""
    stable = stable_outputs(context.edit.finding, context.edit.operation, teacher.outputs)
    if stable:
        return stable
    reason = f"every output of {teacher.name} may move with {context.edit.finding}"
    return replace(unavailable(name, reason, threshold), code="nothing_to_compare")
