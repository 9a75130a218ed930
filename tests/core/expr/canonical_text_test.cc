// One spelling for one tree: what checkpoints compare must neither change nor join what differs.
#include "core/expr/canonical_text.h"

#include <doctest/doctest.h>

namespace streamrun {
namespace {

struct Spelling {
  const char* written;
  const char* canonical;
};

constexpr Spelling kSpellings[] = {
    {"Lower ( K )", "lower(k)"},
    {"count( * )", "count(*)"},
    {"COUNT(DISTINCT v)", "count(distinct v)"},
    {"sum(v)FILTER(WHERE(v)>3 AND d IS NULL)", "sum(v) filter (where (v > 3) and (d is null))"},
    {"string_agg(k, ',' order by v desc, d)",
     "string_agg(k, ',' order by v desc nulls first, d asc nulls last)"},
    {"percentile_cont(0.5) within group (order by v)",
     "percentile_cont(0.5) within group (order by v asc nulls last)"},
    {"a + b*c", "a + (b * c)"},
    {"(a+b)*c", "(a + b) * c"},
    {"- v", "- v"},
    {"v::numeric(10,2)", "cast(v as numeric(10,2))"},
    {"CAST(v AS double precision)", "cast(v as float8)"},
    {"CASE WHEN v=1 THEN 'a' ELSE 'it''s' END", "case when v = 1 then 'a' else 'it''s' end"},
    {"CASE v WHEN 1 THEN 2 END", "case v when 1 then 2 end"},
    {"\"My Column\"", "\"My Column\""},
    {"v BETWEEN 1 AND 2", "v between 1 and 2"},
    {"v NOT BETWEEN SYMMETRIC 2 AND 1", "v not between symmetric 2 and 1"},
    {"v IN (1,2)", "v in (1, 2)"},
    {"v NOT IN (1,2)", "v not in (1, 2)"},
    {"v = ANY(array[1,2])", "v = any (array[1, 2])"},
    {"coalesce(v,0)", "coalesce(v, 0)"},
    {"nullif(v,0)", "nullif(v, 0)"},
    {"greatest(v,0)", "greatest(v, 0)"},
    {"least(v,0)", "least(v, 0)"},
    {"NOT (v IS NOT NULL)", "not (v is not null)"},
    {"(v > 1) IS TRUE", "(v > 1) is true"},
    {"v IS DISTINCT FROM d", "v is distinct from d"},
    {"v IS NOT DISTINCT FROM d", "v is not distinct from d"},
    {"list[1]", "list[1]"},
    {"list[1:2]", "list[1:2]"},
    {"make_interval(days => 1)", "make_interval(days => 1)"},
    {"k COLLATE \"C\"", "k collate \"C\""},
    {"a OR b AND NOT c", "a or (b and (not c))"},
    {"TRUE", "true"},
    {"null", "null"},
    {"row(a,b) = (c,d)", "row(a, b) = row(c, d)"},
};

TEST_CASE("the spelling of an expression") {
  for (const Spelling& spelling : kSpellings) {
    CAPTURE(spelling.written);
    CHECK(CanonicalText(spelling.written) == spelling.canonical);
  }
}

TEST_CASE("a canonical text is its own canonical text: it means the same tree") {
  for (const Spelling& spelling : kSpellings) {
    CAPTURE(spelling.canonical);
    ExprProblem problem;
    CHECK(ParseExpression(spelling.canonical, &problem, {.aggregates = true}) != nullptr);
    CHECK(CanonicalText(spelling.canonical) == spelling.canonical);
  }
}

TEST_CASE("what differs stays different") {
  constexpr const char* kDifferent[] = {"a - (b - c)",
                                        "a - b - c",
                                        "sum(v)",
                                        "sum(distinct v)",
                                        "'a'",
                                        "a",
                                        "\"A\"",
                                        "a || 'b'",
                                        "v::int",
                                        "v::bigint",
                                        "1",
                                        "1.0",
                                        "-1",
                                        "v between 1 and 2",
                                        "v not between 1 and 2"};
  for (const char* one : kDifferent) {
    for (const char* other : kDifferent) {
      CAPTURE(one);
      CAPTURE(other);
      CHECK((CanonicalText(one) == CanonicalText(other)) == (one == other));
    }
  }
}

TEST_CASE("ORDER BY has its defaults written out") {
  ExprProblem problem;
  CHECK(CanonicalText(ParseOrderBy("Price DESC, id", &problem)) ==
        "price desc nulls first, id asc nulls last");
}

}  // namespace
}  // namespace streamrun
