// The layout (PostgreSQL 15, src/include/utils/jsonb.h, described here from its comments): a container is a
// header word, one word an entry (two for each member of an object), then keys and values in their order.
// Containers and numbers begin at multiples of four.
#include "core/expr/jsonpath/jsonb_offset.h"

#include <string>

#include "core/data/json_text.h"
#include "core/expr/json_order.h"
#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

constexpr int64_t kWord = 4;

int64_t Align(int64_t at) { return (at + kWord - 1) / kWord * kWord; }

// Bytes of a number: a length word, a header of 2 bytes (4 when the scale or weight is large), two bytes for
// each group of four digits counted from the point, without the outer groups that are zero.
int64_t NumberSize(std::string_view number) {
  std::string plain;
  if (number.find_first_of("eE") != std::string_view::npos) {
    AppendCanonicalJson(number, JsonForm::kPrinted, plain);
    number = plain;
  }
  if (number.starts_with("-")) number.remove_prefix(1);
  const size_t point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : number.substr(point + 1);
  const auto digits_before = static_cast<int64_t>(whole.size());
  int64_t first = INT64_MAX;  // group of the first and last digit that is not 0
  int64_t last = INT64_MIN;
  const auto see = [&](char c, int64_t power) {
    if (c == '0') return;
    const int64_t group = power >= 0 ? power / 4 : -((3 - power) / 4);
    if (first == INT64_MAX) first = group;
    last = group;
  };
  for (int64_t i = 0; i < digits_before; ++i) see(whole[static_cast<size_t>(i)], digits_before - 1 - i);
  for (size_t i = 0; i < fraction.size(); ++i) see(fraction[i], -1 - static_cast<int64_t>(i));
  if (first == INT64_MAX) return kWord + (fraction.size() <= 63 ? 2 : 4);
  const bool brief = fraction.size() <= 63 && first >= -64 && first <= 63;
  return kWord + (brief ? 2 : 4) + 2 * (first - last + 1);
}

class Layout {
 public:
  explicit Layout(const char* target) : target_(target) {}

  // The end of `json` when it begins at `at`.
  int64_t Place(std::string_view json, int64_t at) {
    switch (json.empty() ? 'n' : json[0]) {
      case '{':
      case '[':
        return Container(json, Align(at));
      case '"': {
        std::string scratch;
        return at + static_cast<int64_t>(StringMeaning(json, scratch).size());
      }
      case 't':
      case 'f':
      case 'n':
        return at;
      default:
        return Align(at) + NumberSize(json);
    }
  }
  int64_t found() const { return found_; }

 private:
  int64_t Container(std::string_view json, int64_t at) {
    if (json.data() == target_) found_ = at;
    if (json[0] == '[') {
      int64_t end = at + kWord + kWord * JsonLength(json);
      for (JsonCursor element(json); element.Next();) end = Place(element.value(), end);
      return end;
    }
    const JsonMembers members(json);
    int64_t end = at + kWord + 2 * kWord * static_cast<int64_t>(members.size());
    for (const JsonMembers::Member& member : members) end += static_cast<int64_t>(member.key.size());
    for (const JsonMembers::Member& member : members) end = Place(member.value, end);
    return end;
  }

  const char* target_;
  int64_t found_ = 0;
};

}  // namespace

int64_t JsonbOffset(std::string_view value, const char* target) {
  if (target <= value.data() || target >= value.data() + value.size()) return 0;
  Layout layout(target);
  layout.Place(value, 0);
  return layout.found();
}

}  // namespace streamrun
