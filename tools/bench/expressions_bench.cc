// Nanoseconds a row of expressions on one core, beside DuckDB with one thread over the same columns in
// memory, and beside RE2 alone for regular expressions.
//   expressions_bench [--duckdb libduckdb.so] [--rows N] [--runs N] [--only TEXT]
//
// Ours: Evaluator::Evaluate over batches of 8,192 rows that are there before the clock starts.
// DuckDB: SELECT count(EXPRESSION) minus SELECT count(c) of the columns it reads, both over a table in
// memory. count(x) looks at validity only, so what is left is the expression. Each column has one null row:
// without it DuckDB proves that nothing is null and answers count(x) without computing x; all other rows run
// its paths for columns without nulls. Both are processor times of this process; runs take turns. Every
// result is compared: the sum over all rows of numbers, of text lengths, of true, of microseconds.
#include <dlfcn.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/data/column_builder.h"
#include "core/data/numeric.h"
#include "core/expr/expression.h"

using namespace streamrun;  // NOLINT

namespace {

constexpr int64_t kBatchRows = 8192;

double Seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// --- The columns ------------------------------------------------------------------------------------------

struct ColumnDef {
  const char* name;
  TypeId type;
  const char* duck_type;  // in the table that expressions read
  const char* duck_from;  // from the staging column of that name
};
constexpr ColumnDef kColumns[] = {
    {"a", TypeId::kBigint, "BIGINT", "a"},
    {"b", TypeId::kBigint, "BIGINT", "b"},
    {"i", TypeId::kInteger, "INTEGER", "i::INTEGER"},
    {"x", TypeId::kDouble, "DOUBLE", "x"},
    {"y", TypeId::kDouble, "DOUBLE", "y"},
    {"n", TypeId::kNumeric, "DECIMAL(18,2)", "(n::DECIMAL(16,0) * 0.01::DECIMAL(3,2))::DECIMAL(18,2)"},
    {"m", TypeId::kNumeric, "DECIMAL(18,2)", "(m::DECIMAL(16,0) * 0.01::DECIMAL(3,2))::DECIMAL(18,2)"},
    {"url", TypeId::kText, "VARCHAR", "url"},
    {"word", TypeId::kText, "VARCHAR", "word"},
    {"other", TypeId::kText, "VARCHAR", "other"},
    {"digits", TypeId::kText, "VARCHAR", "digits"},
    {"ts", TypeId::kTimestamp, "TIMESTAMP", "make_timestamp(ts)"},
    {"rt", TypeId::kTimestamp, "TIMESTAMP", "make_timestamp(rt)"},
    {"j", TypeId::kJsonb, "VARCHAR", "j"},
};
constexpr size_t kColumnCount = std::size(kColumns);

uint64_t Mix(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

constexpr const char* kWords[] = {
    "apple",   "banana split", "cherry", "date",     "elderberry jam", "fig", "grape",  "honey",
    "iceberg", "jackfruit",    "kiwi",   "lemonade", "mango",          "nut", "orange", "passionfruit"};

// One row, the same on both sides. Times: an event stream in order with some disorder, and random ones of 10
// years.
struct RowValues {
  std::array<int64_t, kColumnCount> whole{};
  std::array<double, kColumnCount> real{};
  std::array<std::string, kColumnCount> text;
};
constexpr int64_t kEpoch2024 = 1704067200000000;

void FillRow(int64_t row, RowValues* out) {
  const auto r = [&](uint64_t k) { return Mix(static_cast<uint64_t>(row) * 16 + k); };
  const auto part = [&](uint64_t k, uint64_t below) { return static_cast<int64_t>(r(k) % below); };
  out->whole[0] = part(0, 1000000);
  out->whole[1] = part(1, 1000) + 1;
  out->whole[2] = part(2, 2000000) - 1000000;
  if (row == 50) {
    out->whole[0] = int64_t{1} << 61;
    out->whole[1] = 1;
    out->whole[2] = 2147483646;
  }
  out->real[3] = static_cast<double>(part(3, 1000000000)) / 1000.0;
  out->real[4] = static_cast<double>(part(4, 1000000)) / 7.0 + 0.5;
  out->whole[5] = part(5, 100000000);
  out->whole[6] = part(6, 1000000);
  const std::string word = std::string(kWords[part(7, std::size(kWords))]) + std::to_string(part(8, 50));
  out->text[7] = "https://shop" + std::to_string(part(9, 20)) + ".example.com/Item/" +
                 std::to_string(part(10, 1000000)) + (part(11, 4) == 0 ? "?ref=mail&x=" : "/detail.html#") +
                 std::to_string(part(12, 100));
  out->text[8] = word;
  out->text[9] = part(13, 3) == 0 ? word : kWords[part(13, std::size(kWords))];
  out->text[10] = std::to_string(part(14, 10000000));
  out->whole[11] = kEpoch2024 + row * 1700 + part(15, 1000000);
  out->whole[12] = kEpoch2024 + part(15, uint64_t{3650} * 86400000000);
  out->text[13] = "{\"id\": " + std::to_string(out->whole[0]) + ", \"user\": {\"name\": \"" + word +
                  "\", \"tags\": [\"" + kWords[part(8, 16)] +
                  "\", \"new\"], \"score\": " + std::to_string(part(3, 1000)) + ".5}, \"url\": \"" +
                  out->text[7] + "\", \"price\": " + std::to_string(out->whole[1]) +
                  ", \"ok\": " + (part(4, 2) == 0 ? "true" : "false") + "}";
}

// The one null row of a column.
bool IsNullRow(int64_t row, size_t column) { return row == static_cast<int64_t>(column) + 100; }

bool IsText(TypeId type) { return type == TypeId::kText || type == TypeId::kJsonb; }

// --- DuckDB, by the few functions of its C interface that are needed -------------------------------------

struct DuckResult {  // duckdb_result of duckdb.h: six words that the library fills
  uint64_t words[6];
};

class Duck {
 public:
  bool Open(const char* path) {
    library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) return false;
    void* database = nullptr;
    if (Get<int(const char*, void**)>("duckdb_open")(nullptr, &database) != 0) return false;
    if (Get<int(void*, void**)>("duckdb_connect")(database, &connection_) != 0) return false;
    Run("SET threads = 1");
    return true;
  }
  bool is_open() const { return connection_ != nullptr; }

  // First value of the result, as a number; exits when the query fails, unless `failed` is given.
  double Run(const std::string& sql, bool* failed = nullptr) {
    static auto* query = Get<int(void*, const char*, DuckResult*)>("duckdb_query");
    static auto* destroy = Get<void(DuckResult*)>("duckdb_destroy_result");
    static auto* error = Get<const char*(DuckResult*)>("duckdb_result_error");
    static auto* value = Get<double(DuckResult*, uint64_t, uint64_t)>("duckdb_value_double");
    DuckResult result{};
    const int state = query(connection_, sql.c_str(), &result);
    if (state != 0 && failed == nullptr) {
      std::fprintf(stderr, "DuckDB: %s\n%s\n", sql.c_str(), error(&result));
      std::exit(1);
    }
    if (failed != nullptr) *failed = state != 0;
    const double out = state == 0 ? value(&result, 0, 0) : 0;
    destroy(&result);
    return out;
  }

  std::string Version() { return Get<const char*()>("duckdb_library_version")(); }

  void Fill(int64_t rows) {
    std::string create = "CREATE TABLE staging (";
    std::string select;
    for (const ColumnDef& c : kColumns) {
      const char* type = IsText(c.type) ? "VARCHAR" : c.type == TypeId::kDouble ? "DOUBLE" : "BIGINT";
      create += std::string(&c == kColumns ? "" : ", ") + c.name + " " + type;
      select +=
          std::string(&c == kColumns ? "" : ", ") + "(" + c.duck_from + ")::" + c.duck_type + " AS " + c.name;
    }
    Run(create + ")");
    void* appender = nullptr;
    Get<int(void*, const char*, const char*, void**)>("duckdb_appender_create")(connection_, nullptr,
                                                                                "staging", &appender);
    auto* put_whole = Get<int(void*, int64_t)>("duckdb_append_int64");
    auto* put_real = Get<int(void*, double)>("duckdb_append_double");
    auto* put_text = Get<int(void*, const char*, uint64_t)>("duckdb_append_varchar_length");
    auto* put_null = Get<int(void*)>("duckdb_append_null");
    auto* end_row = Get<int(void*)>("duckdb_appender_end_row");
    RowValues values;
    for (int64_t row = 0; row < rows; ++row) {
      FillRow(row, &values);
      for (size_t c = 0; c < kColumnCount; ++c) {
        if (IsNullRow(row, c)) {
          put_null(appender);
        } else if (IsText(kColumns[c].type)) {
          put_text(appender, values.text[c].data(), values.text[c].size());
        } else if (kColumns[c].type == TypeId::kDouble) {
          put_real(appender, values.real[c]);
        } else {
          put_whole(appender, values.whole[c]);
        }
      }
      end_row(appender);
    }
    Get<int(void**)>("duckdb_appender_destroy")(&appender);
    Run("CREATE TABLE t AS SELECT " + select + " FROM staging");
    Run("DROP TABLE staging");
  }

 private:
  template <typename F>
  F* Get(const char* name) {
    void* symbol = dlsym(library_, name);
    if (symbol == nullptr) {
      std::fprintf(stderr, "DuckDB: no function %s\n", name);
      std::exit(1);
    }
    return reinterpret_cast<F*>(symbol);
  }
  void* library_ = nullptr;
  void* connection_ = nullptr;
};

// --- Our side ---------------------------------------------------------------------------------------------

using Batches = std::vector<std::vector<ColumnPtr>>;

Batches MakeBatches(int64_t rows) {
  Batches out;
  RowValues values;
  for (int64_t begin = 0; begin < rows; begin += kBatchRows) {
    std::vector<ColumnBuilder> builders;
    for (const ColumnDef& c : kColumns) builders.emplace_back(DataType(c.type));
    for (int64_t row = begin; row < std::min(rows, begin + kBatchRows); ++row) {
      FillRow(row, &values);
      for (size_t c = 0; c < kColumnCount; ++c) {
        const TypeId type = kColumns[c].type;
        if (IsNullRow(row, c)) {
          builders[c].AppendNull();
        } else if (IsText(type)) {
          builders[c].AppendText(values.text[c]);
        } else if (type == TypeId::kDouble) {
          builders[c].Append(values.real[c]);
        } else if (type == TypeId::kInteger) {
          builders[c].Append(static_cast<int32_t>(values.whole[c]));
        } else if (type == TypeId::kNumeric) {
          builders[c].Append(Numeric::Of(values.whole[c], 2));
        } else {
          builders[c].Append(values.whole[c]);
        }
      }
    }
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& b : builders) columns.push_back(b.Finish());
    out.push_back(std::move(columns));
  }
  return out;
}

long double SumOf(const Column& column) {
  long double sum = 0;
  for (int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) continue;
    switch (column.type().id()) {
      case TypeId::kBoolean:
        sum += column.Bool(row);
        break;
      case TypeId::kInteger:
      case TypeId::kDate:
        sum += column.values<int32_t>()[row];
        break;
      case TypeId::kDouble:
        sum += column.values<double>()[row];
        break;
      case TypeId::kNumeric: {
        const Numeric& n = column.values<Numeric>()[row];
        sum += static_cast<double>(n.coefficient()) / std::pow(10.0, n.scale);
        break;
      }
      case TypeId::kText:
      case TypeId::kJsonb:
        sum += static_cast<double>(column.Text(row).size());
        break;
      default:
        sum += static_cast<double>(column.values<int64_t>()[row]);
    }
  }
  return sum;
}

std::string DuckSum(TypeId type, const std::string& expression) {
  switch (type) {
    case TypeId::kBoolean:
      return "SELECT count(*) FROM t WHERE " + expression;
    case TypeId::kText:
    case TypeId::kJsonb:
      return "SELECT sum(strlen(" + expression + "))::DOUBLE FROM t";
    case TypeId::kTimestamp:
      return "SELECT sum(epoch_us(" + expression + "))::DOUBLE FROM t";
    case TypeId::kInteger:
    case TypeId::kBigint:
      return "SELECT sum(" + expression + ")::DOUBLE FROM t";
    default:
      return "SELECT sum((" + expression + ")::DOUBLE) FROM t";
  }
}

// --- The expressions --------------------------------------------------------------------------------------

struct Case {
  const char* ours;
  const char* columns;         // what DuckDB's base query counts
  const char* duck = nullptr;  // where it is spelled otherwise
  const char* regex = nullptr;
  bool compared = true;  // sums are of the same things
};

const Case kCases[] = {
    {"a + b", "a,b"},
    {"a - 7", "a"},
    {"a * b", "a,b"},
    {"a / b", "a,b", "a // b"},
    {"a % b", "a,b"},
    {"i + 1", "i"},
    {"(a + b) * 3 - 1", "a,b"},
    {"x + y", "x,y"},
    {"x * y", "x,y"},
    {"x / y", "x,y"},
    {"sqrt(x)", "x"},
    {"floor(x)", "x"},
    {"abs(i)", "i"},
    {"n + m", "n,m"},
    {"n * m", "n,m"},
    {"n > m", "n,m"},
    {"a = b", "a,b"},
    {"a < 500000", "a"},
    {"i >= 0", "i"},
    {"x < y", "x,y"},
    {"x > 500000.0", "x", "x > 500000.0::DOUBLE"},
    {"word = other", "word,other"},
    {"word = 'cherry7'", "word"},
    {"word < other", "word,other"},
    {"word < 'honey'", "word"},
    {"url = 'https://shop1.example.com/Item/17'", "url"},
    {"a > 1000 AND b < 500", "a,b"},
    {"a > 900000 OR b < 100 OR i = 7", "a,b,i"},
    {"a > 1000 AND b < 500 AND word = 'kiwi1'", "a,b,word"},
    {"a BETWEEN 1000 AND 700000", "a"},
    {"NOT (a > 1000)", "a"},
    {"b IN (1, 5, 9, 100, 200)", "b"},
    {"b IN (1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39)", "b"},
    {"word IN ('kiwi1', 'fig2', 'mango3')", "word"},
    {"word IN ('kiwi1', 'fig2', 'mango3', 'nut4', 'date5', 'cherry6', 'orange7', 'grape8', 'honey9', "
     "'kiwi10')",
     "word"},
    {"url LIKE 'https://shop1%'", "url"},
    {"url LIKE '%html#17'", "url"},
    {"url LIKE '%mail%'", "url"},
    {"url LIKE '%shop%99%'", "url"},
    {"url LIKE 'https%ref=m_il%'", "url"},
    {"word LIKE 'a%e_1'", "word"},
    {"url ILIKE '%ITEM/99%'", "url"},
    {"date_trunc('hour', ts)", "ts"},
    {"date_trunc('day', ts)", "ts", "date_trunc('day', ts)::TIMESTAMP"},
    {"date_trunc('month', ts)", "ts", "date_trunc('month', ts)::TIMESTAMP"},
    {"date_trunc('hour', rt)", "rt"},
    {"date_trunc('day', rt)", "rt", "date_trunc('day', rt)::TIMESTAMP"},
    {"date_trunc('month', rt)", "rt", "date_trunc('month', rt)::TIMESTAMP"},
    {"date_part('year', rt)", "rt"},
    {"extract(hour FROM rt)", "rt"},
    {"extract(dow FROM rt)", "rt"},
    {"extract(epoch FROM rt)", "rt"},
    {"ts + interval '1 hour'", "ts"},
    {"CASE WHEN a > 500000 THEN a ELSE b END", "a,b"},
    {"CASE WHEN a < 250000 THEN 1 WHEN a < 500000 THEN 2 WHEN a < 750000 THEN 3 END", "a"},
    {"CASE WHEN a > 500000 THEN 'high' WHEN a > 1000 THEN 'low' END", "a"},
    {"CASE WHEN a > 500000 THEN word ELSE other END", "a,word,other"},
    {"CASE word WHEN 'kiwi1' THEN 1 WHEN 'fig2' THEN 2 END", "word"},
    {"coalesce(a, b)", "a,b"},
    {"coalesce(word, other)", "word,other"},
    {"nullif(b, 7)", "b"},
    {"greatest(a, b, 5)", "a,b"},
    {"least(x, y)", "x,y"},
    {"substring(url from 9 for 12)", "url"},
    {"left(url, 10)", "url"},
    {"right(url, 5)", "url"},
    {"lower(url)", "url"},
    {"upper(word)", "word"},
    {"length(url)", "url"},
    {"position('com' in url)", "url"},
    {"word || other", "word,other"},
    {"word || '-' || other", "word,other"},
    {"replace(url, 'example', 'test')", "url"},
    {"split_part(url, '/', 3)", "url"},
    {"trim(word)", "word"},
    {"md5(word)", "word"},
    {"digits::integer", "digits"},
    {"digits::bigint + 1", "digits"},
    {"digits::double precision", "digits", "digits::DOUBLE"},
    {"a::text", "a", "a::VARCHAR"},
    {"x::integer", "x", "x::INTEGER"},
    {"a::double precision", "a", "a::DOUBLE"},
    {"url ~ 'mail'", "url", "regexp_matches(url, 'mail')", "mail"},
    {"url ~ '^https://shop1[0-9]?\\.'", "url", "regexp_matches(url, '^https://shop1[0-9]?\\.')",
     "^https://shop1[0-9]?\\."},
    {"url ~ '/[0-9]+\\?ref=(mail|web)'", "url", "regexp_matches(url, '/[0-9]+\\?ref=(mail|web)')",
     "/[0-9]+\\?ref=(mail|web)"},
    {"url ~ '[a-z]+#[0-9]$'", "url", "regexp_matches(url, '[a-z]+#[0-9]$')", "[a-z]+#[0-9]$"},
    {"word ~ '^[a-m].*[0-4]$'", "word", "regexp_matches(word, '^[a-m].*[0-4]$')", "^[a-m].*[0-4]$"},
    {"regexp_replace(url, '[0-9]+', '#')", "url"},
    {"j ->> 'id'", "j"},
    {"j -> 'user'", "j", nullptr, nullptr, false},
    {"j -> 'user' ->> 'name'", "j"},
    {"j #>> '{user,tags,0}'", "j", "j ->> '$.user.tags[0]'"},
    {"(j ->> 'price')::bigint", "j"},
    {"(j -> 'price')::integer", "j", "(j ->> 'price')::INTEGER"},
    {"j ->> 'url'", "j"},
    {"j ? 'ok'", "j", "json_exists(j, 'ok')"},
};

struct Options {
  const char* duckdb = nullptr;
  int64_t rows = 2000000;
  int runs = 5;
  const char* only = nullptr;
};

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {
    if (options_.duckdb != nullptr && duck_.Open(options_.duckdb)) duck_.Fill(options_.rows);
    batches_ = MakeBatches(options_.rows);
    std::vector<Field> fields;
    for (const ColumnDef& c : kColumns) fields.push_back({c.name, DataType(c.type)});
    scope_ = Scope(std::make_shared<const Schema>(std::move(fields)));
    for (size_t c = 0; c < kColumnCount; ++c) {
      double bytes = 0;
      if (IsText(kColumns[c].type)) {
        for (const auto& batch : batches_) bytes += static_cast<double>(batch[c]->data_buffer()->size());
      }
      bytes_.push_back(bytes);
    }
  }

  int Run() {
    std::printf("%lld rows, medians of %d runs, one thread each; peer: %s\n",
                static_cast<long long>(options_.rows), options_.runs,
                duck_.is_open() ? ("DuckDB " + duck_.Version()).c_str() : "none");
    std::printf(
        "| expression | ours ns/row | DuckDB ns/row | ours / DuckDB | DuckDB with its scan | ours / that | "
        "other |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (const Case& c : kCases) {
      if (options_.only != nullptr && std::strstr(c.ours, options_.only) == nullptr) continue;
      if (!RunCase(c)) return 1;
    }
    return 0;
  }

 private:
  double Ours(Evaluator& evaluator, long double* sum) {
    std::vector<RowFailure> failures;
    const double begin = Seconds();
    double checking = 0;
    for (const auto& batch : batches_) {
      const ColumnPtr column = evaluator.Evaluate(batch, batch[0]->length(), &failures);
      if (sum == nullptr) continue;
      const double pause = Seconds();
      *sum += SumOf(*column);
      checking += Seconds() - pause;
    }
    const double seconds = Seconds() - begin - checking;
    if (!failures.empty()) {
      std::fprintf(stderr, "%s: %s\n", evaluator.expression().text().c_str(), failures[0].message.c_str());
      std::exit(1);
    }
    return seconds;
  }

  double Timed(const std::string& sql) {
    const double begin = Seconds();
    duck_.Run(sql);
    return Seconds() - begin;
  }

  double Re2(const RE2& regex, size_t column, int64_t* matches) {
    const double begin = Seconds();
    for (const auto& batch : batches_) {
      const Column& texts = *batch[column];
      for (int64_t row = 0; row < texts.length(); ++row) {
        const std::string_view text = texts.Text(row);
        *matches += regex.Match({text.data(), text.size()}, 0, text.size(), RE2::UNANCHORED, nullptr, 0);
      }
    }
    return Seconds() - begin;
  }

  bool RunCase(const Case& c) {
    ExprProblem problem;
    auto bound = BindExpression(c.ours, scope_, &problem);
    if (!bound.ok()) {
      std::fprintf(stderr, "%s: %s\n", c.ours, problem.message.c_str());
      return false;
    }
    Evaluator evaluator(*bound, Env::Default());
    const std::string expression = c.duck != nullptr ? c.duck : c.ours;
    std::string base = "SELECT ";
    for (const char* name = c.columns; name != nullptr; name = std::strchr(name, ',')) {
      if (*name == ',') ++name;
      base += (base.size() > 7 ? ", count(" : "count(") + std::string(name, std::strcspn(name, ",")) + ")";
    }
    base += " FROM t";
    bool unknown = !duck_.is_open();
    if (!unknown) duck_.Run("SELECT count(" + expression + ") FROM t", &unknown);
    long double sum = 0;
    Ours(evaluator, &sum);
    std::string other;
    if (!unknown && c.compared) {
      const double theirs = duck_.Run(DuckSum((*bound)->type().id(), expression));
      const TypeId type = (*bound)->type().id();
      const double close = type == TypeId::kDouble || type == TypeId::kNumeric ? 1e-9 : 1e-15;
      const auto own = static_cast<double>(sum);
      if (std::abs(own - theirs) > close * std::max(std::abs(own), std::abs(theirs))) {
        char text[80];
        std::snprintf(text, sizeof text, "RESULTS DIFFER: %.17g, %.17g ", own, theirs);
        other += text;
      }
    }
    std::vector<double> ours;
    std::vector<double> duck;
    std::vector<double> bare;
    std::vector<double> re2;
    const RE2 regex(c.regex != nullptr ? c.regex : "", RE2::Quiet);
    int64_t matches = 0;
    const size_t first = FirstColumn(c);
    for (int run = 0; run < options_.runs; ++run) {
      ours.push_back(Ours(evaluator, nullptr));
      if (!unknown) {
        bare.push_back(Timed(base));
        duck.push_back(Timed("SELECT count(" + expression + ") FROM t"));
      }
      if (c.regex != nullptr) re2.push_back(Re2(regex, first, &matches));
    }
    if (c.regex != nullptr) {
      char text[80];
      std::snprintf(text, sizeof text, "RE2 alone %.1f ns, ours / RE2 %.2f", PerRow(Median(re2)),
                    Median(ours) / Median(re2));
      other += text;
      if (matches != static_cast<int64_t>(sum) * options_.runs) other += " MATCHES DIFFER";
    }
    if (kColumns[first].type == TypeId::kJsonb) {
      other += std::to_string(static_cast<int>(bytes_[first] / Median(ours) / 1e6)) + " MB/s of JSON";
    }
    Print(c, Median(ours), unknown ? 0 : Median(duck), unknown ? 0 : Median(bare), other);
    return true;
  }

  void Print(const Case& c, double ours, double duck, double bare, const std::string& other) {
    std::string text = c.ours;  // a table's cell: no bare |
    for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
    std::printf("| `%s` | %.2f | ", text.c_str(), PerRow(ours));
    if (duck == 0) {
      std::printf("- | - | - | - ");
    } else if (duck <= bare) {
      std::printf("0 | - | %.2f | %.2f ", PerRow(duck), ours / duck);
    } else {
      std::printf("%.2f | %.2f | %.2f | %.2f ", PerRow(duck - bare), ours / (duck - bare), PerRow(duck),
                  ours / duck);
    }
    std::printf("| %s |\n", other.c_str());
    std::fflush(stdout);
  }

  double PerRow(double seconds) const { return seconds * 1e9 / static_cast<double>(options_.rows); }

  static size_t FirstColumn(const Case& c) {
    const std::string name(c.columns, std::strcspn(c.columns, ","));
    for (size_t i = 0; i < kColumnCount; ++i) {
      if (name == kColumns[i].name) return i;
    }
    return 0;
  }

  Options options_;
  Duck duck_;
  Batches batches_;
  Scope scope_;
  std::vector<double> bytes_;  // of each text column
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--duckdb") options.duckdb = argv[i + 1];
    if (name == "--rows") options.rows = std::atoll(argv[i + 1]);
    if (name == "--runs") options.runs = std::max(1, std::atoi(argv[i + 1]));
    if (name == "--only") options.only = argv[i + 1];
  }
  return Bench(options).Run();
}
