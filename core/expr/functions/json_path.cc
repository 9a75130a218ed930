// jsonb and SQL/JSON paths: @? @@ and jsonb_path_* (manual 9.16.2, tables 9.46 and 9.48).
#include "core/expr/function.h"
#include "core/expr/functions/json_result.h"
#include "core/expr/jsonpath/evaluate_path.h"

namespace streamrun {

namespace {

Result<std::shared_ptr<const void>> PreparePath(std::span<const ColumnPtr> constants) {
  if (!constants[1] || constants[1]->IsNull(0)) return std::shared_ptr<const void>();
  SR_ASSIGN_OR_RETURN(auto path, JsonPath::Parse(constants[1]->Text(0)));
  return std::shared_ptr<const void>(std::move(path));
}

// The prepared path, or the row's own; equal texts in a row are parsed once.
class PathOfRow {
 public:
  explicit PathOfRow(KernelCall& call) : prepared_(call.prepared<JsonPath>()), texts_(call.arg(1)) {}

  /// Null after failing the row.
  const JsonPath* Get(Row& row) {
    if (prepared_ != nullptr) return prepared_;
    const std::string_view text = texts_[row.number()];
    if (path_ != nullptr && text == text_) return path_.get();
    auto parsed = JsonPath::Parse(text);
    if (!parsed.ok()) {
      row.Fail("42601", parsed.status().message());
      return nullptr;
    }
    text_ = text;
    path_ = std::move(parsed).value();
    return path_.get();
  }

 private:
  const JsonPath* prepared_;
  Reader<std::string_view> texts_;
  std::string text_;
  std::shared_ptr<const JsonPath> path_;
};

// Runs f(row, evaluator) for the live rows: f has to ask for failure().
template <bool kSilent, bool kZone, typename F>
class PathRows {
 public:
  PathRows(KernelCall& call, F f) : call_(call), jsons_(call.arg(0)), path_(call), f_(std::move(f)) {}

  template <typename... Out>
  void operator()(Row& row, Out&... out) {
    const int64_t r = row.number();
    const JsonPath* path = path_.Get(row);
    if (path == nullptr) return;
    PathEvaluator::Input input{jsons_[r], "{}", kSilent, kZone};
    if (call_.arg_count() > 2) input.vars = Reader<std::string_view>(call_.arg(2))[r];
    if (call_.arg_count() > 3) input.silent = Reader<bool>(call_.arg(3))[r];
    PathEvaluator evaluator(*path, input);
    f_(row, evaluator, input.silent, out...);
    if (const PathFailure* failure = evaluator.failure()) row.Fail(failure->code, failure->message);
  }

 private:
  KernelCall& call_;
  Reader<std::string_view> jsons_;
  PathOfRow path_;
  F f_;
};

template <bool kSilent, bool kZone, typename F>
ColumnPtr BooleanRows(KernelCall& call, F f) {
  Writer<bool> out(call);
  PathRows<kSilent, kZone, F> rows(call, std::move(f));
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    rows(row, out);
  });
  return out.Finish(call);
}

template <bool kSilent, bool kZone, typename F>
ColumnPtr JsonRows(KernelCall& call, F f) {
  PathRows<kSilent, kZone, F> rows(call, std::move(f));
  return WriteText(call, [&](Row& row, TextSink& out) { rows(row, out); });
}

using Outcome = PathEvaluator::Outcome;

template <bool kSilent, bool kZone>
ColumnPtr Exists(KernelCall& call) {
  return BooleanRows<kSilent, kZone>(call, [](Row& row, PathEvaluator& evaluator, bool, Writer<bool>& out) {
    const Outcome outcome = evaluator.Run(nullptr);
    if (outcome != Outcome::kError) return out.Put(row.number(), outcome == Outcome::kOk);
    if (evaluator.failure() == nullptr) row.Null();
  });
}

template <bool kSilent, bool kZone>
ColumnPtr Match(KernelCall& call) {
  PathItems found;
  return BooleanRows<kSilent, kZone>(
      call, [&](Row& row, PathEvaluator& evaluator, bool silent, Writer<bool>& out) {
        found.clear();
        evaluator.Run(&found);
        if (evaluator.failure() != nullptr) return;
        if (found.size() == 1 && found[0].kind == PathItem::kBoolean) {
          return out.Put(row.number(), found[0].flag);
        }
        const bool null = found.size() == 1 && found[0].kind == PathItem::kNull;
        null || silent ? row.Null() : row.Fail("22038", "single boolean result is expected");
      });
}

template <bool kZone>
ColumnPtr QueryArray(KernelCall& call) {
  PathItems found;
  std::string json;
  return JsonRows<false, kZone>(call, [&](Row& row, PathEvaluator& evaluator, bool, TextSink& out) {
    found.clear();
    evaluator.Run(&found);
    if (evaluator.failure() != nullptr) return;
    json = "[";
    for (const PathItem& item : found) {
      if (json.size() > 1) json += ", ";
      AppendItem(item, json);
    }
    json += "]";
    PutJson(row, out, json);
  });
}

template <bool kZone>
ColumnPtr QueryFirst(KernelCall& call) {
  PathItems found;
  std::string json;
  return JsonRows<false, kZone>(call, [&](Row& row, PathEvaluator& evaluator, bool, TextSink& out) {
    found.clear();
    evaluator.Run(&found);
    if (evaluator.failure() != nullptr) return;
    if (found.empty()) return row.Null();
    json.clear();
    AppendItem(found[0], json);
    PutJson(row, out, json);
  });
}

struct PathFunction {
  std::string_view name;
  Arg result;
  Kernel kernel;
  std::string_view help;
  std::string_view example;
};

}  // namespace

void AddJsonPath(FunctionTable& t) {
  using enum Arg;
  t.push_back({"@?",
               {kJsonb, kText},
               kBoolean,
               Exists<true, false>,
               "the path gives a value; errors give null",
               "'{\"a\": [1, 5]}'::jsonb @? '$.a[*] ? (@ > 2)' -> t",
               kPartial,
               PreparePath});
  t.push_back({"@@",
               {kJsonb, kText},
               kBoolean,
               Match<true, false>,
               "the result of the path's predicate; errors give null",
               "'{\"a\": [1, 5]}'::jsonb @@ '$.a[*] > 2' -> t",
               kPartial,
               PreparePath});
  static constexpr PathFunction kFunctions[] = {
      {"jsonb_path_exists", kBoolean, Exists<false, false>, "the path gives a value",
       "jsonb_path_exists('{\"a\": [1, 5]}', '$.a[*] ? (@ > $min)', '{\"min\": 2}') -> t"},
      {"jsonb_path_match", kBoolean, Match<false, false>, "the result of the path's predicate",
       "jsonb_path_match('{\"a\": [1, 5]}', 'exists($.a[*] ? (@ >= 5))') -> t"},
      {"jsonb_path_query_array", kJsonb, QueryArray<false>, "all values that the path gives",
       "jsonb_path_query_array('{\"a\": [1, 5, 7]}', '$.a[*] ? (@ > 2)') -> [5, 7]"},
      {"jsonb_path_query_first", kJsonb, QueryFirst<false>, "the first value that the path gives",
       "jsonb_path_query_first('{\"a\": [1, 5, 7]}', '$.a[last]') -> 7"},
      {"jsonb_path_exists_tz", kBoolean, Exists<false, true>, "the same; dates compare with timestamptz",
       "jsonb_path_exists_tz('[\"2024-01-01T12:00:00+02\"]', '$[*] ? (@.datetime() < "
       "\"2024-01-02\".datetime())') -> t"},
      {"jsonb_path_match_tz", kBoolean, Match<false, true>, "the same; dates compare with timestamptz",
       "jsonb_path_match_tz('\"2024-01-01T12:00:00+02\"', '$.datetime() < \"2024-01-02\".datetime()') -> t"},
      {"jsonb_path_query_array_tz", kJsonb, QueryArray<true>, "the same; dates compare with timestamptz",
       "jsonb_path_query_array_tz('[\"2024-01-01T12:00:00+02\"]', '$[*].datetime()') -> "
       "[\"2024-01-01T12:00:00+02:00\"]"},
      {"jsonb_path_query_first_tz", kJsonb, QueryFirst<true>, "the same; dates compare with timestamptz",
       "jsonb_path_query_first_tz('\"12:00:00\"', '$.datetime().type()') -> \"time without time zone\""},
  };
  for (const PathFunction& f : kFunctions) {
    for (const size_t count : {2, 3, 4}) {
      std::vector<Arg> args{kJsonb, kText, kJsonb, kBoolean};
      args.resize(count);
      t.push_back({f.name, std::move(args), f.result, f.kernel, f.help, f.example, kPartial, PreparePath});
    }
  }
}

}  // namespace streamrun
