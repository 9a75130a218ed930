"""Why an answer here may differ from PostgreSQL's: each departure of docs/expressions.md as code that looks for its
reason in the innermost part that differs, whose arguments are the same on both sides. A difference that no reason
explains is a fault."""

import decimal
import re

TYPE_NAMES = {"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz"}


def type_name(name):
    if name is None:
        return None
    base = name[:-2] if name.endswith("[]") else name
    base = TYPE_NAMES.get(base, re.sub(r"\(.*\)", "", base))
    return base + "[]" if name.endswith("[]") else base


def is_error(value):
    return isinstance(value, dict)


def same_value(ours, theirs):
    """Texts and nulls alike; errors alike in SQLSTATE and message."""
    return ours == theirs


def differing_rows(ours, theirs):
    """Rows that differ, [-1] when the types do. `ours` is an answer of expression_tool, `theirs` of Postgres."""
    kind, values = theirs
    if "problem" in ours:
        message = ours["problem"]["message"]
        return [row for row, value in enumerate(values) if not (is_error(value) and value["message"] == message)]
    rows = [row for row, value in enumerate(values) if not same_value(ours["rows"][row], value)]
    if not rows and kind is not None and type_name(ours["type"]) != type_name(kind):
        return [-1]
    return rows


def ours_at(answer, row):
    return answer["problem"] if "problem" in answer else answer["rows"][max(row, 0)]


def message_of(value):
    return value["message"] if is_error(value) else ""


def same_without_folding(ours, theirs):
    """Rows that agree with `theirs`, PostgreSQL's answer when no constant is visible to its planner."""
    different = set(differing_rows(ours, theirs))
    if -1 in different:
        return set()
    values = theirs[1]
    # A constant that fails on every row is one problem here, found before the first row.
    if "problem" in ours and all(map(is_error, values)) and any(
            v["message"] == ours["problem"]["message"] for v in values):
        return set(range(len(values)))
    return set(range(len(values))) - different


def wants_types(theirs):
    """PostgreSQL cannot tell what an untyped literal is: types that are not here take part there, or none is named."""
    return any(is_error(v) and (v["code"] == "42725" or v["message"].startswith("could not determine polymorphic type"))
               for v in theirs[1])


def fails_at_once(theirs):
    """The same error in every row, as of a constant that the planner evaluates."""
    return all(map(is_error, theirs[1])) and len({value["message"] for value in theirs[1]}) == 1


def digits(text):
    """Significant digits, or those after the point when there are more."""
    return max(len(re.sub(r"\D", "", text).lstrip("0")), len(text.partition(".")[2]))


class Facts:
    """What a reason may look at: the innermost part that differs in one row, and what its arguments are there."""

    def __init__(self, part, kind, ours, theirs, given, failing, sql_functions):
        self.part, self.kind, self.ours, self.theirs = part, type_name(kind), ours, theirs
        self.given = given  # values of the part's arguments, the same on both sides
        self.failing = failing  # per argument, the errors that something in it gives on both sides, as messages
        self.sql_functions = sql_functions  # signatures of functions that PostgreSQL has written in SQL

    def ours_says(self, *messages):
        return message_of(self.ours) in messages


def rounded(ours, theirs):
    """`theirs` has more than 38 digits, of which `ours` has those that fit: at least 37, the last one perhaps rounded."""
    if not isinstance(ours, str) or not re.fullmatch(r"-?[\d.]+", theirs) or digits(theirs) <= 38 or digits(ours) < 37:
        return ours == theirs
    with decimal.localcontext() as context:
        context.prec = 2000
        unit = decimal.Decimal(1).scaleb(-len(ours.partition(".")[2]))
        return abs(decimal.Decimal(ours) - decimal.Decimal(theirs)) <= unit


def beyond_38_digits(facts):
    """numeric has 38 significant digits here; more whole digits are an overflow."""
    if facts.kind not in ("numeric", "numeric[]") or not isinstance(facts.theirs, str):
        return False
    theirs = facts.theirs.strip("{}").split(",")
    if facts.ours_says("numeric field overflow"):
        return any(len(re.sub(r"\D", "", text.partition(".")[0]).lstrip("0")) > 38 for text in theirs)
    ours = facts.ours.strip("{}").split(",") if isinstance(facts.ours, str) else []
    return len(ours) == len(theirs) and all(map(rounded, ours, theirs))


def beyond_year_294246(facts):
    """A timestamp's microseconds are counted from 1970 here, from 2000 there."""
    late = re.compile(r"29424[7-9]-|2942[5-7]\d-")
    return facts.kind in ("timestamp", "timestamptz") and isinstance(facts.theirs, str) and bool(
        late.match(facts.theirs)) and is_error(facts.ours) and facts.ours["message"].startswith("timestamp out of range")


def no_nan_in_decimal(facts):
    """numeric(p,s) is a 128-bit integer here: it holds no NaN."""
    return facts.ours_says("numeric field overflow") and facts.theirs == "NaN" and facts.given == ["NaN"] and bool(
        re.search(r"numeric\(\d+,\d+\)\)?$", facts.part.template))


def json_wording(facts):
    """The message also says what is wrong with the JSON text."""
    prefix = "invalid input syntax for type json"
    return message_of(facts.theirs) == prefix and message_of(facts.ours).startswith(prefix + ": ")


def several_dimensions(facts):
    """Arrays have one dimension here and begin at 1."""
    refused = message_of(facts.ours)
    return (refused in ("arrays of arrays are not supported", "arrays begin at 1")
            or refused.startswith("malformed array literal")) and isinstance(facts.theirs, str) and (
                facts.theirs.startswith(("{{", "[")))


def wraps_around(facts):
    """Where PostgreSQL 15 lets an integer wrap around or counts with the number that stands for infinity, the result
    here is an error or the exact one."""
    part, given = facts.part, facts.given
    if any(not isinstance(value, str) for value in given) or is_error(facts.theirs):
        return False
    if part.label.startswith("make_interval"):
        years, months, weeks, days, hours, minutes, seconds = (
            [decimal.Decimal(value) for value in given] + [decimal.Decimal(0)] * 7)[:7]
        time = ((hours * 60 + minutes) * 60 + seconds) * 1000000
        return facts.ours_says("interval out of range") and (
            not -2**31 <= years * 12 + months < 2**31 or not -2**31 <= weeks * 7 + days < 2**31 or abs(time) >= 2**63)
    if part.label.startswith("age("):
        return facts.ours_says("timestamp out of range") and bool({"infinity", "-infinity"} & set(given))
    if part.label.startswith("timezone(interval"):
        time = re.search(r"(\d+):\d\d:\d\d", given[0])
        return bool(time) and int(time[1]) * 3600 >= 2**31 - 3600
    return False


def bucket_overflow(facts):
    """The double that PostgreSQL 15 multiplies past the largest one before it divides."""
    if not facts.part.label.startswith("width_bucket(double") or facts.theirs != "-2147483648" or is_error(facts.ours):
        return False
    value, low, high, count = (float(text) for text in facts.given)
    return abs(count * (value - low)) == float("inf") or abs(high - low) == float("inf")


def another_failure_first(facts):
    """Of several arguments that fail the first is reported here. PostgreSQL evaluates another one first where it
    writes out a function of its own that is written in SQL, which may have them in another order."""
    if not (is_error(facts.ours) and is_error(facts.theirs)) or facts.part.label not in facts.sql_functions:
        return False
    ours = [i for i, messages in enumerate(facts.failing) if facts.ours["message"] in messages]
    theirs = [i for i, messages in enumerate(facts.failing) if facts.theirs["message"] in messages]
    return bool(ours) and bool(theirs) and min(ours) < max(theirs)


# The value that PostgreSQL has cannot be written here.
UNREADABLE = {"numeric beyond 38 digits", "timestamp beyond the year 294246", "array of several dimensions"}

REASONS = {
    "numeric beyond 38 digits": beyond_38_digits,
    "timestamp beyond the year 294246": beyond_year_294246,
    "NaN as numeric(p,s)": no_nan_in_decimal,
    "wording of a JSON syntax error": json_wording,
    "array of several dimensions": several_dimensions,
    "arithmetic that wraps around in PostgreSQL": wraps_around,
    "a histogram wider than doubles are": bucket_overflow,
    "an inlined function that has its arguments in another order": another_failure_first,
}


def reason_for(facts):
    return next((name for name, holds in REASONS.items() if holds(facts)), None)
