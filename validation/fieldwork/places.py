"""What positions show: outside the commune, imprecise, many interviews at one spot. No finding tells a position."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.fields import INSTANCE_ID
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import WHO, FieldCheck, Outcome, Task

METRES_A_DEGREE = 111_194.9
LATITUDE, LONGITUDE, ACCURACY, SPOT = "_latitude", "_longitude", "_accuracy", "_spot"
_PARTS = (LATITUDE, LONGITUDE, "_altitude", ACCURACY)


def read_positions(task: Task) -> pl.DataFrame | NotChecked:
    """The position of each interview, of the first position question that it answers.

    Returns:
        _instance_id, _latitude, _longitude (degrees), _accuracy (metres, null where it isn't told); never kept.
    """
    fields = [field for field in task.form.fields() if field.type == "geopoint" and field.table == "main"]
    if not fields:
        return NotChecked("the form asks for no position")
    parts = []
    for field in fields:
        if field.personal:
            if task.personal is None:
                return NotChecked("it needs personal answers, which were not read")
            kept = task.personal.filter((pl.col("question") == field.name) & (pl.col("row_id") == ""))
            given = kept.select(pl.col("instance_id").alias(INSTANCE_ID), pl.col("value"))
        elif field.column in task.main.columns:
            given = task.main.select(INSTANCE_ID, pl.col(field.column).cast(pl.String).alias("value"))
        else:
            continue
        parts.append(given)
    if not parts:
        return NotChecked("the form asks for no position")
    texts = pl.concat(parts).drop_nulls().join(task.main.select(INSTANCE_ID), on=INSTANCE_ID, how="semi")
    split = texts.select(INSTANCE_ID, pl.col("value").str.split(" ").alias("_parts"))
    numbers = split.select(
        INSTANCE_ID,
        *(
            pl.col("_parts").list.get(at, null_on_oob=True).cast(pl.Float64, strict=False).alias(name)
            for at, name in enumerate(_PARTS)
        ),
    )
    known = numbers.filter(pl.col(LATITUDE).is_between(-90, 90) & pl.col(LONGITUDE).is_between(-180, 180))
    return known.unique(INSTANCE_ID, keep="first", maintain_order=True)


def _check_commune(task: Task) -> Outcome | NotChecked:
    """Positions farther outside the commune than its boundary is imprecise."""
    places = task.positions
    if isinstance(places, NotChecked):
        return places
    if task.boundary is None:
        return NotChecked("the boundary of the commune isn't known (design setting “commune”)")
    import shapely

    band = task.parameters.number("outside_commune", "band_metres", _COMMUNE)
    middle = math.radians(shapely.get_y(shapely.centroid(task.boundary)))
    scale = np.array([math.cos(middle) * METRES_A_DEGREE, METRES_A_DEGREE])
    area = shapely.transform(task.boundary, lambda points: points * scale)
    shapely.prepare(area)
    points = shapely.points(places.select(LONGITUDE, LATITUDE).to_numpy() * scale)
    outside: npt.NDArray[np.bool_] = ~shapely.dwithin(area, points, band)
    return Outcome(places.height, places.filter(pl.Series(outside, dtype=pl.Boolean)).select(INSTANCE_ID))


def _check_accuracy(task: Task) -> Outcome | NotChecked:
    places = task.positions
    if isinstance(places, NotChecked):
        return places
    told = places.filter(pl.col(ACCURACY).is_not_null())
    most = task.parameters.number("poor_accuracy", "metres", _ACCURACY)
    return Outcome(told.height, told.filter(pl.col(ACCURACY) > most).select(INSTANCE_ID))


def _check_spot(task: Task) -> Outcome | NotChecked:
    """Interviews of one enumerator at one spot, where they are more than a house has room for."""
    places = task.positions
    if isinstance(places, NotChecked):
        return places
    most = task.parameters.number("same_spot", "most", _SPOT)
    size = task.parameters.number("same_spot", "metres", _SPOT) / METRES_A_DEGREE
    spots = places.join(task.interviews.select(INSTANCE_ID, WHO), on=INSTANCE_ID).with_columns(
        pl.struct(
            (pl.col(LATITUDE) / size).round().cast(pl.Int64),
            (pl.col(LONGITUDE) * pl.col(LATITUDE).radians().cos() / size).round().cast(pl.Int64),
        ).alias(SPOT)
    )
    counted = spots.with_columns(pl.len().over(SPOT, WHO).alias("interviews"))
    rows = counted.filter(pl.col("interviews") > most).select(INSTANCE_ID, "interviews")
    return Outcome(places.height, rows)


_COMMUNE: Defaults = {"band_metres": 500.0}
_ACCURACY: Defaults = {"metres": 50.0}
_SPOT: Defaults = {"most": 5.0, "metres": 15.0}

CHECKS = (
    FieldCheck(
        "outside_commune",
        "warning",
        "interview",
        {
            "es": "La posición está fuera de la comuna.",
            "ht": "Pozisyon an deyò komin nan.",
            "en": "The position is outside the commune.",
        },
        {
            "es": "Revise en el mapa: el límite es aproximado y el teléfono puede haber guardado una posición antigua.",
            "ht": "Gade sou kat la: limit la se apeprè, epi telefòn nan ka te kenbe yon ansyen pozisyon.",
            "en": "Look at the map: the boundary is coarse, and the phone may have kept an old position.",
        },
        _check_commune,
        defaults=_COMMUNE,
    ),
    FieldCheck(
        "poor_accuracy",
        "info",
        "interview",
        {
            "es": "La posición es poco precisa.",
            "ht": "Pozisyon an pa egzak ase.",
            "en": "The position is imprecise.",
        },
        {
            "es": "Pida esperar al aire libre hasta que la precisión baje.",
            "ht": "Mande yo tann deyò jiskaske presizyon an vin pi bon.",
            "en": "Ask to wait in the open until the accuracy is better.",
        },
        _check_accuracy,
        defaults=_ACCURACY,
    ),
    FieldCheck(
        "same_spot",
        "warning",
        "interview",
        {
            "es": "Muchas entrevistas de la misma persona encuestadora están en el mismo lugar.",
            "ht": "Anpil antrevi menm anketè a te fè menm kote.",
            "en": "Many interviews of the same enumerator are at the same spot.",
        },
        {
            "es": "Vea si es un edificio; si no, confirme dónde se hicieron.",
            "ht": "Gade si se yon bilding; si se pa sa, konfime ki kote yo te fèt.",
            "en": "See whether it is a block of flats; if not, confirm where they were held.",
        },
        _check_spot,
        detail={"es": " Son {interviews}.", "ht": " Yo se {interviews}.", "en": " They are {interviews}."},
        defaults=_SPOT,
    ),
)
