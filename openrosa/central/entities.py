"""Entity lists: this installation keeps none."""

from __future__ import annotations

from openrosa.central.answers import NOT_OFFERED, UNKNOWN, Refused
from openrosa.central.calls import Call, Endpoint


def list_datasets(call: Call) -> object:
    """GET datasets: none."""
    return []


def get_dataset(call: Call) -> object:
    """GET datasets/L, and whatever stands below it: there is none."""
    raise Refused(UNKNOWN, "This installation keeps no entity lists.")


def create_dataset(call: Call) -> object:
    """POST datasets: refused, so that nobody believes an entity was kept."""
    raise Refused(NOT_OFFERED, "This installation keeps no entity lists.")


_LISTS = "/projects/{project}/datasets"
ENDPOINTS = (
    Endpoint("GET", _LISTS, list_datasets, "The entity lists: none are kept.", "Entities"),
    Endpoint("POST", _LISTS, create_dataset, "Not offered.", "Entities", "write", takes="application/json"),
    Endpoint("GET", f"{_LISTS}/{{rest:path}}", get_dataset, "No entity list has this name.", "Entities"),
)
