// The table of functions and operators: one entry each, in functions/*.cc.
//
// The binder resolves overloads from it, documentation is printed from it and every example in it is a test.
// Adding a function is one entry with its kernel; a new file adds one line to functions/families.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/column.h"
#include "core/data/type.h"

namespace streamrun {

struct ExprNode;
class KernelCall;

/// The type of an argument or result in the table: a TypeId's number, or what follows them.
enum class Arg : uint8_t {
  kUnknown,
  kBoolean,
  kInteger,
  kBigint,
  kDouble,
  kDecimal,  // of casts only; everywhere else numeric(p,s) arrives as numeric
  kNumeric,
  kUuid,
  kInet,
  kText,
  kBytea,
  kDate,
  kTimestamp,
  kTimestamptz,
  kInterval,
  kJsonb,
  kList,  // of casts only: any list
  // Pseudo-types.
  kAny,       // any type; an untyped literal becomes text
  kElement,   // all arguments of this kind get one common type ("anycompatible")
  kElements,  // a list of it
  kCastText,  // any type but a list, cast to text
  kOutput,    // any type, as its output text
  // Lists of a fixed type.
  kTextList,
  kIntegerList,
  kBigintList,
  kDoubleList,
  kNumericList,
  kBooleanList,
  kJsonbList,
};

/// Computes one column. Called with every argument evaluated; see kernel.h.
using Kernel = ColumnPtr (*)(KernelCall& call);
/// Called once at bind when every argument that it reads is constant (a null pointer in `constants` stands
/// for an argument that varies); its result is KernelCall::prepared. An error is a problem of the second
/// argument. May return null: the kernel then works without.
using Prepare = Result<std::shared_ptr<const void>> (*)(std::span<const ColumnPtr> constants);

/// What is wrong with a constant argument, which every row would find.
struct ArgumentProblem {
  size_t argument;
  std::string message;
  std::string hint = {};
};
/// Called before Prepare with the same arguments; for problems of another argument than the second, and
/// hints.
using Check = std::optional<ArgumentProblem> (*)(std::span<const ColumnPtr> constants);

enum FunctionFlags : uint32_t {
  kPartial = 0,        // a row may fail
  kTotal = 1,          // no row ever fails
  kVolatile = 2,       // depends on more than its arguments; never folded
  kSeesNulls = 4,      // called for rows with null arguments too (not strict)
  kVariadic = 8,       // the last argument may be repeated
  kImplicitCast = 16,  // casts: inserted where types do not fit
  kAssignCast = 32,    // casts: inserted where a value is stored
  kNoHelp = 64,        // reached by syntax only, not listed
  kAddition = 128,     // PostgreSQL 15 has no such function, or another result
};

struct Function {
  std::string_view name;  // lower case, or the operator's characters, or "cast"
  std::vector<Arg> args;
  Arg result;
  Kernel kernel;
  std::string_view help;     // one sentence without a full stop
  std::string_view example;  // "lower('ABC') -> abc", run as a test; empty only with kNoHelp
  uint32_t flags = kPartial;
  Prepare prepare = nullptr;
  Check check = nullptr;

  bool has(FunctionFlags flag) const { return (flags & flag) != 0; }
  bool is_operator() const;
  /// Smallest number of arguments.
  size_t arity() const { return args.size(); }
  Arg arg(size_t i) const { return args[i < args.size() ? i : args.size() - 1]; }
  /// "lower(text)" or "text ~ text".
  std::string Signature() const;
};

/// Every entry, in the order of the families.
std::span<const Function> AllFunctions();
/// The entries of one file of functions/, under the heading that documentation gives them.
struct FunctionFamily {
  std::string_view title;
  std::span<const Function> functions;
};
const std::vector<FunctionFamily>& FunctionFamilies();
/// Entries of that name; empty when there is none. For operators the caller checks the number of arguments.
std::span<const Function* const> FunctionsNamed(std::string_view name);
/// The cast entry between two types, or null.
const Function* FindCast(TypeId from, TypeId to);
/// Names for did-you-mean: functions only.
const std::vector<std::string_view>& FunctionNames();

/// The type an exact Arg stands for.
DataType TypeOf(Arg arg);
std::string_view ArgName(Arg arg);

using FunctionTable = std::vector<Function>;

}  // namespace streamrun
