// Rows for commands: formats found, schemas inferred or given, lines numbered.
#include "runner/cli/row_input.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "core/base/env.h"
#include "core/data/text_io.h"

namespace streamrun {
namespace {

// Everything ReadRows says about a file with this content, one event a line.
std::string Read(const std::string& name, const std::string& content, RowInputOptions options = {}) {
  options.path = "/tmp/streamrun_rows_" + std::to_string(::getpid()) + name;
  REQUIRE(Env::Default()->WriteFileAtomically(options.path, content).ok());
  std::string out;
  const Status status = ReadRows(
      options,
      [&](const SchemaPtr& schema) {
        out += schema->ToString() + "\n";
        return Status::Ok();
      },
      [&](const Batch& batch, const std::vector<int64_t>& lines) {
        for (int64_t row = 0; row < batch.rows(); ++row) {
          out += std::to_string(lines[static_cast<size_t>(row)]) + ":";
          for (const ColumnPtr& column : batch.columns()) {
            out += " ";
            PrintValue(*column, row, out);
          }
          out += "\n";
        }
        return Status::Ok();
      },
      [&](int64_t line, const std::string& code, const std::string&) {
        out += std::to_string(line) + " " + code + "\n";
      });
  if (!status.ok())
    out += "error: " + status.message().substr(status.message().rfind(name) + name.size()) + "\n";
  ::unlink(options.path.c_str());
  return out;
}

TEST_CASE(
    "json lines get an inferred schema; blank lines and broken ones keep the numbers of the others right") {
  CHECK(Read("a.jsonl", "{\"a\": 1}\n\n{\"a\": }\n{\"a\": 2, \"b\": \"x\"}") ==
        "a bigint, b text\n3 json.syntax\n1: 1 NULL\n4: 2 x\n");
}

TEST_CASE("csv is known by the extension or by its first character; the header is line 1") {
  CHECK(Read("a.csv", "a,b\n1,x\n,y\n") == "a bigint, b text\n2: 1 x\n3: NULL y\n");
  CHECK(Read("a", "a,b\n1,x\n") == "a bigint, b text\n2: 1 x\n");
}

TEST_CASE("a schema that is given is used instead") {
  RowInputOptions options;
  options.columns = *ParseColumns("a: numeric(10, 2), 'b' : text");
  CHECK(Read("a.jsonl", "{\"a\": 1}\n", options) == "a numeric(10,2), b text\n1: 1.00 NULL\n");
  CHECK(ParseColumns("a").status().message() == "a schema is written 'name: type, name: type', not 'a'");
  CHECK(!ParseColumns("a: nonsense").ok());
}

TEST_CASE("an input without rows is an error that says so") {
  CHECK(Read("a.jsonl", " \n") == "error:  is empty\n");
  CHECK(Read("a.jsonl", "nothing\n") == "error:  has no row that can be read as json\n");
}

}  // namespace
}  // namespace streamrun
