#include "core/expr/json_order.h"

#include <algorithm>
#include <charconv>

#include "core/expr/json_scan.h"

namespace streamrun {

namespace {

int Three(int64_t a, int64_t b) { return a < b ? -1 : (a > b ? 1 : 0); }

// PostgreSQL's order of kinds (jbvType).
enum Rank { kNull, kString, kNumber, kBoolean, kArray, kObject };

Rank RankOf(std::string_view json) {
  switch (json.empty() ? 'n' : json[0]) {
    case '{':
      return kObject;
    case '[':
      return kArray;
    case '"':
      return kString;
    case 't':
    case 'f':
      return kBoolean;
    case 'n':
      return kNull;
    default:
      return kNumber;
  }
}

// The digits of a number without sign, point and leading zeros; value = 0.d1d2d3... * 10^magnitude.
struct Digits {
  bool negative = false;
  int64_t magnitude = 0;
  std::string_view whole;
  std::string_view fraction;

  explicit Digits(std::string_view text) {
    negative = !text.empty() && text[0] == '-';
    if (negative) text.remove_prefix(1);
    int64_t exponent = 0;
    if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
      std::string_view power = text.substr(e + 1);
      if (!power.empty() && power[0] == '+') power.remove_prefix(1);
      std::from_chars(power.data(), power.data() + power.size(), exponent);
      text = text.substr(0, e);
    }
    const size_t point = text.find('.');
    whole = text.substr(0, point);
    if (point != std::string_view::npos) fraction = text.substr(point + 1);
    while (!whole.empty() && whole[0] == '0') whole.remove_prefix(1);
    magnitude = static_cast<int64_t>(whole.size()) + exponent;
    if (!whole.empty()) return;
    while (!fraction.empty() && fraction[0] == '0') {
      fraction.remove_prefix(1);
      --magnitude;
    }
  }
  size_t size() const { return whole.size() + fraction.size(); }
  char at(size_t i) const {
    if (i < whole.size()) return whole[i];
    return i < size() ? fraction[i - whole.size()] : '0';
  }
  bool zero() const { return size() == 0; }
};

int CompareScalars(Rank rank, std::string_view a, std::string_view b) {
  if (a == b) return 0;
  switch (rank) {
    case kNull:
      return 0;
    case kBoolean:
      return a[0] == 't' ? (b[0] == 't' ? 0 : 1) : (b[0] == 't' ? -1 : 0);
    case kNumber:
      return CompareJsonNumbers(a, b);
    default: {
      std::string x;
      std::string y;
      const int order = StringMeaning(a, x).compare(StringMeaning(b, y));
      return Three(order, 0);
    }
  }
}

int Compare(std::string_view a, std::string_view b, bool top);

int CompareArrays(std::string_view a, std::string_view b) {
  if (const int order = Three(JsonLength(a), JsonLength(b)); order != 0) return order;
  JsonCursor x(a);
  JsonCursor y(b);
  while (x.Next() && y.Next()) {
    if (const int order = Compare(x.value(), y.value(), false); order != 0) return order;
  }
  return 0;
}

int CompareObjects(std::string_view a, std::string_view b) {
  const JsonMembers x(a);
  const JsonMembers y(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  for (size_t i = 0; i < x.size(); ++i) {
    if (const int order = x[i].key.compare(y[i].key); order != 0) return Three(order, 0);
    if (const int order = Compare(x[i].value, y[i].value, false); order != 0) return order;
  }
  return 0;
}

int Compare(std::string_view a, std::string_view b, bool top) {
  a = TrimJson(a);
  b = TrimJson(b);
  if (a == b) return 0;
  const Rank x = RankOf(a);
  const Rank y = RankOf(b);
  if (x == y) {
    if (x == kObject) return CompareObjects(a, b);
    return x == kArray ? CompareArrays(a, b) : CompareScalars(x, a, b);
  }
  // A scalar that is the whole value counts as an array of one, just below the others of that length.
  if (top && x == kArray && y < kArray) return JsonLength(a) == 0 ? -1 : 1;
  if (top && y == kArray && x < kArray) return JsonLength(b) == 0 ? 1 : -1;
  return x < y ? -1 : 1;
}

}  // namespace

int CompareJsonNumbers(std::string_view a, std::string_view b) {
  const Digits x(a);
  const Digits y(b);
  if (x.zero() || y.zero()) {
    // Zero against the other one's sign; all digits of a zero are gone.
    if (x.zero() && y.zero()) return 0;
    return x.zero() ? (y.negative ? 1 : -1) : (x.negative ? -1 : 1);
  }
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  const int sign = x.negative ? -1 : 1;
  if (x.magnitude != y.magnitude) return x.magnitude < y.magnitude ? -sign : sign;
  for (size_t i = 0; i < std::max(x.size(), y.size()); ++i) {
    if (x.at(i) != y.at(i)) return x.at(i) < y.at(i) ? -sign : sign;
  }
  return 0;
}

bool SameJsonScalar(std::string_view a, std::string_view b) {
  return RankOf(a) == RankOf(b) && CompareScalars(RankOf(a), a, b) == 0;
}

int CompareJson(std::string_view a, std::string_view b) { return Compare(a, b, true); }

JsonMembers::JsonMembers(std::string_view object) {
  object = TrimJson(object);
  if (object.empty() || object[0] != '{') return;
  JsonCursor cursor(object);
  while (cursor.Next()) {
    std::string_view key = cursor.key();
    if (cursor.key_escaped()) {
      std::string& plain = unescaped_.emplace_back();
      AppendUnescaped(key, plain);
      key = plain;
    }
    members_.push_back({key, cursor.value()});
  }
  const auto before = [](const Member& a, const Member& b) {
    return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
  };
  if (!std::is_sorted(members_.begin(), members_.end(), before)) {
    std::stable_sort(members_.begin(), members_.end(), before);
  }
  size_t kept = 0;
  for (size_t i = 0; i < members_.size(); ++i) {
    const bool again = i + 1 < members_.size() && members_[i].key == members_[i + 1].key;
    if (!again) members_[kept++] = members_[i];
  }
  members_.resize(kept);
}

}  // namespace streamrun
