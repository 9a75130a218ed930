// The text of `list` and `describe`.
#include "runner/cli/describe.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

struct Part {
  std::string name;
};
struct Config {
  int64_t rate = 5;
  std::string path;
  int mode = 1;
  Part part;
  Duration wait = kSecond;
};

OperatorDefinition Define(std::string name) {
  ConfigSpec<Part> part;
  part.Text("name", &Part::name, "Its name.").Required();
  ConfigSpec<Config> spec;
  spec.Text("path", &Config::path, "File to read.").Required().NotEmpty();
  spec.Integer("rate", &Config::rate, "Rows per second.").AtLeast(1);
  spec.OneOf("mode", &Config::mode, {{"first", 1}, {"all", 2}}, "Which routes.");
  spec.DurationField("wait", &Config::wait, "How long.").AtMost(kHour);
  spec.Struct("part", &Config::part, part, "A part.").Shorthand("name");
  OperatorDefinition d;
  d.name = std::move(name);
  d.summary = "Does it.";
  d.description = "Longer words.";
  d.guarantee = "Keeps order.";
  d.example = "pipeline: x\n";
  d.takes_changes = true;
  d.ports = {{"ok", PortRole::kData, "Results."},
             {"late", PortRole::kError, "Too late."},
             {"unmatched", PortRole::kSide, "Others."}};
  d.fields = spec.fields();
  return d;
}

TEST_CASE("a description tells fields with limits and defaults, ports, guarantee and example") {
  CHECK(DescribeComponent(Define("probe")) == R"(# probe (operator)

Does it.

Longer words.

Takes changes (rows that update or delete earlier ones).

## Fields

- `path` (text, required, not empty): File to read.
- `rate` (whole number, at least 1, default 5): Rows per second.
- `mode` (one of first, all, default first): Which routes.
- `wait` (duration, at most 1h, default 1s): How long.
- `part` (mapping, or its name alone): A part.
  - `name` (text, required): Its name.

## Ports

- `ok`: Results.
- `late`: Too late. Unwired: dead letters.
- `unmatched`: Others. Unwired: counted.

## Guarantee

Keeps order.

## Example

```yaml
pipeline: x
```
)");
}

TEST_CASE("a list has one line a component under the heading of its kind") {
  Registry& registry = Registry::Global();
  registry.Add(Define("zz_probe"));
  registry.Add(Define("zz_a"));
  const std::string list = ListComponents(registry, ComponentKind::kOperator);
  CHECK(list.starts_with("operators\n"));
  CHECK(list.find("zz_a") < list.find("zz_probe"));
  CHECK(list.find("Does it.\n") != std::string::npos);
  CHECK(ListComponents(registry, std::nullopt).find(list) != std::string::npos);
}

}  // namespace
}  // namespace streamrun
