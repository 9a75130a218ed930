#include "core/component/config_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace streamrun {

namespace {

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// A value as messages show it: the text in quotes, a secret or a collection by its kind.
std::string Shown(const ConfigValue& value) {
  if (value.is_scalar() && value.secret()) return "this secret";
  return value.is_scalar() ? Quoted(value.text()) : std::string(value.KindName());
}

void WrongType(const ConfigValue& value, std::string_view field, std::string_view expected, Diagnostics& d,
               std::string suggestion = "") {
  d.ErrorAt(value, "config.type", Quoted(field) + " takes " + std::string(expected) + ", not " + Shown(value),
            std::move(suggestion));
}

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr std::array kDurationUnits = {Unit{"w", 7 * kDay}, Unit{"d", kDay},    Unit{"h", kHour},
                                       Unit{"m", kMinute},  Unit{"s", kSecond}, Unit{"ms", kMillisecond},
                                       Unit{"us", 1}};
constexpr std::array kSizeUnits = {Unit{"B", 1},
                                   Unit{"KiB", 1LL << 10},
                                   Unit{"MiB", 1LL << 20},
                                   Unit{"GiB", 1LL << 30},
                                   Unit{"TiB", 1LL << 40},
                                   Unit{"kB", 1000},
                                   Unit{"KB", 1000},
                                   Unit{"MB", 1000 * 1000},
                                   Unit{"GB", 1000LL * 1000 * 1000},
                                   Unit{"TB", 1000LL * 1000 * 1000 * 1000}};

enum class Quantity { kFine, kMalformed, kNoUnit, kUnknownUnit, kTooLarge };

// Reads "<number><unit>" pairs; `*unit_name` is the last unit met.
template <size_t N>
Quantity ReadQuantity(std::string_view text, const std::array<Unit, N>& units, bool several, int64_t* out,
                      std::string_view* unit_name) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const auto skip_blanks = [&] {
    while (p < end && *p == ' ') ++p;
  };
  double total = 0;
  for (bool first = true; first || p < end; first = false) {
    skip_blanks();
    double number = 0;
    // from_chars would also take "inf" and "nan".
    if (p == end || (*p != '.' && (*p < '0' || *p > '9'))) return Quantity::kMalformed;
    const auto [next, error] = std::from_chars(p, end, number, std::chars_format::fixed);
    if (error != std::errc())
      return error == std::errc::result_out_of_range ? Quantity::kTooLarge : Quantity::kMalformed;
    p = next;
    skip_blanks();
    const char* const begin = p;
    while (p < end && std::isalpha(static_cast<unsigned char>(*p))) ++p;
    *unit_name = std::string_view(begin, static_cast<size_t>(p - begin));
    if (unit_name->empty()) {
      if (p < end) return Quantity::kMalformed;
      *out = 0;
      return number == 0 && first ? Quantity::kFine : Quantity::kNoUnit;
    }
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == *unit_name; });
    if (unit == units.end()) return Quantity::kUnknownUnit;
    total += number * static_cast<double>(unit->factor);
    skip_blanks();
    if (!several && p < end) return Quantity::kMalformed;
  }
  if (total > 9e18) return Quantity::kTooLarge;
  *out = static_cast<int64_t>(std::llround(total));
  return Quantity::kFine;
}

template <size_t N>
bool ReadWithUnit(const ConfigValue& value, std::string_view field, const std::array<Unit, N>& units,
                  bool several, std::string_view what, std::string_view example,
                  std::string_view suggested_unit, int64_t* out, Diagnostics& d) {
  std::string_view unit;
  const Quantity outcome =
      value.is_scalar() ? ReadQuantity(value.text(), units, several, out, &unit) : Quantity::kMalformed;
  switch (outcome) {
    case Quantity::kFine:
      return true;
    case Quantity::kNoUnit:
      d.ErrorAt(
          value, "config.unit", Quoted(field) + " needs a unit",
          value.secret() ? "" : "write " + value.text() + std::string(suggested_unit) + " or another unit");
      return false;
    case Quantity::kUnknownUnit: {
      std::string names;
      for (const Unit& u : units) names += (names.empty() ? "" : ", ") + std::string(u.name);
      d.ErrorAt(value, "config.unit", Quoted(field) + " has the unknown unit " + Quoted(unit),
                "the units are " + names);
      return false;
    }
    case Quantity::kTooLarge:
      d.ErrorAt(value, "config.range", Quoted(field) + " is too large");
      return false;
    case Quantity::kMalformed:
      WrongType(value, field, what, d, "write for example " + std::string(example));
      return false;
  }
  return false;
}

// YAML 1.2 allows a plus sign, from_chars does not.
std::string_view WithoutPlus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

}  // namespace

bool ReadBool(const ConfigValue& value, std::string_view field, bool* out, Diagnostics& d) {
  if (value.is_scalar() && !value.quoted()) {
    const std::string& t = value.text();
    if (t == "true" || t == "True" || t == "TRUE") return *out = true, true;
    if (t == "false" || t == "False" || t == "FALSE") return *out = false, true;
  }
  std::string suggestion;
  if (value.is_scalar()) {
    const std::string& t = value.text();
    if (t == "yes" || t == "on" || t == "1") suggestion = "write true";
    if (t == "no" || t == "off" || t == "0") suggestion = "write false";
    if (t == "true" || t == "false") suggestion = "remove the quotes";
  }
  WrongType(value, field, "true or false", d, std::move(suggestion));
  return false;
}

bool ReadInteger(const ConfigValue& value, std::string_view field, int64_t* out, Diagnostics& d) {
  std::string suggestion;
  if (value.is_scalar()) {
    const std::string_view t = WithoutPlus(value.text());
    const char* const end = t.data() + t.size();
    int64_t x = 0;
    const auto [next, error] = std::from_chars(t.data(), end, x);
    if (error == std::errc() && next == end) return *out = x, true;
    if (error == std::errc::result_out_of_range && next == end) {
      d.ErrorAt(value, "config.range", Quoted(field) + (t[0] == '-' ? " is too small" : " is too large"));
      return false;
    }
    if (error == std::errc() && (*next == '_' || *next == ','))
      suggestion = "write the digits without separators";
  }
  WrongType(value, field, "a whole number", d, std::move(suggestion));
  return false;
}

bool ReadDouble(const ConfigValue& value, std::string_view field, double* out, Diagnostics& d) {
  if (value.is_scalar()) {
    const std::string_view t = WithoutPlus(value.text());
    double x = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), x);
    if (error == std::errc() && end == t.data() + t.size() && std::isfinite(x)) return *out = x, true;
  }
  WrongType(value, field, "a number", d);
  return false;
}

bool ReadText(const ConfigValue& value, std::string_view field, std::string* out, Diagnostics& d) {
  if (value.is_scalar()) return *out = value.text(), true;
  WrongType(value, field, "text", d);
  return false;
}

bool ReadDuration(const ConfigValue& value, std::string_view field, Duration* out, Diagnostics& d) {
  return ReadWithUnit(value, field, kDurationUnits, true, "a duration", "10s, 250ms or 1h30m", "s", out, d);
}

bool ReadSize(const ConfigValue& value, std::string_view field, int64_t* out, Diagnostics& d) {
  return ReadWithUnit(value, field, kSizeUnits, false, "a size", "64MiB or 10kB", "B", out, d);
}

bool ReadSql(const ConfigValue& value, std::string_view field, Sql* out, Diagnostics& d) {
  if (value.is_scalar()) {
    out->text = value.text();
    out->value = value;
    return true;
  }
  WrongType(
      value, field, "an SQL expression", d,
      value.is_map() ? "put the expression in quotes: YAML reads ': ' and ', ' inside { } as structure" : "");
  return false;
}

namespace {

// `{type: bigint, path: a.b, unit: ms}`; false after reporting. `*type` is the value of `type`.
bool ReadColumnFields(const ConfigValue& declared, DeclaredColumn* column, ConfigValue* type,
                      Diagnostics& d) {
  bool fine = true;
  for (const auto& [name, v] : declared.entries()) {
    if (name.text() == "type") {
      *type = v;
    } else if (name.text() == "path") {
      fine &= ReadText(v, "path", &column->path, d);
    } else if (name.text() == "unit") {
      constexpr std::string_view kUnits[] = {"s", "ms", "us", "ns"};
      if (!ReadText(v, "unit", &column->unit, d)) {
        fine = false;
      } else if (std::find(std::begin(kUnits), std::end(kUnits), column->unit) == std::end(kUnits)) {
        d.ErrorAt(v, "config.choice", "'unit' is one of s, ms, us, ns, not " + Shown(v));
        fine = false;
      }
    } else {
      d.ErrorAt(name, "config.unknown_field", "a column has no field " + Quoted(name.text()),
                DidYouMean(name.text(), {"type", "path", "unit"}));
      fine = false;
    }
  }
  return fine;
}

// False after reporting.
bool ReadColumn(const ConfigValue& key, const ConfigValue& declared, DeclaredColumn* column, Diagnostics& d) {
  column->name = key.text();
  column->value = key;
  if (column->name.empty()) {
    d.ErrorAt(key, "config.empty", "a column needs a name");
    return false;
  }
  ConfigValue type = declared;
  bool fine = true;
  if (declared.is_map()) {
    type = ConfigValue();
    fine = ReadColumnFields(declared, column, &type, d);
  }
  if (!type.present() || type.is_null()) {
    d.ErrorAt(key, "config.missing_field", "column " + Quoted(column->name) + " needs a type",
              "write for example " + column->name + ": bigint");
    return false;
  }
  std::string text;
  if (!ReadText(type, column->name, &text, d)) return false;
  Result<DataType> parsed = DataType::Parse(text);
  if (!parsed.ok()) {
    d.ErrorAt(type, "schema.type", parsed.status().message());
    return false;
  }
  column->type = *parsed;
  return fine;
}

}  // namespace

bool ReadColumns(const ConfigValue& value, std::string_view field, std::vector<DeclaredColumn>* out,
                 Diagnostics& d) {
  if (!value.is_map()) {
    WrongType(value, field, "a mapping of column: type", d);
    return false;
  }
  bool fine = true;
  for (const auto& [key, declared] : value.entries()) {
    DeclaredColumn column;
    if (ReadColumn(key, declared, &column, d)) {
      out->push_back(std::move(column));
    } else {
      fine = false;
    }
  }
  return fine;
}

std::string PrintDuration(Duration value) {
  if (value == 0) return "0s";
  std::string out = value < 0 ? "-" : "";
  if (value < 0) value = -value;
  for (const Unit& unit : kDurationUnits) {
    if (unit.name == "w") continue;
    if (const int64_t n = value / unit.factor; n > 0) {
      out += std::to_string(n) + std::string(unit.name);
      value -= n * unit.factor;
    }
  }
  return out;
}

std::string PrintSize(int64_t bytes) {
  for (const auto& [name, factor] :
       {Unit{"TiB", 1LL << 40}, Unit{"GiB", 1LL << 30}, Unit{"MiB", 1LL << 20}, Unit{"KiB", 1LL << 10}}) {
    if (bytes >= factor && bytes % factor == 0) return std::to_string(bytes / factor) + std::string(name);
  }
  return std::to_string(bytes) + "B";
}

namespace config_internal {

bool InRange(const ConfigValue& v, const FieldSpec& f, double x, Diagnostics& d) {
  if (x >= f.at_least && x <= f.at_most) return true;
  const auto print = [&f](double limit) {
    if (f.kind == FieldKind::kDuration) return PrintDuration(static_cast<Duration>(limit));
    if (f.kind == FieldKind::kSize) return PrintSize(static_cast<int64_t>(limit));
    return PrintNumber(limit);
  };
  d.ErrorAt(v, "config.range",
            Quoted(f.name) + " must be at " +
                (x < f.at_least ? "least " + print(f.at_least) : "most " + print(f.at_most)));
  return false;
}

bool NotEmpty(const ConfigValue& v, const FieldSpec& f, const std::string& text, Diagnostics& d) {
  if (!f.not_empty || !text.empty()) return true;
  d.ErrorAt(v, "config.empty", Quoted(f.name) + " must not be empty");
  return false;
}

void UnknownChoice(const ConfigValue& v, const FieldSpec& f, Diagnostics& d) {
  std::string list;
  std::vector<std::string_view> names;
  for (const std::string& c : f.choices) {
    list += (list.empty() ? "" : ", ") + c;
    names.push_back(c);
  }
  d.ErrorAt(v, "config.choice", Quoted(f.name) + " is one of " + list + ", not " + Shown(v),
            v.secret() ? "" : DidYouMean(v.text(), names));
}

namespace {

void NotEmptyCollection(const ConfigValue& v, const FieldSpec& f, Diagnostics& d) {
  if (f.not_empty && v.items().empty() && v.entries().empty()) {
    d.ErrorAt(v, "config.empty", Quoted(f.name) + " must not be empty");
  }
}

// SQL doubles quotes inside quoted identifiers.
std::string QuotedIdentifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

}  // namespace

void ReadNamedSql(const ConfigValue& v, const FieldSpec& f, std::vector<NamedSql>* out, Diagnostics& d) {
  if (!v.is_map()) return WrongType(v, f.name, "a mapping of name: expression", d);
  for (const auto& [key, value] : v.entries()) {
    NamedSql named;
    named.key = key;
    // `{a, b}`: a key without a value names the column of that name.
    if (value.is_null()) {
      named.expression = {QuotedIdentifier(key.text()), key};
    } else if (!ReadSql(value, key.text(), &named.expression, d)) {
      continue;
    }
    out->push_back(std::move(named));
  }
  NotEmptyCollection(v, f, d);
}

void ReadTextList(const ConfigValue& v, const FieldSpec& f, std::vector<ConfigValue>* out, Diagnostics& d) {
  if (v.is_scalar()) return out->push_back(v);
  if (!v.is_list()) return WrongType(v, f.name, "a list", d);
  for (const ConfigValue& item : v.items()) {
    if (item.is_scalar()) {
      out->push_back(item);
    } else {
      WrongType(item, f.name, "a list of single values", d);
    }
  }
  NotEmptyCollection(v, f, d);
}

void ReadTextMap(const ConfigValue& v, const FieldSpec& f, std::vector<ConfigValue::Entry>* out,
                 Diagnostics& d) {
  if (!v.is_map()) return WrongType(v, f.name, "a mapping", d);
  for (const ConfigValue::Entry& entry : v.entries()) {
    if (entry.second.is_scalar()) {
      out->push_back(entry);
    } else {
      WrongType(entry.second, entry.first.text(), "a single value", d);
    }
  }
  NotEmptyCollection(v, f, d);
}

bool ExpectList(const ConfigValue& v, const FieldSpec& f, Diagnostics& d) {
  if (v.is_list()) {
    NotEmptyCollection(v, f, d);
    return true;
  }
  WrongType(v, f.name, "a list", d);
  return false;
}

void ReadStruct(const ConfigValue& v, const FieldSpec& f, void* config, Diagnostics& d) {
  if (v.is_scalar() && !f.shorthand.empty()) {
    for (const FieldSpec& child : f.children) {
      if (child.name == f.shorthand) return child.read(v, config, child, d);
    }
  }
  if (!v.is_map()) return WrongType(v, f.name, "a mapping", d);
  ReadFields(v, f.children, {}, Quoted(f.name), config, d);
}

std::string PrintNumber(double v) {
  char buffer[32];
  // Whole numbers as people write them: 1000000, not 1e+06.
  const bool whole = std::abs(v) < 1e15 && v == std::trunc(v);
  const auto result = whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(v))
                            : std::to_chars(buffer, buffer + sizeof buffer, v);
  return {buffer, result.ptr};
}

}  // namespace config_internal

bool ReadFields(const ConfigValue& map, const std::vector<FieldSpec>& fields,
                const std::vector<std::string>& ignore, std::string_view what, void* config, Diagnostics& d) {
  const int before = d.errors();
  for (const auto& [key, value] : map.entries()) {
    const std::string& name = key.text();
    if (std::find(ignore.begin(), ignore.end(), name) != ignore.end()) continue;
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& f) { return f.name == name; });
    if (field == fields.end()) {
      std::vector<std::string_view> names(ignore.begin(), ignore.end());
      for (const FieldSpec& f : fields) names.push_back(f.name);
      d.ErrorAt(key, "config.unknown_field", std::string(what) + " has no field " + Quoted(name),
                DidYouMean(name, names));
    } else if (value.is_null() &&
               std::find(field->choices.begin(), field->choices.end(), "null") != field->choices.end()) {
      // YAML reads the bare word as nothing; here it is one of the choices.
      field->read(ConfigValue::Scalar("null", true, value.mark()), config, *field, d);
    } else if (value.is_null()) {
      d.ErrorAt(key, "config.empty", Quoted(name) + " has no value", "write a value or leave the line out");
    } else {
      ConfigValue hidden = value;
      if (field->kind == FieldKind::kSecret) hidden.set_secret();
      field->read(hidden, config, *field, d);
    }
  }
  for (const FieldSpec& f : fields) {
    if (f.required && !map[f.name].present()) {
      d.ErrorAt(map, "config.missing_field", std::string(what) + " needs " + Quoted(f.name), f.help);
    }
  }
  return d.errors() == before;
}

void MarkSecrets(const std::vector<FieldSpec>& fields, ConfigValue* map) {
  for (auto& [key, value] : map->mutable_entries()) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&, &name = key.text()](const FieldSpec& f) { return f.name == name; });
    if (field == fields.end()) continue;
    if (field->kind == FieldKind::kSecret && value.is_scalar()) value.set_secret();
    // Headers of requests carry credentials under names of their own.
    if (field->kind == FieldKind::kTextMap && field->name == "headers") {
      for (auto& [name, text] : value.mutable_entries()) text.set_secret();
    }
    if (field->kind == FieldKind::kStruct) {
      const auto child = std::find_if(field->children.begin(), field->children.end(),
                                      [&](const FieldSpec& f) { return f.name == field->shorthand; });
      const bool secret = child != field->children.end() && child->kind == FieldKind::kSecret;
      if (value.is_scalar() && secret) value.set_secret();
      MarkSecrets(field->children, &value);
    }
    if (field->kind == FieldKind::kStructList) {
      for (ConfigValue& item : value.mutable_items()) MarkSecrets(field->children, &item);
    }
  }
}

}  // namespace streamrun
