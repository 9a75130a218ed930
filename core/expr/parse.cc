// Text -> libpg_query's protobuf tree -> Ast. The protobuf form is used because the JSON form loses negative
// integers.
#include "core/expr/parse.h"

#include <pg_query.h>

#include <algorithm>

#include "core/data/utf8_check.h"
#include "core/expr/convert.h"
#include "core/expr/token.h"

namespace streamrun {

namespace {

// Deepest nesting of braces in a JSON text. Unpacking the protobuf form recurses with large frames in C, so
// the depth must be known before.
int BraceDepth(std::string_view json) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}') {
      --depth;
    }
  }
  return deepest;
}

// cursorpos is 1-based and counts characters of the wrapped text.
size_t OffsetOfCharacter(std::string_view wrapped, size_t prefix, int cursor) {
  size_t at = 0;
  for (int i = 1; i < cursor && at < wrapped.size(); ++i) {
    ++at;
    while (at < wrapped.size() && (static_cast<unsigned char>(wrapped[at]) & 0xc0) == 0x80) ++at;
  }
  return at < prefix ? 0 : at - prefix;
}

std::nullptr_t Fail(ExprProblem* problem, size_t offset, size_t length, std::string message,
                    std::string suggestion = "") {
  *problem = {offset, std::max<size_t>(length, 1), "expr.syntax", std::move(message), std::move(suggestion)};
  return nullptr;
}

// The statement when it is one SELECT without FROM, WHERE and the like, else null.
const PgQuery__SelectStmt* OnlySelect(const PgQuery__ParseResult& tree) {
  if (tree.n_stmts != 1 || tree.stmts[0]->stmt == nullptr) return nullptr;
  const PgNode* stmt = tree.stmts[0]->stmt;
  if (stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return nullptr;
  const PgQuery__SelectStmt& s = *stmt->select_stmt;
  const bool bare = s.n_distinct_clause == 0 && s.into_clause == nullptr && s.n_from_clause == 0 &&
                    s.where_clause == nullptr && s.n_group_clause == 0 && s.having_clause == nullptr &&
                    s.n_window_clause == 0 && s.n_values_lists == 0 && s.limit_offset == nullptr &&
                    s.limit_count == nullptr && s.n_locking_clause == 0 && s.with_clause == nullptr &&
                    s.larg == nullptr && s.rarg == nullptr;
  return bare ? &s : nullptr;
}

// The only target of a SELECT that has nothing but targets, else null.
const PgNode* OnlyTarget(const PgQuery__ParseResult& tree) {
  const PgQuery__SelectStmt* s = OnlySelect(tree);
  if (s == nullptr || s->n_sort_clause != 0 || s->n_target_list != 1 ||
      s->target_list[0]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) {
    return nullptr;
  }
  const PgQuery__ResTarget& target = *s->target_list[0]->res_target;
  const bool named = target.name != nullptr && target.name[0] != '\0';
  return named ? nullptr : target.val;
}

bool CheckText(std::string_view sql, ExprProblem* problem) {
  if (sql.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    Fail(problem, 0, 1, "the expression is empty");
  } else if (sql.size() > kMaxExpressionBytes) {
    Fail(problem, 0, 1, "the expression is longer than 65536 bytes");
  } else if (const size_t nul = sql.find('\0'); nul != std::string_view::npos) {
    Fail(problem, nul, 1, "the expression has a zero byte");
  } else if (const size_t bad = FindInvalidUtf8(sql); bad != std::string_view::npos) {
    Fail(problem, bad, 1, "the expression is not valid UTF-8");
  } else {
    return true;
  }
  return false;
}

// Fills `problem` and returns false when the grammar refuses the text or nests it too deeply.
bool CheckSyntax(std::string_view sql, size_t prefix, const std::string& wrapped, ExprProblem* problem) {
  const PgQueryParseResult result = pg_query_parse(wrapped.c_str());
  bool ok = true;
  if (result.error != nullptr) {
    const size_t offset = std::min(sql.size(), OffsetOfCharacter(wrapped, prefix, result.error->cursorpos));
    const std::string_view message = result.error->message;
    // The grammar's own stack ends at some thousand levels.
    const bool deep = message.find("memory exhausted") != std::string_view::npos;
    Fail(problem, offset, TokenLength(sql, offset),
         deep ? "the expression is nested too deeply" : std::string(message),
         deep ? "" : SyntaxHint(sql, offset));
    ok = false;
  } else if (BraceDepth(result.parse_tree) > 2 * kMaxExpressionDepth) {
    Fail(problem, 0, 1, "the expression is nested too deeply");
    ok = false;
  }
  pg_query_free_parse_result(result);
  return ok;
}

// Owns libpg_query's tree of one text.
class ParsedText {
 public:
  ParsedText(std::string_view prefix, std::string_view sql, ExprProblem* problem) {
    if (!CheckText(sql, problem)) return;
    const std::string wrapped = std::string(prefix) + std::string(sql);
    if (!CheckSyntax(sql, prefix.size(), wrapped, problem)) return;
    const PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(wrapped.c_str());
    if (parsed.error == nullptr) {
      tree_ = pg_query__parse_result__unpack(nullptr, parsed.parse_tree.len,
                                             reinterpret_cast<const uint8_t*>(parsed.parse_tree.data));
    }
    pg_query_free_protobuf_parse_result(parsed);
    if (tree_ == nullptr) Fail(problem, 0, 1, "the expression cannot be parsed");
  }
  ~ParsedText() {
    if (tree_ != nullptr) pg_query__parse_result__free_unpacked(tree_, nullptr);
  }
  ParsedText(const ParsedText&) = delete;
  ParsedText& operator=(const ParsedText&) = delete;

  /// Null when the text did not parse; the problem is filled then.
  const PgQuery__ParseResult* tree() const { return tree_; }

 private:
  PgQuery__ParseResult* tree_ = nullptr;
};

}  // namespace

AstPtr ParseExpression(std::string_view sql, ExprProblem* problem, ParseOptions options) {
  static constexpr std::string_view kPrefix = "SELECT ";
  const ParsedText parsed(kPrefix, sql, problem);
  if (parsed.tree() == nullptr) return nullptr;
  const PgNode* target = OnlyTarget(*parsed.tree());
  if (target == nullptr) {
    return Fail(problem, 0, 1, "this is not one scalar expression",
                "write only the expression: no SELECT, FROM, AS, comma list or semicolon");
  }
  return Converter(sql, kPrefix.size(), options, problem).Convert(target, 0);
}

std::vector<OrderKey> ParseOrderBy(std::string_view sql, ExprProblem* problem, ParseOptions options) {
  static constexpr std::string_view kPrefix = "SELECT ORDER BY ";
  const ParsedText parsed(kPrefix, sql, problem);
  if (parsed.tree() == nullptr) return {};
  const PgQuery__SelectStmt* select = OnlySelect(*parsed.tree());
  if (select == nullptr || select->n_target_list != 0 || select->n_sort_clause == 0) {
    Fail(problem, 0, 1, "this is not a list of ORDER BY items", "write: price DESC NULLS LAST, id");
    return {};
  }
  std::vector<OrderKey> keys;
  Converter converter(sql, kPrefix.size(), options, problem);
  if (!converter.Order(select->sort_clause, select->n_sort_clause, 0, &keys)) return {};
  return keys;
}

}  // namespace streamrun
