"""Random well-typed expressions, made from the function table itself and from the forms of the grammar."""

import re

from expression_values import COLUMNS, HINTS, PATHS, POOLS, SCALARS, quoted, takes_path

NUMBERS = ("integer", "bigint", "double precision", "numeric")
TIMES = ("date", "timestamp", "timestamptz", "interval")
ORDERED = [name for name in SCALARS if name != "jsonb"]
TYPES = list(POOLS)
COLUMNS_OF = {name: [column for column, declared in COLUMNS if declared.replace("(10,2)", "") == name] for name in TYPES}
PSEUDO = {"element", "elements", "anything", "cast to text", "output", "list", "decimal"}
# Results of types that are not here (cidr, regtype).
RESULT_CASTS = {"network": "inet", "inet_merge": "inet", "pg_typeof": "text"}
# Entries that only syntax reaches, by the form below that reaches them.
REACHED_BY_SYNTAX = re.compile(
    r"(any|all) (=|<>|<|<=|>|>=)|in|not_in|greatest|least|not|is_(not_)?(null|true|false|unknown)|array|array_element|"
    r"array_slice|output|cast")


class Expr:
    """A node: a template whose {0}, {1} ... are the children, or a literal (text and type), or a column."""

    __slots__ = ("template", "children", "type", "literal", "label")

    def __init__(self, template, children=(), type=None, literal=None, label=""):
        self.template, self.children, self.type, self.literal, self.label = template, list(children), type, literal, label

    def sql(self, lifted=None, nulls=True):
        """`lifted` collects typed literals, which then stand in the text as the columns _l0, _l1 ...; `nulls`: those
        that are NULL too."""
        if lifted is not None and self.literal is not None and (nulls or self.literal[0] is not None):
            value = "NULL" if self.literal[0] is None else quoted(self.literal[0])
            lifted.append(f"{value}::{self.type}")
            return f"_l{len(lifted) - 1}"
        return self.template.format(*(child.sql(lifted, nulls) for child in self.children))

    def typed(self):
        """The same with the type written at every literal."""
        if self.literal is not None:
            return literal(self.literal[0], self.type)
        return Expr(self.template, [child.typed() for child in self.children], self.type, label=self.label)

    def parts(self):
        """Every sub-expression, innermost first, itself last."""
        for child in self.children:
            yield from child.parts()
        yield self


def literal(text, type_name, style=0):
    """style 0: with its type; 1: untyped; 2: a plain number."""
    if text is None:
        return Expr("NULL" if style == 1 else f"NULL::{type_name}", type=type_name, literal=(None,), label="NULL")
    shown = quoted(text).replace("{", "{{").replace("}", "}}")
    if style == 0:
        shown += f"::{type_name}"
    elif style == 2:
        shown = text if not text.startswith("-") else f"({text})"
    return Expr(shown, type=type_name, literal=(text,), label="literal")


class Generator:
    def __init__(self, table, chance, known_names):
        """`known_names`: functions and operators that PostgreSQL has."""
        self.chance = chance
        self.left_out = {"volatile": [], "addition": [], "not to be called by name": []}
        self.entries = []
        for entry in table:
            if entry["volatile"]:
                self.left_out["volatile"].append(entry["signature"])
            elif entry["addition"]:
                self.left_out["addition"].append(entry["signature"])
            elif entry["syntax"] and REACHED_BY_SYNTAX.fullmatch(entry["name"]):
                pass
            elif entry["syntax"] and entry["name"] not in known_names:
                self.left_out["not to be called by name"].append(entry["signature"])
            else:
                self.entries.append(entry)
        self.casts = sorted({(e["args"][0], e["result"]) for e in table if e["name"] == "cast"})
        unknown = {a for e in self.entries for a in [*e["args"], e["result"]]} - set(TYPES) - PSEUDO
        if unknown:
            raise ValueError(f"no values for the types {sorted(unknown)}: add them to expression_values.py")
        self.by_result = {}
        for entry in self.entries:
            for name in TYPES if entry["result"] in PSEUDO else [entry["result"]]:
                if entry["result"] == "elements" and not name.endswith("[]"):
                    continue
                if entry["result"] == "element" and name.endswith("[]"):
                    continue
                self.by_result.setdefault(name, []).append(entry)

    # --- Leaves

    def value(self, type_name, untyped=0.0):
        chance = self.chance
        if chance.random() < 0.04:
            return literal(None, type_name, 0)
        text = chance.choice(POOLS[type_name])
        if type_name == "integer" and chance.random() < 0.6 and text != "-2147483648":
            return literal(text, type_name, 2)
        return literal(text, type_name, 1 if chance.random() < untyped else 0)

    def leaf(self, type_name, untyped=0.0):
        if type_name not in POOLS and type_name.endswith("[]"):  # an array of a type that no column has
            elements = [self.leaf(type_name[:-2]) for _ in range(2)]
            return Expr("ARRAY[{0}, {1}]", elements, type_name, label="ARRAY[]")
        columns = COLUMNS_OF[type_name]
        if columns and self.chance.random() < 0.7:
            return Expr(self.chance.choice(columns), type=type_name, label="column")
        return self.value(type_name, untyped)

    def make(self, type_name, depth, untyped=0.0):
        if depth <= 0 or self.chance.random() < 0.15:
            return self.leaf(type_name, untyped)
        if self.chance.random() < 0.55 and type_name in self.by_result:
            return self.call(self.chance.choice(self.by_result[type_name]), depth, type_name)
        return self.form(type_name, depth)

    # --- Entries of the table

    def hint(self, entry, position, type_name):
        name = entry["name"]
        if takes_path(name, position):
            return literal(self.chance.choice(PATHS), "jsonpath", 1)
        kind = type_name
        if name == "to_char":
            kind = "number" if entry["args"][0] in NUMBERS else "time"
        pool = HINTS.get((name, position, kind)) or HINTS.get((name, position))
        if not pool or (type_name in TIMES) or self.chance.random() < 0.04 and name not in ("repeat", "lpad", "rpad", "factorial", "power", "^", "exp", "round", "trunc"):
            return None
        if type_name in ("integer", "bigint"):
            pool = [text for text in pool if re.fullmatch(r"-?\d+", text)]
        if not pool:
            return None
        untyped = type_name == "text" and self.chance.random() < 0.3
        return literal(self.chance.choice(pool), type_name, 1 if untyped else 0)

    def call(self, entry, depth, wanted=None):
        chance = self.chance
        element = chance.choice(ORDERED if chance.random() < 0.9 else SCALARS)
        if wanted and entry["result"] == "element":
            element = wanted
        elif wanted and entry["result"] == "elements":
            element = wanted[:-2]
        if element not in SCALARS:
            element = "text"
        names = list(entry["args"])
        if entry["variadic"]:
            names += [names[-1]] * chance.randrange(3)
        children = []
        for position, name in enumerate(names):
            # PostgreSQL wants the type of a polymorphic argument; two untyped literals around @@ are its text search.
            untyped = 0.0 if name in PSEUDO or takes_path(entry["name"], 1) else 0.1
            if name == "element":
                name = element
            elif name == "elements":
                name = element + "[]"
            elif name == "cast to text":
                name = chance.choice([t for t in SCALARS if t != "text"])
            elif name in ("anything", "output"):
                name = chance.choice(TYPES)
            elif name == "list":
                name = chance.choice([t for t in TYPES if t.endswith("[]")])
            elif name == "decimal":
                name = "numeric"
            child = self.hint(entry, position, name)
            children.append(child or self.make(name, depth - 1 - chance.randrange(2), untyped))
        result = {"element": element, "elements": element + "[]"}.get(entry["result"], entry["result"])
        if entry["operator"]:
            template = f"({entry['name']} {{0}})" if len(children) == 1 else f"({{0}} {entry['name']} {{1}})"
        else:
            template = entry["name"] + "(" + ", ".join(f"{{{i}}}" for i in range(len(children))) + ")"
        if entry["name"] in RESULT_CASTS:
            template += "::" + RESULT_CASTS[entry["name"]]
        return Expr(template, children, result, label=entry["signature"])

    # --- Forms of the grammar

    def form(self, type_name, depth):
        chance, inner = self.chance, depth - 1
        make = lambda t: self.make(t, inner - chance.randrange(2))
        boolean = lambda: make("boolean")
        kind = chance.randrange(8)
        if type_name == "boolean" and kind < 5:
            return self.predicate(depth)
        if kind == 0:
            return Expr("CASE WHEN {0} THEN {1} WHEN {2} THEN {3} ELSE {4} END",
                        [boolean(), make(type_name), boolean(), make(type_name), make(type_name)], type_name, label="CASE")
        if kind == 1:
            other = chance.choice(ORDERED)
            return Expr("CASE {0} WHEN {1} THEN {2} ELSE {3} END",
                        [make(other), self.leaf(other), make(type_name), make(type_name)], type_name, label="CASE x")
        if kind == 2:
            return Expr("COALESCE({0}, {1}, {2})", [make(type_name) for _ in range(3)], type_name, label="COALESCE")
        if kind == 3 and type_name in ORDERED:
            return Expr("NULLIF({0}, {1})", [make(type_name), make(type_name)], type_name, label="NULLIF")
        if kind == 4 and type_name in ORDERED:
            word = chance.choice(["GREATEST", "LEAST"])
            return Expr(word + "({0}, {1}, {2})", [make(type_name) for _ in range(3)], type_name, label=word)
        if kind == 5 and type_name + "[]" in POOLS:
            return Expr("({0})[{1}]", [make(type_name + "[]"), self.position()], type_name, label="subscript")
        if type_name.endswith("[]"):
            if kind < 6:
                count = chance.randrange(1, 4)
                return Expr("ARRAY[" + ", ".join(f"{{{i}}}" for i in range(count)) + "]",
                            [make(type_name[:-2]) for _ in range(count)], type_name, label="ARRAY[]")
            return Expr("({0})[{1}:{2}]", [make(type_name), self.position(), self.position()], type_name, label="slice")
        if kind == 6:
            special = self.special(type_name, make)
            if special:
                return special
        return self.cast(type_name, depth)

    def position(self):
        return literal(self.chance.choice(["-1", "0", "1", "2", "3", "9"]), "integer", 2) \
            if self.chance.random() < 0.8 else self.leaf("integer")

    def special(self, type_name, make):
        chance = self.chance
        text = lambda: make("text")
        if type_name == "text":
            return chance.choice([
                lambda: Expr("substring({0} from {1} for {2})", [text(), self.position(), self.position()], "text", label="substring from for"),
                lambda: Expr("substring({0} from {1})", [text(), self.position()], "text", label="substring from"),
                lambda: Expr("substring({0} from {1})", [text(), literal(chance.choice(HINTS[("~", 1)]), "text")], "text", label="substring from pattern"),
                lambda: Expr("substring({0} similar {1} escape '#')", [text(), literal(chance.choice(["%#\"a_#\"%", "#\"%#\"b", "%", "a#\"b#\"c"]), "text")], "text", label="substring similar"),
                lambda: Expr("overlay({0} placing {1} from {2} for {3})", [text(), text(), self.position(), self.position()], "text", label="overlay"),
                lambda: Expr("trim(" + chance.choice(["both", "leading", "trailing"]) + " {0} from {1})", [text(), text()], "text", label="trim"),
                lambda: Expr("normalize({0}, " + chance.choice(["NFC", "NFD", "NFKC", "NFKD"]) + ")", [text()], "text", label="normalize"),
            ])()
        if type_name == "integer":
            return Expr("position({0} in {1})", [text(), text()], "integer", label="position")
        if type_name == "numeric":
            field = chance.choice(["microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter",
                                   "year", "decade", "century", "millennium", "dow", "isodow", "doy", "isoyear", "epoch", "julian"])
            return Expr("extract(" + field + " from {0})", [make(chance.choice(TIMES))], "numeric", label="extract " + field)
        if type_name in ("timestamp", "timestamptz"):
            other = "timestamptz" if type_name == "timestamp" else "timestamp"
            zone = literal(chance.choice(HINTS[("timezone", 0)]), "text", chance.randrange(2))
            return Expr("({0} AT TIME ZONE {1})", [make(other), zone], type_name, label="AT TIME ZONE")
        return None

    def predicate(self, depth):
        chance, inner = self.chance, depth - 1
        make = lambda t: self.make(t, inner - chance.randrange(2))
        t = chance.choice(ORDERED)
        kind = chance.randrange(11)
        if kind == 0:
            word = chance.choice(["AND", "OR"])
            return Expr(f"({{0}} {word} {{1}})", [make("boolean"), make("boolean")], "boolean", label=word)
        if kind == 1:
            return Expr("(NOT {0})", [make("boolean")], "boolean", label="NOT")
        if kind == 2:
            word = chance.choice(["IS NULL", "IS NOT NULL"])
            return Expr(f"({{0}} {word})", [make(chance.choice(TYPES))], "boolean", label=word)
        if kind == 3:
            word = chance.choice(["IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"])
            return Expr(f"({{0}} {word})", [make("boolean")], "boolean", label=word)
        if kind == 4:
            t = chance.choice(TYPES[:-2])
            word = chance.choice(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
            return Expr(f"({{0}} {word} {{1}})", [make(t), make(t)], "boolean", label=word)
        if kind == 5:
            word = chance.choice(["IN", "NOT IN"])
            return Expr(f"({{0}} {word} ({{1}}, {{2}}, {{3}}))",
                        [make(t), self.leaf(t, 0.2), self.leaf(t, 0.2), self.leaf(t, 0.2)], "boolean", label=word)
        if kind == 6:
            word = chance.choice(["BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"])
            return Expr(f"({{0}} {word} {{1}} AND {{2}})", [make(t) for _ in range(3)], "boolean", label=word)
        if kind == 7:
            t = chance.choice([name[:-2] for name in TYPES if name.endswith("[]") and name != "jsonb[]"])
            word = chance.choice(["=", "<>", "<", "<=", ">", ">="]) + chance.choice([" ANY", " ALL"])
            return Expr(f"({{0}} {word} ({{1}}))", [make(t), make(t + "[]")], "boolean", label=word)
        if kind == 8:
            word = chance.choice(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "SIMILAR TO", "NOT SIMILAR TO"])
            patterns = ["%", "a%", "%b", "_b_", "", "a\\%b", "%a%b%", "100\\%", "%\\", "ABC", "h_llo%"]
            if "SIMILAR" in word:
                patterns = ["%", "a%", "(a|b)%", "[a-c]+", "a{1,3}%", "_b_", "", "%(foo|bar)%", "a?b*", "100#%"]
            pattern = literal(chance.choice(patterns), "text", chance.randrange(2)) if chance.random() < 0.85 else self.leaf("text")
            escape = chance.choice(["", "", " ESCAPE '#'", " ESCAPE ''"])
            return Expr(f"({{0}} {word} {{1}}{escape})", [make("text"), pattern], "boolean", label=word)
        if kind == 9:
            return Expr("starts_with({0}, {1})", [make("text"), make("text")], "boolean", label="starts_with")
        word = chance.choice(["=", "<>", "<", "<=", ">", ">="])
        a, b = chance.choice(NUMBERS), chance.choice(NUMBERS)
        return Expr(f"({{0}} {word} {{1}})", [make(a), make(b)], "boolean", label=f"{a} {word} {b}")

    def cast(self, type_name, depth):
        chance = self.chance
        wanted = "decimal" if type_name == "numeric" and chance.random() < 0.4 else type_name
        froms = [a for a, b in self.casts if b == wanted and a in POOLS]
        if type_name == "text" or not froms:
            froms = [name for name in TYPES if name != type_name]
        if type_name.endswith("[]"):
            froms = [name for name in TYPES if name.endswith("[]") and name != type_name] + ["text"]
        source = chance.choice(froms)
        if source == "text" and type_name in POOLS and chance.random() < 0.8:  # text that reads as the type, or nearly
            pool = POOLS[chance.choice(TYPES)] if chance.random() < 0.1 else POOLS[type_name]
            child = literal(chance.choice(pool), "text")
        else:
            child = self.make(source, depth - 1)
        shown = chance.choice(["numeric(10,2)", "numeric(5,0)", "numeric(38,10)"]) if wanted == "decimal" else type_name
        template = f"CAST({{0}} AS {shown})" if chance.random() < 0.2 else f"({{0}})::{shown}"
        return Expr(template, [child], type_name, label=f"cast {source} to {shown}")

    def expressions(self, count):
        """Every entry of the table comes up as a root about equally often; a third of the roots are forms."""
        order = []
        while len(order) < count:
            if not order or position == len(self.entries):
                self.chance.shuffle(self.entries)
                position = 0
            depth = self.chance.choice([1, 1, 2, 2, 3, 4])
            if self.chance.random() < 0.35:
                order.append(self.form(self.chance.choice(TYPES), depth))
            else:
                order.append(self.call(self.entries[position], depth))
                position += 1
        return order
