// What `describe functions` prints, all of it from the function table that the binder uses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace streamrun {

/// Every function and operator that a user can write, one line each, by family.
std::string ListFunctions();
/// All entries of one name: signature, result, meaning, example; "" when there is none of that name.
std::string DescribeFunction(std::string_view name);
/// "did you mean 'lower'?", or "".
std::string SuggestFunction(std::string_view name);
/// [{name, family, signature, result, meaning, example: {expression, result}, addition}, ...] of one name, or
/// of all when it is empty.
std::string FunctionsJson(std::string_view name);
/// The reference in docs/expressions.md: a table for every family.
std::string FunctionsMarkdown();
/// `document` with everything behind its marker line replaced by the reference; "" when it has no marker.
std::string ReplaceReference(std::string_view document);
/// Names without operators, each once, for the completion of shells.
std::vector<std::string> FunctionWords();

}  // namespace streamrun
