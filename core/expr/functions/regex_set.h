// Sets of characters for regular expressions, and PostgreSQL's named classes of them.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace streamrun {

inline constexpr char32_t kMaxCharacter = 0x10ffff;

/// A set of code points as sorted ranges. Add freely, then Normalize before asking.
class CharSet {
 public:
  using Range = std::pair<char32_t, char32_t>;

  void Add(char32_t first, char32_t last) { ranges_.emplace_back(first, last); }
  void Add(char32_t c) { Add(c, c); }
  void Add(const CharSet& other) {
    ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  }
  /// Adds the other case of every member (one lower, one upper, as PostgreSQL's regex engine does).
  void AddCases();
  void Remove(char32_t c);
  void Complement();
  /// Sorts and joins the ranges, and drops what is no Unicode character.
  void Normalize();

  bool Has(char32_t c) const {
    if (c < 128) return (ascii_[c >> 6] >> (c & 63) & 1) != 0;
    return HasWide(c);
  }
  const std::vector<Range>& ranges() const { return ranges_; }
  bool single() const { return ranges_.size() == 1 && ranges_[0].first == ranges_[0].second; }
  bool ascii_only() const { return ranges_.empty() || ranges_.back().second < 128; }

 private:
  bool HasWide(char32_t c) const;

  std::vector<Range> ranges_;
  uint64_t ascii_[2] = {0, 0};
};

/// [:alpha:] and the like in the C.UTF-8 locale; null for an unknown name.
const CharSet* NamedClass(std::string_view name);

/// The character of a collating element's POSIX name ("hyphen"), or 0xffffffff.
char32_t NamedCharacter(std::string_view name);

}  // namespace streamrun
