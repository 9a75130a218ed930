// One spelling for expressions that are written differently: what state says it was computed by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/expr/parse.h"

namespace streamrun {

/// Case of names and key words, spaces, comments and brackets that change nothing make no difference; another
/// order of operands does. It parses back to the same tree. Compared with what checkpoints hold, so it must
/// not change from version to version.
std::string CanonicalText(const Ast& ast);
/// Of an expression that binds, or of one that does not as it stands there.
std::string CanonicalText(std::string_view sql);
/// "price DESC NULLS FIRST, id ASC NULLS LAST" of ORDER BY.
std::string CanonicalText(const std::vector<OrderKey>& keys);
/// Of several expressions, with commas between; "nothing" without any.
std::string CanonicalTexts(const std::vector<ExpressionPtr>& expressions);

}  // namespace streamrun
