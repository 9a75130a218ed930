// array_agg, string_agg, jsonb_agg and jsonb_object_agg: all rows of a group in one value.
#include "core/agg/collecting_accumulator.h"
#include "core/agg/functions/families.h"
#include "core/agg/functions/json_values.h"
#include "core/base/env.h"
#include "core/data/json_text.h"
#include "core/expr/expression.h"

namespace streamrun {

ColumnPtr ToJsonb(const ColumnPtr& column) {
  auto schema = std::make_shared<const Schema>(std::vector<Field>{{"x", column->type()}});
  ExprProblem problem;
  const auto bound = BindExpression("to_jsonb(x)", Scope(schema), &problem);
  SR_CHECK(bound.ok());
  std::vector<RowFailure> failures;
  return Evaluator(*bound, Env::Default()).Evaluate({column}, column->length(), &failures);
}

namespace {

class ArrayAgg final : public CollectingAccumulator {
 public:
  explicit ArrayAgg(const AggregateTypes& types) : CollectingAccumulator(types, {}) {}

 protected:
  void Finish(const SlotRows& rows, uint32_t, ColumnBuilder& out, std::vector<RowFailure>*) const override {
    const std::vector<ColumnPtr> args = varying().Complete(rows.columns, rows.rows());
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      if (rows.begin(i) == rows.ends[i]) {
        out.AppendNull();
        continue;
      }
      for (int64_t row = rows.begin(i); row < rows.ends[i]; ++row) out.child().AppendFrom(*args[0], row);
      out.CloseList();
    }
  }
};

class StringAgg final : public CollectingAccumulator {
 public:
  explicit StringAgg(const AggregateTypes& types) : CollectingAccumulator(types, {0, {}}) {}

 protected:
  // The delimiter of a row stands before its value; that of the first one is not used, null is none.
  void Finish(const SlotRows& rows, uint32_t, ColumnBuilder& out, std::vector<RowFailure>*) const override {
    const std::vector<ColumnPtr> args = varying().Complete(rows.columns, rows.rows());
    std::string text;
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      if (rows.begin(i) == rows.ends[i]) {
        out.AppendNull();
        continue;
      }
      text.clear();
      for (int64_t row = rows.begin(i); row < rows.ends[i]; ++row) {
        if (row > rows.begin(i) && !args[1]->IsNull(row)) text += args[1]->Text(row);
        text += args[0]->Text(row);
      }
      out.AppendText(text);
    }
  }
};

class JsonbAgg final : public CollectingAccumulator {
 public:
  explicit JsonbAgg(const AggregateTypes& types) : CollectingAccumulator(types, {}) {}

 protected:
  void Finish(const SlotRows& rows, uint32_t, ColumnBuilder& out, std::vector<RowFailure>*) const override {
    const ColumnPtr values = ToJsonb(varying().Complete(rows.columns, rows.rows())[0]);
    std::string json;
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      if (rows.begin(i) == rows.ends[i]) {
        out.AppendNull();
        continue;
      }
      json = "[";
      for (int64_t row = rows.begin(i); row < rows.ends[i]; ++row) {
        if (row > rows.begin(i)) json += ", ";
        json += values->IsNull(row) ? "null" : values->Text(row);
      }
      json += ']';
      out.AppendText(json);
    }
  }
};

class JsonbObjectAgg final : public CollectingAccumulator {
 public:
  explicit JsonbObjectAgg(const AggregateTypes& types) : CollectingAccumulator(types, {}) {}

 protected:
  void Finish(const SlotRows& rows, uint32_t first, ColumnBuilder& out,
              std::vector<RowFailure>* failures) const override {
    const std::vector<ColumnPtr> args = varying().Complete(rows.columns, rows.rows());
    const ColumnPtr keys = ToJsonb(args[0]);
    const ColumnPtr values = ToJsonb(args[1]);
    std::string json;
    std::string canonical;
    for (size_t i = 0; i < rows.ends.size(); ++i) {
      const std::string why = Members(rows, i, *keys, *values, json);
      if (!why.empty() || rows.begin(i) == rows.ends[i]) {
        out.AppendNull();
        if (!why.empty()) failures->push_back({first + static_cast<uint32_t>(i), "22023", why});
        continue;
      }
      canonical.clear();
      AppendCanonicalJson(json, JsonForm::kPrinted, canonical);
      out.AppendText(canonical);
    }
  }

 private:
  // Why there is no object; empty when there is.
  static std::string Members(const SlotRows& rows, size_t slot, const Column& keys, const Column& values,
                             std::string& json) {
    json = "{";
    for (int64_t row = rows.begin(slot); row < rows.ends[slot]; ++row) {
      if (keys.IsNull(row)) return "field name must not be null";
      const std::string_view key = keys.Text(row);
      if (key[0] == '[' || key[0] == '{') {
        return "key value must be scalar, not array, composite, or json";
      }
      if (row > rows.begin(slot)) json += ", ";
      const bool quoted = key[0] == '"';
      if (!quoted) json += '"';
      json += key;
      json += quoted ? ": " : "\": ";
      json += values.IsNull(row) ? "null" : values.Text(row);
    }
    json += '}';
    return "";
  }
};

template <typename T>
Result<std::unique_ptr<Accumulator>> Make(const AggregateTypes& types) {
  return std::unique_ptr<Accumulator>(std::make_unique<T>(types));
}

std::vector<DataType> States(const AggregateTypes& types) { return CollectingAccumulator::States(types); }

}  // namespace

void AddCollectAggregates(AggregateTable& t) {
  const uint32_t flags = kOrderMatters | kRetractsIfTold;
  t.push_back({{"array_agg",
                {Arg::kElement},
                Arg::kElements,
                nullptr,
                "all values as an array, nulls too; null when there are no rows",
                "array_agg(x) over 2, NULL, 1 -> {2,NULL,1}"},
               flags,
               States,
               Make<ArrayAgg>});
  const std::string_view join =
      "the values that are not null in one, each but the first behind its delimiter";
  t.push_back({{"string_agg",
                {Arg::kText, Arg::kText},
                Arg::kText,
                nullptr,
                join,
                "string_agg(x, ', ' ORDER BY x DESC) over a, c, NULL, b -> c, b, a"},
               flags,
               States,
               Make<StringAgg>});
  t.push_back({{"string_agg",
                {Arg::kBytea, Arg::kBytea},
                Arg::kBytea,
                nullptr,
                join,
                "string_agg(x::bytea, '\\x2c'::bytea) over \\x41, \\x42 -> \\x412c42"},
               flags,
               States,
               Make<StringAgg>});
  t.push_back({{"jsonb_agg",
                {Arg::kAny},
                Arg::kJsonb,
                nullptr,
                "all values as a JSON array, nulls too",
                "jsonb_agg(x) over 2, NULL, 1 -> [2, null, 1]"},
               flags,
               States,
               Make<JsonbAgg>});
  t.push_back({{"jsonb_object_agg",
                {Arg::kAny, Arg::kAny},
                Arg::kJsonb,
                nullptr,
                "an object of all pairs of key and value; of equal keys the last one counts",
                "jsonb_object_agg(x, y) over b | 1, a | 2, b | 3 -> {\"a\": 2, \"b\": 3}"},
               flags,
               States,
               Make<JsonbObjectAgg>});
}

}  // namespace streamrun
