#include "connectors/formats/json_plan.h"

namespace streamrun::json {

namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool EqualFolded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

Key& FindOrAdd(KeyObject& object, const std::string& name) {
  for (Key& key : object.keys) {
    if (key.name == name) return key;
  }
  object.keys.push_back({name, {}, nullptr});
  return object.keys.back();
}

}  // namespace

const Key* KeyObject::Find(std::string_view name, bool* exact) const {
  const Key* folded = nullptr;
  bool unique = true;
  for (const Key& key : keys) {
    if (key.name == name) {
      *exact = true;
      return &key;
    }
    if (EqualFolded(key.name, name)) {
      unique = folded == nullptr;
      folded = &key;
    }
  }
  *exact = false;
  return unique ? folded : nullptr;
}

Plan Plan::Build(std::vector<Column> columns, std::vector<bool> wanted, Policy policy, bool whole_record) {
  Plan plan;
  wanted.resize(columns.size(), true);
  plan.policy = policy;
  plan.whole_record = whole_record;
  for (size_t i = 0; i < columns.size() && !whole_record; ++i) {
    const std::vector<std::string>& path = columns[i].path;
    Key* key = &FindOrAdd(plan.root, path[0]);
    // Columns that no one wants leave only their first key behind: it is declared, so it is not an extra one.
    for (size_t level = 1; level < path.size() && wanted[i]; ++level) {
      if (!key->object) key->object = std::make_unique<KeyObject>();
      key = &FindOrAdd(*key->object, path[level]);
    }
    if (wanted[i]) key->columns.push_back(static_cast<int>(i));
  }
  plan.columns = std::move(columns);
  plan.wanted = std::move(wanted);
  return plan;
}

}  // namespace streamrun::json
