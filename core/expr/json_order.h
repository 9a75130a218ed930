// The order of jsonb values, PostgreSQL's btree order (manual 8.14.4), and the members of an object in it.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace streamrun {

/// < 0, 0, > 0. Object > array > boolean > number > string > null; objects and arrays by their number of
/// members first; keys by length, then bytes. The empty array is below every scalar, as in PostgreSQL.
int CompareJson(std::string_view a, std::string_view b);

/// Two JSON numbers as written, of any length.
int CompareJsonNumbers(std::string_view a, std::string_view b);

/// Are two scalars (not arrays or objects) equal?
bool SameJsonScalar(std::string_view a, std::string_view b);

/// The members of an object as jsonb keeps them: ordered by key length, then bytes, the last of equal keys.
/// The views live as long as this object and the text it was made of.
class JsonMembers {
 public:
  struct Member {
    std::string_view key;  // what it means, without escapes
    std::string_view value;
  };
  explicit JsonMembers(std::string_view object);
  JsonMembers(const JsonMembers&) = delete;
  JsonMembers& operator=(const JsonMembers&) = delete;

  size_t size() const { return members_.size(); }
  const Member& operator[](size_t i) const { return members_[i]; }
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }

 private:
  std::vector<Member> members_;
  std::deque<std::string> unescaped_;
};

}  // namespace streamrun
