// PostgreSQL's type system as far as overload resolution needs it (manual, chapter 10): categories, preferred
// types, implicit and assignment casts.
#pragma once

#include <string>

#include "core/data/type.h"

namespace streamrun {

/// Category codes as in pg_type.typcategory: B N S D T I A U X(unknown).
char TypeCategory(TypeId id);
/// Is the type the preferred one of its category?
bool IsPreferred(TypeId id);
/// May a value of type `from` stand where `to` is wanted without being asked for? True for equal types and
/// for unknown. numeric(p,s) counts as numeric.
bool ImplicitlyCastable(const DataType& from, const DataType& to);
/// As PostgreSQL names types in messages: "timestamp without time zone", numeric without its modifier.
std::string PgName(const DataType& type);

}  // namespace streamrun
