"""The columns that a classifier learns from: measured features, what is known of the patient, and verdicts of networks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from diaphane.assess.columns import SEXES, Column, key_of, log_odds
from diaphane.core.arrays import FloatArray
from diaphane.core.case import OLDEST
from diaphane.core.region import Region
from diaphane.errors import InputError
from diaphane.train.forms_table import is_known, number

ABSENT = 0.05
"""A feature that more images lack is left out; of one that fewer lack, those images."""
FEWEST = 10
"""Images of which age or sex must be known for it to be learnt from: every fold needs some."""
INDICATED = 10
"""Images of which something is not known, from which on that itself is a column."""
NETWORK = "network:"
AGES, GENDERS = ("age_years", "age"), ("sex", "gender")
SEX_WORDS = {"f": "female", "m": "male", "female": "female", "male": "male"}


def measured(regions: Sequence[Region], left_out: Sequence[str]) -> tuple[list[Column], FloatArray, list[str]]:
    """The features that nearly all regions have and that differ between them."""
    of = [{key_of(f): f for f in region.features if f.name not in left_out and f.family not in left_out} for region in regions]
    keys = list(dict.fromkeys(key for features in of for key in features))
    values = np.array([[features[key].value if key in features else math.nan for key in keys] for features in of]).reshape(len(of), len(keys))
    pixels = np.array(["px" in key[-1] for key in keys], bool)
    absent = np.isnan(values).mean(axis=0) > ABSENT
    with np.errstate(invalid="ignore"):
        same = np.array([len(np.unique(column[~np.isnan(column)])) < 2 for column in values.T], bool)
    reasons = {
        "are in pixels, which change with the picture's size (measure with --spacing-mm)": pixels,
        f"do not exist for more than {ABSENT:.0%} of the images": absent & ~pixels,
        "are the same for all images": same & ~absent & ~pixels,
    }
    faults = [line for why, bad in reasons.items() for line in counted([keys[n][1] for n in np.flatnonzero(bad)], f"{why}; not learnt from", "features")]
    kept = np.flatnonzero(~(pixels | absent | same))
    if keys and not len(kept):
        raise InputError(f"no feature is left to learn from: {'; '.join(faults)}")
    count = Counter(keys[n][1] for n in kept)
    columns = [Column(name=_shown(keys[n], alone=count[keys[n][1]] == 1), source="feature", key=keys[n]) for n in kept]
    return columns, values[:, kept], faults


def _shown(key: tuple[str, ...], *, alone: bool) -> str:
    family, name, aggregation, discretisation, _ = key
    how = "; ".join(filter(None, (aggregation, discretisation)))
    return name if alone else f"{family} {name}" + (f" ({how})" if how else "")


def beside(rows: Sequence[Mapping[str, str]], classes: tuple[str, ...], left_out: Sequence[str]) -> tuple[list[Column], FloatArray, list[str]]:
    """Age, sex, whether they are known, and the verdicts of networks: those that the table has, without what ``left_out`` names, by any of its names."""
    columns: list[Column] = []
    values: list[FloatArray] = []
    faults: list[str] = []
    for field, names, reader in (("age_years", AGES, _age), ("sex", GENDERS, _sex)):
        there = [name for name in names if name in rows[0]]
        if len(there) > 1:
            raise InputError(f"the table has the columns {' and '.join(there)}, which mean the same; keep one of them")
        if not there or set(names) & set(left_out):
            continue
        (found,) = there
        column = np.array([reader(row[found]) for row in rows])
        impossible = sum(is_known(row[found]) and bool(np.isnan(v)) for row, v in zip(rows, column, strict=True))
        what = f"an age lies between 0 and {OLDEST}" if field == "age_years" else "it is female or male"
        faults += [f"{field} of {impossible} images cannot be ({what}); taken for not known"] * bool(impossible)
        known = column[~np.isnan(column)]
        if len(known) < FEWEST or len(np.unique(known)) < 2:
            faults.append(f"{field} is known of {len(known)} images, with {len(np.unique(known))} values; not learnt from")
            continue
        columns.append(Column(name=field, source="context", key=(field,), fill=0.0))
        values.append(column)
        if np.isnan(column).sum() >= INDICATED:
            columns.append(Column(name=f"{field}_not_known", source="unknown", key=(field,)))
            values.append(np.isnan(column).astype(float))
    for name in (n for n in rows[0] if n.startswith(NETWORK) and n not in left_out):
        bundle, _, task = name.removeprefix(NETWORK).partition(":")
        columns.append(Column(name=name, source="network", key=(bundle, task or classes[-1].lower())))
        values.append(np.array([_network(row[name], name) for row in rows]))
    return columns, np.stack(values, axis=1) if values else np.zeros((len(rows), 0)), faults


def _age(value: str) -> float:
    age = number(value)
    return age if 0 <= age <= OLDEST else math.nan


def _sex(value: str) -> float:
    return SEXES.get(SEX_WORDS.get(value.lower(), ""), math.nan)


def _network(value: str, name: str) -> float:
    p = number(value)
    if not 0 <= p <= 1:
        raise InputError(f"column '{name}': must hold probabilities between 0 and 1 for all images, each by a network that did not learn from the image")
    return log_odds(p)


def counted(names: Sequence[str], what: str, noun: str = "images") -> list[str]:
    """One line, with the first few names; none where there are none."""
    if not names:
        return []
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return [f"{len(names)} {noun} {what} ({shown})"]
