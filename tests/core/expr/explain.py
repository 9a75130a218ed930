"""Why an answer here may differ from PostgreSQL's: each departure of docs/expressions.md as code that looks for its
reason in the expression at hand. A difference that no reason explains is a fault."""

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


def same_refusal(ours, theirs):
    """One constant refused on both sides, its pattern perhaps in the words of another engine."""
    pattern = "invalid regular expression: "
    return ours == theirs or ours.startswith(pattern) and theirs.startswith(pattern)


def wants_types(theirs):
    """PostgreSQL cannot tell what an untyped literal is: types that are not here take part there, or none is named."""
    return any(is_error(v) and (v["code"] == "42725" or v["message"].startswith("could not determine polymorphic type"))
               for v in theirs[1])


def digits(text):
    """Significant digits, or those after the point when there are more."""
    return max(len(re.sub(r"\D", "", text).lstrip("0")), len(text.partition(".")[2]))


class Facts:
    """What a reason may look at: one expression, one row, and PostgreSQL's answers for all of its parts."""

    def __init__(self, row, ours, theirs, parts):
        self.row, self.ours, self.theirs = row, ours, theirs
        self.parts = parts  # [(Expr, type, value at the row)]

    def value(self, expression):
        return next((value for part, _, value in self.parts if part is expression), None)

    def texts(self, *types):
        for _, kind, value in self.parts:
            if isinstance(value, str) and type_name(kind) in types:
                yield value


def beyond_38_digits(facts):
    """numeric has 38 significant digits here."""
    return any(digits(text) > 38 for text in facts.texts("numeric")) or any(
        digits(item) > 38 for text in facts.texts("numeric[]") for item in text.strip("{}").split(","))


def beyond_year_294246(facts):
    """A timestamp's microseconds are counted from 1970 here, from 2000 there."""
    return any(re.match(r"29424[7-9]|2942[5-9]|29427", text) for text in facts.texts("timestamp", "timestamptz"))


def no_nan_in_decimal(facts):
    """numeric(p,s) is a 128-bit integer here: it holds no NaN."""
    return is_error(facts.ours) and facts.ours["message"] == "numeric field overflow" and any(
        value == "NaN" and re.search(r"numeric\(\d+,\d+\)\)?$", part.template) for part, _, value in facts.parts)


UNSUPPORTED = re.compile(r"\\[mMyYAZ1-9]|\(\?|\{,|\[\[[.:=<>]|\*\*\*")


def regex_dialect(facts):
    """Another engine: no back-references, look-around, word ends; its own words for a broken pattern."""
    ours, theirs = facts.ours, facts.theirs
    if is_error(ours) and is_error(theirs) and ours["message"].startswith("invalid regular expression: "):
        return same_refusal(ours["message"], theirs["message"])
    return is_error(ours) and ours["message"].startswith("invalid regular expression: ") and any(
        UNSUPPORTED.search(text) for text in facts.texts("text"))


def json_wording(facts):
    """The message also says what is wrong with the JSON text."""
    prefix = "invalid input syntax for type json"
    return is_error(facts.ours) and is_error(facts.theirs) and facts.theirs["message"] == prefix and (
        facts.ours["message"].startswith(prefix))


def several_dimensions(facts):
    """Arrays have one dimension here and begin at 1."""
    return any(isinstance(value, str) and (kind or "").endswith("[]") and (value.startswith("{{") or value.startswith("["))
               for _, kind, value in facts.parts)


def wraps_around(facts):
    """Where PostgreSQL 15 lets an integer wrap around or counts with the number that stands for infinity, the result
    here is an error or the exact one."""
    for part, _, _ in facts.parts:
        given = [facts.value(child) for child in part.children]
        if part.label.startswith("make_interval"):
            if any(isinstance(v, str) and abs(float(v)) > 178956970 for v in given):
                return True
        elif part.label.startswith("age("):
            if any(v in ("infinity", "-infinity") for v in given):
                return True
        elif part.label.startswith("timezone(interval"):
            hours = re.match(r"-?(\d+):", given[0] or "") if isinstance(given[0], str) else None
            if hours and int(hours[1]) * 3600 > 2**31:
                return True
    return False


def another_failure_first(facts):
    """Of several parts that fail, PostgreSQL evaluates another one first (it swaps arguments when it inlines)."""
    return is_error(facts.ours) and is_error(facts.theirs) and any(
        is_error(value) and value["message"] == facts.ours["message"] for _, _, value in facts.parts[:-1])


REASONS = {
    "numeric beyond 38 digits": beyond_38_digits,
    "timestamp beyond the year 294246": beyond_year_294246,
    "NaN as numeric(p,s)": no_nan_in_decimal,
    "regular expression dialect": regex_dialect,
    "wording of a JSON syntax error": json_wording,
    "array of several dimensions": several_dimensions,
    "arithmetic that wraps around in PostgreSQL": wraps_around,
    "another failing part comes first": another_failure_first,
}


def reason_for(facts):
    return next((name for name, holds in REASONS.items() if holds(facts)), None)
