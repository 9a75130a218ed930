// What a component can be configured with: one line per field says member, limits and help.
//
// Lint, `describe`, the JSON Schema for editors and the reference all come from this one list. The default of
// a field is the value its member has in a fresh config struct. No option is ever read and ignored: a key
// that no field claims is an error with a suggestion.
//
//   struct Config { std::string path; int64_t rate = 0; Mode mode = Mode::kFirst; Sql where; };
//   ConfigSpec<Config> spec;
//   spec.Text("path", &Config::path, "File to read.").Required().NotEmpty();
//   spec.Integer("rate", &Config::rate, "Rows per second, 0 for as fast as possible.").AtLeast(0);
//   spec.OneOf("mode", &Config::mode, {{"first", Mode::kFirst}, {"all", Mode::kAll}}, "Which routes a row
//   takes."); spec.Expression("where", &Config::where, "Rows for which this is true pass.").Required();
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/component/config_value.h"
#include "core/component/diagnostics.h"
#include "core/data/schema.h"

namespace streamrun {

/// SQL text and where it stands.
struct Sql {
  std::string text;
  ConfigValue value;
  bool present() const { return value.present(); }
};

/// `name: expression` pairs in file order.
struct NamedSql {
  ConfigValue key;
  Sql expression;
  const std::string& name() const { return key.text(); }
};

/// A declared column: `price: bigint` or `price: {type: bigint, path: a.b, unit: ms}`.
struct DeclaredColumn {
  std::string name;
  DataType type;
  std::string path;  // where a nested format finds it ("user.id"), empty = name
  std::string unit;  // for integer timestamps: s, ms, us, ns; empty = text form
  ConfigValue value;
};

/// A nested component: `connector:` or `type:` plus its own fields, bound by whoever knows the registry.
struct NestedComponent {
  ConfigValue value;
  bool present() const { return value.present(); }
};

enum class FieldKind : uint8_t {
  kBoolean,
  kInteger,
  kDouble,
  kText,
  kSecret,
  kDuration,
  kSize,
  kOneOf,
  kExpression,
  kExpressionMap,
  kTextList,
  kTextMap,
  kColumns,
  kComponent,
  kStruct,
  kStructList,
  kRaw,
};

/// One field, with the types erased. Values: read_ parses into the member of `config`.
struct FieldSpec {
  std::string name;
  std::string help;
  FieldKind kind = FieldKind::kText;
  bool required = false;
  bool not_empty = false;
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;
  /// The default as YAML text, "" when there is none.
  std::string default_text;
  /// Documentation of a nested struct.
  std::vector<FieldSpec> children;
  /// kStruct and friends: a single scalar may stand for the struct, meaning this child.
  std::string shorthand;

  std::function<void(const ConfigValue&, void* config, const FieldSpec&, Diagnostics&)> read;

  FieldSpec& Required() {
    required = true;
    default_text.clear();
    return *this;
  }
  FieldSpec& NotEmpty() {
    not_empty = true;
    return *this;
  }
  FieldSpec& AtLeast(double v) {
    at_least = v;
    return *this;
  }
  FieldSpec& AtMost(double v) {
    at_most = v;
    return *this;
  }
  FieldSpec& Shorthand(std::string child) {
    shorthand = std::move(child);
    return *this;
  }
};

// --- Reading single values: each reports its own problem (code "config.type", "config.unit", "config.range")
// and returns false. Used by the spec and by runner/plan for the keys it owns.
// ---------------------------------------
bool ReadBool(const ConfigValue& value, std::string_view field, bool* out, Diagnostics& diagnostics);
bool ReadInteger(const ConfigValue& value, std::string_view field, int64_t* out, Diagnostics& diagnostics);
bool ReadDouble(const ConfigValue& value, std::string_view field, double* out, Diagnostics& diagnostics);
bool ReadText(const ConfigValue& value, std::string_view field, std::string* out, Diagnostics& diagnostics);
/// "250ms", "10s", "1h30m", "2d": units us ms s m h d w; a bare number (but 0) is refused with a suggestion.
bool ReadDuration(const ConfigValue& value, std::string_view field, Duration* out, Diagnostics& diagnostics);
/// "64MiB", "10MB", "512B": decimal and binary units; a bare number (but 0) is refused.
bool ReadSize(const ConfigValue& value, std::string_view field, int64_t* out, Diagnostics& diagnostics);
bool ReadSql(const ConfigValue& value, std::string_view field, Sql* out, Diagnostics& diagnostics);
bool ReadColumns(const ConfigValue& value, std::string_view field, std::vector<DeclaredColumn>* out,
                 Diagnostics& diagnostics);
std::string PrintDuration(Duration value);  // "1h30m", "250ms", "0s"
std::string PrintSize(int64_t bytes);       // "64MiB", "1000B"

/// Reads a map against fields: unknown keys, missing ones, wrong types are all reported. `ignore`: keys that
/// someone else reads. `what` names the thing in messages ("operator 'filter'").
bool ReadFields(const ConfigValue& map, const std::vector<FieldSpec>& fields,
                const std::vector<std::string>& ignore, std::string_view what, void* config,
                Diagnostics& diagnostics);

/// Marks the values of secret fields in `map` (nested structs included) as secret, so that no print shows
/// them.
void MarkSecrets(const std::vector<FieldSpec>& fields, ConfigValue* map);

// Bodies of the readers that do not depend on the config struct.
namespace config_internal {
bool InRange(const ConfigValue& v, const FieldSpec& f, double x, Diagnostics& d);
bool NotEmpty(const ConfigValue& v, const FieldSpec& f, const std::string& text, Diagnostics& d);
void UnknownChoice(const ConfigValue& v, const FieldSpec& f, Diagnostics& d);
void ReadNamedSql(const ConfigValue& v, const FieldSpec& f, std::vector<NamedSql>* out, Diagnostics& d);
void ReadTextList(const ConfigValue& v, const FieldSpec& f, std::vector<ConfigValue>* out, Diagnostics& d);
void ReadTextMap(const ConfigValue& v, const FieldSpec& f, std::vector<ConfigValue::Entry>* out,
                 Diagnostics& d);
bool ExpectList(const ConfigValue& v, const FieldSpec& f, Diagnostics& d);
void ReadStruct(const ConfigValue& v, const FieldSpec& f, void* config, Diagnostics& d);
std::string PrintNumber(double v);
}  // namespace config_internal

template <typename Config>
class ConfigSpec {
 public:
  FieldSpec& Bool(std::string name, bool Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kBoolean, std::move(help), Config().*member ? "true" : "false",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 ReadBool(v, f.name, &(c.*member), d);
               });
  }
  FieldSpec& Integer(std::string name, int64_t Config::*member, std::string help) {
    return Add(
        std::move(name), FieldKind::kInteger, std::move(help), std::to_string(Config().*member),
        [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
          int64_t x = 0;
          if (ReadInteger(v, f.name, &x, d) && config_internal::InRange(v, f, static_cast<double>(x), d))
            c.*member = x;
        });
  }
  FieldSpec& Double(std::string name, double Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kDouble, std::move(help),
               config_internal::PrintNumber(Config().*member),
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 double x = 0;
                 if (ReadDouble(v, f.name, &x, d) && config_internal::InRange(v, f, x, d)) c.*member = x;
               });
  }
  FieldSpec& Text(std::string name, std::string Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kText, std::move(help), Config().*member, TextReader(member));
  }
  /// Like Text, but redacted wherever it is printed.
  FieldSpec& Secret(std::string name, std::string Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kSecret, std::move(help), "", TextReader(member));
  }
  FieldSpec& DurationField(std::string name, Duration Config::*member, std::string help) {
    return Add(
        std::move(name), FieldKind::kDuration, std::move(help), PrintDuration(Config().*member),
        [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
          Duration x = 0;
          if (ReadDuration(v, f.name, &x, d) && config_internal::InRange(v, f, static_cast<double>(x), d))
            c.*member = x;
        });
  }
  FieldSpec& Size(std::string name, int64_t Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kSize, std::move(help), PrintSize(Config().*member),
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 int64_t x = 0;
                 if (ReadSize(v, f.name, &x, d) && config_internal::InRange(v, f, static_cast<double>(x), d))
                   c.*member = x;
               });
  }
  template <typename E>
  FieldSpec& OneOf(std::string name, E Config::*member, std::vector<std::pair<std::string, E>> choices,
                   std::string help) {
    std::string def;
    std::vector<std::string> names;
    for (const auto& [text, value] : choices) {
      if (value == Config().*member) def = def.empty() ? text : def;
      names.push_back(text);
    }
    FieldSpec& field =
        Add(std::move(name), FieldKind::kOneOf, std::move(help), def,
            [member, choices](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
              std::string text;
              if (!ReadText(v, f.name, &text, d)) return;
              for (const auto& [choice, value] : choices) {
                if (choice == text) {
                  c.*member = value;
                  return;
                }
              }
              config_internal::UnknownChoice(v, f, d);
            });
    field.choices = std::move(names);
    return field;
  }
  FieldSpec& Expression(std::string name, Sql Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kExpression, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 ReadSql(v, f.name, &(c.*member), d);
               });
  }
  /// A mapping `name: expression`, order kept.
  FieldSpec& ExpressionMap(std::string name, std::vector<NamedSql> Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kExpressionMap, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 config_internal::ReadNamedSql(v, f, &(c.*member), d);
               });
  }
  /// A list of single values; one single value stands for a list of one.
  FieldSpec& TextList(std::string name, std::vector<ConfigValue> Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kTextList, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 config_internal::ReadTextList(v, f, &(c.*member), d);
               });
  }
  /// A mapping of single values, order kept.
  FieldSpec& TextMap(std::string name, std::vector<ConfigValue::Entry> Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kTextMap, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 config_internal::ReadTextMap(v, f, &(c.*member), d);
               });
  }
  FieldSpec& Columns(std::string name, std::vector<DeclaredColumn> Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kColumns, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                 ReadColumns(v, f.name, &(c.*member), d);
               });
  }
  FieldSpec& Component(std::string name, NestedComponent Config::*member, std::string help) {
    return Add(
        std::move(name), FieldKind::kComponent, std::move(help), "",
        [member](const ConfigValue& v, Config& c, const FieldSpec&, Diagnostics&) { (c.*member).value = v; });
  }
  template <typename Sub>
  FieldSpec& Struct(std::string name, Sub Config::*member, const ConfigSpec<Sub>& spec, std::string help) {
    FieldSpec& field = Add(std::move(name), FieldKind::kStruct, std::move(help), "",
                           [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                             config_internal::ReadStruct(v, f, &(c.*member), d);
                           });
    field.children = spec.fields();
    return field;
  }
  template <typename Sub>
  FieldSpec& StructList(std::string name, std::vector<Sub> Config::*member, const ConfigSpec<Sub>& spec,
                        std::string help) {
    FieldSpec& field = Add(std::move(name), FieldKind::kStructList, std::move(help), "",
                           [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
                             if (!config_internal::ExpectList(v, f, d)) return;
                             for (const ConfigValue& item : v.items()) {
                               (c.*member).emplace_back();
                               config_internal::ReadStruct(item, f, &(c.*member).back(), d);
                             }
                           });
    field.children = spec.fields();
    return field;
  }
  /// The tree itself, for the rare field with a grammar of its own; the component checks it in Bind.
  FieldSpec& Raw(std::string name, ConfigValue Config::*member, std::string help) {
    return Add(std::move(name), FieldKind::kRaw, std::move(help), "",
               [member](const ConfigValue& v, Config& c, const FieldSpec&, Diagnostics&) { c.*member = v; });
  }

  const std::vector<FieldSpec>& fields() const { return fields_; }

 private:
  using Reader = std::function<void(const ConfigValue&, Config&, const FieldSpec&, Diagnostics&)>;

  FieldSpec& Add(std::string name, FieldKind kind, std::string help, std::string default_text, Reader read) {
    FieldSpec field;
    field.name = std::move(name);
    field.kind = kind;
    field.help = std::move(help);
    field.default_text = std::move(default_text);
    field.read = [read = std::move(read)](const ConfigValue& v, void* c, const FieldSpec& f, Diagnostics& d) {
      read(v, *static_cast<Config*>(c), f, d);
    };
    fields_.push_back(std::move(field));
    return fields_.back();
  }
  static Reader TextReader(std::string Config::*member) {
    return [member](const ConfigValue& v, Config& c, const FieldSpec& f, Diagnostics& d) {
      std::string text;
      if (ReadText(v, f.name, &text, d) && config_internal::NotEmpty(v, f, text, d))
        c.*member = std::move(text);
    };
  }

  std::vector<FieldSpec> fields_;
};

}  // namespace streamrun
