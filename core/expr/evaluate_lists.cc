// Operators over the elements of lists: x op ANY (list), x op ALL (list), f(VARIADIC list). The elements of
// many rows are evaluated as one column.
#include <algorithm>
#include <map>

#include "core/data/column_builder.h"
#include "core/data/selection.h"
#include "core/expr/evaluate.h"
#include "core/expr/function.h"

namespace streamrun {

namespace {

// Elements that are evaluated in one go: a constant list stands for every row, so their number may exceed the
// batch by far.
constexpr size_t kMaxElements = size_t{1} << 16;

// The lists of some rows: which elements, and to which row each belongs.
struct Elements {
  std::vector<int64_t> rows;
  std::vector<size_t> begins;  // into `at`, one more than rows
  Selection at;                // element numbers in the child column
  Selection owners;            // its row, for each element

  void Clear() {
    rows.clear();
    begins.assign(1, 0);
    at.clear();
    owners.clear();
  }
  void Add(int64_t row, const ListView& list) {
    rows.push_back(row);
    for (int32_t i = list.begin; i < list.end; ++i) {
      at.push_back(static_cast<uint32_t>(i));
      owners.push_back(static_cast<uint32_t>(row));
    }
    begins.push_back(at.size());
  }
};

// Failures by element; the first of each.
std::map<uint32_t, const RowFailure*> ByElement(const std::vector<RowFailure>& failures) {
  std::map<uint32_t, const RowFailure*> out;
  for (const RowFailure& f : failures) out.emplace(f.row, &f);
  return out;
}

// The answer of one row from those of its elements, in order: an element that decides ends the walk, as does
// one that fails.
class Answers {
 public:
  Answers(int64_t rows, bool any, std::vector<RowFailure>* failures)
      : yes_(static_cast<size_t>(WordsFor(rows)), 0), null_(yes_), any_(any), failures_(failures) {}

  void Null(int64_t row) { Set(null_, row); }
  void Take(const Elements& elements, const Vector& truth, const std::vector<RowFailure>& failed) {
    const auto by_element = ByElement(failed);
    for (size_t r = 0; r < elements.rows.size(); ++r) {
      TakeRow(elements.rows[r], elements.begins[r], elements.begins[r + 1], truth, by_element);
    }
  }
  Vector Finish(int64_t rows) {
    RowSet valid(null_.size());
    for (int64_t w = 0; w < WordsFor(rows); ++w) {
      valid[static_cast<size_t>(w)] = WordMask(w, rows) & ~null_[static_cast<size_t>(w)];
    }
    const int64_t nulls = rows - CountBits(valid.data(), rows);
    return {std::make_shared<const Column>(DataType(TypeId::kBoolean), rows, nulls,
                                           nulls > 0 ? BitmapOf(valid.data(), rows) : nullptr,
                                           BitmapOf(yes_.data(), rows)),
            false};
  }

 private:
  static void Set(RowSet& set, int64_t row) {
    set[static_cast<size_t>(row >> 6)] |= uint64_t{1} << (row & 63);
  }

  void TakeRow(int64_t row, size_t begin, size_t end, const Vector& truth,
               const std::map<uint32_t, const RowFailure*>& failed) {
    bool unknown = false;
    for (size_t i = begin; i < end; ++i) {
      const auto element = static_cast<int64_t>(i);
      if (const auto f = failed.find(static_cast<uint32_t>(i)); f != failed.end()) {
        failures_->push_back({static_cast<uint32_t>(row), f->second->code, f->second->message});
        return Null(row);
      }
      if (truth.IsNull(element)) {
        unknown = true;
      } else if (truth.column->Bool(truth.at(element)) == any_) {
        if (any_) Set(yes_, row);
        return;
      }
    }
    if (unknown) {
      Null(row);
    } else if (!any_) {
      Set(yes_, row);
    }
  }

  RowSet yes_;
  RowSet null_;
  bool any_;
  std::vector<RowFailure>* failures_;
};

}  // namespace

Vector Evaluation::AnyAll(const ExprNode& node, const uint64_t* active) {
  const ColumnPtr x = Flatten(Evaluate(*node.args[0], active), rows_);
  const Vector lists = Evaluate(*node.args[1], active);
  const Reader<ListView> reader(lists);
  Answers answers(rows_, node.kind == ExprNode::Kind::kAny, failures_);
  Elements elements;
  elements.Clear();
  const auto flush = [&] {
    const auto count = static_cast<int64_t>(elements.at.size());
    const std::vector<ColumnPtr> columns{streamrun::Take(lists.column->child(), elements.at),
                                         streamrun::Take(x, elements.owners)};
    std::vector<RowFailure> failed;
    Evaluation inner(columns, count, &failed, env_, this);
    answers.Take(elements, inner.Evaluate(*node.each, nullptr), failed);
    elements.Clear();
  };
  ForEachRow(active, rows_, [&](int64_t row) {
    if (lists.IsNull(row)) return answers.Null(row);
    elements.Add(row, reader[row]);
    if (elements.at.size() >= kMaxElements) flush();
  });
  flush();
  return answers.Finish(rows_);
}

// Rows with lists of one length make one call with that many arguments.
Vector Evaluation::Variadic(const ExprNode& node, const uint64_t* active) {
  std::vector<ColumnPtr> fixed;
  for (size_t i = 0; i + 1 < node.args.size(); ++i) {
    fixed.push_back(Flatten(Evaluate(*node.args[i], active), rows_));
  }
  const Vector lists = Evaluate(*node.args.back(), active);
  const Reader<ListView> reader(lists);
  std::map<int32_t, Elements> by_length;
  ForEachRow(active, rows_, [&](int64_t row) {
    if (lists.IsNull(row)) return;
    const auto [group, inserted] = by_length.try_emplace(reader[row].size());
    if (inserted) group->second.Clear();
    group->second.Add(row, reader[row]);
  });
  // Where each row's value stands: column and position.
  std::vector<std::pair<ColumnPtr, int64_t>> found(static_cast<size_t>(rows_));
  for (const auto& [length, group] : by_length) {
    std::vector<RowFailure> failed;
    const ColumnPtr values = VariadicGroup(node, fixed, lists, length, group.rows, group.at, &failed);
    for (const RowFailure& f : failed) {
      failures_->push_back({static_cast<uint32_t>(group.rows[f.row]), f.code, f.message});
    }
    for (size_t i = 0; i < group.rows.size(); ++i) {
      found[static_cast<size_t>(group.rows[i])] = {values, static_cast<int64_t>(i)};
    }
  }
  ColumnBuilder out(node.type);
  for (const auto& [column, at] : found) {
    if (column == nullptr || column->IsNull(at)) {
      out.AppendNull();
    } else {
      out.AppendFrom(*column, at);
    }
  }
  return {out.Finish(), false};
}

ColumnPtr Evaluation::VariadicGroup(const ExprNode& node, const std::vector<ColumnPtr>& fixed,
                                    const Vector& lists, int32_t length, const std::vector<int64_t>& rows,
                                    const std::vector<uint32_t>& elements,
                                    std::vector<RowFailure>* failures) {
  const auto count = static_cast<int64_t>(rows.size());
  Selection chosen;
  for (const int64_t row : rows) chosen.push_back(static_cast<uint32_t>(row));
  std::vector<Vector> args;
  for (const ColumnPtr& column : fixed) args.push_back({Take(column, chosen), false});
  for (int32_t k = 0; k < length; ++k) {
    Selection at;
    for (size_t r = 0; r < rows.size(); ++r) {
      at.push_back(elements[r * static_cast<size_t>(length) + static_cast<size_t>(k)]);
    }
    const std::vector<ColumnPtr> element{Take(lists.column->child(), at)};
    Evaluation inner(element, count, failures, env_, this);
    args.push_back({Flatten(inner.Evaluate(*node.each, nullptr), count), false});
  }
  const std::vector<ColumnPtr> none;
  Evaluation call(none, count, failures, env_, this);
  return Flatten(call.Apply(node, node.type, args, nullptr), count);
}

}  // namespace streamrun
