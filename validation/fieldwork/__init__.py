"""Checks over many interviews that supervisors need while field work goes on."""

from validation.fieldwork.evaluate import evaluate_fieldwork

__all__ = ["evaluate_fieldwork"]
