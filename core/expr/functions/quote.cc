#include "core/expr/functions/quote.h"

#include <algorithm>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/lists.h"

namespace streamrun {

namespace {

// PostgreSQL 15's key words that are not unreserved (manual, appendix C), sorted.
constexpr std::string_view kKeywords[] = {"all",
                                          "analyse",
                                          "analyze",
                                          "and",
                                          "any",
                                          "array",
                                          "as",
                                          "asc",
                                          "asymmetric",
                                          "authorization",
                                          "between",
                                          "bigint",
                                          "binary",
                                          "bit",
                                          "boolean",
                                          "both",
                                          "case",
                                          "cast",
                                          "char",
                                          "character",
                                          "check",
                                          "coalesce",
                                          "collate",
                                          "collation",
                                          "column",
                                          "concurrently",
                                          "constraint",
                                          "create",
                                          "cross",
                                          "current_catalog",
                                          "current_date",
                                          "current_role",
                                          "current_schema",
                                          "current_time",
                                          "current_timestamp",
                                          "current_user",
                                          "dec",
                                          "decimal",
                                          "default",
                                          "deferrable",
                                          "desc",
                                          "distinct",
                                          "do",
                                          "else",
                                          "end",
                                          "except",
                                          "exists",
                                          "extract",
                                          "false",
                                          "fetch",
                                          "float",
                                          "for",
                                          "foreign",
                                          "freeze",
                                          "from",
                                          "full",
                                          "grant",
                                          "greatest",
                                          "group",
                                          "grouping",
                                          "having",
                                          "ilike",
                                          "in",
                                          "initially",
                                          "inner",
                                          "inout",
                                          "int",
                                          "integer",
                                          "intersect",
                                          "interval",
                                          "into",
                                          "is",
                                          "isnull",
                                          "join",
                                          "lateral",
                                          "leading",
                                          "least",
                                          "left",
                                          "like",
                                          "limit",
                                          "localtime",
                                          "localtimestamp",
                                          "national",
                                          "natural",
                                          "nchar",
                                          "none",
                                          "normalize",
                                          "not",
                                          "notnull",
                                          "null",
                                          "nullif",
                                          "numeric",
                                          "offset",
                                          "on",
                                          "only",
                                          "or",
                                          "order",
                                          "out",
                                          "outer",
                                          "overlaps",
                                          "overlay",
                                          "placing",
                                          "position",
                                          "precision",
                                          "primary",
                                          "real",
                                          "references",
                                          "returning",
                                          "right",
                                          "row",
                                          "select",
                                          "session_user",
                                          "setof",
                                          "similar",
                                          "smallint",
                                          "some",
                                          "substring",
                                          "symmetric",
                                          "table",
                                          "tablesample",
                                          "then",
                                          "time",
                                          "timestamp",
                                          "to",
                                          "trailing",
                                          "treat",
                                          "trim",
                                          "true",
                                          "union",
                                          "unique",
                                          "user",
                                          "using",
                                          "values",
                                          "varchar",
                                          "variadic",
                                          "verbose",
                                          "when",
                                          "where",
                                          "window",
                                          "with",
                                          "xmlattributes",
                                          "xmlconcat",
                                          "xmlelement",
                                          "xmlexists",
                                          "xmlforest",
                                          "xmlnamespaces",
                                          "xmlparse",
                                          "xmlpi",
                                          "xmlroot",
                                          "xmlserialize",
                                          "xmltable"};

bool IsIdentifierStart(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool IsIdentifierPart(char c) { return IsIdentifierStart(c) || (c >= '0' && c <= '9'); }

bool NeedsQuotes(std::string_view name) {
  if (name.empty() || !IsIdentifierStart(name[0])) return true;
  if (!std::all_of(name.begin(), name.end(), IsIdentifierPart)) return true;
  return std::binary_search(std::begin(kKeywords), std::end(kKeywords), name);
}

void AppendDoubled(TextSink& out, std::string_view text, std::string_view doubled) {
  for (const char c : text) {
    if (doubled.find(c) != std::string_view::npos) out.Push(c);
    out.Push(c);
  }
}

void QuoteIdent(Row& row, TextSink& out, std::string_view name) {
  if (row.Room(out, QuotedSize(name))) AppendIdentifier(out, name);
}
void QuoteLiteral(Row& row, TextSink& out, std::string_view text) {
  if (row.Room(out, QuotedSize(text))) AppendLiteral(out, text);
}

ColumnPtr QuoteNullable(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  return WriteText(call, [&](Row& row, TextSink& out) {
    if (call.arg(0).IsNull(row.number())) return out.Append("NULL");
    QuoteLiteral(row, out, texts[row.number()]);
  });
}

// Cuts a qualified name into its parts (manual 9.4, parse_ident). False when it is none.
class IdentifierReader {
 public:
  explicit IdentifierReader(std::string_view text) : text_(text) {}

  bool Read(bool strict, std::vector<std::string>* parts) {
    SkipBlanks();
    for (;;) {
      parts->emplace_back();
      if (!ReadPart(&parts->back())) return false;
      SkipBlanks();
      if (at_ == text_.size()) return true;
      if (text_[at_] != '.') return !strict;
      ++at_;
      SkipBlanks();
    }
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || (text_[at_] >= 9 && text_[at_] <= 13 && text_[at_] != 11)))
      ++at_;
  }

  bool ReadPart(std::string* part) {
    if (at_ < text_.size() && text_[at_] == '"') return ReadQuoted(part);
    const auto starts = [](char c) {
      return IsIdentifierStart(static_cast<char>(c | 0x20)) || c == '_' ||
             static_cast<unsigned char>(c) >= 0x80;
    };
    const auto continues = [&](char c) { return starts(c) || (c >= '0' && c <= '9') || c == '$'; };
    if (at_ == text_.size() || !starts(text_[at_])) return false;
    for (; at_ < text_.size() && continues(text_[at_]); ++at_) {
      const char c = text_[at_];
      *part += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return true;
  }

  bool ReadQuoted(std::string* part) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return !part->empty();
        }
        ++at_;
      }
      *part += text_[at_];
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

ColumnPtr ParseIdent(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  std::vector<std::string> parts;
  return WriteLists(call, [&](Row& row, ColumnBuilder& child) {
    const std::string_view text = texts[row.number()];
    const bool strict = call.arg_count() < 2 || Reader<bool>(call.arg(1))[row.number()];
    parts.clear();
    if (!IdentifierReader(text).Read(strict, &parts)) {
      return row.Fail("22023", "string is not a valid identifier: \"" + std::string(text) + "\"");
    }
    for (const std::string& part : parts) child.AppendText(part);
  });
}

}  // namespace

void AppendIdentifier(TextSink& out, std::string_view name) {
  if (!NeedsQuotes(name)) return out.Append(name);
  out.Push('"');
  AppendDoubled(out, name, "\"");
  out.Push('"');
}

void AppendLiteral(TextSink& out, std::string_view text) {
  if (text.find('\\') != std::string_view::npos) out.Push('E');
  out.Push('\'');
  AppendDoubled(out, text, "'\\");
  out.Push('\'');
}

void AddQuote(FunctionTable& t) {
  using enum Arg;
  t.push_back({"quote_ident",
               {kText},
               kText,
               Rows<QuoteIdent>,
               "as an SQL identifier, in double quotes where needed",
               "quote_ident('Foo bar') -> \"Foo bar\""});
  t.push_back({"quote_literal",
               {kText},
               kText,
               Rows<QuoteLiteral>,
               "as an SQL string literal",
               "quote_literal('O''Reilly') -> 'O''Reilly'"});
  t.push_back({"quote_literal",
               {kCastText},
               kText,
               Rows<QuoteLiteral>,
               "the value's text as an SQL string literal",
               "quote_literal(42) -> '42'"});
  t.push_back({"quote_nullable",
               {kText},
               kText,
               QuoteNullable,
               "as an SQL string literal, or NULL",
               "quote_nullable(NULL) -> NULL",
               kSeesNulls});
  t.push_back({"quote_nullable",
               {kCastText},
               kText,
               QuoteNullable,
               "the value's text as an SQL string literal, or NULL",
               "quote_nullable(42) -> '42'",
               kSeesNulls});
  t.push_back({"parse_ident",
               {kText},
               kTextList,
               ParseIdent,
               "the parts of a qualified SQL identifier",
               "parse_ident('\"SomeSchema\".someTable') -> {SomeSchema,sometable}"});
  t.push_back({"parse_ident",
               {kText, kBoolean},
               kTextList,
               ParseIdent,
               "the same; false as second argument ignores what follows the identifier",
               "parse_ident('foo.bar()', false) -> {foo,bar}"});
}

}  // namespace streamrun
