// One pass of a bound tree over one batch.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/expr/kernel.h"

namespace streamrun {

/// Rows where a boolean vector is true.
RowSet TrueRows(const Vector& v, int64_t rows);

/// One column from several: row r comes from the part whose set holds r (sets are disjoint); rows in no set
/// are null. A row whose text does not fit into the column fails and is null.
struct MergePart {
  RowSet rows;
  Vector values;
};
ColumnPtr Merge(const DataType& type, int64_t rows, const std::vector<MergePart>& parts,
                std::vector<RowFailure>* failures);

/// Evaluates nodes of one tree over one set of columns. `columns`, `failures` and `env` outlive it. Failures
/// are appended in no particular order and may name a row twice.
class Evaluation {
 public:
  /// `outer`: the evaluation that this one is a part of, whose clock it shows; null for none.
  Evaluation(const std::vector<ColumnPtr>& columns, int64_t rows, std::vector<RowFailure>* failures, Env* env,
             Evaluation* outer = nullptr)
      : columns_(columns), rows_(rows), failures_(failures), env_(env), outer_(outer) {}

  /// Values of `node` for the rows in `active` (null = all); what other rows hold is unspecified.
  Vector Evaluate(const ExprNode& node, const uint64_t* active);

 private:
  Vector Dispatch(const ExprNode& node, const uint64_t* active);
  Vector Call(const ExprNode& node, const uint64_t* active);
  /// The function of `node` over evaluated arguments.
  Vector Apply(const ExprNode& node, const DataType& type, std::span<const Vector> args,
               const uint64_t* active);
  Vector Logic(const ExprNode& node, const uint64_t* active);
  Vector Case(const ExprNode& node, const uint64_t* active);
  Vector Coalesce(const ExprNode& node, const uint64_t* active);
  Vector Distinct(const ExprNode& node, const uint64_t* active);
  Vector AnyAll(const ExprNode& node, const uint64_t* active);
  Vector Variadic(const ExprNode& node, const uint64_t* active);
  /// The call for rows whose lists have `length` elements each, which stand in `elements` row by row.
  ColumnPtr VariadicGroup(const ExprNode& node, const std::vector<ColumnPtr>& fixed, const Vector& lists,
                          int32_t length, const std::vector<int64_t>& rows,
                          const std::vector<uint32_t>& elements, std::vector<RowFailure>* failures);
  Vector Shared(const ExprNode& node, const uint64_t* active);
  RowSet Everything(const uint64_t* active) const;
  /// The time of the batch, read once.
  Timestamp Now();

  const std::vector<ColumnPtr>& columns_;
  int64_t rows_;
  std::vector<RowFailure>* failures_;
  Env* env_;
  Evaluation* outer_;
  std::optional<Timestamp> now_;
  // Values of shared nodes, with the rows they were computed for; the sets of one node are disjoint. No row
  // is computed twice, so none fails twice.
  std::unordered_map<const ExprNode*, std::vector<MergePart>> shared_;
};

/// `rows` copies of a constant vector, or the column itself.
ColumnPtr Flatten(const Vector& v, int64_t rows);

}  // namespace streamrun
