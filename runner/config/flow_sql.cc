#include "runner/config/flow_sql.h"

namespace streamrun {

namespace {

// Open minus closed parentheses outside SQL quotes, and whether a quote stays open.
struct Balance {
  int parentheses = 0;
  bool quote = false;
};

Balance Measure(std::string_view text) {
  Balance balance;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++balance.parentheses;
    } else if (c == ')') {
      --balance.parentheses;
    }
  }
  balance.quote = quote != 0;
  return balance;
}

void Report(const ConfigValue& value, std::string_view what, bool map, Diagnostics& diagnostics) {
  const std::string_view braces = map ? "{ }" : "[ ]";
  diagnostics.ErrorAt(value, "yaml.flow_sql",
                      "YAML split an expression at ', ' or ': ': '" + value.text() + "' has an unbalanced " +
                          std::string(what),
                      "inside " + std::string(braces) + " put the expression in quotes, or write one " +
                          (map ? "key" : "item") + " per line");
}

}  // namespace

bool FindSplitSql(const ConfigValue& flow, Diagnostics& diagnostics) {
  std::vector<const ConfigValue*> scalars;
  for (const ConfigValue& item : flow.items()) scalars.push_back(&item);
  for (const auto& [key, value] : flow.entries()) {
    scalars.push_back(&key);
    scalars.push_back(&value);
  }
  const ConfigValue* open_quote = nullptr;
  for (const ConfigValue* scalar : scalars) {
    if (!scalar->is_scalar() || scalar->quoted()) continue;
    const Balance balance = Measure(scalar->text());
    if (balance.quote) {
      // One apostrophe alone may be prose ("it's"); a split quote leaves two halves.
      if (open_quote != nullptr) return Report(*open_quote, "quote", flow.is_map(), diagnostics), true;
      open_quote = scalar;
    } else if (balance.parentheses != 0) {
      return Report(*scalar, "parenthesis", flow.is_map(), diagnostics), true;
    }
  }
  return false;
}

}  // namespace streamrun
