// What a json decoder looks for: the declared columns as a tree of keys, and what to do about records that
// differ.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/type.h"

namespace streamrun::json {

struct KeyObject;

/// A declared key of an object.
struct Key {
  std::string name;
  /// Wanted columns that take the value of this key, as numbers in the schema.
  std::vector<int> columns;
  /// Set when wanted columns lie deeper (`path: user.id`).
  std::unique_ptr<KeyObject> object;
};

/// The declared keys of an object.
struct KeyObject {
  std::deque<Key> keys;

  /// The key that `name` means: the same bytes, else the only one that differs just in the case of ASCII
  /// letters. Null when there is none. `exact`: the same bytes.
  const Key* Find(std::string_view name, bool* exact) const;
};

/// A declared column.
struct Column {
  std::string name;
  DataType type;
  std::vector<std::string> path;  // at least one key
  int unit;                       // see PutToken
};

struct Policy {
  bool missing_fails = false;
  bool extra_fails = false;
  bool wrong_is_null = false;
};

/// Immutable once built.
struct Plan {
  std::vector<Column> columns;
  std::vector<bool> wanted;
  Policy policy;
  /// No schema was declared: column 0, jsonb, takes the whole record.
  bool whole_record = false;
  KeyObject root;

  static Plan Build(std::vector<Column> columns, std::vector<bool> wanted, Policy policy, bool whole_record);
};

}  // namespace streamrun::json
