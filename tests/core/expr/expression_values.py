"""Values of every type for random expressions: ordinary ones, extremes, and what functions treat specially."""

POOLS = {
    "boolean": ["true", "false"],
    "integer": ["0", "1", "-1", "2", "3", "7", "10", "42", "-5", "100", "255", "1000", "65535", "2147483647",
                "-2147483648", "-2147483647", "2024", "12345"],
    "bigint": ["0", "1", "-1", "2", "3", "10", "99", "1000000", "-7", "4294967296", "9223372036854775807",
               "-9223372036854775808", "9007199254740993", "1700000000", "-123456789012"],
    "double precision": ["0", "1", "-1", "0.5", "-2.5", "2.5", "3.14159", "1e10", "1e-7", "1e300", "-1e300",
                         "1e-300", "NaN", "Infinity", "-Infinity", "-0", "5e-324", "9007199254740993", "0.1",
                         "123456.789", "1e15", "1e16", "1.7976931348623157e308", "2147483647.5"],
    "numeric": ["0", "1", "-1", "0.5", "-2.5", "10.00", "3.14159265358979", "100", "0.000001", "-12345.678",
                "99999999999999999999", "NaN", "Infinity", "-Infinity", "0.00", "1234567890.0987654321", "2",
                "9.99", "12345678901234567890.123456", "-0.05", "1e-10"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "123e4567-e89b-12d3-a456-426614174000"],
    "inet": ["192.168.1.5", "192.168.1.0/24", "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255", "::1", "::/0",
             "2001:db8::ff00:42:8329", "2001:db8::/32", "::ffff:1.2.3.4", "192.168.1.226/24", "fe80::1/64"],
    "text": ["", "a", "abc", "ABC", "Hello, World", " padded  ", "12", "-7.5", "h\u00e9llo", "\u65e5\u672c\u8a9e", "\U0001f600x",
             "a,b,c", "x=1&y=2", "foo.bar", "100%", "a_b\\c", "it's", "\"quoted\"", "tab\there", "AAAA", "abcabc",
             "2024-02-29", "true", "{1,2}", "[1, 2]", "\u00df\u0130\u01c5", "e\u0301", "The quick brown fox", "-", "NaN"],
    "bytea": ["\\x", "\\x00", "\\xff", "\\xdeadbeef", "\\x68656c6c6f", "\\x0001020304050607", "\\x5c27", "\\xc3a9"],
    "date": ["2024-02-29", "1970-01-01", "2000-12-31", "1999-01-04", "0044-03-15 BC", "0001-01-01", "9999-12-31",
             "infinity", "-infinity", "2023-10-29", "4713-01-01 BC", "2024-03-31", "1900-02-28"],
    "timestamp": ["2024-02-29 12:34:56.789", "1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "infinity",
                  "-infinity", "0044-03-15 12:00:00 BC", "2000-01-01 00:00:00", "9999-12-31 23:59:59.999999",
                  "2023-03-26 02:30:00", "2023-10-29 02:30:00", "2024-12-31 23:59:59.5", "1883-11-18 12:03:58"],
    "timestamptz": ["2024-02-29 12:34:56.789+00", "1970-01-01 00:00:00+00", "infinity", "-infinity",
                    "2023-03-26 00:59:59+00", "2023-10-29 01:30:00+00", "0044-03-15 12:00:00+00 BC",
                    "1999-12-31 23:59:59.999999+05:30", "2024-07-01 00:00:00-08", "9999-12-31 00:00:00+00"],
    "interval": ["0", "1 day", "-1 day", "1 mon", "1 year 2 mons 3 days 04:05:06.789", "-00:00:00.000001",
                 "100 days", "30 days", "24:00:00", "-1 mons +30 days -01:00:00", "1000 years", "00:15:00",
                 "-5 years", "1 mon -1 day 00:00:01", "999999:59:59.999999"],
    "jsonb": ["null", "true", "1", "-2.50", "\"x\"", "\"\"", "[]", "{}", "[1, 2, 3]", "{\"a\": 1, \"b\": [1, {\"c\": null}]}",
              "{\"a\": {\"b\": {\"c\": \"deep\"}}}", "[\"a\", \"b\", null, true]", "{\"key\": \"v\\u00e9\", \"a\": null}",
              "[[1, 2], [3]]", "1e2", "12345678901234567890", "\"12\"", "{\"x\": 1, \"y\": 2}"],
    "text[]": ["{}", "{a}", "{a,b,c}", "{NULL,a}", "{\"\",\"x y\",\"q\\\"uote\"}", "{b,a,b}", "{1,2}", "{NULL}", "{a,b}"],
    "integer[]": ["{}", "{1}", "{1,2,3}", "{NULL,2}", "{3,1,2,1}", "{2147483647,-2147483648}"],
    "bigint[]": ["{}", "{1}", "{9223372036854775807,-1}", "{NULL,5,5}"],
    "double precision[]": ["{}", "{0.5}", "{NaN,1,-Infinity}", "{NULL,2.5}"],
    "numeric[]": ["{}", "{0.50}", "{1,2.5,NULL}", "{NaN,-1.10}"],
    "boolean[]": ["{}", "{t,f}", "{NULL,t}"],
    "jsonb[]": ["{}", "{1,\"{\\\"a\\\": 1}\",NULL}"],
    "date[]": ["{}", "{2024-02-29,1970-01-01,NULL}", "{infinity,2024-02-29}"],
}
SCALARS = [name for name in POOLS if not name.endswith("[]")]

# The columns of the table `t`: name, type as declared.
COLUMNS = [("b1", "boolean"), ("b2", "boolean"), ("i1", "integer"), ("i2", "integer"), ("i3", "integer"),
           ("l1", "bigint"), ("l2", "bigint"), ("d1", "double precision"), ("d2", "double precision"),
           ("n1", "numeric"), ("n2", "numeric"), ("p1", "numeric(10,2)"), ("u1", "uuid"), ("u2", "uuid"),
           ("h1", "inet"), ("h2", "inet"), ("t1", "text"), ("t2", "text"), ("t3", "text"), ("x1", "bytea"),
           ("x2", "bytea"), ("y1", "date"), ("y2", "date"), ("s1", "timestamp"), ("s2", "timestamp"),
           ("z1", "timestamptz"), ("z2", "timestamptz"), ("v1", "interval"), ("v2", "interval"), ("j1", "jsonb"),
           ("j2", "jsonb"), ("j3", "jsonb"), ("at", "text[]"), ("ai", "integer[]"), ("al", "bigint[]"),
           ("ad", "double precision[]"), ("an", "numeric[]"), ("ab", "boolean[]"), ("aj", "jsonb[]"), ("ay", "date[]")]
ROWS = 20

DECIMALS = ["0", "1.50", "-0.01", "99999999.99", "-12345.67", "0.05", "100.00", "2.50"]


def fill_columns(chance):
    """[{"name", "type", "values"}]: every value of a pool comes up before one comes twice; a fifth is null."""
    table = []
    for name, declared in COLUMNS:
        pool = list(DECIMALS if declared == "numeric(10,2)" else POOLS[declared])
        chance.shuffle(pool)
        values = [pool[i % len(pool)] for i in range(ROWS)]
        for row in chance.sample(range(ROWS), 3):
            values[row] = None
        table.append({"name": name, "type": declared, "values": values})
    return table


def quoted(text):
    """A string literal that means the same whatever it holds, on one line."""
    if "\n" in text or "\r" in text:
        return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r") + "'"
    return "'" + text.replace("'", "''") + "'"


def column_sql(table):
    """Statements that make `t` of it."""
    fields = ", ".join(f"{column['name']} {column['type']}" for column in table)
    rows = []
    for row in range(ROWS):
        cells = [quoted(c["values"][row]) if c["values"][row] is not None else "NULL" for c in table]
        rows.append(f"({row + 1}, {', '.join(cells)})")
    return f"CREATE TABLE t (k int, {fields});\nINSERT INTO t VALUES {', '.join(rows)};\nANALYZE t;"


PATTERNS = ["a", "^a", "b$", "[a-c]+", "(a)(b)", "a|b", "\\d+", "\\w+", "\\s", ".", ".*", "x*", "(foo|bar)", "[^a]",
            "^[A-Z]", "h.llo", "[[:alpha:]]+", "", "(a)?b", "a{2}", "\u65e5", "(", "o+?"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+02", "EST5EDT", "utc", "Nowhere/Land",
         "Australia/Lord_Howe", "-03:30"]
FIELDS = ["microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
          "decade", "century", "millennium", "dow", "isodow", "doy", "isoyear", "epoch", "julian", "timezone",
          "fortnight"]
TRUNC_FIELDS = ["microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
                "decade", "century", "millennium", "HOUR", "dow", "fortnight"]
DATE_FORMATS = ["YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS", "DD Mon YYYY", "Day, DD Month YYYY", "HH12:MI:SS.MS AM", "Q",
                "IYYY-IW-ID", "J", "YY", "FMMonth FMDDth", "DDD", "SSSS", "US", "TZ", "WW W CC", "yyyy\"year\"",
                "BC YYYY", "RM", "OF", "Dy D dy DY", ""]
NUMBER_FORMATS = ["999", "9999.99", "FM999.00", "0000", "S999", "999MI", "999PR", "9,999,999.9", "RN", "FMRN", "9.9EEEE",
                  "99V99", "L999", "999th", "B999", "FM9990.0999", "", "SG999", "0.9"]
SMALL = ["-1", "0", "1", "2", "3", "5", "12", "30", "100"]
COUNTS = ["-2", "-1", "0", "1", "2", "3", "4", "8"]
PATHS = ["$", "$.a", "$.a.b", "$.b[*]", "$[*]", "$[0]", "$.*", "$.b[1].c", "$.x ? (@ > 0)", "strict $.a", "$[*] ? (@ > 1)",
         "$.a.b.c", "$.size()", "$.type()", "$.**", "$[last]", "$ ? (@.a == 1)"]
FLAGS = ["", "i", "g", "gi", "x", "n", "s", "q", "z"]

# Arguments for which random values would show nothing (or take all memory): (function, argument number from 0), or
# with the argument's type where that decides.
HINTS = {
    ("repeat", 1): SMALL, ("lpad", 1): SMALL, ("rpad", 1): SMALL, ("left", 1): COUNTS, ("right", 1): COUNTS,
    ("factorial", 0): ["-1", "0", "1", "5", "20", "30", "33"], ("power", 1): ["-2", "0", "0.5", "1", "2", "3", "10"],
    ("^", 1): ["-2", "0", "0.5", "1", "2", "3", "10"], ("exp", 0): ["-5", "0", "1", "2.5", "20"],
    ("round", 1): ["-3", "-1", "0", "1", "2", "5", "10"], ("trunc", 1): ["-3", "-1", "0", "1", "2", "5", "10"],
    ("chr", 0): ["-1", "0", "32", "65", "233", "26085", "128512", "55296", "1114112", "2147483647"],
    ("split_part", 2): COUNTS, ("substr", 1): COUNTS, ("substr", 2): COUNTS,
    ("overlay", 2): COUNTS, ("overlay", 3): COUNTS,
    ("date_trunc", 0): TRUNC_FIELDS, ("date_part", 0): FIELDS, ("date_trunc", 2): ZONES, ("timezone", 0): ZONES,
    ("to_date", 1): DATE_FORMATS, ("to_timestamp", 1): DATE_FORMATS,
    ("to_number", 1): NUMBER_FORMATS, ("to_number", 0): ["12", "-3.5", "1,234.50", "<7>", "abc", "", "XII", "$12"],
    ("encode", 1): ["hex", "base64", "escape", "HEX", "base32"], ("decode", 1): ["hex", "base64", "escape", "zip"],
    ("decode", 0): ["", "00ff", "3q2+7w==", "abc", "\\001x", "0", "zz"],
    ("make_date", 0): ["2024", "-44", "0", "1", "9999"], ("make_date", 1): ["0", "1", "2", "12", "13"],
    ("make_date", 2): ["0", "1", "28", "29", "31"],
    ("regexp_match", 1): PATTERNS, ("regexp_matches", 1): PATTERNS, ("regexp_replace", 1): PATTERNS,
    ("regexp_split_to_array", 1): PATTERNS, ("regexp_substr", 1): PATTERNS, ("regexp_count", 1): PATTERNS,
    ("regexp_like", 1): PATTERNS, ("regexp_instr", 1): PATTERNS, ("~", 1): PATTERNS, ("~*", 1): PATTERNS,
    ("!~", 1): PATTERNS, ("!~*", 1): PATTERNS,
    ("regexp_match", 2): FLAGS, ("regexp_split_to_array", 2): FLAGS, ("regexp_like", 2): FLAGS,
    ("regexp_replace", 2): ["", "X", "[\\1]", "\\&\\&", "\\\\"],
    ("regexp_count", 2): COUNTS, ("regexp_substr", 2): COUNTS, ("regexp_instr", 2): COUNTS,
    ("regexp_substr", 3): COUNTS, ("regexp_instr", 3): COUNTS, ("regexp_instr", 4): ["0", "1", "2"],
    ("regexp_count", 3): FLAGS, ("regexp_substr", 4): FLAGS, ("regexp_instr", 5): FLAGS,
    ("regexp_substr", 5): COUNTS, ("regexp_instr", 6): COUNTS,
    ("format", 0): ["%s", "%s and %s", "%I", "%L", "%%", "%-5s|", "%5s", "%2$s", "%*s", "%", "%y", "none"],
   
    ("normalize", 1): ["NFC"],
    ("array_fill", 1): ["{3}", "{0}", "{2}"], ("trim_array", 1): COUNTS,
    ("width_bucket", 3): SMALL, ("set_masklen", 1): ["-1", "0", "8", "24", "32", "64", "128", "129"],
    **{("make_interval", i): ["-2", "0", "1", "2", "13", "100"] for i in range(6)},
    ("make_interval", 6): ["0", "1.5", "-59.999999", "1e5"],
    ("get_byte", 1): COUNTS, ("set_byte", 1): COUNTS, ("get_bit", 1): COUNTS, ("set_bit", 1): COUNTS,
    ("set_bit", 2): ["0", "1", "2"], ("set_byte", 2): ["-1", "0", "65", "255", "256"],
    ("substring", 1, "integer"): COUNTS, ("substring", 1, "text"): PATTERNS, ("substring", 2, "integer"): COUNTS,
    ("regexp_replace", 3, "text"): FLAGS, ("regexp_replace", 3, "integer"): COUNTS,
    ("regexp_replace", 4, "integer"): COUNTS, ("regexp_replace", 5, "text"): FLAGS,
    ("to_char", 1, "number"): NUMBER_FORMATS, ("to_char", 1, "time"): DATE_FORMATS,
}


def takes_path(name, position):
    """An argument that is a jsonpath in PostgreSQL and a constant text here: always an untyped literal."""
    return position == 1 and (name.startswith("jsonb_path_") or name in ("@?", "@@"))


# Values that no function finds fault with, for finding out which argument of a call is the one refused.
ORDINARY = {"integer": ["1", "2"], "bigint": ["1"], "double precision": ["1"], "numeric": ["1"], "text": ["a", "", "i", "UTC", "day"],
            "bytea": ["\\x61"], "date": ["2024-02-29"], "timestamp": ["2024-02-29 12:34:56"], "jsonb": ["{}", "[]"],
            "timestamptz": ["2024-02-29 12:34:56+00"], "interval": ["1 day", "01:00:00"], "boolean": ["false"],
            "jsonpath": ["$"]}
