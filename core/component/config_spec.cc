#include "core/component/config_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/component/config_errors.h"

namespace streamrun {

using config_internal::Quoted;

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
