"""What a film says in words must move towards the words of the finding that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

import torch

from monai_cars.findings.registry import FINDINGS
from monai_cars.gates.answers import probabilities
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.teachers import Teacher
from monai_cars.teachers.text_image import Prompts, prompts_of


def curated_prompts() -> dict[str, Prompts]:
    """Sentences for and against each finding that a report names by a word of its own.

    Signs and synonyms (fluid, meniscus, opacities) would be each other's alternatives.

    Example:
        >>> curated_prompts()["pleural air"].present
        ('Findings suggesting pneumothorax.', 'There is pneumothorax.')
    """
    return {name: prompts_of(one.words.term) for name, one in FINDINGS.items() if one.words.own_word}


@dataclass(frozen=True)
class TextImageAgrees:
    """How far the film moved towards the asked finding's words, beyond how far it moved towards the others'.

    ``value = change(asked) - median(change(other findings))``, change = probability of "there is ..." after - before,
    turned round for a deletion. Any visible change makes a film look more abnormal to such a model; the median takes
    that out. Zero-shot models are weak and agree with much: keep this check advisory until it is calibrated.

    Args:
        teacher: a :class:`monai_cars.teachers.text_image.TextImageTeacher`, or any other classifier.
        threshold: least value; a first setting.

    Raises:
        ValueError: the teacher has a single output, which leaves nothing to compare with.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> teacher = CallableTeacher("flat", lambda film, anatomy: [0.5, 0.5], ("nodule", "edema"))
        >>> TextImageAgrees(teacher).name
        'text_image_agrees'
    """

    teacher: Teacher
    threshold: float = 0.05
    name: str = "text_image_agrees"

    def __post_init__(self) -> None:
        if len(self.teacher.outputs) < 2:
            raise ValueError(
                f"the teacher of TextImageAgrees needs two findings or more to compare (got {self.teacher.outputs}); "
                "curated_prompts() has twelve"
            )

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        finding = context.edit.finding
        if context.edit.operation == "sham":
            return replace(unavailable(self.name, "a sham asks for no finding", self.threshold), code="nothing_asked")
        if finding not in self.teacher.outputs:
            reason = f"{self.teacher.name} has no words for {finding}"
            return replace(unavailable(self.name, reason, self.threshold), code="teacher_lacks_finding")
        was, now = probabilities(self.teacher, before, after, context)
        sign = -1.0 if context.edit.operation == "delete" else 1.0
        change = {name: sign * (now[name] - was[name]) for name in self.teacher.outputs}
        value = change.pop(finding) - median(change.values())
        reason = f"the film moved by {value:+.2f} towards {finding!r} beyond other findings"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)
