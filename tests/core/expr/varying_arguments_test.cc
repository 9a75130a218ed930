// Functions that keep something from one row to the next (a key, a character set, a set of networks) and
// those that give every row another value.
#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/expression.h"

namespace streamrun {
namespace {

constexpr int64_t kRows = 6;

// A column from texts; "~" is null.
ColumnPtr ColumnOf(const DataType& type, const std::vector<std::string>& texts) {
  ColumnBuilder builder(type);
  for (const std::string& text : texts) {
    if (text == "~") {
      builder.AppendNull();
    } else {
      REQUIRE(AppendParsed(text, builder).ok());
    }
  }
  return builder.Finish();
}

SchemaPtr TestSchema() {
  return std::make_shared<const Schema>(std::vector<Field>{{"data", TypeId::kText},
                                                           {"key", TypeId::kText},
                                                           {"kind", TypeId::kText},
                                                           {"bytes", TypeId::kBytea},
                                                           {"charset", TypeId::kText},
                                                           {"address", TypeId::kInet},
                                                           {"networks", TypeId::kText},
                                                           {"list", DataType::List(TypeId::kText)}});
}

std::vector<ColumnPtr> TestColumns() {
  return {
      ColumnOf(TypeId::kText, {"abc", "abc", "abc", "~", "abc", "abc"}),
      ColumnOf(TypeId::kText, {"key", "key", "k2", "key", "key", "key"}),
      ColumnOf(TypeId::kText, {"md5", "md5", "md5", "md5", "none", "sha1"}),
      ColumnOf(TypeId::kBytea, {"\\xa4", "\\xa4", "\\xa4", "\\xa4", "\\xa4", "\\xa4"}),
      ColumnOf(TypeId::kText, {"LATIN1", "LATIN9", "LATIN9", "UTF8", "none", "LATIN1"}),
      ColumnOf(TypeId::kInet, {"10.0.0.1", "10.0.0.1", "9.0.0.1", "::1", "10.0.0.1", "~"}),
      ColumnOf(TypeId::kText, {"10.0.0.0/8", "9.0.0.0/8", "9.0.0.0/8", "::/0", "wrong", "::/0"}),
      ColumnOf(DataType::List(TypeId::kText),
               {"{10.0.0.0/8}", "{9.0.0.0/8}", "{9.0.0.0/8}", "{1.2.3.4,::/0}", "{10.0.0.0/8,wrong}", "{}"}),
  };
}

ColumnPtr Evaluate(const std::string& sql, std::vector<RowFailure>* failures) {
  ExprProblem problem;
  const auto bound = BindExpression(sql, Scope(TestSchema()), &problem);
  REQUIRE_MESSAGE(bound.ok(), sql << ": " << problem.message);
  Evaluator evaluator(*bound, Env::Default());
  return evaluator.Evaluate(TestColumns(), kRows, failures);
}

// "value|value|...", then the failures: "; 4:22023".
std::string Run(const std::string& sql) {
  std::vector<RowFailure> failures;
  const ColumnPtr column = Evaluate(sql, &failures);
  std::string out;
  for (int64_t row = 0; row < kRows; ++row) {
    if (row > 0) out += '|';
    PrintValue(*column, row, out);
  }
  for (const RowFailure& f : failures) out += "; " + std::to_string(f.row) + ":" + f.code;
  return out;
}

TEST_CASE("digest and hmac follow a varying algorithm and key") {
  CHECK(Run("left(digest(data, kind)::text, 10)") ==
        "\\x90015098|\\x90015098|\\x90015098|NULL|NULL|\\xa9993e36; 4:22023");
  CHECK(Run("left(hmac(data, key, kind)::text, 10)") ==
        "\\xd2fe9806|\\xd2fe9806|\\x9b3aea6e|NULL|NULL|\\x4fd0b215; 4:22023");
  CHECK(Run("left(hmac(data, 'key', 'md5')::text, 10)") ==
        "\\xd2fe9806|\\xd2fe9806|\\xd2fe9806|NULL|\\xd2fe9806|\\xd2fe9806");
}

TEST_CASE("conversions follow a varying character set") {
  CHECK(Run("convert_from(bytes, charset)") == "¤|€|€|NULL|NULL|¤; 3:22021; 4:22023");
  CHECK(Run("length(bytes, charset)") == "1|1|1|NULL|NULL|1; 3:22021; 4:22023");
  CHECK(Run("encode(bytes, CASE WHEN charset = 'LATIN1' THEN 'hex' ELSE charset END)") ==
        "a4|NULL|NULL|NULL|NULL|a4; 1:22023; 2:22023; 3:22023; 4:22023");
}

TEST_CASE("ip_in takes networks that vary, and the prepared ones for every row") {
  CHECK(Run("ip_in(address, networks)") == "t|f|t|t|NULL|NULL; 4:22P02");
  CHECK(Run("ip_in(address, list)") == "t|f|t|t|NULL|NULL; 4:22P02");
  CHECK(Run("ip_in(host(address), list)") == "t|f|t|t|NULL|NULL; 4:22P02");
  CHECK(Run("ip_in(address, '10.0.0.0/8, ::1')") == "t|t|f|t|t|NULL");
  CHECK(Run("ip_in('9.9.9.9', networks)") == "f|t|t|f|NULL|f; 4:22P02");
}

TEST_CASE("every row gets another UUID, and those of version 7 rise") {
  for (const char* function : {"gen_random_uuid()", "uuidv7()"}) {
    std::vector<RowFailure> failures;
    const ColumnPtr column = Evaluate(function, &failures);
    std::set<std::string> texts;
    std::string last;
    for (int64_t row = 0; row < kRows; ++row) {
      std::string text;
      PrintValue(*column, row, text);
      texts.insert(text);
      if (function[0] == 'u') CHECK(last < text);
      last = text;
    }
    CHECK(texts.size() == kRows);
  }
}

}  // namespace
}  // namespace streamrun
