#include "core/component/config_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace streamrun {

namespace {

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

void WrongType(const ConfigValue& value, std::string_view field, std::string_view expected, Diagnostics& d,
               std::string suggestion = "") {
  std::string got = value.is_scalar() && !value.secret() ? Quoted(value.text()) : std::string(value.KindName());
  d.ErrorAt(value, "config.type", Quoted(field) + " takes " + std::string(expected) + ", not " + got,
            std::move(suggestion));
}

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr std::array kDurationUnits = {Unit{"w", 7 * kDay},   Unit{"d", kDay},         Unit{"h", kHour},
                                       Unit{"m", kMinute},    Unit{"s", kSecond},      Unit{"ms", kMillisecond},
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

// Reads "<number><unit>" pairs. Returns 1 fine, 0 malformed, -1 number without unit, -2 out of range.
template <size_t N>
int ReadQuantity(std::string_view text, const std::array<Unit, N>& units, bool several, int64_t* out) {
  const char* p = text.data();
  const char* end = p + text.size();
  double total = 0;
  bool any = false;
  while (p < end) {
    while (p < end && *p == ' ') ++p;
    double number = 0;
    const auto [next, error] = std::from_chars(p, end, number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return 0;
    p = next;
    while (p < end && *p == ' ') ++p;
    const char* unit_begin = p;
    while (p < end && std::isalpha(static_cast<unsigned char>(*p))) ++p;
    const std::string_view name(unit_begin, static_cast<size_t>(p - unit_begin));
    if (name.empty()) {
      if (number == 0 && !any && p == end) {
        *out = 0;
        return 1;
      }
      return p == end ? -1 : 0;
    }
    const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
    if (unit == units.end()) return 0;
    total += number * static_cast<double>(unit->factor);
    any = true;
    if (!several && p < end) return 0;
  }
  if (!any) return 0;
  if (total > 9e18) return -2;
  *out = static_cast<int64_t>(std::llround(total));
  return 1;
}

template <size_t N>
bool ReadWithUnit(const ConfigValue& value, std::string_view field, const std::array<Unit, N>& units, bool several,
                  std::string_view what, std::string_view example, std::string_view suggested_unit, int64_t* out,
                  Diagnostics& d) {
  if (!value.is_scalar()) {
    WrongType(value, field, what, d, "write for example " + std::string(example));
    return false;
  }
  switch (ReadQuantity(value.text(), units, several, out)) {
    case 1:
      return true;
    case -1:
      d.ErrorAt(value, "config.unit", Quoted(field) + " needs a unit",
                "write " + value.text() + std::string(suggested_unit) + " or another unit");
      return false;
    case -2:
      d.ErrorAt(value, "config.range", Quoted(field) + " is too large");
      return false;
    default:
      WrongType(value, field, what, d, "write for example " + std::string(example));
      return false;
  }
}

}  // namespace

bool ReadBool(const ConfigValue& value, std::string_view field, bool* out, Diagnostics& d) {
  if (value.is_scalar() && !value.quoted()) {
    const std::string& t = value.text();
    if (t == "true" || t == "True" || t == "TRUE") return *out = true, true;
    if (t == "false" || t == "False" || t == "FALSE") return *out = false, true;
  }
  const bool old_style = value.is_scalar() && (value.text() == "yes" || value.text() == "on" ||
                                               value.text() == "no" || value.text() == "off");
  WrongType(value, field, "true or false", d,
            old_style ? std::string("write ") + (value.text() == "yes" || value.text() == "on" ? "true" : "false")
                      : "");
  return false;
}

bool ReadInteger(const ConfigValue& value, std::string_view field, int64_t* out, Diagnostics& d) {
  if (value.is_scalar()) {
    const std::string& t = value.text();
    int64_t x = 0;
    const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), x);
    if (error == std::errc() && end == t.data() + t.size()) return *out = x, true;
  }
  WrongType(value, field, "a whole number", d);
  return false;
}

bool ReadDouble(const ConfigValue& value, std::string_view field, double* out, Diagnostics& d) {
  if (value.is_scalar()) {
    const std::string& t = value.text();
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
  WrongType(value, field, "an SQL expression", d,
            value.is_map() ? "put the expression in quotes: YAML reads ': ' and ', ' inside { } as structure" : "");
  return false;
}

bool ReadColumns(const ConfigValue& value, std::string_view field, std::vector<DeclaredColumn>* out, Diagnostics& d) {
  if (!value.is_map()) {
    WrongType(value, field, "a mapping of column: type", d);
    return false;
  }
  bool fine = true;
  for (const auto& [key, declared] : value.entries()) {
    DeclaredColumn column;
    column.name = key.text();
    column.value = key;
    ConfigValue type = declared;
    if (declared.is_map()) {
      for (const auto& [name, v] : declared.entries()) {
        if (name.text() == "type") {
          type = v;
        } else if (name.text() == "path") {
          fine &= ReadText(v, "path", &column.path, d);
        } else if (name.text() == "unit") {
          fine &= ReadText(v, "unit", &column.unit, d);
          if (column.unit != "s" && column.unit != "ms" && column.unit != "us" && column.unit != "ns") {
            d.ErrorAt(v, "config.choice", "'unit' is one of s, ms, us, ns");
            fine = false;
          }
        } else {
          d.ErrorAt(name, "config.unknown_field", "a column has no field " + Quoted(name.text()),
                    DidYouMean(name.text(), {"type", "path", "unit"}));
          fine = false;
        }
      }
      if (declared["type"].kind() == ConfigValue::Kind::kAbsent) {
        d.ErrorAt(key, "config.missing_field", "column " + Quoted(key.text()) + " needs a 'type'");
        fine = false;
        continue;
      }
    }
    std::string text;
    if (!ReadText(type, column.name, &text, d)) {
      fine = false;
      continue;
    }
    Result<DataType> parsed = DataType::Parse(text);
    if (!parsed.ok()) {
      d.ErrorAt(type, "schema.type", parsed.status().message());
      fine = false;
      continue;
    }
    column.type = *parsed;
    out->push_back(std::move(column));
  }
  return fine;
}

std::string PrintDuration(Duration value) {
  if (value == 0) return "0s";
  std::string out;
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
  for (const auto& [name, factor] : {Unit{"TiB", 1LL << 40}, Unit{"GiB", 1LL << 30}, Unit{"MiB", 1LL << 20},
                                     Unit{"KiB", 1LL << 10}}) {
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
            Quoted(f.name) + " must be at " + (x < f.at_least ? "least " + print(f.at_least) : "most " + print(f.at_most)));
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
  d.ErrorAt(v, "config.choice", Quoted(f.name) + " is one of " + list + ", not " + Quoted(v.text()),
            DidYouMean(v.text(), names));
}

void ReadNamedSql(const ConfigValue& v, const FieldSpec& f, std::vector<NamedSql>* out, Diagnostics& d) {
  if (!v.is_map()) return WrongType(v, f.name, "a mapping of name: expression", d);
  for (const auto& [key, value] : v.entries()) {
    NamedSql named;
    named.key = key;
    // `{a, b}`: a key without a value names the column of that name.
    if (value.is_null()) {
      named.expression = {"\"" + key.text() + "\"", key};
    } else if (!ReadSql(value, key.text(), &named.expression, d)) {
      continue;
    }
    out->push_back(std::move(named));
  }
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
  if (f.not_empty && v.items().empty()) d.ErrorAt(v, "config.empty", Quoted(f.name) + " must not be empty");
}

void ReadTextMap(const ConfigValue& v, const FieldSpec& f, std::vector<ConfigValue::Entry>* out, Diagnostics& d) {
  if (!v.is_map()) return WrongType(v, f.name, "a mapping", d);
  for (const ConfigValue::Entry& entry : v.entries()) {
    if (entry.second.is_scalar()) {
      out->push_back(entry);
    } else {
      WrongType(entry.second, entry.first.text(), "a single value", d);
    }
  }
}

bool ExpectList(const ConfigValue& v, const FieldSpec& f, Diagnostics& d) {
  if (v.is_list()) return true;
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
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, v);
  return {buffer, result.ptr};
}

}  // namespace config_internal

bool ReadFields(const ConfigValue& map, const std::vector<FieldSpec>& fields, const std::vector<std::string>& ignore,
                std::string_view what, void* config, Diagnostics& d) {
  const int before = d.errors();
  for (const auto& [key, value] : map.entries()) {
    const std::string& name = key.text();
    if (std::find(ignore.begin(), ignore.end(), name) != ignore.end()) continue;
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& f) { return f.name == name; });
    if (field == fields.end()) {
      std::vector<std::string_view> names(ignore.begin(), ignore.end());
      for (const FieldSpec& f : fields) names.push_back(f.name);
      d.ErrorAt(key, "config.unknown_field", std::string(what) + " has no field " + Quoted(name),
                DidYouMean(name, names));
    } else if (value.is_null() && std::find(field->choices.begin(), field->choices.end(), "null") != field->choices.end()) {
      // YAML reads the bare word as nothing; here it is one of the choices.
      field->read(ConfigValue::Scalar("null", true, value.mark()), config, *field, d);
    } else if (value.is_null()) {
      d.ErrorAt(key, "config.empty", Quoted(name) + " has no value", "write a value or leave the line out");
    } else {
      field->read(value, config, *field, d);
    }
  }
  for (const FieldSpec& f : fields) {
    if (f.required && !map[f.name].present()) {
      d.ErrorAt(map, "config.missing_field", std::string(what) + " needs '" + f.name + "'", f.help);
    }
  }
  return d.errors() == before;
}

}  // namespace streamrun
