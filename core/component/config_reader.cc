// Single values as config_spec.h reads them: scalars, numbers with units, declared columns.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/component/config_errors.h"
#include "core/component/config_spec.h"

namespace streamrun {

using config_internal::Quoted;
using config_internal::Shown;
using config_internal::WrongType;

namespace {

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

}  // namespace streamrun
