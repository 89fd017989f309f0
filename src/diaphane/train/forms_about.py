"""What a list says of its items besides their truth: the columns by which figures are given in groups, too.

Columns of numbers count unless they are called like ids, dates or text, or tell patients apart; columns of words only if they are called like one of
``GROUPING``, for their words are shown as they are, also to whom the bundle is given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from diaphane.acquire.label_names import clean
from diaphane.train.forms_table import is_known, number

OWN = ("image", "file", "mask", "class", "split", "patient")
"""Columns that say where an item is, and what it is."""
NAMING = re.compile(
    r"\w*names?|(patient|subject|study|series|case|person|image|record|accession)?u?ids?|nr|no|number|mrn|ssn|uuid|guid|accession|subject|initials"
    r"|dob|born|birth\w*|dates?|times?|datetime|timestamp|e?mail|phone|address|zip|postcode|url|path"
    r"|comments?|notes?|remarks?|text|physician|doctor|radiologist|reader|rater|operator"
)
"""Words in the names of columns whose values stand for a person or an item, or are text that may hold anything."""
GROUPING = re.compile(
    r"sex|gender|ethnicity|race|skin|fitzpatrick|phototype|view|projection|position|side|laterality|site|region|location|organ|sequence|contrast|phase"
    r"|scanner|manufacturer|vendor|device|modality|field|finding|diagnosis|class|type|kind|stage|grade|group|melanoma|benign|malignant|smoker|smoking"
)
"""Words in the names of columns of words that group."""
LARGEST = 1000
"""Up to six values that are shown as they are; larger ones may be numbers of persons."""
AGE = "age"
MOST_VALUES = 6
"""That group as they are; more must be numbers."""
MOST_COLUMNS = 12


def about(rows: Sequence[Mapping[str, str]], image: str) -> list[dict[str, str]]:
    """Of each row of a list what is known in the columns that group, at most ``MOST_COLUMNS``, the first; ``image`` is the column of images."""
    columns = [column for column in (rows[0] if rows else ()) if column not in OWN and _groups(rows, column, image)][:MOST_COLUMNS]
    return [{clean(column): clean(row[column]) for column in columns if is_known(row[column])} for row in rows]


def _groups(rows: Sequence[Mapping[str, str]], column: str, image: str) -> bool:
    """Two to six words in a column that is called so, or numbers below ``LARGEST``; or more numbers, unless they are another for each patient, as ids are."""
    known = [(row[column], row.get("patient") or row[image]) for row in rows if is_known(row[column])]
    values = {value for value, _ in known}
    words = re.split(r"[^a-z]+", column)
    if len(values) < 2 or any(NAMING.fullmatch(word) for word in words):
        return False
    numbers = {number(value) for value in values}
    if any(map(math.isnan, numbers)):
        return len(values) <= MOST_VALUES and any(GROUPING.fullmatch(word) for word in words)
    if len(values) <= MOST_VALUES:
        return max(map(abs, numbers)) < LARGEST
    return column == AGE or len(numbers) < len({patient for _, patient in known}) or not all(n.is_integer() for n in numbers)
