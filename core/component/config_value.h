// A configuration tree as components see it: scalars, lists and maps that remember where they were written.
//
// runner/config makes it from YAML; nothing here knows YAML. `${...}` is already resolved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace streamrun {

/// A place in a pipeline file.
struct SourceMark {
  std::string file;
  int line = 0;    // 1-based; 0 = no place (a default, `--set`)
  int column = 0;  // 1-based, in characters
};

class ConfigValue {
 public:
  enum class Kind : uint8_t { kAbsent, kNull, kScalar, kList, kMap };
  using Entry = std::pair<ConfigValue, ConfigValue>;  // key (a scalar), value

  ConfigValue() = default;
  /// `quoted` scalars are strings whatever they look like.
  static ConfigValue Null(SourceMark mark);
  static ConfigValue Scalar(std::string text, bool quoted, SourceMark mark);
  static ConfigValue List(std::vector<ConfigValue> items, SourceMark mark);
  static ConfigValue Map(std::vector<Entry> entries, SourceMark mark);

  Kind kind() const { return kind_; }
  bool present() const { return kind_ != Kind::kAbsent; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_scalar() const { return kind_ == Kind::kScalar; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_map() const { return kind_ == Kind::kMap; }
  /// "a list", "a mapping", "nothing", ...: for messages.
  std::string_view KindName() const;

  const std::string& text() const { return text_; }
  bool quoted() const { return quoted_; }
  /// Contains a resolved secret: never print text().
  bool secret() const { return secret_; }
  void set_secret() { secret_ = true; }
  const SourceMark& mark() const { return mark_; }
  /// Something about it was already reported (a missing variable, a duplicate key): Diagnostics keeps quiet
  /// about it.
  bool broken() const { return broken_; }
  void set_broken() { broken_ = true; }
  /// Characters it takes in the file, quotes included, when it stands on one line; 0 = unknown.
  int extent() const { return extent_; }
  void set_extent(int characters) { extent_ = characters; }
  const std::vector<ConfigValue>& items() const { return items_; }
  const std::vector<Entry>& entries() const { return entries_; }
  /// For those who complete a tree before anyone reads it: variables, overrides, secrets.
  std::vector<ConfigValue>& mutable_items() { return items_; }
  std::vector<Entry>& mutable_entries() { return entries_; }

  /// The value of `key` in a map; an absent value when there is none.
  const ConfigValue& operator[](std::string_view key) const;

  /// Where byte `offset` of text() stands in the file: block scalars, folded lines and escapes are followed,
  /// a place inside the value of a variable is the `${` it came from. mark() when nothing is known.
  SourceMark At(size_t offset) const;
  /// A run of text() and its place: from byte `offset` on, text continues letter by letter at line and column
  /// until the next segment begins. When not `exact` (an escape, a variable) the whole run stands for that
  /// one place.
  struct Segment {
    size_t offset = 0;
    int line = 0;
    int column = 0;
    bool exact = true;
  };
  /// Ordered by offset.
  void set_segments(std::vector<Segment> segments) { segments_ = std::move(segments); }
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  Kind kind_ = Kind::kAbsent;
  bool quoted_ = false;
  bool secret_ = false;
  bool broken_ = false;
  int extent_ = 0;
  std::string text_;
  SourceMark mark_;
  std::vector<ConfigValue> items_;
  std::vector<Entry> entries_;
  std::vector<Segment> segments_;
};

}  // namespace streamrun
