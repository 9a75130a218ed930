#include "connectors/generate/columns.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "connectors/generate/column_generator.h"
#include "core/data/column_builder.h"
#include "core/data/text_io.h"

namespace streamrun::generate {
namespace {

/// Problems with one column: where it stands and what it is called.
struct Place {
  const ConfigValue& column;
  BindContext& context;

  std::string what() const { return "column '" + column.text() + "'"; }
  void Error(const ConfigValue& at, std::string code, const std::string& message,
             std::string suggestion = "") const {
    const ConfigValue& where = at.present() ? at : column;
    if (where.is_scalar()) {
      context.diagnostics().ErrorAt(where, std::move(code), what() + ": " + message, std::move(suggestion));
    } else {
      context.diagnostics().Error(where.mark(), std::move(code), what() + ": " + message,
                                  std::move(suggestion));
    }
  }
};

template <typename Config>
bool Read(const ConfigValue& value, const ConfigSpec<Config>& spec, const Place& place, Config* config) {
  // A generator without options may be written without a map.
  if (!value.present() || value.is_null()) {
    return ReadFields(ConfigValue::Map({}, place.column.mark()), spec.fields(), {}, place.what(), config,
                      place.context.diagnostics());
  }
  return ReadFields(value, spec.fields(), {}, place.what(), config, place.context.diagnostics());
}

// --- One binder a generator ------------------------------------------------------------------------------

ColumnGeneratorPtr BindSequence(const ConfigValue& value, const Place& place, const Rate&) {
  struct Config {
    int64_t start = 1, step = 1, cycle = 0;
  } config;
  ConfigSpec<Config> spec;
  spec.Integer("start", &Config::start, "First value.");
  spec.Integer("step", &Config::step, "Added row by row.");
  spec.Integer("cycle", &Config::cycle, "Begins again after so many rows, 0 for never.").AtLeast(0);
  if (!Read(value, spec, place, &config)) return nullptr;
  return Sequence(config.start, config.step, config.cycle);
}

ColumnGeneratorPtr BindUniform(const ConfigValue& value, const Place& place, const Rate&) {
  struct Config {
    std::string min, max;
  } config;
  ConfigSpec<Config> spec;
  spec.Text("min", &Config::min, "Least value.").Required();
  spec.Text("max", &Config::max, "Greatest value; not reached when one of both has a point.").Required();
  if (!Read(value, spec, place, &config)) return nullptr;
  const Result<int64_t> low = ParseBigint(config.min), high = ParseBigint(config.max);
  if (low.ok() && high.ok()) {
    if (*low <= *high) return UniformBigint(*low, *high);
  } else {
    const Result<double> a = ParseDouble(config.min), b = ParseDouble(config.max);
    if (!a.ok() || !b.ok() || !std::isfinite(*a) || !std::isfinite(*b)) {
      place.Error(value[a.ok() && std::isfinite(*a) ? "max" : "min"], "config.type",
                  "min and max are numbers");
      return nullptr;
    }
    if (*a < *b && std::isfinite(*b - *a)) return UniformDouble(*a, *b);
  }
  place.Error(value["min"], "config.range", "min must not exceed max");
  return nullptr;
}

ColumnGeneratorPtr BindNormal(const ConfigValue& value, const Place& place, const Rate&) {
  struct Config {
    double mean = 0, deviation = 1;
  } config;
  ConfigSpec<Config> spec;
  spec.Double("mean", &Config::mean, "Mean.");
  spec.Double("deviation", &Config::deviation, "Standard deviation.").AtLeast(0);
  if (!Read(value, spec, place, &config)) return nullptr;
  return Normal(config.mean, config.deviation);
}

ColumnGeneratorPtr BindZipf(const ConfigValue& value, const Place& place, const Rate&) {
  struct Config {
    int64_t values = 0;
    double exponent = 1;
  } config;
  ConfigSpec<Config> spec;
  spec.Integer("values", &Config::values, "Gives 1 to this number, 1 most often.")
      .Required()
      .AtLeast(1)
      .AtMost(1e15);
  spec.Double("exponent", &Config::exponent, "Value k has the weight 1 / k^exponent.")
      .AtLeast(0.01)
      .AtMost(20);
  if (!Read(value, spec, place, &config)) return nullptr;
  return Zipf(config.values, config.exponent);
}

ColumnGeneratorPtr BindText(const ConfigValue& value, const Place& place, const Rate&) {
  struct Config {
    int64_t min = 8, max = 16;
    std::string characters = "abcdefghijklmnopqrstuvwxyz";
  } config;
  ConfigSpec<Config> spec;
  spec.Integer("min", &Config::min, "Least number of characters.").AtLeast(0).AtMost(1 << 20);
  spec.Integer("max", &Config::max, "Greatest number of characters.").AtLeast(0).AtMost(1 << 20);
  spec.Text("characters", &Config::characters, "ASCII characters to choose from.").NotEmpty();
  if (!Read(value, spec, place, &config)) return nullptr;
  if (value["min"].present() && !value["max"].present()) config.max = std::max(config.max, config.min);
  if (value["max"].present() && !value["min"].present()) config.min = std::min(config.max, config.min);
  if (config.min > config.max) {
    place.Error(value["min"], "config.range", "min must not exceed max");
    return nullptr;
  }
  if (std::any_of(config.characters.begin(), config.characters.end(),
                  [](char c) { return (c & 0x80) != 0; })) {
    place.Error(value["characters"], "config.range", "characters must be ASCII",
                "use `choice` for other texts");
    return nullptr;
  }
  return RandomText(config.min, config.max, std::move(config.characters));
}

ColumnGeneratorPtr BindTime(const ConfigValue& value, const Place& place, const Rate& rate) {
  enum class Type { kTimestamp, kTimestamptz };
  struct Config {
    std::string start = "2024-01-01 00:00:00";
    Duration step = 0, jitter = 0;
    Type type = Type::kTimestamp;
  } config;
  ConfigSpec<Config> spec;
  spec.Text("start", &Config::start, "Time of the first row.");
  spec.DurationField("step", &Config::step, "Added row by row; left out: what `rate` says.").AtLeast(0);
  spec.DurationField("jitter", &Config::jitter,
                     "Up to this much is taken off, so that rows come out of order.")
      .AtLeast(0);
  spec.OneOf("type", &Config::type, {{"timestamp", Type::kTimestamp}, {"timestamptz", Type::kTimestamptz}},
             "Type of the column.");
  if (!Read(value, spec, place, &config)) return nullptr;
  const bool zoned = config.type == Type::kTimestamptz;
  const Result<Timestamp> start = zoned ? ParseTimestamptz(config.start) : ParseTimestamp(config.start);
  if (!start.ok()) {
    place.Error(value["start"], "config.type", start.status().message(), "write it as 2024-01-01 00:00:00");
    return nullptr;
  }
  TimeSteps steps{.start = *start, .rows = 1, .period = config.step, .jitter = config.jitter};
  if (!value["step"].present()) {
    if (!rate.limited()) {
      place.Error(value, "config.missing_field", "a time without `rate:` needs a `step`", "add step: 1ms");
      return nullptr;
    }
    steps.rows = rate.rows;
    steps.period = rate.period;
  }
  return Time(zoned ? TypeId::kTimestamptz : TypeId::kTimestamp, steps);
}

/// The narrowest type that all options share: boolean, bigint, double precision, else text.
DataType OptionType(const std::vector<ConfigValue>& options) {
  const auto all = [&](auto fits) { return std::all_of(options.begin(), options.end(), fits); };
  if (all([](const ConfigValue& v) { return !v.quoted() && (v.text() == "true" || v.text() == "false"); })) {
    return TypeId::kBoolean;
  }
  if (all([](const ConfigValue& v) { return !v.quoted() && ParseBigint(v.text()).ok(); }))
    return TypeId::kBigint;
  if (all([](const ConfigValue& v) { return !v.quoted() && ParseDouble(v.text()).ok(); }))
    return TypeId::kDouble;
  return TypeId::kText;
}

ColumnGeneratorPtr BindChoice(const ConfigValue& value, const Place& place, const Rate&) {
  std::vector<ConfigValue> options;
  std::vector<double> weights;
  if (value.is_list()) {
    options = value.items();
    weights.assign(options.size(), 1);
  } else if (value.is_map()) {
    for (const auto& [option, weight] : value.entries()) {
      double w = 0;
      if (!ReadDouble(weight, option.text(), &w, place.context.diagnostics())) return nullptr;
      if (!(w > 0) || !std::isfinite(w)) {
        place.Error(weight, "config.range", "the weight of '" + option.text() + "' must be above 0");
        return nullptr;
      }
      options.push_back(option);
      weights.push_back(w);
    }
  }
  const auto scalar = [](const ConfigValue& v) { return v.is_scalar(); };
  if (options.empty() || !std::all_of(options.begin(), options.end(), scalar)) {
    place.Error(value, "config.type", "choice is a list of single values, or a mapping of values to weights",
                "write choice: [web, app] or choice: {web: 3, app: 1}");
    return nullptr;
  }
  ColumnBuilder builder(OptionType(options));
  for (const ConfigValue& option : options) {
    if (const Status s = AppendParsed(option.text(), builder); !s.ok()) {
      place.Error(option, "config.type", s.message());
      return nullptr;
    }
  }
  return Choice(builder.Finish(), weights);
}

using Binder = ColumnGeneratorPtr (*)(const ConfigValue&, const Place&, const Rate&);
constexpr std::pair<std::string_view, Binder> kBinders[] = {
    {"sequence", BindSequence}, {"uniform", BindUniform}, {"normal", BindNormal}, {"zipf", BindZipf},
    {"choice", BindChoice},     {"text", BindText},       {"time", BindTime},
};

Binder FindBinder(std::string_view name) {
  for (const auto& [known, binder] : kBinders) {
    if (known == name) return binder;
  }
  return nullptr;
}

std::vector<std::string_view> GeneratorNames() {
  std::vector<std::string_view> names;
  for (const auto& [name, binder] : kBinders) names.push_back(name);
  names.push_back("expression");
  return names;
}

// --- The plan --------------------------------------------------------------------------------------------

/// Exactly one of both is set.
struct PlannedColumn {
  ColumnGeneratorPtr generator;
  ExpressionPtr expression;
};

class ColumnsFiller final : public RowFiller {
 public:
  ColumnsFiller(const std::vector<PlannedColumn>& columns, uint64_t seed, Env* env, std::vector<bool> wanted)
      : columns_(columns), wanted_(std::move(wanted)) {
    if (wanted_.empty()) wanted_.assign(columns_.size(), true);
    for (size_t i = columns_.size(); i-- > 0;) {
      if (!columns_[i].expression) continue;
      // A column may be read by an expression below it, which is why this goes from the last to the first.
      // One that can fail decides about its row even when no one reads it.
      if (columns_[i].expression->can_fail()) wanted_[i] = true;
      if (!wanted_[i]) continue;
      for (const int input : columns_[i].expression->columns()) wanted_[static_cast<size_t>(input)] = true;
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      streams_.emplace_back(seed, i);
      evaluators_.emplace_back();
      if (wanted_[i] && columns_[i].expression) evaluators_.back().emplace(columns_[i].expression, env);
    }
  }

  std::vector<ColumnPtr> Fill(int64_t first, int64_t rows, std::vector<RowFailure>* failures) override {
    std::vector<ColumnPtr> out(columns_.size());
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!wanted_[i]) continue;
      out[i] = evaluators_[i] ? evaluators_[i]->Evaluate(out, rows, failures)
                              : columns_[i].generator->Fill(streams_[i], first, rows);
    }
    // Each evaluator lists its own failures in order; a row leaves once, for the first reason.
    std::stable_sort(failures->begin(), failures->end(),
                     [](const RowFailure& a, const RowFailure& b) { return a.row < b.row; });
    failures->erase(std::unique(failures->begin(), failures->end(),
                                [](const RowFailure& a, const RowFailure& b) { return a.row == b.row; }),
                    failures->end());
    return out;
  }

 private:
  const std::vector<PlannedColumn>& columns_;
  std::vector<bool> wanted_;
  std::vector<RandomStream> streams_;
  std::vector<std::optional<Evaluator>> evaluators_;
};

class ColumnsPlan final : public RowPlan {
 public:
  ColumnsPlan(SchemaPtr made, std::vector<PlannedColumn> columns, uint64_t seed)
      : columns_(std::move(columns)), seed_(seed) {
    schema = std::move(made);
    int64_t row_bytes = 0;
    for (const PlannedColumn& column : columns_) {
      row_bytes += column.generator ? column.generator->ValueBytes() : 8;
      if (column.expression && column.expression->is_volatile()) repeatable = false;
    }
    block_rows = BlockRows(row_bytes);
  }

  std::unique_ptr<RowFiller> Create(Env* env, std::vector<bool> wanted) const override {
    return std::make_unique<ColumnsFiller>(columns_, seed_, env, std::move(wanted));
  }

 private:
  std::vector<PlannedColumn> columns_;
  uint64_t seed_;
};

/// `{uniform: {...}, nulls: 0.1}` or the bare name of a generator.
std::optional<PlannedColumn> BindColumn(const ConfigValue& value, const Place& place, const Rate& rate,
                                        const Scope& above) {
  const std::string known =
      "a column is one of: sequence, uniform, normal, zipf, choice, text, time, expression";
  ConfigValue name, options, nulls;
  if (value.is_scalar()) {
    name = value;
  } else if (value.is_map()) {
    for (const auto& [key, entry] : value.entries()) {
      if (key.text() == "nulls") {
        nulls = entry;
      } else if (name.present()) {
        place.Error(key, "config.conflict",
                    "'" + name.text() + "' and '" + key.text() + "' exclude each other");
        return std::nullopt;
      } else {
        name = key;
        options = entry;
      }
    }
  }
  if (!name.present()) {
    place.Error(value, "config.type", "no generator is given", known);
    return std::nullopt;
  }
  if (name.text() == "expression") {
    Sql sql;
    if (nulls.present()) {
      place.Error(nulls, "config.conflict", "an expression decides itself about nulls");
      return std::nullopt;
    }
    if (!ReadSql(options, "expression", &sql, place.context.diagnostics())) return std::nullopt;
    ExpressionPtr expression = place.context.Bind(sql, above);
    if (!expression) return std::nullopt;
    return PlannedColumn{nullptr, std::move(expression)};
  }
  const Binder binder = FindBinder(name.text());
  if (binder == nullptr) {
    const std::string suggestion = DidYouMean(name.text(), GeneratorNames());
    place.Error(name, "config.unknown_field", "there is no generator '" + name.text() + "'",
                suggestion.empty() ? known : suggestion);
    return std::nullopt;
  }
  ColumnGeneratorPtr generator = binder(options, place, rate);
  if (!generator) return std::nullopt;
  double share = 0;
  if (nulls.present()) {
    if (!ReadDouble(nulls, "nulls", &share, place.context.diagnostics())) return std::nullopt;
    if (!(share >= 0 && share <= 1)) {
      place.Error(nulls, "config.range", "nulls is a share between 0 and 1");
      return std::nullopt;
    }
  }
  if (share > 0) generator = WithNulls(std::move(generator), share);
  return PlannedColumn{std::move(generator), nullptr};
}

}  // namespace

RowPlanPtr BindColumns(const ConfigValue& columns, const Rate& rate, uint64_t seed, BindContext& context) {
  if (!columns.is_map() || columns.entries().empty()) {
    context.diagnostics().Error(columns.mark(), "config.type",
                                "'columns' is a mapping of column names to generators",
                                "write columns: {id: sequence, price: {uniform: {min: 1, max: 100}}}");
    return nullptr;
  }
  auto schema = std::make_shared<Schema>();
  std::vector<PlannedColumn> planned;
  bool good = true;
  for (const auto& [name, value] : columns.entries()) {
    std::optional<PlannedColumn> column = BindColumn(value, {name, context}, rate, Scope(schema));
    if (!column) {
      good = false;
      continue;
    }
    std::vector<Field> fields = schema->fields();
    fields.push_back(
        {name.text(), column->generator ? column->generator->type() : column->expression->type()});
    schema = std::make_shared<Schema>(std::move(fields));
    planned.push_back(std::move(*column));
  }
  if (!good) return nullptr;
  return std::make_shared<ColumnsPlan>(std::move(schema), std::move(planned), seed);
}

}  // namespace streamrun::generate
