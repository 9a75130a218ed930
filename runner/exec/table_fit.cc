#include "runner/exec/table_fit.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/data/selection.h"

namespace streamrun {

namespace {

// What a column is called where no key column is in its way (MakeState).
std::string PlainName(const Schema& row, int keys, int column) {
  const std::string& name = row.field(column).name;
  if (!name.ends_with('_')) return name;
  std::string plain = name.substr(0, name.size() - 1);
  for (int key = 0; key < keys; ++key) {
    if (row.field(key).name == plain) return plain;
  }
  return name;
}

// "avg(price)" of "avg(price) #2": the columns of one call come and go together.
std::string CallOf(const std::string& column) {
  const size_t mark = column.rfind(" #");
  const bool counted = mark != std::string::npos && mark + 2 < column.size() &&
                       column.find_first_not_of("0123456789", mark + 2) == std::string::npos;
  return counted ? column.substr(0, mark) : column;
}

// One saved table against its declaration.
class TableMatch {
 public:
  TableMatch(const std::string& node, const StateDeclaration& declared, const TableSnapshot& saved)
      : node_(node), declared_(declared), saved_(saved), keys_(declared.key->size()) {
    fit_.name = declared.name;
    fit_.schema = declared.Row();
    fit_.from.assign(static_cast<size_t>(fit_.schema->size()), -1);
    fit_.initial.resize(fit_.from.size());
    taken_.resize(static_cast<size_t>(saved.schema->size()), false);
  }

  std::vector<std::string> Match(std::vector<TableFit>* fits, std::vector<StateNote>* notes) {
    if (saved_.version != declared_.version &&
        (saved_.version < declared_.oldest || saved_.version > declared_.version)) {
      Problem("has version " + std::to_string(saved_.version) + ", this streamrun reads " +
              (declared_.oldest == declared_.version ? "" : std::to_string(declared_.oldest) + " to ") +
              std::to_string(declared_.version));
      return problems_;
    }
    if (!MatchKeys()) return problems_;
    for (int column = keys_; column < fit_.schema->size(); ++column) MatchColumn(column);
    NoteRemoved();
    CheckCalls();
    if (problems_.empty()) {
      fits->push_back(std::move(fit_));
      std::move(notes_.begin(), notes_.end(), std::back_inserter(*notes));
    }
    return problems_;
  }

 private:
  void Problem(std::string text) {
    problems_.push_back("its state '" + declared_.name + "' " + std::move(text));
  }
  void Note(const std::string& text, bool lost) {
    notes_.push_back({"state '" + declared_.name + "' of node '" + node_ + "': " + text, lost});
  }
  bool open(int column) const { return declared_.open.contains(column - keys_); }

  // By place: the facts say what they are computed from, and their names may change.
  bool MatchKeys() {
    for (int key = 0; key < keys_; ++key) {
      if (key < saved_.schema->size() && saved_.schema->field(key).type == fit_.schema->field(key).type) {
        fit_.from[static_cast<size_t>(key)] = key;
        taken_[static_cast<size_t>(key)] = true;
        continue;
      }
      Problem("is kept by (" + declared_.key->ToString() + "), the saved one has (" +
              saved_.schema->ToString() + ")");
      return false;
    }
    return true;
  }

  int FindSaved(const std::string& name) const {
    for (int column = keys_; column < saved_.schema->size(); ++column) {
      if (!taken_[static_cast<size_t>(column)] && PlainName(*saved_.schema, keys_, column) == name)
        return column;
    }
    return -1;
  }

  void MatchColumn(int column) {
    const std::string name = PlainName(*fit_.schema, keys_, column);
    const int found = FindSaved(name);
    const DataType& type = fit_.schema->field(column).type;
    if (found < 0 && !open(column)) {
      Problem("has no column '" + name + "'");
    } else if (found < 0) {
      const ColumnPtr& initial = declared_.open.at(column - keys_);
      fit_.initial[static_cast<size_t>(column)] = initial;
      if (CallOf(name) == name) {
        Note("'" + name + "' is new: " +
                 (initial ? "it has seen none of the rows before" : "it is NULL in what was kept"),
             false);
      }
    } else if (saved_.schema->field(found).type != type) {
      Problem("has '" + name + "' as " + saved_.schema->field(found).type.ToString() + ", now it is " +
              type.ToString());
    } else {
      fit_.from[static_cast<size_t>(column)] = found;
      taken_[static_cast<size_t>(found)] = true;
    }
  }

  void NoteRemoved() {
    for (int column = keys_; column < saved_.schema->size(); ++column) {
      if (taken_[static_cast<size_t>(column)]) continue;
      const std::string name = PlainName(*saved_.schema, keys_, column);
      removed_.insert(CallOf(name));
      if (declared_.open.empty()) {
        Problem("has a column '" + name + "' that is not kept any more");
      } else if (CallOf(name) == name) {
        Note("what was kept of '" + name + "' is dropped", true);
      }
    }
  }

  // A call that keeps another number of values than it did is another one.
  void CheckCalls() {
    std::set<std::string> added, kept;
    for (int column = keys_; column < fit_.schema->size(); ++column) {
      const std::string call = CallOf(PlainName(*fit_.schema, keys_, column));
      (fit_.from[static_cast<size_t>(column)] < 0 ? added : kept).insert(call);
    }
    for (const std::string& call : kept) {
      if (added.contains(call) || removed_.contains(call)) Problem("has '" + call + "' in another form");
    }
  }

  const std::string& node_;
  const StateDeclaration& declared_;
  const TableSnapshot& saved_;
  const int keys_;
  TableFit fit_;
  std::vector<bool> taken_;  // saved columns
  std::set<std::string> removed_;
  std::vector<std::string> problems_;
  std::vector<StateNote> notes_;
};

}  // namespace

std::vector<std::string> FitTable(const std::string& node, const StateDeclaration& declared,
                                  const TableSnapshot& saved, std::vector<TableFit>* fits,
                                  std::vector<StateNote>* notes) {
  return TableMatch(node, declared, saved).Match(fits, notes);
}

BatchPtr TableFit::Apply(const BatchPtr& rows) const {
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] >= 0) {
      columns.push_back(rows->column(from[i]));
    } else if (initial[i]) {
      columns.push_back(Take(initial[i], Selection(static_cast<size_t>(rows->rows()), 0)));
    } else {
      columns.push_back(Column::Nulls(schema->field(static_cast<int>(i)).type, rows->rows()));
    }
  }
  return std::make_shared<const Batch>(schema, rows->rows(), std::move(columns));
}

}  // namespace streamrun
